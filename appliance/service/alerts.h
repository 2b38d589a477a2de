/*
 * service/alerts: what begins and ends of what needs attention (service/attention) is told to a webhook of somebody else: settings
 * alerts.webhook, alerts.events, alerts.ca.
 *
 *   {"source":"dngate","host":"gw1","event":"trunk","state":"begins"|"ends"|"test","level":"bad"|"warn","name":"genesys",
 *    "text":"gw1: Trunk genesys is down: …","advice":"…","time_ms":n,"since_ms":n}
 *
 * A thread of its own sends them one after the other, each until it is taken: after 1, 2, 4 … 60 s again, ALERTS_TRIES times. At most ALERTS_MAX
 * wait; then the oldest goes. Owner: the main thread; errors: service/service.h.
 */
#ifndef SERVICE_ALERTS_H
#define SERVICE_ALERTS_H

#include "service/attention.h"
#include "service/service.h"

struct alerts;

enum { ALERTS_MAX = 64, ALERTS_TRIES = 20, ALERTS_PAUSE_MAX_MS = 60000 };

/* conf must outlive it but for the thread, which is told what it says. ENOMEM, ENOSPC, or of pthread_create(3). */
int alerts_start(struct alerts **ap, struct conf *conf);
/* What waits is not sent; nobody waits for the thread. */
void alerts_stop(struct alerts *a);

/* Something begins or ends: is sent when the settings say so. */
void service_alert(struct service *sv, const struct attention *what, bool begins);
/* ENOTCONN: no server runs here; EINVAL: there is no alerts.webhook. It is on its way then: service_alerts() says how it went. */
int service_alerts_test(struct service *sv);

struct service_alerts {
    bool webhook_set;
    char events[256];
    size_t waiting;
    int64_t time_ms; /* of the last try; 0 = none yet */
    bool ok;
    char detail[200]; /* "trunk genesys begins: sent", "… : hooks.example answers 404" */
};
int service_alerts(struct service *sv, struct service_alerts *out);

#endif
