/* Provisioning reaches those who call and sign in, and a database that nobody can read keeps nobody from either. */
#include "fake/ends.h"
#include "locked.h"
#include "store/dn.h"
#include "testing.h"

static struct wsagent other;
static char why[256];

static bool agent_calls(void)
{
    sippeer_invite(&agent.p, &da, "sip:600@dngate", "", wsagent_sdp(sdp, sizeof(sdp), "actpass", "sendrecv"));
    if (!sippeer_expect(&trunk.p, &invite, "INVITE", 0))
        return false;
    sippeer_reply(&trunk.p, &invite, 486, "Busy Here", "", NULL);
    if (!sippeer_expect(&agent.p, &m, "486", 0))
        return false;
    sippeer_ack_failure(&agent.p, &da, &m, "sip:600@dngate");
    return true;
}

/* What the trunk hears first, after 100, when it calls this DN. */
static bool trunk_hears(const char *dn, const char *what)
{
    char uri[96];

    (void)snprintf(uri, sizeof(uri), "sip:%s@127.0.0.1:%u", dn, box.sip_port);
    sippeer_invite(&trunk.p, &dt, uri, "", fake_trunk_sdp(sdp, sizeof(sdp), 40000, ""));
    return sippeer_expect(&trunk.p, &m, what, 0);
}

TEST(calls_and_sign_ins_go_on_while_the_database_is_locked)
{
    struct cdr cdr;
    struct dn row;
    pid_t pid;
    bool ok;

    BOX(NULL);
    pid = database_lock(box.dir);
    WANT(pid > 0);
    CHECK_EQ_INT(wsagent_open(&other, box.stack, box.out, 2, "5002", "secret5002"), 0);
    ok = wsagent_register(&other) == 200 && agent_calls() && trunk_hears("5003", "404");
    sippeer_ack_failure(&trunk.p, &dt, &m, "sip:5003@127.0.0.1");
    ok = ok && trunk_hears("5001", "100") && sippeer_expect(&agent.p, &invite, "INVITE", 0);
    sippeer_reply(&agent.p, &invite, 486, "Busy Here", "", NULL);
    ok = ok && sippeer_expect(&trunk.p, &m, "486", 0);
    wsagent_close(&other);
    CHECK_OR(dn_get(box.reader, "5001", &row),
             ;); /* it was locked indeed: SQLite gives up after some seconds */
    database_unlock(pid);
    WANT(ok);
    WANT(box_cdr(&box, 3, &cdr)); /* and no record is lost */
    ends_close();
}

TEST(a_change_is_in_force_when_it_is_acknowledged)
{
    BOX(NULL);
    CHECK_EQ_INT(dn_add(box.store, "5004", "secret5004", "New", DN_CODEC_AUTO, true, why, sizeof(why)), 0);
    CHECK_EQ_INT(wsagent_open(&other, box.stack, box.out, 2, "5004", "secret5004"), 0);
    WANT(wsagent_register(&other) == 200);
    WANT(trunk_hears("5004", "100") && sippeer_expect(&other.p, &invite, "INVITE", 0));
    sippeer_reply(&other.p, &invite, 486, "Busy Here", "", NULL);
    WANT(sippeer_expect(&trunk.p, &m, "486", 0));
    CHECK_EQ_INT(dn_enable(box.store, "5004", false), 0);
    WANT(trunk_hears("5004", "404"));
    wsagent_close(&other);
    ends_close();
}
