/*
 * admin/status: GET /healthz (we run), /readyz (we can take calls, JSON with each part's reason) and /metrics. WEB thread.
 *
 * Figures are open to all, as those of exporters are, unless metrics.allow names networks: then others need to be signed in, by a key of the API most
 * likely; of /readyz they learn whether it is ready, and no reasons.
 */
#ifndef ADMIN_STATUS_H
#define ADMIN_STATUS_H

struct api;
struct conf;

/* Registers the routes; before web_start. Both must outlive the web server. conf NULL: all may. ENOSPC. */
int admin_status_register(struct api *api, const struct conf *conf);

#endif
