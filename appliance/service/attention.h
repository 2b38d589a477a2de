/*
 * service/attention: what an administrator should look at now, in words, and since when. Each condition begins once and ends once: that is
 * what alerts are made of. Pure but for attention_look(); owner: the main thread.
 */
#ifndef SERVICE_ATTENTION_H
#define SERVICE_ATTENTION_H

#include "core/health.h"
#include "service/figures.h"
#include "service/live.h"
#include "service/sentence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ATTENTION_MAX = 32 };

/* What alerts.events chooses from; the others are only shown. */
enum attention_kind {
    ATTENTION_TRUNK,
    ATTENTION_CERTIFICATE,
    ATTENTION_DISK,
    ATTENTION_QUALITY,
    ATTENTION_BANS,
    ATTENTION_PART,
    ATTENTION_REACH,
    ATTENTION_ADMIN,
    ATTENTION_RESTART,
    ATTENTION_UPSTREAM,
    ATTENTION_KINDS
};
/* "trunk", "certificate", …: in JSON and settings. */
const char *attention_kind_name(enum attention_kind k);

struct attention {
    enum attention_kind kind;
    char name[64];    /* of what: with kind it tells conditions apart */
    bool bad;         /* calls fail, or will; else it is a warning */
    const char *code; /* static: stays the same, and with params says all that text and advice say */
    struct sentence_params params;
    char text[256];
    const char *advice, *place; /* static: what to do; where in the console, "/admin/trunks" */
    int64_t since_ms;
};
struct attention_list {
    struct attention v[ATTENTION_MAX];
    size_t count;
    size_t left_out; /* no room */
};

/* What conditions are made of. */
struct attention_facts {
    struct health_part parts[HEALTH_PARTS_MAX];
    size_t part_count;
    const struct service_trunk *trunks;
    size_t trunk_count;
    double mos; /* of the last minutes; 0 = nobody was heard */
    size_t bans;
    size_t refused;                        /* DNs that SIP Server does not take */
    char refused_dn[64], refused_text[96]; /* one of them, and why */
    double disk_percent;                   /* used */
    char closed[128];  /* ways of browsers that are closed from outside: "https, ice"; "" */
    char pending[128]; /* settings that wait for a restart; "" */
    bool no_administrator;
    const struct attention_list *was; /* what was the case until now; NULL: nothing */
};

/* What has begun is over only when it is better by the second one: nobody is told of each wink. */
enum { ATTENTION_DISK_PERCENT = 90, ATTENTION_DISK_LESS = 2 };
#define ATTENTION_MOS 3.5
#define ATTENTION_MOS_MORE 0.1

/* What is the case, in the order of its weight. since_ms is 0. */
void attention_find(const struct attention_facts *facts, struct attention_list *out);
typedef void(attention_h)(const struct attention *a, bool begins, void *arg);
/* now becomes the list, which knew since when what it still holds is the case; h is told what began and what ended. */
void attention_take(struct attention_list *list, const struct attention_list *now, int64_t wall_ms,
                    attention_h *h, void *arg);

#endif
