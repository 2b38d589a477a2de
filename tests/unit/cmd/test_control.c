/* control.sock: whole requests answered, anything else survived, one server per directory. */
/* TSAN */
#include "cmd/cmd.h"
#include "cmd/control.h"
#include "cmd/wire.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/health.h"
#include "store/setting.h"
#include "store/store.h"
#include "testing.h"
#include "unit/store/tempdir.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { PATIENCE_MS = 5000, PLACES = 8 };

static struct tempdir dir;
static struct store *store;
static struct conf *conf;
static struct control *control;
static struct service service;
static pthread_t thread;
static int stop[2];

static void *serve(void *arg)
{
    struct pollfd fds[2] = {{.fd = control_fd(control), .events = POLLIN}, {.fd = stop[0], .events = POLLIN}};

    (void)arg;
    while (poll(fds, 2, -1) > 0 && !fds[1].revents)
        control_serve(control);
    return NULL;
}

static bool start(void)
{
    char why[256];

    CHECK_OR(tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!conf_alloc(&conf), return false);
    service = (struct service){.store = store, .conf = conf};
    CHECK_OR(!control_listen(&control, dir.path, &service), return false);
    CHECK_OR(!pipe(stop), return false);
    CHECK_OR(!pthread_create(&thread, NULL, serve, NULL), return false);
    return true;
}

static void finish(void)
{
    close(stop[1]);
    pthread_join(thread, NULL);
    close(stop[0]);
    control_free(control);
    conf_free(conf);
    store_close(store);
    tempdir_remove(&dir);
}

static int call(int argc, char *const *argv, const char *input, char **out, char **err)
{
    int status = -1, rc;

    *out = *err = NULL;
    rc = control_call(dir.path, argc, argv, input, input ? strlen(input) : 0, false, &status, out, err);
    return rc ? -rc : status;
}

static int connected(void)
{
    struct sockaddr_un sun;
    int dirfd, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (wire_address(&sun, &dirfd, dir.path) || connect(fd, (struct sockaddr *)&sun, sizeof(sun))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Sends raw bytes, says no more, and waits for the end. */
static int raw(const char *bytes, size_t n, struct buf *answer)
{
    int fd = connected(), rc = fd < 0 ? ENOTCONN : wire_write(fd, bytes, n, clock_ms() + PATIENCE_MS);

    shutdown(fd, SHUT_WR);
    if (!rc)
        rc = wire_read_line(fd, answer, clock_ms() + PATIENCE_MS);
    close(fd);
    return rc;
}

TEST(a_command_travels_with_its_input)
{
    char *import[] = {"dn", "import", "-"}, *list[] = {"dn", "list"}, *out, *err;

    CHECK(start());
    CHECK_EQ_INT(call(3, import, "dn,name,password\n5001,\"Zo\xc3\xab \"\"Z\"\"\",secret1\n", &out, &err),
                 CMD_OK);
    CHECK_STR(out, "1 added, 0 changed, 0 unchanged\n");
    free(out);
    free(err);
    CHECK_EQ_INT(call(2, list, NULL, &out, &err), CMD_OK);
    CHECK(strstr(out, "Zo\xc3\xab \"Z\""));
    free(out);
    free(err);
    finish();
}

TEST(ready_follows_health)
{
    char *ready[] = {"ready"}, *out, *err;

    CHECK(start());
    health_reset();
    health_set("store", HEALTH_UP, "%s", "");
    CHECK_EQ_INT(call(1, ready, NULL, &out, &err), CMD_OK);
    CHECK(strstr(out, "\"ready\":true"));
    free(out);
    free(err);
    health_set("sip", HEALTH_DOWN, "port taken");
    CHECK_EQ_INT(call(1, ready, NULL, &out, &err), CMD_REFUSED);
    CHECK(strstr(out, "port taken"));
    free(out);
    free(err);
    health_reset();
    finish();
}

TEST(bad_requests_get_an_answer_or_a_close_and_harm_nobody)
{
    static const char *const bad[] = {"\n",
                                      "{}\n",
                                      "[]\n",
                                      "{\"argv\":[]}\n",
                                      "{\"argv\":[1]}\n",
                                      "{\"argv\":[\"dn\",null]}\n",
                                      "nonsense\n",
                                      "{\"argv\":[\"\xff\"]}\n",
                                      "{\"argv\":[\"serve\"]}\n"};
    char *list[] = {"dn", "list"}, *out, *err;
    struct buf answer;

    CHECK(start());
    buf_init(&answer, 65536);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_clear(&answer);
        CHECK_EQ_INT(raw(bad[i], strlen(bad[i]), &answer), 0);
        CHECK(strstr(answer.data, "\"status\":2"));
    }
    buf_clear(&answer);
    CHECK_EQ_INT(raw("{\"argv\":[\"dn\"", 13, &answer), EPIPE);
    buf_reset(&answer);
    CHECK_EQ_INT(call(2, list, NULL, &out, &err), CMD_OK);
    free(out);
    free(err);
    finish();
}

/* They hold their places, and nobody up: not the next one, and not the loop that serves signals, too. */
TEST(clients_that_hang_keep_nobody_waiting)
{
    static const char whole[] = "{\"argv\":[\"dn\",\"list\"]}\n";
    char *list[] = {"dn", "list"}, *out, *err;
    struct buf answer;
    int hung[PLACES], last;

    CHECK(start());
    buf_init(&answer, 65536);
    for (size_t i = 0; i < PLACES; i++) {
        hung[i] = connected();
        CHECK(hung[i] >= 0);
        CHECK_EQ_INT(wire_write(hung[i], whole, i, clock_ms() + PATIENCE_MS), 0);
        if (i < PLACES - 1) {
            CHECK_EQ_INT(call(2, list, NULL, &out, &err), CMD_OK);
            free(out);
            free(err);
        }
    }
    last = connected(); /* all places are taken: it waits for one */
    CHECK_EQ_INT(wire_write(last, whole, strlen(whole), clock_ms() + PATIENCE_MS), 0);
    CHECK_EQ_INT(wire_write(hung[3], whole + 3, strlen(whole) - 3, clock_ms() + PATIENCE_MS), 0);
    CHECK_EQ_INT(wire_read_line(hung[3], &answer, clock_ms() + PATIENCE_MS), 0);
    buf_clear(&answer);
    CHECK_EQ_INT(wire_read_line(last, &answer, clock_ms() + PATIENCE_MS), 0);
    CHECK(strstr(answer.data, "\"status\":0"));
    close(last);
    for (size_t i = 0; i < PLACES; i++)
        close(hung[i]);
    buf_reset(&answer);
    finish();
}

TEST(who_hangs_too_long_is_closed)
{
    const uint32_t was = control_patience_ms;
    struct buf answer;
    int fd;

    control_patience_ms = 50;
    CHECK(start());
    buf_init(&answer, 65536);
    fd = connected();
    CHECK_EQ_INT(wire_read_line(fd, &answer, clock_ms() + PATIENCE_MS), EPIPE);
    close(fd);
    buf_reset(&answer);
    finish();
    control_patience_ms = was;
}

TEST(text_that_json_cannot_carry_is_refused_before_it_is_sent)
{
    char *add[] = {"dn", "add", "5001", "--name", "\xff"}, *out, *err;

    CHECK(start());
    CHECK_EQ_INT(call(5, add, NULL, &out, &err), -EILSEQ);
    finish();
}

TEST(one_server_per_directory_and_a_socket_for_its_owner_only)
{
    char path[256];
    int lock, second;
    struct stat st;

    CHECK(start());
    CHECK_EQ_INT(control_lock(&lock, dir.path), 0);
    CHECK_EQ_INT(control_lock(&second, dir.path), EADDRINUSE);
    close(lock);
    CHECK_EQ_INT(control_lock(&second, dir.path), 0);
    close(second);
    snprintf(path, sizeof(path), "%s/control.sock", dir.path);
    CHECK(!stat(path, &st));
    CHECK_EQ_INT(st.st_mode & 0777, 0600);
    finish();
}

TEST(a_stale_socket_means_no_server_and_is_replaced)
{
    char *list[] = {"dn", "list"}, *out, *err;
    struct sockaddr_un sun;
    int dirfd, fd;

    CHECK(tempdir_make(&dir));
    CHECK_EQ_INT(call(2, list, NULL, &out, &err), -ENOENT);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ_INT(wire_address(&sun, &dirfd, dir.path), 0);
    CHECK(!bind(fd, (struct sockaddr *)&sun, sizeof(sun)));
    close(fd);
    CHECK_EQ_INT(call(2, list, NULL, &out, &err), -ECONNREFUSED);
    CHECK_EQ_INT(control_listen(&control, dir.path, &service), 0);
    control_free(control);
    CHECK_EQ_INT(call(2, list, NULL, &out, &err), -ENOENT);
    tempdir_remove(&dir);
}

TEST(a_data_directory_with_a_long_path_works)
{
    char *list[] = {"dn", "list"}, *out, *err;
    char path[256];
    int status;

    CHECK(start());
    snprintf(path, sizeof(path),
             "%s/./././././././././././././././././././././././././././././././././././././././././././.",
             dir.path);
    CHECK_EQ_INT(control_call(path, 2, list, NULL, 0, true, &status, &out, &err), 0);
    CHECK_EQ_INT(status, CMD_OK);
    free(out);
    free(err);
    finish();
}

TEST(a_check_beside_a_running_server_finds_settings_of_another_version)
{
    struct buf out, err;
    struct cmd c = {.dir = dir.path, .out = &out, .err = &err};
    char *word = "check";

    CHECK(start());
    CHECK_EQ_INT(setting_put(store, "call.telepathy", "yes"), 0);
    buf_init(&out, 1 << 20);
    buf_init(&err, 1 << 20);
    (void)cmd_run(&c, 1, &word); /* its status is the machine's */
    CHECK(strstr(out.data, "of the running server: valid"));
    CHECK(strstr(out.data, "call.telepathy is in the database but not known"));
    buf_reset(&out);
    buf_reset(&err);
    finish();
}
