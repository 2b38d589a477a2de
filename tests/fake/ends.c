#include "fake/ends.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box box;
struct fake_trunk trunk;
struct wsagent agent;
struct sipdlg da, dt;
struct sipmsg m, invite, agent_req;
char sdp[4096], val[1024];

int ends_open(const char *const options[])
{
    int err = fake_trunk_open(&trunk);

    trunk.username = "gateway";
    trunk.password = "s3cret";
    err = err ? err : box_open(&box, options, &trunk, 1);
    err = err ? err : wsagent_open(&agent, box.stack, box.out, 1, "5001", "secret5001");
    return err ? err : wsagent_register(&agent) != 200;
}

void ends_close(void)
{
    wsagent_close(&agent);
    box_close(&box);
    fake_trunk_close(&trunk);
}

void dial(const char *hdrs)
{
    sippeer_invite(&agent.p, &da, "sip:600@dngate", hdrs,
                   wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
}

bool answered(const char *hdrs)
{
    sipdlg_of_invite(&dt, &trunk.p, &invite);
    sippeer_reply(&trunk.p, &invite, 200, "OK", hdrs, fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    if (!sippeer_expect(&trunk.p, &m, "ACK", 0) || !sippeer_expect(&agent.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&da, &m);
    sippeer_ack(&agent.p, &da, NULL);
    return true;
}

bool talk(const char *hdrs)
{
    dial("");
    return sippeer_expect(&trunk.p, &invite, "INVITE", 0) && answered(hdrs);
}

void trunk_calls(const char *hdrs, const char *offer)
{
    char to[64];

    (void)snprintf(to, sizeof(to), "sip:5001@127.0.0.1:%u", box.sip_port);
    sippeer_invite(&trunk.p, &dt, to, hdrs, offer ? offer : fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
}

bool agent_answers(const char *hdrs)
{
    if (!sippeer_expect(&agent.p, &agent_req, "INVITE", 0))
        return false;
    sipdlg_of_invite(&da, &agent.p, &agent_req);
    sippeer_reply(&agent.p, &agent_req, 200, "OK", hdrs, wsagent_sdp(sdp, sizeof(sdp), "active", "sendrecv"));
    if (!sippeer_expect(&agent.p, &m, "ACK", 0) || !sippeer_expect(&trunk.p, &m, "200 INVITE", 0))
        return false;
    sipdlg_take(&dt, &m);
    sippeer_ack(&trunk.p, &dt, NULL);
    return true;
}

bool agent_hangs_up(void)
{
    sippeer_request(&agent.p, &da, "BYE", "", NULL, NULL);
    if (!sippeer_expect(&agent.p, &m, "200 BYE", 0) || !sippeer_expect(&trunk.p, &m, "BYE", 0))
        return false;
    sippeer_reply(&trunk.p, &m, 200, "OK", "", NULL);
    return true;
}

uint32_t path_in(const struct sipmsg *msg)
{
    static const char name[] = "a=ice-ufrag:";
    const char *p = strstr(msg->text, name);
    char hex[9];

    if (!p)
        return 0;
    (void)snprintf(hex, sizeof(hex), "%s", p + sizeof(name) - 1);
    return (uint32_t)strtoul(hex, NULL, 16);
}
