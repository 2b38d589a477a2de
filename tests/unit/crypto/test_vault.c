/* A file and its passphrase: it comes back whole, or it says what is wrong. */
#include "crypto/vault.h"
#include "core/rnd.h"
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 3 * 65536, SEALED_MAX = SIZE + 1024, HEAD = VAULT_HEAD_LEN };

static uint8_t plain[SIZE], back[SEALED_MAX], sealed[SEALED_MAX];
static size_t sealed_len;

static int file_of(const void *p, size_t n)
{
    const int fd = memfd_create("vault", MFD_CLOEXEC);

    CHECK_OR(fd >= 0 && write(fd, p, n) == (ssize_t)n && !lseek(fd, 0, SEEK_SET), return -1);
    return fd;
}

static ssize_t all_of(int fd, uint8_t *p, size_t sz)
{
    (void)lseek(fd, 0, SEEK_SET);
    return read(fd, p, sz);
}

static bool seal(size_t n)
{
    const int from = file_of(plain, n), to = file_of("", 0);
    int err = vault_seal(from, to, "open sesame");

    sealed_len = (size_t)all_of(to, sealed, sizeof(sealed));
    close(from);
    close(to);
    return !err;
}

static int unseal(const char *passphrase, ssize_t *n)
{
    const int from = file_of(sealed, sealed_len), to = file_of("", 0);
    const int err = vault_open(from, to, passphrase);

    *n = all_of(to, back, sizeof(back));
    close(from);
    close(to);
    return err;
}

TEST(what_goes_in_comes_out)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 2 * 65536, SIZE};
    ssize_t n;

    rnd_bytes(plain, sizeof(plain));
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK(seal(sizes[i]));
        CHECK(vault_is(sealed, sealed_len));
        CHECK(sealed_len >= HEAD + sizes[i] + 16);
        CHECK(sizes[i] < 64 || !memmem(sealed, sealed_len, plain, 32));
        CHECK_EQ_INT(unseal("open sesame", &n), 0);
        CHECK_EQ_INT(n, sizes[i]);
        CHECK(!memcmp(back, plain, sizes[i]));
    }
}

TEST(two_files_of_one_passphrase_share_nothing)
{
    uint8_t first[256];

    CHECK(seal(1000));
    memcpy(first, sealed, sizeof(first));
    CHECK(seal(1000));
    CHECK(memcmp(first + HEAD, sealed + HEAD, sizeof(first) - HEAD) != 0);
}

TEST(a_wrong_passphrase_says_so)
{
    ssize_t n;

    CHECK(seal(1000));
    CHECK_EQ_INT(unseal("open sesamo", &n), EKEYREJECTED);
    CHECK_EQ_INT(n, 0);
    CHECK_EQ_INT(unseal("", &n), EKEYREJECTED);
    CHECK_EQ_INT(vault_seal(0, 1, "short"), EINVAL);
}

TEST(a_damaged_file_says_so)
{
    static const size_t places[] = {0, 5, HEAD, HEAD + 70000, SIZE};
    ssize_t n;

    CHECK(seal(SIZE - 7));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        sealed[places[i]] ^= 1;
        CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
        sealed[places[i]] ^= 1;
    }
    sealed[62] ^= 1; /* the size of its chunks */
    CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
    sealed[62] ^= 1;
    for (size_t cut = 1; cut < sealed_len; cut = cut * 3 + 1) {
        sealed_len -= cut;
        CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
        sealed_len += cut;
    }
    sealed_len++; /* something behind it */
    CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
    sealed_len--;
    CHECK_EQ_INT(unseal("open sesame", &n), 0);
}

TEST(chunks_that_change_places_are_noticed)
{
    uint8_t *chunk = malloc(65536 + 16);
    ssize_t n;

    CHECK(chunk && seal(SIZE));
    memcpy(chunk, sealed + HEAD, 65552);
    memmove(sealed + HEAD, sealed + HEAD + 65552, 65552);
    memcpy(sealed + HEAD + 65552, chunk, 65552);
    free(chunk);
    CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
}

TEST(a_head_asks_for_no_more_than_there_may_be)
{
    ssize_t n;

    CHECK(seal(10));
    sealed[14] = 2; /* format */
    CHECK_EQ_INT(unseal("open sesame", &n), ENOTSUP);
    CHECK(seal(10));
    sealed[20] = 0x7f; /* 2 TiB of memory */
    CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
    CHECK(seal(10));
    sealed[16] = 0x7f; /* for ever */
    CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
    CHECK(seal(10));
    memset(sealed + 24, 0, 4); /* no lanes */
    CHECK_EQ_INT(unseal("open sesame", &n), EBADMSG);
}
