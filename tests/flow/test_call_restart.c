/* An agent's new offer in mid-call: ICE goes on as it was, or begins anew with new credentials on both sides. */
#include "fake/box.h"
#include "testing.h"

static struct box box;
static struct fake_trunk trunk;
static struct wsagent agent;
static struct sipdlg da, dt;
static struct sipmsg m;
static char sdp[2048];

static void close_box(void)
{
    wsagent_close(&agent);
    box_close(&box);
    fake_trunk_close(&trunk);
}

#define WANT(cond) CHECK_OR(cond, close_box(); return )

struct credentials {
    char ufrag[64], pwd[64];
};

static struct credentials ours(const struct sipmsg *answer)
{
    struct credentials c = {0};
    const char *ufrag = strstr(sipmsg_body(answer), "a=ice-ufrag:"),
               *pwd = strstr(sipmsg_body(answer), "a=ice-pwd:");

    (void)sscanf(ufrag ? ufrag : "", "a=ice-ufrag:%63s", c.ufrag);
    (void)sscanf(pwd ? pwd : "", "a=ice-pwd:%63s", c.pwd);
    return c;
}

/* An offer as in the call's first one, but with these credentials of the browser's. */
static const char *offer(const char *ufrag, const char *pwd)
{
    static char text[2048];
    const char *first = wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv");
    const char *was = strstr(first, "a=ice-ufrag:"), *rest = strstr(first, "a=fingerprint:");

    (void)snprintf(text, sizeof(text), "%.*sa=ice-ufrag:%s\r\na=ice-pwd:%s\r\n%s", (int)(was - first), first,
                   ufrag, pwd, rest);
    return text;
}

static bool call_up(struct credentials *c)
{
    struct sipmsg invite;
    char answer[1024];

    if (fake_trunk_open(&trunk) || box_open(&box, NULL, &trunk, 1) ||
        wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001") || wsagent_register(&agent) != 200)
        return false;
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", offer("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1"));
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
        return false;
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 200, "OK", "", fake_trunk_sdp(answer, sizeof(answer), 40000, ""));
    if (!sippeer_expect(&trunk.p, &m, "ACK", 0) || !sippeer_expect(&agent.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    *c = ours(&m);
    return c->ufrag[0] && c->pwd[0];
}

static bool reinvite(const char *ufrag, const char *pwd, struct credentials *c)
{
    sippeer_request(&agent.p, &da, "INVITE", "", "application/sdp", offer(ufrag, pwd));
    if (!sippeer_expect(&agent.p, &m, "200 INVITE", 0))
        return false;
    sippeer_ack(&agent.p, &da, NULL);
    *c = ours(&m);
    return c->ufrag[0] && c->pwd[0];
}

/* RFC 8839 4.4.1.1.1: the answer to a restart has another ufrag and another pwd, any other answer the same. */
TEST(an_ice_restart_gets_new_credentials)
{
    struct credentials first, now, later;

    WANT(call_up(&first));
    WANT(reinvite("EsAw", "P2uYro0UCOQ4zxjKXaWCBui1", &now)); /* as for hold */
    WANT(!strcmp(first.ufrag, now.ufrag) && !strcmp(first.pwd, now.pwd));
    WANT(reinvite("bR3x", "4zxjKXaWCBui1P2uYro0UCOQ", &now));
    WANT(strcmp(first.ufrag, now.ufrag) && strcmp(first.pwd, now.pwd));
    WANT(reinvite("bR3x", "4zxjKXaWCBui1P2uYro0UCOQ", &later));
    WANT(!strcmp(now.ufrag, later.ufrag) && !strcmp(now.pwd, later.pwd));
    WANT(sippeer_hears_no(&trunk.p, "INVITE", 200)); /* no business of the trunk's */
    close_box();
}

/* The answer went down with the connection: nobody will ACK it, and the browser asks again on its next one. */
TEST(an_ice_restart_lost_with_its_connection_is_asked_for_again)
{
    struct credentials first, now;

    WANT(call_up(&first));
    sippeer_request(&agent.p, &da, "INVITE", "", "application/sdp",
                    offer("bR3x", "4zxjKXaWCBui1P2uYro0UCOQ"));
    WANT(sippeer_expect(&agent.p, &m, "200 INVITE", 0));
    wsagent_close(&agent);
    WANT(!wsagent_open(&agent, box.stack, box.out, 2, "5001", "secret5001") &&
         wsagent_register(&agent) == 200);
    WANT(reinvite("cS4y", "xjKXaWCBui1P2uYro0UCOQ4z", &now));
    WANT(strcmp(first.ufrag, now.ufrag) && strcmp(first.pwd, now.pwd));
    WANT(sippeer_hears_no(&trunk.p, "BYE", 200));
    close_box();
}
