/* bench/soaknoise: see soaknoise.h. */
#include "soaknoise.h"
#include "agent.h"
#include "wsclient.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH_MS = 2000, GUESS_EACH = 3 /* rounds */, GUESS_MS = 8000 };

static const char page_from[] = "127.0.0.8", guess_from[] = "127.0.0.9";

static bool guess_decided(void *arg)
{
    return ((struct agent *)arg)->state != AGENT_REGISTERING;
}

static void guess(struct noise *n, uint16_t port)
{
    static struct agent a;

    a = (struct agent){.dn = 1000, .password = "not-it", .from = guess_from, .patient = true};
    n->guesses++;
    if (agent_register(&a, port)) {
        n->guesses_shut_out++;
        return;
    }
    loop_run(guess_decided, &a, GUESS_MS);
    n->guesses_let_in += a.state == AGENT_READY;
    agent_close(&a);
}

static void get(struct noise *n, uint16_t port, const char *path)
{
    unsigned status;

    n->pages++;
    if (wsclient_get(port, page_from, path, &status) || status != 200)
        n->pages_failed++;
}

static void run(struct noise *n, uint16_t port)
{
    static const char *const pages[] = {"/readyz", "/metrics", "/", "/healthz"};

    for (unsigned i = 0;; i++) {
        get(n, port, pages[i % (sizeof(pages) / sizeof(pages[0]))]);
        if (i % GUESS_EACH == 0)
            guess(n, port);
        loop_run(NULL, NULL, EACH_MS);
    }
}

int noise_start(struct noise **np, uint16_t port)
{
    pid_t pid;
    struct noise *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (n == MAP_FAILED)
        return errno;
    fflush(NULL);
    pid = fork(); /* not into *n at once: the child would write its 0 there */
    if (pid < 0)
        return errno;
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, SIG_DFL);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO); /* refusals are expected */
        close_range(3, ~0u, 0);
        loop_on_tick(NULL, NULL);
        if (!loop_open())
            run(n, port);
        _exit(1);
    }
    n->pid = pid;
    *np = n;
    return 0;
}

void noise_stop(struct noise *n)
{
    if (!n)
        return;
    kill(n->pid, SIGKILL);
    waitpid(n->pid, NULL, 0);
}
