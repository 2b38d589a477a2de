/* A REFER, a NOTIFY or Replaces of anybody: what is read of it can stand in a message of ours: no line ends, no control characters. */
#include "call/refer.h"
#include <stdlib.h>
#include <string.h>

static void check_text(const char *s, bool lines)
{
    for (; *s; s++)
        if (((unsigned char)*s < ' ' && !(lines && (*s == '\r' || *s == '\n' || *s == '\t'))) || *s == 0x7f)
            abort();
}

/* Each line of hdrs is one header of those that may pass. */
static void check_lines(const char *s)
{
    check_text(s, true);
    while (*s) {
        const char *end = strstr(s, "\r\n"), *colon = strchr(s, ':');

        if (!end || !colon || colon > end || memchr(s, '\n', (size_t)(end - s)))
            abort();
        s = end + 2;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mbuf *mb = mbuf_alloc(size + 1);
    struct pl pl = {(const char *)data, size};
    struct sip_msg *msg = NULL;
    char phrase[REFER_PHRASE_MAX];
    struct replaces rep;
    struct refer r;

    if (!replaces_read(&rep, &pl)) {
        check_text(rep.callid, false);
        check_text(rep.local_tag, false);
        check_text(rep.remote_tag, false);
    }
    (void)mbuf_write_mem(mb, data, size);
    mb->pos = 0;
    if (!sip_msg_decode(&msg, mb) && msg->req) {
        if (!refer_read(&r, msg)) {
            check_text(r.target, false);
            check_text(r.replaces, false);
            check_lines(r.hdrs);
        }
        (void)refer_frag(phrase, msg);
        check_text(phrase, false);
        (void)refer_is_notify(msg);
        (void)refer_is_over(msg);
    }
    mem_deref(msg);
    mem_deref(mb);
    return 0;
}
