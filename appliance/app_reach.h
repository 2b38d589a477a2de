/*
 * app_reach: the server goes the ways that browsers go (service/reach) to each address of public.address: some seconds after the start, when
 * it means something else, and every hour. What fails stands in the log, one line an address, and in dngate_reach_closed.
 *
 * What only somebody outside could tell (a NAT that turns no packets round) is no failure: it is counted in dngate_reach_unknown. Loopback is
 * not tried. Main thread; the looking has a thread of its own, "reach", which owns what it was given and is not waited for.
 */
#ifndef APP_REACH_H
#define APP_REACH_H

#include <stddef.h>

struct app_reach;
struct app_turn;
struct conf;
struct media;
struct sip_stack;
struct store;
struct web;

struct app_reach_config { /* all of them run */
    const struct conf *conf;
    const struct store *store;
    const struct media *media;
    const struct web *web;
    const struct app_turn *turn;   /* NULL: none */
    const struct sip_stack *stack; /* knows public.address; must outlive it */
};

int app_reach_alloc(struct app_reach **rp, const struct app_reach_config *cfg); /* ENOMEM */
void app_reach_free(struct app_reach *r);
/* "https, ice": the ways that do not lead here, as the last look found; "". Any thread. Returns buf. */
const char *app_reach_closed(char *buf, size_t sz);
/* Looks when it is time to. Now and then. */
void app_reach_tidy(struct app_reach *r);

#endif
