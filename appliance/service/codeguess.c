#include "service/codeguess.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USERS_MAX = 64, NAME_MAX_LEN = 64, SECOND_MS = 1000 };

struct codeguess {
    struct guesses {
        char user[NAME_MAX_LEN]; /* "": nobody */
        uint32_t wrong;          /* in a row */
        uint64_t last_ms;
    } v[USERS_MAX];
};

int codeguess_alloc(struct codeguess **gp)
{
    *gp = calloc(1, sizeof(**gp));
    return *gp ? 0 : ENOMEM;
}

void codeguess_free(struct codeguess *g)
{
    free(g);
}

static struct guesses *find(struct codeguess *g, const char *user)
{
    for (size_t i = 0; i < USERS_MAX; i++)
        if (g->v[i].user[0] && !strcmp(g->v[i].user, user))
            return &g->v[i];
    return NULL;
}

uint32_t codeguess_wait(const struct codeguess *g, const char *user, uint64_t now_ms)
{
    const struct guesses *u = g ? find((struct codeguess *)g, user) : NULL;
    uint64_t until;

    if (!u || u->wrong < CODEGUESS_FREE)
        return 0;
    until = u->last_ms + (uint64_t)CODEGUESS_WAIT_S * SECOND_MS;
    return now_ms < until ? (uint32_t)((until - now_ms + SECOND_MS - 1) / SECOND_MS) : 0;
}

/* Whoever was wrong the longest ago makes room. */
static struct guesses *room(struct codeguess *g)
{
    struct guesses *oldest = &g->v[0];

    for (size_t i = 0; i < USERS_MAX; i++) {
        if (!g->v[i].user[0])
            return &g->v[i];
        if (g->v[i].last_ms < oldest->last_ms)
            oldest = &g->v[i];
    }
    return oldest;
}

bool codeguess_wrong(struct codeguess *g, const char *user, uint64_t now_ms)
{
    struct guesses *u = g ? find(g, user) : NULL;

    if (!g)
        return false;
    if (!u) {
        u = room(g);
        *u = (struct guesses){.wrong = 0};
        snprintf(u->user, sizeof(u->user), "%s", user);
    }
    u->last_ms = now_ms;
    return ++u->wrong == CODEGUESS_FREE;
}

void codeguess_right(struct codeguess *g, const char *user)
{
    struct guesses *u = g ? find(g, user) : NULL;

    if (u)
        u->user[0] = '\0';
}
