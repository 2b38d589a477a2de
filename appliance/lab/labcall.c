#include "lab/labcall.h"
#include "core/log.h"
#include "core/rnd.h"
#include "lab/labrtp.h"
#include <string.h>

enum {
    CALLS_MAX = 200,
    DN_LEN = 64,
    UUID_LEN = 32,
    CALLBACK_BEEP_MS = 600,
    CALLBACK_WAIT_MS = 1000,
};

struct script {
    uint32_t ring_ms; /* before it answers */
    uint16_t refuse;  /* answers this code instead */
    bool never;       /* rings for ever */
    bool calls_back;
    enum labrtp_mode mode;
};

struct labcall {
    struct le le;
    struct labua *ua;
    struct sipsess *sess;
    struct labrtp *rtp; /* NULL for bridged calls: media is not ours */
    struct sdp_session *sdp;
    struct sdp_media *audio;
    struct labcall *peer; /* bridged: the other leg */
    const struct script *script;
    struct tmr tmr;
    char user[DN_LEN]; /* the dialled number, ours in this dialog */
    char dn[DN_LEN];   /* the agent's */
    char uuid[UUID_LEN + 1];
};

static const struct script script_echo = {.ring_ms = 200, .mode = LABRTP_ECHO};
static const struct script script_announce = {.ring_ms = 0, .mode = LABRTP_MELODY};
static const struct script script_ring = {.ring_ms = 3000, .mode = LABRTP_MELODY};
static const struct script script_busy = {.refuse = 486};
static const struct script script_never = {.never = true};
static const struct script script_callback = {.ring_ms = 100, .mode = LABRTP_BEEP, .calls_back = true};
static const struct script script_back = {.mode = LABRTP_MELODY_ECHO};

static const struct script *script_find(const char *user)
{
    static const struct script *const six[] = {&script_echo, &script_announce, &script_ring, &script_busy,
                                               &script_never};

    if (strlen(user) != 3 || strspn(user, "0123456789") != 3)
        return NULL;
    if (user[0] == '7')
        return &script_callback;
    if (user[0] == '6' && user[1] == '0' && user[2] < '5')
        return six[user[2] - '0'];

    return NULL;
}

static void destructor(void *arg)
{
    struct labcall *c = arg;

    list_unlink(&c->le);
    tmr_cancel(&c->tmr);
    if (c->peer)
        c->peer->peer = NULL;
    (void)sipsess_set_close_headers(
        c->sess, "X-Genesys-CallUUID: %s\r\nReason: SIP;cause=200;text=\"Terminated\"\r\n", c->uuid);
    mem_deref(c->sess);
    mem_deref(c->rtp);
    mem_deref(c->sdp);
}

static int call_alloc(struct labcall **cp, struct labua *ua, const char *user, const char *dn)
{
    struct labcall *c;

    if (list_count(&ua->calls) >= CALLS_MAX)
        return ENOSPC;

    c = mem_zalloc(sizeof(*c), destructor);
    if (!c)
        return ENOMEM;

    c->ua = ua;
    tmr_init(&c->tmr);
    (void)re_snprintf(c->user, sizeof(c->user), "%s", user);
    (void)re_snprintf(c->dn, sizeof(c->dn), "%s", dn);
    rnd_str(c->uuid, sizeof(c->uuid), UUID_LEN);
    list_append(&ua->calls, &c->le, c);
    *cp = c;

    return 0;
}

static int media_open(struct labcall *c)
{
    int err;

    err = labrtp_alloc(&c->rtp, &c->ua->laddr);
    if (err)
        return err;

    err = sdp_session_alloc(&c->sdp, &c->ua->laddr);
    if (err)
        return err;

    err = sdp_media_add(&c->audio, c->sdp, sdp_media_audio, labrtp_port(c->rtp), sdp_proto_rtpavp);
    if (err)
        return err;

    err = sdp_format_add(NULL, c->audio, false, "0", "pcmu", 8000, 1, NULL, NULL, NULL, false, NULL);
    err |= sdp_format_add(NULL, c->audio, false, "8", "pcma", 8000, 1, NULL, NULL, NULL, false, NULL);
    err |= sdp_format_add(NULL, c->audio, false, "101", "telephone-event", 8000, 1, NULL, NULL, NULL, false,
                          "0-15");
    err |= sdp_media_set_lattr(c->audio, true, "ptime", "20");

    return err ? EINVAL : 0;
}

/* The codec both have, or 0xff. */
static uint8_t negotiated_pt(const struct labcall *c)
{
    const struct sdp_format *f = sdp_media_rformat(c->audio, NULL);

    return f && (f->pt == 0 || f->pt == 8) ? (uint8_t)f->pt : 0xff;
}

static void media_start(struct labcall *c)
{
    const uint8_t pt = negotiated_pt(c);

    if (pt == 0xff)
        return;

    labrtp_start(c->rtp, sdp_media_raddr(c->audio), pt, c->script->mode);
    labrtp_pause(c->rtp, !(sdp_media_dir(c->audio) & SDP_SENDONLY));
}

/* --- calls back --- */

static void call_back(struct labua *ua, const char *user, const char *dn);

struct callback {
    struct le le;
    struct tmr tmr;
    struct labua *ua;
    char user[DN_LEN], dn[DN_LEN];
};

static void callback_destructor(void *arg)
{
    struct callback *cb = arg;

    list_unlink(&cb->le);
    tmr_cancel(&cb->tmr);
}

static void callback_h(void *arg)
{
    struct callback *cb = arg;

    call_back(cb->ua, cb->user, cb->dn);
    mem_deref(cb);
}

static void callback_schedule(const struct labcall *c)
{
    struct callback *cb;

    if (c->ua->closing)
        return;

    cb = mem_zalloc(sizeof(*cb), callback_destructor);
    if (!cb)
        return;

    cb->ua = c->ua;
    (void)re_snprintf(cb->user, sizeof(cb->user), "%s", c->user);
    (void)re_snprintf(cb->dn, sizeof(cb->dn), "%s", c->dn);
    tmr_init(&cb->tmr);
    list_append(&cb->ua->callbacks, &cb->le, cb);
    tmr_start(&cb->tmr, CALLBACK_WAIT_MS, callback_h, cb);
}

/* --- session handlers --- */

static int offer_h(struct mbuf **descp, const struct sip_msg *msg, void *arg)
{
    struct labcall *c = arg;
    const bool got_offer = mbuf_get_left(msg->mb) > 0;
    int err;

    if (!c->rtp)
        return ENOSYS; /* bridged legs are not renegotiated */

    if (got_offer) {
        err = sdp_decode(c->sdp, msg->mb, true);
        if (err)
            return err;
        media_start(c);
    }
    return sdp_encode(descp, c->sdp, !got_offer);
}

static int answer_h(const struct sip_msg *msg, void *arg)
{
    struct labcall *c = arg;
    int err;

    if (!c->rtp || !mbuf_get_left(msg->mb))
        return 0;

    err = sdp_decode(c->sdp, msg->mb, false);
    if (!err)
        media_start(c);

    return err;
}

static void hangup_h(void *arg)
{
    struct labcall *c = arg;

    if (c->script && c->script->calls_back)
        callback_schedule(c);
    mem_deref(c);
}

static void estab_h(const struct sip_msg *msg, void *arg)
{
    struct labcall *c = arg;
    (void)msg;

    log_info("lab", "number=%s dn=%s call established", c->user, c->dn);
    if (c->script && c->script->calls_back)
        tmr_start(&c->tmr, CALLBACK_BEEP_MS, hangup_h, c);
}

static void info_h(struct sip *sip, const struct sip_msg *msg, void *arg)
{
    (void)arg;
    (void)sip_treply(NULL, sip, msg, 200, "OK");
}

static void close_h(int err, const struct sip_msg *msg, void *arg)
{
    struct labcall *c = arg;
    struct labcall *peer = c->peer;

    if (err == ECONNRESET) /* libre's word for BYE */
        err = 0;
    log_info("lab", "number=%s dn=%s code=%u call ended%s%s", c->user, c->dn, msg ? msg->scode : 0,
             err ? ": " : "", err ? strerror(err) : "");

    if (peer) { /* the bridge's other leg goes with it, with the same code while it is not answered */
        peer->peer = NULL;
        c->peer = NULL;
        if (msg && msg->scode >= 300)
            (void)sipsess_reject(peer->sess, msg->scode, "Refused", NULL);
        mem_deref(peer);
    }
    if (c->script && c->script->calls_back && tmr_isrunning(&c->tmr))
        callback_schedule(c);
    mem_deref(c);
}

/* --- outgoing: to the gateway --- */

static int connect_gateway(struct labcall *c, struct mbuf *desc, sipsess_progr_h *progrh,
                           sipsess_answer_h *answerh, sipsess_estab_h *estabh)
{
    char to[128], from[128];

    (void)re_snprintf(to, sizeof(to), "sip:%s@%J", c->dn, &c->ua->gateway);
    (void)re_snprintf(from, sizeof(from), "sip:%s@%J", c->user, &c->ua->laddr);

    return sipsess_connect(&c->sess, c->ua->sock, to, NULL, from, c->user, NULL, 0, "application/sdp", desc,
                           NULL, NULL, false, offer_h, answerh, progrh, estabh, info_h, NULL, close_h, c,
                           "X-Genesys-CallUUID: %s\r\n"
                           "P-Asserted-Identity: <sip:%s@%J>\r\n",
                           c->uuid, c->user, &c->ua->laddr);
}

static void call_back(struct labua *ua, const char *user, const char *dn)
{
    struct labcall *c;
    struct mbuf *desc = NULL;
    int err;

    err = call_alloc(&c, ua, user, dn);
    if (err)
        goto out;

    c->script = &script_back;
    err = media_open(c);
    if (!err)
        err = sdp_encode(&desc, c->sdp, true);
    if (!err)
        err = connect_gateway(c, desc, NULL, answer_h, estab_h);
    mem_deref(desc);
    if (err)
        mem_deref(c);

out:
    if (err)
        log_warn("lab", "number=%s dn=%s cannot call back: %s", user, dn, strerror(err));
}

/* --- agent to agent: SDP passes through, media flows between the gateway's own ports --- */

static struct mbuf *body_copy(const struct sip_msg *msg)
{
    const size_t n = mbuf_get_left(msg->mb);
    struct mbuf *mb;

    if (!n)
        return NULL;
    mb = mbuf_alloc(n);
    if (!mb)
        return NULL;
    (void)mbuf_write_mem(mb, mbuf_buf(msg->mb), n);
    mb->pos = 0;
    return mb;
}

static void bridge_progress_h(const struct sip_msg *msg, void *arg)
{
    struct labcall *b = arg;
    struct mbuf *desc = body_copy(msg);

    if (b->peer && msg->scode > 100)
        (void)sipsess_progress(b->peer->sess, msg->scode, "Ringing", desc, NULL);
    mem_deref(desc);
}

static int bridge_answer_h(const struct sip_msg *msg, void *arg)
{
    struct labcall *b = arg;
    struct mbuf *desc = body_copy(msg);
    int err = 0;

    if (b->peer && msg->scode >= 200)
        err = sipsess_answer(b->peer->sess, 200, "OK", desc, NULL);
    mem_deref(desc);
    return err;
}

static int bridge_start(struct labcall *a, const struct sip_msg *msg, const char *dn)
{
    struct labcall *b;
    struct mbuf *desc;
    int err;

    err = call_alloc(&b, a->ua, a->dn, dn);
    if (err)
        return err;

    desc = body_copy(msg);
    err = desc ? connect_gateway(b, desc, bridge_progress_h, bridge_answer_h, estab_h) : ENOMEM;
    mem_deref(desc);
    if (err) {
        mem_deref(b);
        return err;
    }
    a->peer = b;
    b->peer = a;
    return 0;
}

/* --- incoming: from the gateway --- */

static void answer_timer_h(void *arg)
{
    struct labcall *c = arg;
    struct mbuf *desc = NULL;
    int err;

    err = sdp_encode(&desc, c->sdp, false);
    if (!err)
        err = sipsess_answer(c->sess, 200, "OK", desc, "X-Genesys-CallUUID: %s\r\n", c->uuid);
    mem_deref(desc);
    if (err) {
        (void)sipsess_reject(c->sess, 500, "Server Internal Error", NULL);
        mem_deref(c);
        return;
    }
    media_start(c);
}

static int accept_invite(struct labcall *c, const struct sip_msg *msg, uint16_t scode, const char *reason)
{
    return sipsess_accept(&c->sess, c->ua->sock, msg, scode, reason, c->user, "application/sdp", NULL, NULL,
                          NULL, false, offer_h, answer_h, estab_h, info_h, NULL, close_h, c,
                          "X-Genesys-CallUUID: %s\r\n", c->uuid);
}

static int script_start(struct labcall *c, const struct sip_msg *msg)
{
    int err;

    err = media_open(c);
    if (err)
        return err;

    err = sdp_decode(c->sdp, msg->mb, true);
    if (err || negotiated_pt(c) == 0xff)
        return EPROTO;

    err = accept_invite(c, msg, 180, "Ringing");
    if (err || c->script->never)
        return err;

    tmr_start(&c->tmr, c->script->ring_ms, answer_timer_h, c);
    return 0;
}

void labcall_invite_h(const struct sip_msg *msg, void *arg)
{
    struct labua *ua = arg;
    struct labcall *c = NULL;
    const struct script *script;
    char user[DN_LEN], dn[DN_LEN];
    int err;

    (void)pl_strcpy(&msg->uri.user, user, sizeof(user));
    (void)pl_strcpy(&msg->from.uri.user, dn, sizeof(dn));
    log_info("lab", "number=%s dn=%s INVITE", user, dn);

    script = script_find(user);
    if (script && script->refuse) {
        (void)sip_treply(NULL, ua->sip, msg, script->refuse, "Busy Here");
        return;
    }

    err = call_alloc(&c, ua, user, dn);
    if (!err) {
        c->script = script;
        if (script) {
            err = script_start(c, msg);
        } else {
            err = accept_invite(c, msg, 183, "Session Progress");
            if (!err)
                err = bridge_start(c, msg, user);
        }
    }
    if (!err)
        return;

    log_warn("lab", "number=%s dn=%s refused: %s", user, dn, strerror(err));
    if (c && c->sess)
        (void)sipsess_reject(c->sess, 500, "Server Internal Error", NULL);
    else
        (void)sip_treply(NULL, ua->sip, msg, err == EPROTO ? 488 : 500,
                         err == EPROTO ? "Not Acceptable Here" : "Error");
    mem_deref(c);
}

void labcall_flush(struct labua *ua)
{
    list_flush(&ua->callbacks);
    list_flush(&ua->calls);
}
