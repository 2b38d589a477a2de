/*
 * tests/oom: runs a test again and again with its N-th allocation failing, each time in a child of its own. For unit tests that are
 * built with AddressSanitizer and linked with --wrap=malloc,calloc,realloc (the Makefile does both; and -O0, so that a test's variables
 * stay on its stack). Included by testing.h only.
 *
 * A child in which a CHECK fails has seen the lack of memory and said so: that is right. Wrong is a crash, undefined behaviour, or
 * memory that nobody points to any more, at that moment or at the end of a test that noticed nothing. What a test itself does with a
 * null pointer is no matter: the sanitizer's report says in whose file it happened. A child that waits for what will not come is
 * ended after OOM_SECONDS and counted apart.
 *
 * For tests of functions: one of threads and sockets is ended by its own waiting, and its libraries do not survive every lack.
 *
 *   TEST_OOM=24         how many allocations of each test fail (0 = none), but no more than a second's worth; seeded by TEST_SEED, all
 *                       when it has fewer
 *   TEST_OOM_AT=N       only the N-th, counted from 1, in this process: for a debugger
 */
#ifndef TESTS_OOM_H
#define TESTS_OOM_H

#include <sanitizer/lsan_interface.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OOM_SECONDS = 5 };

static _Atomic uint64_t oom_seen, oom_at; /* allocations so far; the one to fail, 0 = none */
static bool oom_child;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);

static bool oom_now(void)
{
    return ++oom_seen == oom_at;
}

__attribute__((used)) void *__wrap_malloc(size_t size)
{
    return oom_now() ? NULL : __real_malloc(size);
}

__attribute__((used)) void *__wrap_calloc(size_t n, size_t size)
{
    return oom_now() ? NULL : __real_calloc(n, size);
}

__attribute__((used)) void *__wrap_realloc(void *p, size_t size)
{
    return oom_now() ? NULL : __real_realloc(p, size);
}

/* A CHECK failed in a child: what the test's stack still points to is no leak. */
static void oom_noticed(void)
{
    if (!oom_child)
        return;
    oom_at = 0;
    __lsan_do_leak_check();
    _exit(0);
}

/* The first of our files that a sanitizer's report names is a test's: it used what it did not get. */
static bool oom_own_fault(FILE *report)
{
    static char text[65536];
    size_t n;

    rewind(report);
    n = fread(text, 1, sizeof(text) - 1, report);
    text[n] = '\0';
    for (const char *p = text; *p; p++) {
        if (!strncmp(p, "appliance/", 10))
            return false;
        if (!strncmp(p, "tests/", 6) && strncmp(p, "tests/oom.h", 11))
            return true;
    }
    return false;
}

static void oom_show(FILE *report)
{
    char line[512];

    rewind(report);
    while (fgets(line, sizeof(line), report))
        fputs(line, stdout);
}

static void oom_in_child(void (*run)(void), uint64_t n, int result, FILE *report)
{
    oom_child = true;
    if (!freopen("/dev/null", "w", stdout) || dup2(fileno(report), STDERR_FILENO) < 0)
        _exit(1);
    alarm(OOM_SECONDS);
    oom_seen = 0;
    oom_at = n;
    run();
    oom_at = 0;
    if (write(result, (const uint64_t[]){oom_seen}, sizeof(uint64_t)) != (ssize_t)sizeof(uint64_t))
        _exit(1);
    __lsan_do_leak_check();
    _exit(0);
}

/* Runs the test with its n-th allocation failing, n = 0: none; false when it went wrong. waited: it had to be ended. */
__attribute__((unused)) static bool oom_run(void (*run)(void), uint64_t n, uint64_t *allocations,
                                            bool *waited)
{
    FILE *report = tmpfile();
    int status, fds[2];
    bool right = false;
    pid_t pid;

    fflush(stdout);
    if (!report || pipe(fds))
        return false;
    pid = fork();
    if (pid == 0)
        oom_in_child(run, n, fds[1], report);
    close(fds[1]);
    if (read(fds[0], allocations, sizeof(*allocations)) != (ssize_t)sizeof(*allocations))
        *allocations = 0;
    close(fds[0]);
    if (pid > 0 && waitpid(pid, &status, 0) == pid) {
        *waited = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        right = *waited || (WIFEXITED(status) && WEXITSTATUS(status) == 0) || oom_own_fault(report);
    }
    if (!right)
        oom_show(report);
    fclose(report);
    return right;
}

#endif
