/*
 * app_sip: the signalling thread's part of the composition: registrar, trunks and calls, and provisioning changes that reach them
 * while they run.
 */
#ifndef APP_SIP_H
#define APP_SIP_H

#include "core/addr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_sip;
struct conf;
struct guard;
struct mbox;
struct media;
struct sip_stack;
struct store;
struct trunk_config;
struct turn;

struct app_sip_config {
    struct sip_stack *stack;
    struct store *store;
    struct conf *conf;
    struct guard *guard;
    struct media *media;
    struct mbox *media_events;
    const struct trunk_config *extra_trunk; /* by value; the lab's; NULL = none */
    struct turn *turn;                      /* is told whose credentials are over; NULL = none */
    int drained_fd;                         /* eventfd written when a drain is over */
};

/* Main thread, behind the lock of the data directory, since the calls of a server that lives are not ours to close: those that the last run
 * left become records. */
void app_sip_close_left(struct store *s);
/* Main thread: starts the signalling thread. Errors with one clear line in why. */
int app_sip_start(struct app_sip **ap, const struct app_sip_config *cfg, char *why, size_t whysz);
/* For questions to the signalling thread (service/live.h). */
struct mbox *app_sip_questions(const struct app_sip *a);
/*
 * Main thread: lets no new call in and gives those that run so many seconds to end (call/drain.h); again with less: hurries. unregister: DNs
 * that are registered at SIP Server leave it then, for 30 s at most; who starts again leaves them, since their agents would be logged out.
 */
void app_sip_drain(struct app_sip *a, uint32_t seconds, bool unregister);
/* Main thread: ends calls, stops the thread. */
void app_sip_stop(struct app_sip *a);

#endif
