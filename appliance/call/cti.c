#include "call/cti.h"
#include "call/digit.h"
#include "sip/hdrname.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

/* --- the event --- */

struct pl cti_event(const struct sip_msg *msg)
{
    return sip_hdr_token(sip_msg_hdr(msg, SIP_HDR_EVENT));
}

/* --- keys --- */

static int keys_take(struct cti_keys *k, const struct pl *text)
{
    size_t n = 0;

    for (size_t i = 0; i < text->l; i++) {
        const char c = text->p[i], key = digit_key(c);

        if (c && strchr(" \t\r\n\"", c))
            continue;
        if (!key || key == DIGIT_FLASH || n == CTI_KEYS_MAX)
            return EBADMSG;
        k->keys[n++] = key;
    }
    k->keys[n] = '\0';
    return n ? 0 : EBADMSG;
}

static int event_keys(struct cti_keys *k, const struct sip_msg *msg)
{
    static const char *const names[] = {"digits", "digit", "signal"};
    const struct sip_hdr *h = sip_msg_hdr(msg, SIP_HDR_EVENT);
    struct pl text;

    for (size_t i = 0; h && i < sizeof(names) / sizeof(names[0]); i++)
        if (!msg_param_decode(&h->val, names[i], &text))
            return keys_take(k, &text);
    return EBADMSG;
}

int cti_keys_read(struct cti_keys *k, const struct sip_msg *msg)
{
    const struct pl body = {(const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb)};
    struct digit d;
    int err;

    *k = (struct cti_keys){.ms = DIGIT_MS_USUAL};
    if (!body.l)
        return event_keys(k, msg);
    err = digit_read(&d, msg);
    if (err)
        return keys_take(k, &body);
    k->keys[0] = d.key;
    k->ms = d.ms;
    return d.key == DIGIT_FLASH ? EBADMSG : 0;
}

/* --- who wants it answered --- */

struct answers {
    bool yes;
    unsigned after_s;
};

/* Where the word stands in it, whatever its case; NULL: nowhere. */
static const char *find(const struct pl *val, const char *word)
{
    const size_t n = strlen(word);

    for (size_t i = 0; i + n <= val->l; i++)
        if (!strncasecmp(val->p + i, word, n))
            return val->p + i;
    return NULL;
}

/* The number behind `answer-after=`, blanks and quotes between them. */
static bool after_read(const struct pl *val, unsigned *s)
{
    static const char name[] = "answer-after";
    const char *at = find(val, name);
    struct pl rest = *val;
    unsigned long n = 0;

    if (!at)
        return false;
    pl_advance(&rest, at - val->p + (ssize_t)strlen(name));
    while (rest.l && strchr(" \t=\"", rest.p[0] ? rest.p[0] : 'x'))
        pl_advance(&rest, 1);
    if (!rest.l || rest.p[0] < '0' || rest.p[0] > '9')
        return false;
    for (; rest.l && rest.p[0] >= '0' && rest.p[0] <= '9'; pl_advance(&rest, 1))
        n = MIN(n * 10 + (unsigned long)(rest.p[0] - '0'), (unsigned long)CTI_AFTER_MAX_S);
    *s = (unsigned)n;
    return true;
}

static bool after_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct answers *a = arg;

    (void)msg;
    a->yes = after_read(&hdr->val, &a->after_s);
    return a->yes;
}

static bool alert_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    static const char *const words[] = {"autoanswer", "auto answer", "auto-answer", "auto_answer",
                                        "ringanswer", "ring answer", "ring-answer", "ring_answer"};

    (void)msg;
    (void)arg;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (find(&hdr->val, words[i]))
            return true;
    return false;
}

/* RFC 5373 3: Auto, whatever parameters follow. */
static bool mode_is_auto(const struct sip_msg *msg, const char *name)
{
    const struct pl mode = sip_hdr_token(sip_msg_xhdr(msg, name));

    return !pl_strcasecmp(&mode, "Auto");
}

bool cti_answers(const struct sip_msg *msg, unsigned *after_s)
{
    struct answers a = {.yes = false};

    (void)sip_msg_hdr_apply(msg, true, SIP_HDR_CALL_INFO, after_h, &a);
    if (!a.yes)
        (void)sip_msg_hdr_apply(msg, true, SIP_HDR_ALERT_INFO, after_h, &a);
    *after_s = a.after_s;
    return a.yes || sip_msg_hdr_apply(msg, true, SIP_HDR_ALERT_INFO, alert_h, NULL) ||
           mode_is_auto(msg, "Answer-Mode") || mode_is_auto(msg, "Priv-Answer-Mode");
}
