/*
 * core/gauges: gauges of one name, told apart by one label whose values come and go, as the trunks' names do, for /metrics.
 *
 *   GAUGES(trunk_up, "dngate_trunk_up", "trunk", "1 when the trunk answers");
 *   gauges_set(&trunk_up, "genesys", 1);
 *   gauges_del(&trunk_up, "genesys");
 *
 * Declare at file scope. Any thread; one lock for all, so for changes of state, not for packets.
 */
#ifndef CORE_GAUGES_H
#define CORE_GAUGES_H

#include <stddef.h>

struct buf;

enum { GAUGES_MAX = 128, GAUGES_VALUE_MAX = 64 }; /* label values of one name, and their length */

struct gauges {
    const char *name, *label, *help;
    struct gauges_row {
        char value[GAUGES_VALUE_MAX];
        double v;
    } rows[GAUGES_MAX];
    size_t count;
    struct gauges *next;
};

void gauges_register(struct gauges *g);
/* Adds the label value when it is new; what finds no room is not shown. */
void gauges_set(struct gauges *g, const char *value, double v);
void gauges_del(struct gauges *g, const char *value);
/* All of them, in Prometheus text form. */
void gauges_collect(struct buf *out);

#define GAUGES(var, nm, lbl, hlp)                                                                            \
    static struct gauges var = {.name = nm, .label = lbl, .help = hlp};                                      \
    __attribute__((constructor)) static void var##_register_(void)                                           \
    {                                                                                                        \
        gauges_register(&var);                                                                               \
    }                                                                                                        \
    struct gauges /* swallows the semicolon */

#endif
