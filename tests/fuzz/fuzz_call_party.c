/*
 * An INVITE of a trunk: what is read of who calls and whom is text that may be shown, and what is written of it can be read back as the
 * same.
 */
#include "call/party.h"
#include "core/utf8.h"

#include <re.h>

#include <stdlib.h>
#include <string.h>

static void check_text(const char *s)
{
    const size_t n = strlen(s);
    size_t step;

    if (n >= PARTY_MAX || (n && (s[0] == ' ' || s[n - 1] == ' ')))
        abort();
    for (size_t i = 0; i < n; i += step)
        if (!utf8_shown(s + i, n - i, &step))
            abort();
}

/* "name" <sip:number@host> as it goes to the page */
static void check_written(const struct party *p)
{
    static const struct pl host = {"192.0.2.1", 9};
    char uri[PARTY_URI_MAX], quoted[2 * PARTY_MAX], line[sizeof(uri) + sizeof(quoted) + 8], name[PARTY_MAX],
        number[PARTY_MAX];
    struct sip_addr addr;
    struct pl pl;

    party_quote(quoted, sizeof(quoted), p->name);
    party_uri(uri, sizeof(uri), p->number[0] ? p->number : "x", &host, AF_UNSPEC);
    (void)re_snprintf(line, sizeof(line), "\"%s\" <%s>", quoted, uri);
    pl_set_str(&pl, line);
    if (sip_addr_decode(&addr, &pl))
        abort();
    party_text(name, sizeof(name), &addr.dname, true);
    party_number(number, sizeof(number), &addr.uri);
    if (strcmp(name, p->name) || (p->number[0] && strcmp(number, p->number)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mbuf *mb = mbuf_alloc(size + 1);
    struct sip_msg *msg = NULL;
    struct party p;

    (void)mbuf_write_mem(mb, data, size);
    mb->pos = 0;
    if (!sip_msg_decode(&msg, mb) && msg->req && msg->from.val.l && msg->to.val.l) {
        party_caller(&p, msg);
        check_text(p.number);
        check_text(p.name);
        check_written(&p);
        party_called(&p, msg);
        check_text(p.number);
        check_written(&p);
    }
    mem_deref(msg);
    mem_deref(mb);
    return 0;
}
