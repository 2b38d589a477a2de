/* admin/openapi: the OpenAPI 3.1 document of all routes, made from their tables. */
#ifndef ADMIN_OPENAPI_H
#define ADMIN_OPENAPI_H

#include "admin/apipriv.h"

void openapi_write(struct buf *out, const struct api_entry *v, size_t n);

#endif
