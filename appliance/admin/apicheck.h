/*
 * admin/apicheck: what was sent, against the tables of admin/api.h. Everything that is wrong is told at once, each at its field. Pure; any thread.
 */
#ifndef ADMIN_APICHECK_H
#define ADMIN_APICHECK_H

#include "admin/api.h"

enum { API_FAULTS_MAX = 16, API_QUERY_MAX = 32, API_TEXT_MAX = 1024, API_ITEMS_MAX = 1000 };

struct api_faults {
    struct api_fault {
        char field[64], detail[160];
    } v[API_FAULTS_MAX];
    size_t n; /* more than that are not told */
};

struct api_query { /* of the request's text, decoded in place */
    struct {
        const char *name, *value;
    } v[API_QUERY_MAX];
    size_t n;
};

void api_fault_add(struct api_faults *f, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* text is written to and kept. list: limit and cursor are known, too. */
void api_query_check(struct api_query *q, char *text, const struct api_value *v, size_t n, bool list,
                     struct api_faults *f);
void api_body_check(const struct json_val *body, const struct api_value *v, size_t n, struct api_faults *f);

#endif
