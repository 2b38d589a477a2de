/*
 * fake/box: the appliance's signalling, media and store in this process, on free ports of 127.0.0.1, with a temporary data directory.
 * No web server: agents come through sip/wsedge (fake/wsagent).
 */
#ifndef FAKE_BOX_H
#define FAKE_BOX_H

#include "fake/trunk.h"
#include "fake/wsagent.h"
#include "store/cdr.h"

struct box {
    char dir[64];
    struct store *store;
    struct store_reader *reader;
    struct conf *conf;
    struct guard *guard;
    struct media *media;
    struct mbox *events, *out;
    struct sip_stack *stack;
    struct app_sip *app;
    uint16_t sip_port;
    int drained_fd; /* readable when app_sip_drain() is done */
};

/* options: "key=value", NULL ends; trunks get priority in their order. DNs 5001 (opus), 5002 (pcmu), 5003 (disabled); password
 * "secret" + DN. */
int box_open(struct box *b, const char *const options[], struct fake_trunk *trunks, size_t trunk_count);
void box_close(struct box *b);
/* The newest CDR once n are there; false when that does not come true in time. */
bool box_cdr(struct box *b, size_t n, struct cdr *out);

#endif
