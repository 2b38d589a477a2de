/*
 * service/service: what an administrator can do, as functions from values to values: they print nothing and know no words of a command
 * line or of HTTP. The command line (cmd/) and REST (admin/) call these same functions; one file per noun. Backup and restore are such
 * functions already: store/backup.h, store/restore.h.
 *
 * Each returns 0 or an errno value, and then sv->why is one line for a person: EINVAL a value is wrong, ENOENT there is no such thing, EEXIST
 * there is one, EPERM it may not be changed, ENOTSUP not in this version, others: it failed.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include <stdint.h>

struct store;
struct conf;
struct guard;
struct mbox;
struct alerts;
struct service_now;
struct service_restart;
struct codeguess;
struct trunktests;

enum { SERVICE_WHY_MAX = 512 };

struct service { /* owner: the thread that calls */
    struct store *store;
    struct conf *conf;
    struct conf
        *at_start; /* what settings that need a restart are until then; NULL, like what follows: no server
                                runs in this process */
    struct guard *guard;
    struct mbox *signalling;         /* for questions to it (service/live.h) */
    struct service_now *now;         /* what is sampled once a second (service/status.h) */
    struct alerts *alerts;           /* service/alerts.h */
    struct service_restart *restart; /* service/restart.h */
    struct trunktests *trunktests;   /* service/trunktest.h */
    struct codeguess *codes;         /* service/codeguess.h; of the thread that signs people in */
    uint64_t start_ms;               /* of the server, on clock_ms */
    uint16_t https_port;             /* that it really has; 0: as the setting says */
    void (*certificate_changed)(
        void *arg); /* main thread: it is on disk (service/certificate.h); may be NULL */
    void *certificate_arg;
    char why[SERVICE_WHY_MAX];
    char field[32]; /* what of the values given is wrong; "" = none of them, or not known. With why */
};

/* Notes why; returns err. */
__attribute__((format(printf, 3, 4))) int service_fail(struct service *sv, int err, const char *fmt, ...);
/* The same, and which of the values given is wrong, by the name that it has in REST and in --json. */
__attribute__((format(printf, 4, 5))) int service_fail_at(struct service *sv, int err, const char *field,
                                                          const char *fmt, ...);
/* Writes into the audit and the log what was done; for what changes no row of the database. */
__attribute__((format(printf, 2, 3))) void service_noted(struct service *sv, const char *fmt, ...);

#endif
