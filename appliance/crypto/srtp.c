/* crypto/srtp: see srtp.h. */
#include "crypto/srtp.h"

#include <srtp2/srtp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROFILE_AES128_CM_SHA1_80 = 0x0001,
    PROFILE_AEAD_AES_128_GCM = 0x0007,
    RTP_HDR_MIN = 12,
    RTCP_HDR_MIN = 8
};

struct srtpctx {
    srtp_t session;
};

static unsigned init_count; /* before and after threads only */

int srtpctx_global_init(void)
{
    if (init_count++)
        return 0;
    if (srtp_init() == srtp_err_status_ok)
        return 0;
    init_count--;
    return ENOMEM;
}

void srtpctx_global_close(void)
{
    if (init_count && !--init_count)
        (void)srtp_shutdown();
}

static int policy_set(srtp_policy_t *pol, uint16_t profile, size_t keylen)
{
    switch (profile) {
    case PROFILE_AES128_CM_SHA1_80:
        srtp_crypto_policy_set_rtp_default(&pol->rtp);
        srtp_crypto_policy_set_rtcp_default(&pol->rtcp);
        return keylen == SRTP_AES_ICM_128_KEY_LEN_WSALT ? 0 : EINVAL;
    case PROFILE_AEAD_AES_128_GCM:
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&pol->rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&pol->rtcp);
        return keylen == SRTP_AES_GCM_128_KEY_LEN_WSALT ? 0 : EINVAL;
    default:
        return EINVAL;
    }
}

int srtpctx_alloc(struct srtpctx **sp, uint16_t profile, const uint8_t *key, size_t keylen, bool inbound)
{
    srtp_policy_t pol = {0};
    uint8_t keycopy[SRTP_MAX_KEY_LEN] = {0};
    struct srtpctx *s = NULL;
    int err;

    err = policy_set(&pol, profile, keylen);
    if (err)
        return err;
    s = calloc(1, sizeof(*s));
    if (!s)
        return ENOMEM;
    memcpy(keycopy, key, keylen);
    pol.ssrc.type = inbound ? ssrc_any_inbound : ssrc_any_outbound;
    pol.key = keycopy;
    pol.window_size = 256; /* 5 s of audio: a long Wi-Fi stall is late, not a replay */
    if (srtp_create(&s->session, &pol) != srtp_err_status_ok) {
        free(s);
        s = NULL;
        err = ENOMEM;
    }
    explicit_bzero(keycopy, sizeof(keycopy));
    *sp = s;
    return err;
}

void srtpctx_free(struct srtpctx *s)
{
    if (!s)
        return;
    (void)srtp_dealloc(s->session);
    free(s);
}

static int status_errno(srtp_err_status_t st)
{
    switch (st) {
    case srtp_err_status_ok:
        return 0;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
        return EALREADY;
    default:
        return EBADMSG;
    }
}

typedef srtp_err_status_t(transform_fn)(srtp_t ctx, void *p, int *len);

static int transform(struct srtpctx *s, transform_fn *fn, uint8_t *p, size_t *len, size_t min)
{
    int n = (int)*len, err;

    if (*len < min || *len > UINT16_MAX)
        return EBADMSG;
    err = status_errno(fn(s->session, p, &n));
    if (!err)
        *len = (size_t)n;
    return err;
}

int srtpctx_protect(struct srtpctx *s, uint8_t *p, size_t *len)
{
    return transform(s, srtp_protect, p, len, RTP_HDR_MIN);
}

int srtpctx_unprotect(struct srtpctx *s, uint8_t *p, size_t *len)
{
    return transform(s, srtp_unprotect, p, len, RTP_HDR_MIN);
}

int srtpctx_protect_rtcp(struct srtpctx *s, uint8_t *p, size_t *len)
{
    return transform(s, srtp_protect_rtcp, p, len, RTCP_HDR_MIN);
}

int srtpctx_unprotect_rtcp(struct srtpctx *s, uint8_t *p, size_t *len)
{
    return transform(s, srtp_unprotect_rtcp, p, len, RTCP_HDR_MIN);
}
