/* bench/turn/subject: see subject.h. */
#include "subject.h"

#include "core/clock.h"
#include "crypto/cert.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STARTS_MS = 10000, LOOK_MS = 20 };

static uint16_t free_port(void)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&sin, len) || getsockname(fd, (struct sockaddr *)&sin, &len))
        sin.sin_port = 0;
    close(fd);
    return ntohs(sin.sin_port);
}

static void path_of(char *out, size_t sz, const struct subject *s, const char *name)
{
    snprintf(out, sz, "%s/%s", s->dir, name);
}

static int prepare(struct subject *s)
{
    char cert[96], key[96];

    *s = (struct subject){.stop = -1};
    snprintf(s->dir, sizeof(s->dir), "/tmp/dngate-bench-turn-XXXXXX");
    if (!mkdtemp(s->dir))
        return errno;
    path_of(cert, sizeof(cert), s, "cert.pem");
    path_of(key, sizeof(key), s, "key.pem");
    return cert_make(cert, key, "localhost");
}

/* Until TCP connections to it are accepted, or it has ended. */
static int wait_open(struct subject *s, uint16_t port)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint64_t end = clock_ms() + STARTS_MS;

    while (clock_ms() < end) {
        int fd = socket(AF_INET, SOCK_STREAM, 0), err = connect(fd, (struct sockaddr *)&sin, sizeof(sin));

        close(fd);
        if (!err)
            return 0;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return ECHILD;
        }
        nanosleep(&(struct timespec){0, LOOK_MS * 1000000}, NULL);
    }
    return ETIMEDOUT;
}

int subject_ours(struct subject *s)
{
    int in[2], out[2], err = prepare(s);
    unsigned port, tls_port, own_port;
    FILE *told;

    if (err || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) /* the other server must not hold its end */
        return err ? err : errno;
    fflush(stdout);
    s->pid = fork();
    if (s->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/proc/self/exe", "turn", "serve", s->dir, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    s->stop = in[1];
    told = fdopen(out[0], "r");
    if (!told || fscanf(told, "%u %u %u", &port, &tls_port, &own_port) != 3)
        err = ECHILD;
    if (told)
        fclose(told);
    if (err)
        return err;
    s->port = (uint16_t)port;
    s->tls_port = (uint16_t)tls_port;
    s->own_port = (uint16_t)own_port;
    return 0;
}

static void coturn_exec(const struct subject *s)
{
    char cert[128], key[128], port[40], tls_port[40], pidfile[128], db[128];

    snprintf(cert, sizeof(cert), "--cert=%s/cert.pem", s->dir);
    snprintf(key, sizeof(key), "--pkey=%s/key.pem", s->dir);
    snprintf(port, sizeof(port), "--listening-port=%u", s->port);
    snprintf(tls_port, sizeof(tls_port), "--tls-listening-port=%u", s->tls_port);
    snprintf(pidfile, sizeof(pidfile), "--pidfile=%s/pid", s->dir);
    snprintf(db, sizeof(db), "--userdb=%s/db", s->dir);
    (void)!freopen("/dev/null", "w", stdout);
    (void)!freopen("/dev/null", "w", stderr);
    execlp("turnserver", "turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", port,
           tls_port, cert, key, pidfile, db, "--use-auth-secret", "--static-auth-secret=" SUBJECT_SECRET,
           "--realm=" SUBJECT_REALM, "--allow-loopback-peers", "--no-cli", "--no-dtls", "--log-file=stdout",
           "--no-stdout-log", (char *)NULL);
    _exit(127);
}

int subject_coturn(struct subject *s)
{
    int err = prepare(s);

    if (err)
        return err;
    if (system("command -v turnserver >/dev/null 2>&1"))
        return ENOENT;
    s->port = free_port();
    s->tls_port = free_port();
    fflush(stdout);
    s->pid = fork();
    if (s->pid == 0)
        coturn_exec(s);
    return wait_open(s, s->port);
}

void subject_stop(struct subject *s)
{
    char command[96];

    if (s->stop >= 0)
        close(s->stop);
    else if (s->pid > 0)
        kill(s->pid, SIGKILL); /* turnserver takes seconds to end otherwise */
    if (s->pid > 0)
        (void)waitpid(s->pid, NULL, 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", s->dir);
    if (s->dir[0] && system(command))
        fprintf(stderr, "bench: %s stays\n", s->dir);
    *s = (struct subject){.stop = -1};
}

/* ---- measured from outside ---- */

static void first_line(const char *path, char *out, size_t sz)
{
    FILE *f = fopen(path, "r");

    out[0] = 0;
    if (f && !fgets(out, (int)sz, f))
        out[0] = 0;
    if (f)
        fclose(f);
    out[strcspn(out, "\n")] = 0;
}

/* schedstat counts nanoseconds, where stat counts ticks of 10 ms. */
double subject_cpu_us(const struct subject *s, const char *thread)
{
    char path[320], text[128];
    struct dirent *e;
    double us = 0;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)s->pid);
    d = opendir(path);
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)s->pid, e->d_name);
        first_line(path, text, sizeof(text));
        if (e->d_name[0] == '.' || (thread && strcmp(text, thread)))
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)s->pid, e->d_name);
        first_line(path, text, sizeof(text));
        us += strtod(text, NULL) / 1e3;
    }
    if (d)
        closedir(d);
    return us;
}

long subject_rss_kb(const struct subject *s)
{
    char path[64], text[128], *end;
    long pages;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)s->pid);
    first_line(path, text, sizeof(text));
    (void)strtol(text, &end, 10);
    pages = strtol(end, NULL, 10);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}
