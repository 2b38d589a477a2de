/*
 * Digest (RFC 7616): the input's lines are the values of WWW-Authenticate and Proxy-Authenticate in answers to us, and of Authorization
 * in a REGISTER to us. What we make of a challenge is a header line, whatever the challenge says.
 */
#include "sip/authclient.h"
#include "sip/registrar.h"
#include "sip/stack_priv.h"

#include "core/guard.h"
#include "core/log.h"
#include "core/mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONN = 7, VALUE_MAX = 2000 };

static struct mbuf *message(const char *start, const char *name, const struct pl *value)
{
    struct mbuf *mb = mbuf_alloc(1024);

    (void)mbuf_printf(mb,
                      "%s\r\nVia: SIP/2.0/WS h.invalid;branch=z9hG4bK1\r\nFrom: <sip:5001@dngate>;tag=1\r\n"
                      "To: <sip:5001@dngate>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
                      "Contact: <sip:5001@h.invalid;transport=ws>\r\n%s: %r\r\nContent-Length: 0\r\n\r\n",
                      start, name, value);
    mb->pos = 0;
    return mb;
}

/* A line of ours must stay one: no line break, no NUL of the peer's gets into it. */
static void check_lines(const struct mbuf *mb)
{
    for (size_t i = 0; i < mb->end; i++) {
        const uint8_t c = mb->buf[i];

        if (c == '\r' && (i + 1 == mb->end || mb->buf[i + 1] != '\n'))
            abort();
        if (c < 0x20 && c != '\r' && c != '\n' && c != '\t')
            abort();
        if (c == '\n' && i + 1 < mb->end &&
            strncasecmp((const char *)mb->buf + i + 1, "Authorization: ", 15) &&
            strncasecmp((const char *)mb->buf + i + 1, "Proxy-Authorization: ", 21))
            abort();
    }
}

static void challenge(const struct pl *value, const char *start, const char *name)
{
    struct mbuf *mb = message(start, name, value), *out = mbuf_alloc(512);
    struct authclient *a = NULL;
    struct sip_msg *msg = NULL;
    struct sip_check check;

    sip_validate(&check, mb->buf, mb->end, SIP_DATAGRAM);
    if (check.verdict == SIP_MSG_OK && !sip_msg_decode(&msg, mb) && !authclient_alloc(&a, "user", "secret")) {
        for (int i = 0; i < 2 && !authclient_take(a, msg); i++) {
            out->pos = out->end = 0;
            if (!authclient_encode(out, a, "INVITE", "sip:600@192.0.2.1"))
                check_lines(out);
        }
    }
    mem_deref(a);
    mem_deref(msg);
    mem_deref(mb);
    mem_deref(out);
}

static int lookup_h(const char *dn, struct registrar_dn *out, void *arg)
{
    (void)arg;
    memset(out, 0, sizeof(*out));
    out->enabled = true;
    return strcmp(dn, "5001") ? ENOENT : 0;
}

static bool nobody_h(const struct addr *src, void *arg)
{
    (void)src;
    (void)arg;
    return false;
}

static int frame_h(uint64_t conn, const void *p, size_t len, void *arg)
{
    (void)conn;
    (void)arg;
    if (len > 12 && !memcmp(p, "SIP/2.0 200 ", 12))
        abort(); /* nobody guesses the password of zeros */
    return 0;
}

static void credentials(const struct pl *value)
{
    static struct sip_stack st;
    static struct guard *guard;
    struct registrar_config rc = {.realm = "dngate", .lookup = lookup_h};
    struct mbuf *mb = message("REGISTER sip:dngate SIP/2.0", "Authorization", value);
    struct registrar *r = NULL;
    struct addr a;

    if (!guard) {
        (void)guard_alloc(&guard, &(struct guard_config){.slow_after = UINT32_MAX, .ban_after = UINT32_MAX});
        (void)mbox_alloc(&st.ws_out, "fuzz", sizeof(struct sip_ws_out), 64);
    }
    rc.guard = guard;
    st.edge = (struct transp_edge){nobody_h, NULL, frame_h, &st};
    st.gone_count = 0;
    (void)addr_parse_ip(&a, "192.0.2.7", 4000);
    if (!sip_alloc(&st.sip, NULL, 8, 8, 8, "fuzz", NULL, NULL) && !transp_add_ws(st.sip, &st.edge) &&
        !registrar_alloc(&r, &st, &rc) && !transp_ws_open(st.sip, CONN, &a, &a))
        transp_ws_recv(st.sip, CONN, mb->buf, mb->end);
    registrar_free(r);
    sip_close(st.sip, true);
    st.sip = mem_deref(st.sip);
    mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pl rest = {(const char *)data, size};

    (void)log_set_level(NULL, LOG_ERROR);
    for (int i = 0; i < 3 && rest.l; i++) {
        const char *end = memchr(rest.p, '\n', rest.l);
        struct pl value = {rest.p, end ? (size_t)(end - rest.p) : rest.l};

        pl_advance(&rest, (ssize_t)(value.l + (end != NULL)));
        value.l = MIN(value.l, (size_t)VALUE_MAX);
        if (i == 0)
            challenge(&value, "SIP/2.0 401 No", "WWW-Authenticate");
        else if (i == 1)
            challenge(&value, "SIP/2.0 407 No", "Proxy-Authenticate");
        else
            credentials(&value);
    }
    return 0;
}
