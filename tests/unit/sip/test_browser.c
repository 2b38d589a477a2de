/* A browser's requests and dialogs: they stay with its connection, whatever its Contact says and whatever another one makes up. */
/* TSAN */
#include "metrics.h"
#include "rig.h"

#include <re.h>
#include <re-private/sip.h>

#define UNMATCHED "dngate_sip_dropped_total{reason=\"unmatched_response\"}"

/* ------------------------------------------------------------------ a call to a browser through libre's own sessions */

static struct {
    struct sipsess_sock *sock;
    struct sipsess *sess;
    sem_t up;
    int laddr_err;
} agent;

static int offer_h(struct mbuf **descp, const struct sip_msg *msg, void *arg)
{
    (void)descp;
    (void)msg;
    (void)arg;
    return 0;
}

static int answer_h(const struct sip_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
    return 0;
}

static void progress_h(const struct sip_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
}

static void estab_h(const struct sip_msg *msg, void *arg)
{
    (void)msg;
    (void)arg;
    sem_post(&agent.up);
}

static void close_h(int err, const struct sip_msg *msg, void *arg)
{
    (void)err;
    (void)msg;
    (void)arg;
}

static int agent_extra_h(struct sip_stack *st, struct rig *rig)
{
    (void)rig;
    return sipsess_listen(&agent.sock, sip_stack_sip(st), 16, NULL, NULL);
}

static void invite_h(void *arg)
{
    struct rig *rig = arg;
    char route[SIP_WS_ROUTE_LEN];
    const char *routev[] = {sip_ws_route(route, 5)};
    (void)rig;

    agent.laddr_err =
        sipsess_connect(&agent.sess, agent.sock, "sip:abc@r4k2.invalid;transport=ws", NULL,
                        "sip:600@dngate.test", "gw", routev, 1, "application/sdp", NULL, NULL, NULL, false,
                        offer_h, answer_h, progress_h, estab_h, NULL, NULL, close_h, NULL, NULL);
}

static void bye_h(void *arg)
{
    (void)arg;
    agent.sess = mem_deref(agent.sess);
}

static void sock_close_h(void *arg)
{
    (void)arg;
    agent.sess = mem_deref(agent.sess);
    agent.sock = mem_deref(agent.sock);
}

/* A header line's value of rig->text. */
static const char *header(const struct rig *rig, const char *name, char *buf, size_t sz)
{
    const char *p = strstr(rig->text, name);
    size_t n = p ? strcspn(p += strlen(name), "\r") : 0;

    snprintf(buf, sz, "%.*s", (int)n, p ? p : "");
    return buf;
}

static void answer(struct rig *rig, uint64_t conn, const char *contact)
{
    char via[256], from[256], to[256], callid[128], cseq[64];

    header(rig, "Via: ", via, sizeof(via));
    header(rig, "From: ", from, sizeof(from));
    header(rig, "To: ", to, sizeof(to));
    header(rig, "Call-ID: ", callid, sizeof(callid));
    header(rig, "CSeq: ", cseq, sizeof(cseq));
    ws_send(rig, conn,
            "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=browser\r\nCall-ID: %s\r\nCSeq: "
            "%s\r\n%sContent-Length: 0\r\n\r\n",
            via, from, to, callid, cseq, contact);
}

TEST(a_dialog_stays_with_its_connection)
{
    struct rig rig = {.extra_h = agent_extra_h};

    sem_init(&agent.up, 0, 0);
    CHECK(rig_start(&rig));
    ws_open(&rig, 4);
    ws_open(&rig, 5);
    rig_run(&rig, invite_h, &rig);
    CHECK_OR(!agent.laddr_err, ;);
    if (ws_next(&rig, 5, NULL, RIG_WAIT_MS)) {
        CHECK_OR(!strncmp(rig.text, "INVITE sip:abc@r4k2.invalid;transport=ws SIP/2.0\r\n", 50), ;);
        CHECK_OR(strstr(rig.text, "Via: SIP/2.0/WS 192.0.2.1:8443;") &&
                     strstr(rig.text, "Contact: <sip:gw@192.0.2.1:8443;transport=ws>"),
                 ;);
        /* a Contact that names another connection's route, and one outside */
        answer(&rig, 5, "Contact: <sip:abc@[100::4]:9;transport=ws>\r\n");
        CHECK_OR(ws_next(&rig, 5, NULL, RIG_WAIT_MS) && !strncmp(rig.text, "ACK ", 4), ;);
        sem_wait(&agent.up);
        rig_run(&rig, bye_h, NULL);
        if (ws_next(&rig, 5, NULL, RIG_WAIT_MS)) {
            CHECK_OR(!strncmp(rig.text, "BYE ", 4), ;);
            answer(&rig, 5, "");
        }
        CHECK_OR(!ws_next(&rig, 4, NULL, 0), ;);
    } else {
        testing_fail(__FILE__, __LINE__, "no INVITE");
    }
    ws_sync(&rig, 5);
    rig_run(&rig, sock_close_h, NULL);
    rig_stop(&rig);
    sem_destroy(&agent.up);
}

TEST(no_one_is_reached_through_a_closed_connection)
{
    struct rig rig = {.extra_h = agent_extra_h};

    CHECK(rig_start(&rig));
    ws_open(&rig, 5);
    ws_open(&rig, 6);
    sip_ws_closed(rig.stack, 5);
    ws_sync(&rig, 6);
    rig_run(&rig, invite_h, &rig);
    CHECK_OR(agent.laddr_err == ENOTCONN, ;);
    rig_run(&rig, sock_close_h, NULL);
    rig_stop(&rig);
}

/* ------------------------------------------------------------------ who sends an INVITE */

static void ws_invite(struct rig *rig, uint64_t conn, const char *dn, const char *auth)
{
    static int n;

    n++;
    ws_send(rig, conn,
            "INVITE sip:600@dngate.test SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bKi%d\r\nFrom: "
            "<sip:%s@dngate.test>;tag=i%d\r\n"
            "To: <sip:600@dngate.test>\r\nCall-ID: i%d\r\nCSeq: 1 INVITE\r\nContact: "
            "<sip:abc@x.invalid;transport=ws>\r\n%s"
            "Content-Length: 0\r\n\r\n",
            n, dn, n, n, auth);
}

static bool ringing_h(const struct sip_msg *msg, void *arg)
{
    static struct sip_strans *st[2];
    static int n;
    (void)arg;

    if (pl_strcmp(&msg->met, "INVITE"))
        return false;
    (void)sip_strans_alloc(&st[n], sip_stack_sip(rig_invites.rig->stack), msg, NULL, NULL);
    (void)sip_treply(&st[n], sip_stack_sip(rig_invites.rig->stack), msg, 180, "Ringing");
    n++;
    return true;
}

static int ringing_extra_h(struct sip_stack *st, struct rig *rig)
{
    rig_invites.rig = rig;
    return sip_listen(&rig_invites.lsnr, sip_stack_sip(st), true, ringing_h, NULL);
}

#define SAME(method)                                                                                         \
    method " sip:600@h SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bKsame\r\nFrom: "                   \
           "<sip:5001@h>;tag=s\r\n"                                                                          \
           "To: <sip:600@h>\r\nCall-ID: same\r\nCSeq: 1 " method "\r\nContent-Length: 0\r\n\r\n"

/* RFC 3261 17.2.3 goes by branch and sent-by, 8.2.2.2 by Call-ID, tag and CSeq: what a browser makes up is its own. */
TEST(a_transaction_belongs_to_its_connection)
{
    struct rig rig = {.extra_h = ringing_extra_h};

    CHECK(rig_start(&rig));
    for (uint64_t conn = 1; conn <= 3; conn++)
        ws_open(&rig, conn);
    for (uint64_t conn = 1; conn <= 2; conn++) {
        ws_send(&rig, conn, "%s", SAME("INVITE"));
        ws_expect(&rig, conn, 180); /* neither a retransmission nor a loop */
    }
    ws_send(&rig, 3, "%s", SAME("CANCEL"));
    ws_expect(&rig, 3, 481);
    ws_send(&rig, 2, "%s", SAME("CANCEL"));
    ws_expect(&rig, 2, 200);
    ws_sync(&rig, 1);
    ws_send(&rig, 1, "%s", SAME("INVITE"));
    ws_expect(&rig, 1, 180); /* its own, again */
    ws_send(&rig, 1, "%s", SAME("CANCEL"));
    ws_expect(&rig, 1, 200);
    ws_sync(&rig, 2);
    ws_sync(&rig, 3);
    rig_run(&rig, rig_invites_end_h, NULL);
    rig_stop(&rig);
}

static struct {
    int err, code;
    sem_t done;
} asked;

static void asked_h(int err, const struct sip_msg *msg, void *arg)
{
    (void)arg;
    asked.err = err;
    asked.code = msg ? msg->scode : 0;
    sem_post(&asked.done);
}

static void ask_h(void *arg)
{
    struct sip *sip = sip_stack_sip(((struct rig *)arg)->stack);
    struct mbuf *mb = mbuf_alloc(512);
    char buf[SIP_WS_BRANCH_LEN], *met = NULL, *branch = NULL;
    struct sa dst;
    int tp;

    (void)str_dup(&branch, sip_ws_branch(buf, sip, 1));
    (void)mbuf_printf(
        mb,
        "INFO sip:a@x.invalid SIP/2.0\r\nVia: SIP/2.0/WS 192.0.2.1;branch=%s\r\nFrom: <sip:g@h>;tag=g\r\n"
        "To: <sip:a@h>;tag=a\r\nCall-ID: ask\r\nCSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n",
        branch);
    mb->pos = 0;
    asked.err = sip_ws_dst(((struct rig *)arg)->stack, 1, &dst, &tp) | str_dup(&met, "INFO");
    if (!asked.err)
        asked.err =
            sip_ctrans_request(NULL, sip, (enum sip_transp)tp, &dst, met, branch, NULL, mb, asked_h, NULL);
    mem_deref(met);
    mem_deref(branch);
    mem_deref(mb);
}

TEST(another_connection_cannot_answer_for_a_browser)
{
    double before = metric_value(UNMATCHED);
    struct rig rig = {0};
    char request[1024];

    sem_init(&asked.done, 0, 0);
    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_open(&rig, 2);
    rig_run(&rig, ask_h, &rig);
    CHECK_OR(!asked.err, ;);
    if (ws_next(&rig, 1, NULL, RIG_WAIT_MS)) {
        snprintf(request, sizeof(request), "%s", rig.text);
        answer(&rig, 2, "");
        ws_sync(&rig, 2);
        CHECK_OR(metric_value(UNMATCHED) == before + 1 && !asked.code, ;);
        snprintf(rig.text, sizeof(rig.text), "%s", request);
        answer(&rig, 1, "");
        sem_wait(&asked.done);
        CHECK_OR(asked.code == 200, ;);
    }
    rig_stop(&rig);
    sem_destroy(&asked.done);
}

TEST(an_agent_calls_only_as_himself)
{
    struct creds c = {.user = "5001", .password = "lab5001", .algorithm = "SHA-256", .nc = 1};
    struct rig rig = {.extra_h = rig_invites_h};
    char auth[1024];

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_open(&rig, 2);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", "u", 600, 200)) {
        ws_invite(&rig, 1, "5001", "");
        CHECK_OR(ws_expect(&rig, 1, 486) && strstr(rig.text, "Busy 5001"), ;);
        ws_invite(&rig, 1, "5002", "");
        ws_expect(&rig, 1, 403);
    }
    /* without a registration: a challenge, and credentials of his own */
    ws_invite(&rig, 2, "5001", "");
    if (ws_expect(&rig, 2, 401) && creds_challenge(&c, &rig)) {
        creds_header(&c, "INVITE", auth, sizeof(auth));
        ws_invite(&rig, 2, "5002", auth);
        ws_expect(&rig, 2, 401);
        ws_invite(&rig, 2, "5001", auth);
        CHECK_OR(ws_expect(&rig, 2, 486) && strstr(rig.text, "Busy 5001"), ;);
    }
    rig_run(&rig, rig_invites_end_h, NULL);
    rig_stop(&rig);
}
