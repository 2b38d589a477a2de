/* service/status: how the running server is. Errors: service/service.h, and ENOTCONN: no server runs in this process. */
#ifndef SERVICE_STATUS_H
#define SERVICE_STATUS_H

#include "core/health.h"
#include "service/attention.h"
#include "service/figures.h"
#include "service/live.h"

struct service_certificate {
    char subject[256];
    int64_t expires_ms; /* 0: not known */
    bool own;           /* signed by itself */
};

/* What the server's main thread keeps up to date once a second (app_live): struct service's `now`. */
struct service_now {
    bool lab;
    int64_t started_ms; /* Unix ms */
    struct service_figures figures;
    struct attention_list attention;
    struct service_certificate certificate;
};

struct service_agents {
    size_t off, ready, ringing, on_call;
};

struct service_status {
    bool ready; /* to take calls */
    struct health_part parts[HEALTH_PARTS_MAX];
    size_t part_count;
    uint64_t uptime_s;
    int64_t now_ms;
    int pid;
    bool
        counted; /* signalling said how many calls and registrations there are, and what follows; else sv->why */
    struct service_counts counts;
    struct service_agents agents;
    size_t relayed;               /* calls whose audio goes by our TURN server */
    struct service_trunks trunks; /* service_status_free() */
    bool known;                   /* this process keeps figures */
    struct figures_now figures;
};

/* Says what it can even when signalling is stuck: that is when it is asked for. */
int service_status(struct service *sv, struct service_status *out);
/* The same of a picture that there is already; its trunks stay the picture's. picture NULL: signalling said nothing. */
void service_status_of(struct service *sv, const struct service_picture *picture, struct service_status *out);
void service_status_free(struct service_status *st);

struct service_history { /* series of one step each; NAN where nothing is known */
    int64_t from_ms;
    unsigned step_s;
    size_t count;
    double *v[FIGURES]; /* service_history_free() */
};
/* span: "1h", "24h", "30d". EINVAL. */
int service_history(struct service *sv, const char *span, struct service_history *out);
void service_history_free(struct service_history *h);
/* What happened to a DN ("dn") or trunk ("trunk"): newest first. */
int service_happenings(struct service *sv, const char *noun, const char *name, happening_h *h, void *arg);

#endif
