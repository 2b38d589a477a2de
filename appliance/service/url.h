/* service/url: links to our own pages, as somebody elsewhere can open them. */
#ifndef SERVICE_URL_H
#define SERVICE_URL_H

#include "service/service.h"

enum { SERVICE_URL_MAX = 512 };

/* path: with its "/" and whatever follows, as "/selftest.html#token". */
void service_url(const struct service *sv, char url[SERVICE_URL_MAX], const char *path);

#endif
