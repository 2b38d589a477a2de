/* admin/status: GET /healthz (we run), /readyz (we can take calls, JSON with each part's reason) and /metrics. WEB thread. */
#ifndef ADMIN_STATUS_H
#define ADMIN_STATUS_H

/* Registers the routes; before web_start. ENOSPC. */
int admin_status_register(void);

#endif
