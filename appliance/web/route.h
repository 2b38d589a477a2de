/* web/route: which table entry serves a path. Tables are registered before web_start and read only afterwards. WEB thread. */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "web/exchange.h"

enum { ROUTE_TABLES_MAX = 32 };

/* What serves this request, put into x with the parameters; HEAD is served by GET's. 0; 404; 405: the path is ours, the method is not,
 * and allow says which are. */
int route_find(struct exchange *x, const char *method, const char *path, char *allow, size_t allowsz);

#endif
