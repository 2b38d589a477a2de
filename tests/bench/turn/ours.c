/* bench/turn/ours: see ours.h. */
#include "ours.h"

#include "core/heap.h"
#include "crypto/init.h"
#include "crypto/tls.h"
#include "net/wire.h"
#include "subject.h"
#include "turn/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    RELAY_MIN = 20000,
    RELAY_MAX = 60000,
    OWN_PORT = 10000,
    FILE_MAX = 16384,
    BATCH = 64,
    TICK_NS = 2000000, /* as media/worker's with more than a few calls */
    READ_MAX = 4096
};

static struct turn *turn;
static struct tls_server *tls_server;
static int listener;

/* ---- TLS as WEB does it ---- */

static ssize_t send_h(const void *p, size_t n, void *arg)
{
    ssize_t sent = send(*(int *)arg, p, n, MSG_NOSIGNAL);

    return sent < 0 ? -1 : sent;
}

/* What comes with or before the end of the handshake is the first message. */
static void hand_over(int fd, const struct sockaddr *peer)
{
    struct turn_stream_in in = {.fd = fd};
    uint8_t records[READ_MAX], plain[READ_MAX];
    struct sockaddr_in local;
    socklen_t len = sizeof(local);
    ssize_t n, got = 0;

    addr_set_sockaddr(&in.client, peer);
    if (!getsockname(fd, (struct sockaddr *)&local, &len))
        addr_set_sockaddr(&in.local, (struct sockaddr *)&local);
    if (tls_session_alloc(&in.tls, tls_server, send_h, &fd)) {
        close(fd);
        return;
    }
    while (tls_state(in.tls) == TLS_HANDSHAKE && (n = recv(fd, records, sizeof(records), 0)) > 0) {
        tls_feed(in.tls, records, (size_t)n);
        got = tls_read(in.tls, plain, sizeof(plain));
    }
    if (got > 0 && (in.early = malloc((size_t)got))) {
        memcpy(in.early, plain, (size_t)got);
        in.early_n = (size_t)got;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    if (tls_state(in.tls) == TLS_UP && !turn_adopt(turn, &in))
        return;
    tls_free(in.tls);
    free(in.early);
    close(fd);
}

static void *tls_main(void *arg)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof(peer);
    int fd;

    while ((fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC)) >= 0)
        hand_over(fd, (struct sockaddr *)&peer);
    return arg;
}

static char *file_read(const char *dir, const char *name)
{
    char path[96], *text = calloc(1, FILE_MAX);
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "r");
    if (f && text)
        (void)!fread(text, 1, FILE_MAX - 1, f);
    if (f)
        fclose(f);
    return text;
}

static int tls_listen(const char *dir, unsigned *port)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    char *cert = file_read(dir, "cert.pem"), *key = file_read(dir, "key.pem");
    pthread_t thread;
    int err = crypto_init();

    if (!err)
        err = tls_server_alloc(&tls_server, cert, key);
    free(cert);
    free(key);
    if (err)
        return err;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&sin, len) || listen(listener, SOMAXCONN) ||
        getsockname(listener, (struct sockaddr *)&sin, &len))
        return errno;
    *port = ntohs(sin.sin_port);
    return pthread_create(&thread, NULL, tls_main, NULL);
}

/* ---- a media worker that hears itself ---- */

static void *worker_main(void *arg)
{
    struct timespec tick = {0, TICK_NS};
    struct wire_end *end = arg;
    struct wire_packet v[BATCH];
    size_t n;

    for (;;) { /* with the process it ends */
        do {
            n = wire_read(end, v, BATCH);
            for (size_t i = 0; i < n; i++)
                (void)wire_send(end, &v[i].dst, &v[i].src, v[i].p, v[i].n);
        } while (n == BATCH);
        (void)nanosleep(&tick, NULL);
    }
    return NULL;
}

static int worker_start(struct wire **wire, const struct addr *at)
{
    struct wire_end *end;
    pthread_t thread;
    int err = wire_alloc(wire);

    if (!err)
        err = wire_open(&end, *wire, at, 1);
    if (!err)
        err = wire_claim(end, OWN_PORT);
    return err ? err : pthread_create(&thread, NULL, worker_main, end);
}

/* ---- all of it ---- */

static int start(const char *dir, unsigned *tls_port)
{
    struct addr loopback, own;
    struct turn_net allow = {.bits = 8};
    struct turn_setup setup = {
        .server = {.realm = SUBJECT_REALM,
                   .secret = SUBJECT_SECRET,
                   .secret_len = strlen(SUBJECT_SECRET),
                   .limits = {100000, 100000, 100000, 0, 0, 1000000}},
        .bind = &loopback,
        .bind_count = 1,
        .relayed_count = 1,
        .relay_min = RELAY_MIN,
        .relay_max = RELAY_MAX,
    };
    char why[256] = "";
    int err = addr_parse_ip(&loopback, "127.0.0.1", 0);

    own = allow.base = loopback;
    addr_set_port(&own, OWN_PORT);
    setup.relayed[0] = (struct turn_relayed){loopback, loopback};
    setup.rules =
        (struct turn_rules){.own = &own, .own_n = 1, .allow = &allow, .allow_n = 1, .loopback = true};
    if (!err)
        err = worker_start(&setup.wire, &loopback);
    if (!err)
        err = turn_start(&turn, &setup, why, sizeof(why));
    if (!err)
        err = tls_listen(dir, tls_port);
    if (err)
        fprintf(stderr, "bench: %s %s\n", strerror(err), why);
    return err;
}

int ours_serve(const char *dir)
{
    struct rlimit files = {65536, 65536};
    unsigned tls_port = 0;
    char c;

    (void)heap_init();
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (start(dir, &tls_port))
        return 1;
    printf("%u %u %u\n", turn_port(turn), tls_port, (unsigned)OWN_PORT);
    fflush(stdout);
    while (read(0, &c, 1) > 0)
        continue;
    turn_stop(turn);
    return 0;
}
