/*
 * core/json: reading JSON (yyjson behind it). Writing is done with buf_printf and buf_json_str.
 * A document is bounded by the caller (pass the length); depth is limited to 32.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json; /* a document */
struct json_val;

/* Errors: EBADMSG with a short reason in why (may be NULL). */
int json_parse(struct json **jp, const char *text, size_t len, char *why, size_t whysz);
void json_free(struct json *j);
const struct json_val *json_root(const struct json *j);
const struct json_val *json_get(const struct json_val *obj, const char *key); /* NULL when absent */
const char *json_str(const struct json_val *v); /* NULL when not a string, or one with a 0 in it */
const char *json_get_str(const struct json_val *obj, const char *key);
bool json_get_int(const struct json_val *obj, const char *key, int64_t *n);
bool json_get_bool(const struct json_val *obj, const char *key, bool *b);
/* A finite number, with or without a fraction. */
bool json_num(const struct json_val *v, double *n);
/* Each member of an object in its order, until h returns true, which is returned. key: NULL when it has a 0 in it. */
typedef bool(json_member_h)(const char *key, const struct json_val *v, void *arg);
bool json_each(const struct json_val *obj, json_member_h *h, void *arg);
bool json_is_obj(const struct json_val *v);
bool json_is_arr(const struct json_val *v);
bool json_is_str(const struct json_val *v); /* with a 0 in it, too: json_str says NULL to such a one */
/* A whole number that fits. */
bool json_int(const struct json_val *v, int64_t *n);
bool json_bool(const struct json_val *v, bool *b);
size_t json_arr_size(const struct json_val *v); /* 0 when not an array */
const struct json_val *json_arr_at(const struct json_val *v, size_t i);

#endif
