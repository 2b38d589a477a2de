/*
 * The control socket: whatever arrives there (half a line, no JSON, words that are no command, commands with odd words), the server
 * answers one line of JSON or closes, and serves the next one. Verbs that name files are left out: they would write where they are told.
 */
#include "cmd/control.h"
#include "cmd/wire.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/guard.h"
#include "core/json.h"
#include "core/log.h"
#include "store/store.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];
static struct control *control;
static struct service service;

static void must(bool is)
{
    if (!is)
        abort();
}

static void clean(void)
{
    char command[100];

    control_free(control);
    store_close(service.store);
    guard_free(service.guard);
    conf_free(service.conf);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    (void)!system(command);
}

static void begin(void)
{
    char why[256];

    snprintf(dir, sizeof(dir), "/tmp/dngate-fuzz-XXXXXX");
    must(mkdtemp(dir) != NULL);
    (void)log_set_level(NULL, LOG_ERROR);
    must(!store_open(&service.store, dir, why, sizeof(why)) && !conf_alloc(&service.conf) &&
         !guard_alloc(&service.guard, NULL) && !control_listen(&control, dir, &service));
    (void)atexit(clean);
}

static bool touches_files(const uint8_t *data, size_t size)
{
    static const char *const verbs[] = {"backup", "restore", "check"};
    const char *word;
    bool does = false;
    struct json *j;

    if (json_parse(&j, (const char *)data, size, NULL, 0))
        return false;
    word = json_str(json_arr_at(json_get(json_root(j), "argv"), 0));
    for (size_t i = 0; word && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        does = does || !strcmp(word, verbs[i]);
    json_free(j);
    return does;
}

struct client {
    const uint8_t *data;
    size_t size;
    struct buf answer;
};

/* Sends it all, hangs up its half, takes what comes. */
static void *client_main(void *arg)
{
    struct client *c = arg;
    struct sockaddr_un sun;
    char chunk[4096];
    ssize_t n;
    int fd, dirfd;

    must(!wire_address(&sun, &dirfd, dir));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && !connect(fd, (struct sockaddr *)&sun, sizeof(sun)));
    (void)wire_write(fd, (const char *)c->data, c->size, clock_ms() + 10000);
    (void)shutdown(fd, SHUT_WR);
    while ((n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
        must(!buf_write(&c->answer, chunk, (size_t)n));
    (void)close(fd);
    if (dirfd >= 0)
        (void)close(dirfd);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct client c = {.data = data, .size = size};
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    sigset_t all, before;
    struct pollfd pfd;
    struct json *j;
    pthread_t th;

    if (!control)
        begin();
    if (end && touches_files(data, (size_t)(end - data)))
        return 0;
    buf_init(&c.answer, WIRE_LINE_MAX);
    (void)sigfillset(&all); /* the fuzzer's alarm clock is not for the client */
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    must(!pthread_create(&th, NULL, client_main, &c));
    pfd = (struct pollfd){.fd = control_fd(control), .events = POLLIN};
    must(poll(&pfd, 1, 10000) == 1);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    do {
        control_serve(control);
        (void)poll(&pfd, 1, 1);
    } while (pthread_tryjoin_np(th, NULL));
    if (!end) {
        must(!c.answer.len); /* no whole line, no answer */
    } else {
        must(c.answer.len && c.answer.data[c.answer.len - 1] == '\n');
        must(!json_parse(&j, c.answer.data, c.answer.len, NULL, 0));
        must(json_get(json_root(j), "status") != NULL);
        json_free(j);
    }
    buf_reset(&c.answer);
    return 0;
}
