/* bench/turnpages/loaders: see loaders.h. */
#include "loaders.h"

#include "bench/turn/tlsclient.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE_MAX = 1 << 20, WAIT_MS = 10000 };

static const char *const pages[] = {"/admin/", "/index-agent-dn.html", "/app-agent-dn.js"};

static pid_t pids[LOADERS_MAX];
static unsigned long *loaded; /* by each, in memory that they share with us */
static unsigned running;

/* Reads an answer to its end, by its Content-Length. */
static bool answer_read(struct tlsclient *c, int fd, char *buf)
{
    size_t n = 0, all = 0;

    while (!all || n < all) {
        ssize_t got = tlsclient_read(c, buf + n, PAGE_MAX - n - 1);
        const char *end, *length;

        if (got < 0 && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WAIT_MS) == 1)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
        buf[n] = '\0';
        end = all ? NULL : strstr(buf, "\r\n\r\n");
        length = end ? strcasestr(buf, "\r\nContent-Length:") : NULL;
        if (end && (!length || length > end || strncmp(buf, "HTTP/1.1 200", 12)))
            return false;
        if (end)
            all = (size_t)(end + 4 - buf) + strtoul(length + 17, NULL, 10);
    }
    return true;
}

static unsigned load_three(uint16_t port, char *buf)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct tlsclient *c = connect(fd, (struct sockaddr *)&to, sizeof(to)) ? NULL : tlsclient_open(fd);
    unsigned n = 0;
    char request[256];

    for (size_t i = 0; c && i < sizeof(pages) / sizeof(*pages); i++) {
        int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", pages[i]);

        tlsclient_write(c, request, (size_t)len);
        n += answer_read(c, fd, buf);
    }
    tlsclient_close(c);
    close(fd);
    return n;
}

static void loader(uint16_t port, unsigned long *count)
{
    char *buf = malloc(PAGE_MAX);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, 0);
    while (buf)
        *count += load_three(port, buf);
    _exit(1);
}

void loaders_start(uint16_t port, unsigned count)
{
    if (!loaded)
        loaded = mmap(NULL, LOADERS_MAX * sizeof(*loaded), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                      -1, 0);
    if (loaded == MAP_FAILED)
        abort();
    memset(loaded, 0, LOADERS_MAX * sizeof(*loaded));
    fflush(stdout);
    for (running = 0; running < count && running < LOADERS_MAX; running++) {
        pids[running] = fork();
        if (pids[running] == 0)
            loader(port, &loaded[running]);
    }
}

unsigned long loaders_stop(void)
{
    unsigned long n = 0;

    for (unsigned i = 0; i < running; i++) {
        kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
        n += loaded[i];
    }
    running = 0;
    return n;
}
