/* web/route: which handler serves a path. Routes are registered before web_start and read only afterwards. WEB thread. */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "web/http.h"
#include "web/web.h"

enum { ROUTES_MAX = 128, WEB_BODY_OUT_MAX = 16 << 20, WEB_DELAY_MAX_MS = 8000 };

enum route_result {
    ROUTE_NONE,
    ROUTE_DONE,
    ROUTE_METHOD /* the path is ours, the method is not: allow says which are */
};

/* Runs the handler for this request; HEAD is served by GET's. resp must be initialised by web_resp_init. */
enum route_result route_run(const struct web_req *req, struct web_resp *resp, char *allow, size_t allowsz);

void web_resp_init(struct web_resp *resp);
void web_resp_reset(struct web_resp *resp);

#endif
