/*
 * tests/testing: a test program in one header. Each tests/unit and tests/flow file includes it once and gets main().
 *
 *   TEST(ring_wraps) { CHECK_EQ_INT(ring_used(&r), 3); }
 *
 * Run with no argument: every test, in the order of the file. With arguments: those whose name contains one of
 * them; -l lists. A failed CHECK ends its test (return), not the program. Prints `ok name` or
 * `FAIL name file:line what`, then `N passed, N failed`; tests/run.sh reads that line.
 * Unit tests run a second time with failing allocations (tests/oom.h), unless their file defines TESTING_NO_OOM with the reason
 * before it includes this one.
 * A line that holds only the comment TSAN between slashes and stars makes `make tsan` run the file too.
 * One that holds SLOW so has the file started before others: for what takes more than 10 s.
 */
#ifndef TESTS_TESTING_H
#define TESTS_TESTING_H

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct testing_case {
    const char *name;
    void (*run)(void);
    struct testing_case *next;
};

static struct testing_case *testing_first, **testing_tail = &testing_first;
static const char *testing_name;
static bool testing_failed;

#define TEST(name_)                                                                                          \
    static void test_##name_(void);                                                                          \
    __attribute__((constructor)) static void testing_add_##name_(void)                                       \
    {                                                                                                        \
        static struct testing_case tc = {#name_, test_##name_, NULL};                                        \
        *testing_tail = &tc;                                                                                 \
        testing_tail = &tc.next;                                                                             \
    }                                                                                                        \
    static void test_##name_(void)

#ifdef TESTING_OOM
#include "oom.h"
#else
static void oom_noticed(void)
{
}
#endif

/* One line about a failure; more than one per test is possible only from helpers that do not return. */
__attribute__((format(printf, 3, 4), unused)) static void testing_fail(const char *file, int line,
                                                                       const char *fmt, ...)
{
    __builtin_va_list ap;

    testing_failed = true;
    oom_noticed();
    printf("FAIL %s %s:%d ", testing_name ? testing_name : "-", file, line);
    __builtin_va_start(ap, fmt);
    vprintf(fmt, ap);
    __builtin_va_end(ap);
    printf("\n");
    fflush(stdout);
}

/* The bare CHECKs return from a function of type void; use CHECK_OR in helpers that return something. */
#define CHECK_OR(cond, action)                                                                               \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            testing_fail(__FILE__, __LINE__, "%s", #cond);                                                   \
            action;                                                                                          \
        }                                                                                                    \
    } while (0)

#define CHECK(cond) CHECK_OR(cond, return )

#define CHECK_EQ_INT(a, b)                                                                                   \
    do {                                                                                                     \
        intmax_t testing_a_ = (intmax_t)(a), testing_b_ = (intmax_t)(b);                                     \
        if (testing_a_ != testing_b_) {                                                                      \
            testing_fail(__FILE__, __LINE__, "%s is %" PRIdMAX ", want %s = %" PRIdMAX, #a, testing_a_, #b,  \
                         testing_b_);                                                                        \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

/* NULL equals only NULL. */
#define CHECK_STR(a, b)                                                                                      \
    do {                                                                                                     \
        const char *testing_a_ = (a), *testing_b_ = (b);                                                     \
        if (testing_a_ != testing_b_ && (!testing_a_ || !testing_b_ || strcmp(testing_a_, testing_b_))) {    \
            testing_fail(__FILE__, __LINE__, "%s is \"%s\", want \"%s\"", #a,                                \
                         testing_a_ ? testing_a_ : "(null)", testing_b_ ? testing_b_ : "(null)");            \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

/* The same n bytes; n may be 0 with null pointers. */
#define CHECK_MEM(a, b, n)                                                                                   \
    do {                                                                                                     \
        size_t testing_n_ = (size_t)(n), testing_i_ = 0;                                                     \
        const unsigned char *testing_a_ = (const void *)(a), *testing_b_ = (const void *)(b);                \
        while (testing_i_ < testing_n_ && testing_a_[testing_i_] == testing_b_[testing_i_])                  \
            testing_i_++;                                                                                    \
        if (testing_i_ < testing_n_) {                                                                       \
            testing_fail(__FILE__, __LINE__, "%s differs from %s at byte %zu of %zu: %02x, want %02x", #a,   \
                         #b, testing_i_, testing_n_, testing_a_[testing_i_], testing_b_[testing_i_]);        \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

/* The seed of this run: TEST_SEED of the environment, or a fresh one. Printed once, so that a failure can be repeated. */
__attribute__((unused)) static uint64_t test_seed(void)
{
    static uint64_t seed;
    static bool known;
    const char *env = getenv("TEST_SEED");

    if (known)
        return seed;
    if (env && *env)
        seed = strtoull(env, NULL, 0);
    else if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed = 1;
    known = true;
    printf("TEST_SEED=%" PRIu64 "\n", seed);
    fflush(stdout);
    return seed;
}

/* Into buf: what mkdtemp(3) makes a directory of, below TMPDIR (tests/run.sh: in memory, where no test waits for a disk). Returns buf. */
__attribute__((unused)) static char *test_temp(char *buf, size_t sz)
{
    const char *base = getenv("TMPDIR");

    (void)snprintf(buf, sz, "%s/dngate-test-XXXXXX", base && *base ? base : "/tmp");
    return buf;
}

/* A small generator for tests (splitmix64): *state starts as test_seed() or a constant. */
__attribute__((unused)) static uint64_t test_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool testing_wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return true;
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return false;
}

#if defined(TESTING_OOM) && !defined(TESTING_NO_OOM)
enum { TESTING_OOM_MS = 1000, TESTING_OOM_LEAST = 2 };

static int64_t testing_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One test with each of its allocations failing in turn, or with so many of them; says which one it cannot do without. Of a test that
 * takes long a second's worth: other runs have other seeds. */
static bool testing_oom(const struct testing_case *tc, uint64_t most, uint64_t *seed)
{
    const int64_t begin = testing_ms();
    uint64_t total = 0, first = 0, ignored, n;
    unsigned ended = 0;
    bool waited = false;

    if (!oom_run(tc->run, 0, &total, &waited) || waited || !total)
        return true;
    if (total <= most)
        first = test_random(seed) % total;
    for (uint64_t i = 1; i <= total && i <= most; i++) {
        if (i > TESTING_OOM_LEAST && testing_ms() - begin > TESTING_OOM_MS)
            break;
        n = 1 + (total <= most ? first + i : test_random(seed)) % total;
        if (!oom_run(tc->run, n, &ignored, &waited)) {
            printf("FAIL %s TEST_OOM_AT=%" PRIu64 " of %" PRIu64 " allocations\n", tc->name, n, total);
            return false;
        }
        if (waited && ++ended == 2) /* it waits for what will not come: enough of that */
            break;
    }
    return true;
}

/* All tests, once they passed: one case more. */
static bool testing_all_oom(int argc, char **argv)
{
    const char *env = getenv("TEST_OOM");
    uint64_t most = env ? strtoull(env, NULL, 0) : 0, seed = most ? test_seed() : 0;
    bool passed = true;

    for (const struct testing_case *tc = testing_first; tc && most; tc = tc->next)
        if (testing_wanted(tc->name, argc, argv) && !testing_oom(tc, most, &seed))
            passed = false;
    return passed;
}
#endif

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    bool list = argc == 2 && !strcmp(argv[1], "-l");

    for (const struct testing_case *tc = testing_first; tc; tc = tc->next) {
        if (list) {
            printf("%s\n", tc->name);
            continue;
        }
        if (!testing_wanted(tc->name, argc, argv))
            continue;
        testing_name = tc->name;
        testing_failed = false;
#ifdef TESTING_OOM
        oom_seen = 0;
        oom_at = getenv("TEST_OOM_AT") ? strtoull(getenv("TEST_OOM_AT"), NULL, 0) : 0;
#endif
        tc->run();
        if (testing_failed) {
            failed++;
        } else {
            passed++;
            printf("ok %s\n", tc->name);
            fflush(stdout);
        }
    }
    if (list)
        return 0;
#if defined(TESTING_OOM) && !defined(TESTING_NO_OOM)
    if (!failed && getenv("TEST_OOM")) {
        if (testing_all_oom(argc, argv)) {
            passed++;
            printf("ok out_of_memory\n");
        } else {
            failed++;
        }
    }
#endif
    printf("%u passed, %u failed\n", passed, failed);
    return failed || !passed ? 1 : 0;
}

#endif
