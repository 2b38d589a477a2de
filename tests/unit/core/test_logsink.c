/* TSAN */
/* A log that nobody reads costs lines, never a thread: writers, the stop and the last words of a dying process. */
#include "testing.h"

#include "core/log.h"
#include "core/logsink.h"
#include "core/metric.h"
#include "core/rnd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static bool no_randomness;

/* In place of libc's. */
ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    (void)flags;
    memset(buf, 7, len);
    if (!no_randomness)
        return (ssize_t)len;
    errno = ENOSYS;
    return -1;
}

/* Standard output is a pipe that nobody reads until reader_all(). */
static struct {
    int saved, fd[2];
} stalled;

static void stall(void)
{
    fflush(stdout);
    stalled.saved = dup(STDOUT_FILENO);
    if (pipe(stalled.fd) || dup2(stalled.fd[1], STDOUT_FILENO) < 0)
        abort();
    close(stalled.fd[1]);
}

static void restore(void)
{
    dup2(stalled.saved, STDOUT_FILENO);
    close(stalled.saved);
}

struct tally {
    uint64_t lines, lost, broken;
};

/* Reads until every writer has closed, counting. */
static void *reader_all(void *arg)
{
    FILE *f = fdopen(stalled.fd[0], "r");
    struct tally *t = arg;
    char line[4096];
    unsigned long long n;

    while (fgets(line, sizeof(line), f)) {
        const char *told = strstr(line, " log lines=");

        if (told && sscanf(told, " log lines=%llu lost", &n) == 1)
            t->lost += n;
        else if (strstr(line, " info  t from=thread ") && strstr(line, " 0123456789\n"))
            t->lines++;
        else
            t->broken++;
    }
    fclose(f);
    return NULL;
}

enum { CHATTERS = 4, LINES = 6000 };

static void *chatter(void *arg)
{
    char pad[200];

    memset(pad, 'x', sizeof(pad) - 1);
    pad[sizeof(pad) - 1] = '\0';
    for (int i = 0; i < LINES; i++)
        log_info("t", "from=%s n=%d pad=%s 0123456789", (const char *)arg, i, pad);
    return NULL;
}

static void all_chatter(void)
{
    pthread_t th[CHATTERS];

    for (int i = 0; i < CHATTERS; i++)
        pthread_create(&th[i], NULL, chatter, "thread");
    for (int i = 0; i < CHATTERS; i++)
        pthread_join(th[i], NULL);
}

TEST(a_reader_that_stalls_costs_lines_that_are_counted_and_told)
{
    struct tally t = {0};
    pthread_t reader;

    stall();
    CHECK_EQ_INT(log_start(), 0);
    all_chatter(); /* would never come back if one of them waited */
    pthread_create(&reader, NULL, reader_all, &t);
    CHECK_EQ_INT(logsink_flush(60000), 0);
    log_info("t", "from=thread n=%d 0123456789", -1);
    log_stop();
    restore();
    pthread_join(reader, NULL);
    CHECK(t.lost > 0 && t.lines > 0);
    CHECK_EQ_INT(t.broken, 0);
    CHECK_EQ_INT(t.lines + t.lost, CHATTERS * LINES + 1);
}

TEST(a_reader_that_reads_gets_every_line_in_order)
{
    struct tally t = {0};
    pthread_t reader;

    stall();
    CHECK_EQ_INT(log_start(), 0);
    pthread_create(&reader, NULL, reader_all, &t);
    for (int i = 0; i < 100; i++) {
        log_info("t", "from=thread n=%d 0123456789", i);
        if (i % 10 == 0)
            CHECK_EQ_INT(logsink_flush(60000), 0);
    }
    log_stop(); /* what waits is written */
    restore();
    pthread_join(reader, NULL);
    CHECK_EQ_INT(t.lines, 100);
    CHECK_EQ_INT(t.broken + t.lost, 0);
}

/* Runs h in a child whose standard output is the pipe; how the child ended. */
static int in_child(void (*h)(void))
{
    pid_t pid;
    int status;

    stall();
    pid = fork();
    if (!pid) {
        close(stalled.saved);
        h();
        _exit(0);
    }
    restore();
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void last_line(char *buf, size_t sz)
{
    ssize_t n = read(stalled.fd[0], buf, sz - 1);
    char *nl;

    buf[n > 0 ? n : 0] = '\0';
    close(stalled.fd[0]);
    if ((nl = strrchr(buf, '\n')))
        *nl = '\0';
    if ((nl = strrchr(buf, '\n')))
        memmove(buf, nl + 1, strlen(nl));
}

static void stop_unread(void)
{
    alarm(60);
    if (log_start())
        _exit(1);
    chatter("thread"); /* far more than pipe and ring take */
    log_stop();
}

TEST(a_process_whose_log_nobody_reads_can_stop)
{
    CHECK_EQ_INT(in_child(stop_unread), 0);
    close(stalled.fd[0]);
}

static void without_randomness(void)
{
    signal(SIGABRT, SIG_DFL); /* not the sanitizer's */
    if (log_start())
        _exit(1);
    log_info("t", "before");
    no_randomness = true;
    (void)rnd_u32();
}

TEST(without_randomness_the_last_line_says_so)
{
    char text[8192];
    int status = in_child(without_randomness);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    last_line(text, sizeof(text));
    CHECK(strstr(text, " error core error=\"Function not implemented\" the kernel gives no randomness"));
}

static void dies_at_once(void)
{
    signal(SIGABRT, SIG_DFL);
    if (log_start())
        _exit(1);
    for (int i = 0; i < 10; i++)
        log_info("t", "n=%d", i);
    log_info("t", "my last words");
    abort();
}

TEST(a_process_that_dies_still_writes_what_waits)
{
    char text[8192];
    int status = in_child(dies_at_once);

    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    last_line(text, sizeof(text));
    CHECK(strstr(text, " my last words"));
}

/* Somebody else who shares the descriptor has made it non-blocking: lines are not lost for that. */
TEST(a_descriptor_that_is_not_blocking_is_waited_for)
{
    struct tally t = {0};
    pthread_t reader;

    stall();
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    CHECK_EQ_INT(log_start(), 0);
    for (int i = 0; i < 2000; i++)
        log_info("t", "from=thread n=%d %0100d 0123456789", i, 0);
    pthread_create(&reader, NULL, reader_all, &t);
    CHECK_EQ_INT(logsink_flush(60000), 0);
    log_stop();
    restore();
    pthread_join(reader, NULL);
    CHECK_EQ_INT(t.lines, 2000);
    CHECK_EQ_INT(t.broken, 0);
}
