/* Provisioning reaches those who call and sign in, and a database that nobody can read keeps nobody from either. */
#include "fake/ends.h"
#include "store/dn.h"
#include "testing.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where SQLite keeps the locks of its write-ahead log: the file format's section 2.2.2. */
enum { WAL_LOCKS_AT = 120, WAL_LOCKS = 8 };

static struct wsagent other;
static char why[256];

/* Another process that lets nobody read or write the database, until it is killed. */
static pid_t lock_database(void)
{
    char path[128], ready;
    int fds[2];
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/dngate.db-shm", box.dir);
    if (pipe(fds))
        return -1;
    pid = fork();
    if (!pid) {
        struct flock lock = {
            .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = WAL_LOCKS_AT, .l_len = WAL_LOCKS};
        int fd = open(path, O_RDWR);

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (fd < 0 || fcntl(fd, F_SETLKW, &lock) || write(fds[1], "", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    (void)close(fds[1]);
    if (pid > 0 && read(fds[0], &ready, 1) != 1)
        pid = -1;
    (void)close(fds[0]);
    return pid;
}

static void unlock_database(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

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
    pid = lock_database();
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
    unlock_database(pid);
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
