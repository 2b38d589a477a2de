/*
 * core/budget: a bound on memory that many hold together, whoever they are: what strangers can make us keep (bytes that came and are
 * not yet understood, answers that they do not take) stays below BUDGET_STRANGERS in all. It has parts, so that who fills one leaves
 * the others alone, and a quarter of each part is only for those who hold little. Any thread; no lock.
 */
#ifndef CORE_BUDGET_H
#define CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

enum budget_part {
    BUDGET_WEB, /* heads, bodies, WebSocket messages, answers that wait for their peer; of agents who signed in only until they did */
    BUDGET_MAILBOX, /* SIP messages of browsers on their way to signalling */
    BUDGET_SIP, /* SIP messages of browsers on which nobody has signed in: transactions, delayed answers */
    BUDGET_TCP, /* what trunks have begun to send, and do not take, over TCP */
    BUDGET_PARTS,
};

enum {
    BUDGET_STRANGERS = 32 << 20, /* the sum of the parts */
    /* Who holds no more than this has the last quarter of a part to himself: */
    BUDGET_LITTLE_SOURCE = 256 * 1024, /* WEB: a source, over all its connections */
    BUDGET_LITTLE_CONN = 64 * 1024,    /* TCP: a connection */
    BUDGET_LITTLE_MESSAGE = 16 * 1024, /* MAILBOX, SIP: a message or two */
};

struct budget_account { /* what somebody holds; owned by one thread */
    size_t held;
};

/* Takes n bytes for someone who holds `held` already. False: there are none left (counted in dngate_memory_refused_total). */
bool budget_take(enum budget_part part, size_t held, size_t n);
void budget_give(enum budget_part part, size_t n);

#endif
