#include "cmd/sockets.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP_LISTEN = 0x0a };

struct socket_entry {
    bool udp;
    uint16_t port;
    unsigned long inode;
};

struct sockets {
    struct socket_entry *v;
    size_t count, size;
};

static int add(struct sockets *s, const struct socket_entry *e)
{
    if (s->count == SOCKETS_MAX)
        return ENOSPC;
    if (s->count == s->size) {
        size_t size = s->size ? 2 * s->size : 256;
        struct socket_entry *v = realloc(s->v, size * sizeof(*v));

        if (!v)
            return ENOMEM;
        s->v = v;
        s->size = size;
    }
    s->v[s->count++] = *e;
    return 0;
}

/* "   0: 0100007F:13C4 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 …" */
static bool parse(char *line, bool udp, struct socket_entry *e)
{
    enum { LOCAL = 1, STATE = 3, INODE = 9, FIELDS };
    char *fields[FIELDS], *save = NULL, *port;
    size_t n = 0;

    for (char *w = strtok_r(line, " ", &save); w && n < FIELDS; w = strtok_r(NULL, " ", &save))
        fields[n++] = w;
    port = n == FIELDS ? strrchr(fields[LOCAL], ':') : NULL;
    if (!port)
        return false; /* the headline */
    e->udp = udp;
    e->port = (uint16_t)strtoul(port + 1, NULL, 16);
    e->inode = strtoul(fields[INODE], NULL, 10);
    return udp || strtoul(fields[STATE], NULL, 16) == TCP_LISTEN;
}

static int read_table(struct sockets *s, const char *path, bool udp)
{
    struct socket_entry e;
    char line[512];
    FILE *f = fopen(path, "re");
    int err = 0;

    if (!f)
        return errno == ENOENT ? 0 : errno; /* a kernel without IPv6 */
    while (!err && fgets(line, sizeof(line), f))
        if (parse(line, udp, &e))
            err = add(s, &e);
    fclose(f);
    return err;
}

int sockets_alloc(struct sockets **sp)
{
    static const struct {
        const char *path;
        bool udp;
    } tables[] = {{"/proc/net/tcp", false},
                  {"/proc/net/tcp6", false},
                  {"/proc/net/udp", true},
                  {"/proc/net/udp6", true}};
    struct sockets *s = calloc(1, sizeof(*s));
    int err = s ? 0 : ENOMEM;

    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]) && !err; i++)
        err = read_table(s, tables[i].path, tables[i].udp);
    if (err)
        sockets_free(s);
    else
        *sp = s;
    return err;
}

void sockets_free(struct sockets *s)
{
    if (!s)
        return;
    free(s->v);
    free(s);
}

static void program_name(pid_t pid, char *name, size_t sz)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    f = fopen(path, "re");
    if (!f || !fgets(name, (int)sz, f))
        name[0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    if (f)
        fclose(f);
}

static bool process_has(pid_t pid, const char *link)
{
    char path[64], target[64];
    const struct dirent *e;
    bool found = false;
    ssize_t n;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    if (!d)
        return false;
    while (!found && (e = readdir(d))) {
        n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
        if (n > 0) {
            target[n] = '\0';
            found = !strcmp(target, link);
        }
    }
    closedir(d);
    return found;
}

static void find_owner(unsigned long inode, struct socket_owner *o)
{
    const struct dirent *e;
    char link[64];
    DIR *d = opendir("/proc");

    snprintf(link, sizeof(link), "socket:[%lu]", inode);
    while (d && !o->pid && (e = readdir(d))) {
        pid_t pid = isdigit((unsigned char)e->d_name[0]) ? (pid_t)strtol(e->d_name, NULL, 10) : 0;

        if (pid && process_has(pid, link)) {
            o->pid = pid;
            program_name(pid, o->name, sizeof(o->name));
        }
    }
    if (d)
        closedir(d);
}

bool sockets_taken(const struct sockets *s, bool udp, uint16_t port, struct socket_owner *owner)
{
    memset(owner, 0, sizeof(*owner));
    for (size_t i = 0; i < s->count; i++) {
        if (s->v[i].udp == udp && s->v[i].port == port) {
            find_owner(s->v[i].inode, owner);
            return true;
        }
    }
    return false;
}
