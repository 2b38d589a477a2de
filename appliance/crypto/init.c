#include "crypto/init.h"
#include <errno.h>
#include <psa/crypto.h>

int crypto_init(void)
{
    return psa_crypto_init() == PSA_SUCCESS ? 0 : EIO;
}
