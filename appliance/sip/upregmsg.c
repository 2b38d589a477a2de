#include "sip/upregmsg.h"
#include "core/rnd.h"
#include "sip/authclient.h"
#include "sip/stack_priv.h"

#include <errno.h>
#include <string.h>

enum { URI_MAX = 320, SECONDS_MAX = 30 * 86400 };

static int body(struct mbuf *mb, const struct upregmsg *m, const char *uri, const char *software)
{
    const bool v6 = strchr(m->host, ':') != NULL;
    struct pl user;
    char self[ADDR_STRLEN];
    int err;

    pl_set_str(&user, m->dn);
    err = mbuf_printf(
        mb, "From: <sip:%H@%s%s%s>;tag=%08x\r\nTo: <sip:%H@%s%s%s>\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\n",
        uri_user_escape, &user, v6 ? "[" : "", m->host, v6 ? "]" : "", rnd_u32(), uri_user_escape, &user,
        v6 ? "[" : "", m->host, v6 ? "]" : "", m->callid, m->cseq);
    err |= mbuf_printf(mb, "Contact: <sip:%H@%s%s>\r\nExpires: %u\r\nUser-Agent: %s\r\n", uri_user_escape,
                       &user, addr_str(m->self, self, sizeof(self)),
                       sip_transp_param((enum sip_transp)m->transport), m->expires, software);
    if (m->auth)
        err |= authclient_encode(mb, m->auth, "REGISTER", uri);
    return err | mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
}

int upregmsg_send(struct sip_request **req, struct sip_stack *st, const struct upregmsg *m, sip_resp_h *h,
                  void *arg)
{
    struct mbuf *mb = mbuf_alloc(1024);
    char uri[URI_MAX], to[ADDR_STRLEN];
    int err;

    if (!mb)
        return ENOMEM;
    (void)re_snprintf(uri, sizeof(uri), "sip:%s%s", addr_str(m->to, to, sizeof(to)),
                      m->transport ? sip_transp_param((enum sip_transp)m->transport) : ";transport=udp");
    err = body(mb, m, uri, st->sip->software);
    if (!err)
        err = sip_requestf(req, st->sip, true, "REGISTER", uri, NULL, NULL, NULL, h, arg, "%b", mb->buf,
                           mb->end);
    mem_deref(mb);
    return err;
}

/* ------------------------------------------------------------------ its answer */

static uint32_t seconds(const struct pl *pl)
{
    uint32_t n = 0;
    size_t i = 0;

    for (; i < pl->l && i < 9 && pl->p[i] >= '0' && pl->p[i] <= '9'; i++)
        n = n * 10 + (uint32_t)(pl->p[i] - '0');
    return n < SECONDS_MAX ? n : SECONDS_MAX;
}

static uint32_t header_seconds(const struct sip_msg *msg, enum sip_hdrid id)
{
    const struct sip_hdr *hdr = sip_msg_hdr(msg, id);

    return hdr ? seconds(&hdr->val) : 0;
}

struct looking {
    const struct addr *self;
    bool found, alone;
    uint32_t expires;
};

/* Ours is the one at our address, or the only one, however it was written anew on the way. */
static bool contact_h(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
    struct looking *l = arg;
    struct sip_addr a;
    struct pl val;
    char ip[ADDR_STRLEN];
    uint16_t port;

    (void)msg;
    if (sip_addr_decode(&a, &hdr->val))
        return false;
    port = a.uri.port ? a.uri.port : 5060;
    if (!l->alone &&
        (pl_strcasecmp(&a.uri.host, addr_ip(l->self, ip, sizeof(ip))) || port != addr_port(l->self)))
        return false;
    l->found = true;
    if (!msg_param_decode(&a.params, "expires", &val))
        l->expires = seconds(&val);
    return true;
}

void upreganswer_read(struct upreganswer *a, const struct sip_msg *msg, const struct addr *self,
                      uint32_t asked)
{
    const uint32_t contacts = sip_msg_hdr_count(msg, SIP_HDR_CONTACT);
    struct looking l = {.self = self, .alone = contacts == 1};

    memset(a, 0, sizeof(*a));
    a->min_expires = header_seconds(msg, SIP_HDR_MIN_EXPIRES);
    a->retry_after = header_seconds(msg, SIP_HDR_RETRY_AFTER);
    l.expires = pl_isset(&msg->expires) ? seconds(&msg->expires) : asked;
    (void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_h, &l);
    a->expires = l.found || !contacts ? l.expires : 0;
}

const char *upreganswer_words(uint16_t code)
{
    switch (code) {

    case 0:
        return "SIP Server does not answer";

    case 401:
    case 407:
        return "SIP Server does not take the DN's password";

    case 403:
        return "SIP Server forbids it";

    case 404:
        return "SIP Server does not know the DN";

    case 423:
        return "SIP Server finds every time too short";

    default:
        return code < 300   ? "registered"
               : code < 400 ? "SIP Server sends it elsewhere"
               : code < 500 ? "SIP Server refuses it"
                            : "SIP Server cannot take it now";
    }
}
