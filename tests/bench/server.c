/* bench/server: see server.h. */
#include "server.h"
#include "core/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_MS = 15000, STOP_MS = 8000, ARGS_MAX = 48 };

void server_password(char *buf, unsigned sz, unsigned dn)
{
    snprintf(buf, sz, "bench-%u", dn);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* Runs the binary with these arguments (NULL ends them) and waits. */
static int run_command(const char *binary, ...)
{
    const char *argv[ARGS_MAX] = {binary};
    va_list ap;
    pid_t pid;
    int n = 1, status;

    va_start(ap, binary);
    while (n < ARGS_MAX - 1 && (argv[n] = va_arg(ap, const char *)))
        n++;
    va_end(ap);
    pid = fork();
    if (pid < 0)
        return errno;
    if (!pid) {
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO); /* stdout is for the JSON */
        execv(binary, (char *const *)argv);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : EIO;
}

static int provision(struct server *s, const char *binary, unsigned agents, uint16_t trunk_port)
{
    char csv[300], trunk[32], password[32];
    FILE *f;
    int err;

    snprintf(csv, sizeof(csv), "%s/dns.csv", s->dir);
    f = fopen(csv, "w");
    if (!f)
        return errno;
    fputs("dn,name,password\n", f);
    for (unsigned i = 0; i < agents; i++) {
        server_password(password, sizeof(password), 1000 + i);
        fprintf(f, "%u,Agent %u,%s\n", 1000 + i, i, password);
    }
    fclose(f);
    snprintf(trunk, sizeof(trunk), "127.0.0.1:%u", trunk_port);
    err = run_command(binary, "dn", "import", csv, "--data", s->dir, NULL);
    return err ? err
               : run_command(binary, "trunk", "add", "bench", "--address", trunk, "--data", s->dir,
                             s->codecs ? "--codecs" : NULL, s->codecs, NULL);
}

/* … listening proto=https port=34567 … */
static void read_line(struct server *s)
{
    const char *port = strstr(s->line, "port=");

    if (s->copy)
        fprintf(s->copy, "%s\n", s->line);
    if (s->lineh)
        s->lineh(s->line, s->arg);
    snprintf(s->last, sizeof(s->last), "%s", s->line);
    if (strstr(s->line, "listening") && strstr(s->line, "proto=https ") && port)
        s->https_port = (uint16_t)strtoul(port + 5, NULL, 10);
    if (strstr(s->line, "listening") && strstr(s->line, "proto=sip-udp ") && port)
        s->sip_port = (uint16_t)strtoul(port + 5, NULL, 10);
}

static void log_readable(void *arg)
{
    struct server *s = arg;
    char buf[4096];
    ssize_t n = read(s->log.fd, buf, sizeof(buf));

    if (n == 0)
        loop_unwatch(&s->log);
    for (ssize_t i = 0; i < n; i++) {
        if (buf[i] == '\n') {
            s->line[s->line_len] = 0;
            s->line_len = 0;
            read_line(s);
        } else if (s->line_len < sizeof(s->line) - 1) {
            s->line[s->line_len++] = buf[i];
        }
    }
}

static int launch(struct server *s, const char *binary)
{
    static const char *const options[] = {"bind.address=127.0.0.1",
                                          "public.address=127.0.0.1",
                                          "http.port=0",
                                          "https.port=0",
                                          "wss.port=0",
                                          "sip.port=0",
                                          "ice.port=0",
                                          "turn.port=0",
                                          "turns.port=0",
                                          "http.rate=10000",
                                          "http.conns_per_ip=4096",
                                          "drain.seconds=0"};
    const char *argv[ARGS_MAX] = {binary, "serve", "--data", s->dir};
    const char *more = getenv("BENCH_SERVER_OPTION");
    int n = 4, out[2];

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        argv[n++] = "-o";
        argv[n++] = options[i];
    }
    if (more) {
        argv[n++] = "-o";
        argv[n++] = more;
    }
    if (pipe2(out, O_CLOEXEC))
        return errno;
    s->pid = fork();
    if (!s->pid) {
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setpriority(PRIO_PROCESS, 0, 0); /* the generator's own priority is not for the server */
        execv(binary, (char *const *)argv);
        _exit(127);
    }
    close(out[1]);
    s->log = (struct io){.fd = out[0], .readable = log_readable, .arg = s};
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    return s->pid < 0 ? EAGAIN : loop_watch(&s->log);
}

static bool is_listening(void *arg)
{
    struct server *s = arg;

    return s->https_port || s->log.fd < 0;
}

static int copy_binary(const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
    int err = in < 0 || out < 0 || fstat(in, &st) ? errno : 0;

    for (ssize_t n = 1; !err && n;) {
        n = sendfile(out, in, NULL, 1 << 20);
        err = n < 0 ? errno : 0;
    }
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return err;
}

int server_start(struct server *s, const char *binary, unsigned agents, uint16_t trunk_port)
{
    const char *tmp = getenv("TMPDIR"), *copy = getenv("BENCH_LOG");
    char own[sizeof(s->dir) + 16];
    int err;

    *s = (struct server){.lineh = s->lineh, .arg = s->arg, .codecs = s->codecs};
    s->log.fd = -1;
    snprintf(s->dir, sizeof(s->dir), "%s/dngate-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(s->dir))
        return errno;
    if (copy)
        s->copy = fopen(copy, "a");
    if (s->copy)
        setvbuf(s->copy, NULL, _IOLBF, 0);
    snprintf(own, sizeof(own), "%s/dngate", s->dir);
    err = copy_binary(binary, own);
    if (!err)
        err = provision(s, own, agents, trunk_port);
    if (err) {
        fprintf(stderr, "bench: provisioning failed\n");
        return err;
    }
    err = launch(s, own);
    if (!err && (!loop_run(is_listening, s, START_MS) || !s->https_port)) {
        fprintf(stderr, "bench: the server does not start: %s\n", s->last);
        err = ETIMEDOUT;
    }
    return err;
}

static bool has_ended(void *arg)
{
    struct server *s = arg;

    if (s->pid > 0 && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
        s->pid = 0;
    return !s->pid;
}

bool server_end(struct server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGTERM);
        if (!loop_run(has_ended, s, STOP_MS)) {
            fprintf(stderr, "bench: the server does not stop: killed\n");
            kill(s->pid, SIGKILL);
            waitpid(s->pid, &s->status, 0);
        }
    }
    s->pid = 0;
    loop_unwatch(&s->log);
    if (s->copy)
        fclose(s->copy);
    s->copy = NULL;
    return WIFEXITED(s->status) && !WEXITSTATUS(s->status);
}

void server_remove(struct server *s)
{
    nftw(s->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void server_stop(struct server *s)
{
    server_end(s);
    server_remove(s);
}

double server_cpu_ms(const struct server *s)
{
    struct timespec ts = {0};
    clockid_t clock;

    if (!clock_getcpuclockid(s->pid, &clock))
        clock_gettime(clock, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

long server_rss_kb(const struct server *s)
{
    char path[64];
    long total, rss = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)s->pid);
    f = fopen(path, "r");
    if (!f)
        return 0;
    if (fscanf(f, "%ld %ld", &total, &rss) != 2)
        rss = 0;
    fclose(f);
    return rss * (sysconf(_SC_PAGESIZE) / 1024);
}
