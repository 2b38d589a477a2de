#include "core/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <yyjson.h>

enum { DEPTH_MAX = 32 };

/* struct json and struct json_val are yyjson's own objects under our name: nothing is copied or wrapped. */
static yyjson_doc *doc_of(const struct json *j)
{
    return (yyjson_doc *)(uintptr_t)j;
}

static yyjson_val *val_of(const struct json_val *v)
{
    return (yyjson_val *)(uintptr_t)v;
}

static const struct json_val *of_val(const yyjson_val *v)
{
    return (const struct json_val *)v;
}

/* yyjson itself needs no stack for depth, but those who walk the document do. Counts brackets outside strings. */
static bool too_deep(const char *text, size_t len)
{
    bool in_string = false;
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > DEPTH_MAX)
                return true;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return false;
}

int json_parse(struct json **jp, const char *text, size_t len, char *why, size_t whysz)
{
    yyjson_read_err err = {0};
    yyjson_doc *doc;

    if (!jp || (!text && len))
        return EINVAL;
    if (too_deep(text, len)) {
        if (why)
            snprintf(why, whysz, "nested deeper than %d levels", DEPTH_MAX);
        return EBADMSG;
    }
    /* The text is only written to with YYJSON_READ_INSITU, which is not used. */
    doc = yyjson_read_opts(len ? (char *)(uintptr_t)text : "", len, YYJSON_READ_NOFLAG, NULL, &err);
    if (!doc) {
        if (why)
            snprintf(why, whysz, "%s at byte %zu", len ? err.msg : "empty", err.pos);
        return err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? ENOMEM : EBADMSG;
    }
    *jp = (struct json *)doc;
    return 0;
}

void json_free(struct json *j)
{
    yyjson_doc_free(doc_of(j));
}

const struct json_val *json_root(const struct json *j)
{
    return of_val(yyjson_doc_get_root(doc_of(j)));
}

const struct json_val *json_get(const struct json_val *obj, const char *key)
{
    return of_val(yyjson_obj_get(val_of(obj), key));
}

/* A string with an inner 0 would be one thing to its checker and another to its user: it is no string to us. */
const char *json_str(const struct json_val *v)
{
    const char *s = yyjson_get_str(val_of(v));

    return s && strlen(s) == yyjson_get_len(val_of(v)) ? s : NULL;
}

const char *json_get_str(const struct json_val *obj, const char *key)
{
    return json_str(json_get(obj, key));
}

bool json_int(const struct json_val *val, int64_t *n)
{
    yyjson_val *v = val_of(val);

    if (!yyjson_is_int(v) || (yyjson_is_uint(v) && yyjson_get_uint(v) > INT64_MAX))
        return false;
    *n = yyjson_get_sint(v);
    return true;
}

bool json_get_int(const struct json_val *obj, const char *key, int64_t *n)
{
    return json_int(json_get(obj, key), n);
}

bool json_bool(const struct json_val *v, bool *b)
{
    if (!yyjson_is_bool(val_of(v)))
        return false;
    *b = yyjson_get_bool(val_of(v));
    return true;
}

bool json_get_bool(const struct json_val *obj, const char *key, bool *b)
{
    return json_bool(json_get(obj, key), b);
}

bool json_num(const struct json_val *v, double *n)
{
    if (!yyjson_is_num(val_of(v)))
        return false;
    *n = yyjson_get_num(val_of(v));
    return isfinite(*n);
}

bool json_is_obj(const struct json_val *v)
{
    return yyjson_is_obj(val_of(v));
}

bool json_is_arr(const struct json_val *v)
{
    return yyjson_is_arr(val_of(v));
}

bool json_is_str(const struct json_val *v)
{
    return yyjson_is_str(val_of(v));
}

bool json_each(const struct json_val *obj, json_member_h *h, void *arg)
{
    yyjson_obj_iter it;
    yyjson_val *key;

    if (!yyjson_obj_iter_init(val_of(obj), &it))
        return false;
    while ((key = yyjson_obj_iter_next(&it)))
        if (h(json_str(of_val(key)), of_val(yyjson_obj_iter_get_val(key)), arg))
            return true;
    return false;
}

size_t json_arr_size(const struct json_val *v)
{
    return yyjson_arr_size(val_of(v));
}

const struct json_val *json_arr_at(const struct json_val *v, size_t i)
{
    return of_val(yyjson_arr_get(val_of(v), i));
}
