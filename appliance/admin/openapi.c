#include "admin/openapi.h"
#include "version.h"

#include <ctype.h>
#include <string.h>

enum { ANSWER, SENT }; /* which side a schema describes */

/* ---------------------------------------------------------------- schemas */

static void begin(struct buf *out, const char *name)
{
    api_put_name(out, name);
    buf_puts(out, "{");
}

static void choices_write(struct buf *out, const char *choices)
{
    char text[256];
    char *save = NULL;

    api_put_name(out, "enum");
    buf_puts(out, "[");
    if (strlen(choices) < sizeof(text)) {
        memcpy(text, choices, strlen(choices) + 1);
        for (char *p = strtok_r(text, "|", &save); p; p = strtok_r(NULL, "|", &save)) {
            buf_puts(out, p == text ? "" : ",");
            buf_json_str(out, p);
        }
    }
    buf_puts(out, "]");
}

static void object_write(struct buf *out, const struct api_value *v, size_t n, int side);
static void value_write(struct buf *out, const struct api_value *v, int side);

/* What is counted here in bytes is counted there in characters: never more. */
static void text_write(struct buf *out, const struct api_value *v, int side)
{
    api_put_str(out, "type", "string");
    if (v->type == API_SECRET) {
        api_put_str(out, "format", "password");
        api_put_bool(out, "writeOnly", side == SENT);
    }
    if (v->choices) {
        choices_write(out, v->choices);
    } else if (side == SENT) {
        if (v->min)
            api_put_int(out, "minLength", 1);
        api_put_int(out, "maxLength", v->min || v->max ? v->max : API_TEXT_MAX);
    }
}

static void number_write(struct buf *out, const struct api_value *v, int side)
{
    if (v->type == API_REAL && side == ANSWER) /* what is not known */
        buf_puts(out, "\"type\":[\"number\",\"null\"]");
    else
        api_put_str(out, "type", v->type == API_REAL ? "number" : "integer");
    if (v->type == API_TIME) {
        api_put_str(out, "format", "int64");
        api_put_int(out, "minimum", 0);
    } else if (side == SENT && (v->min || v->max)) {
        api_put_int(out, "minimum", v->min);
        api_put_int(out, "maximum", v->max);
    }
}

static void list_write(struct buf *out, const struct api_value *v, int side)
{
    const struct api_value text = {.type = API_TEXT, .choices = v->choices};

    api_put_str(out, "type", "array");
    if (side == SENT) {
        if (v->min)
            api_put_int(out, "minItems", v->min);
        api_put_int(out, "maxItems", v->min || v->max ? v->max : API_ITEMS_MAX);
    }
    begin(out, "items");
    if (v->count)
        object_write(out, v->v, v->count, side);
    else
        value_write(out, &text, side);
    buf_puts(out, "}");
}

/* The members of a schema, without its braces. */
static void value_write(struct buf *out, const struct api_value *v, int side)
{
    switch (v->type) {
    case API_TEXT:
    case API_SECRET:
        text_write(out, v, side);
        break;
    case API_INT:
    case API_REAL:
    case API_TIME:
        number_write(out, v, side);
        break;
    case API_BOOL:
        api_put_str(out, "type", "boolean");
        break;
    case API_OBJECT:
        object_write(out, v->v, v->count, side);
        break;
    case API_LIST:
        list_write(out, v, side);
        break;
    case API_ANY:
        break;
    }
    if (v->help)
        api_put_str(out, "description", v->help);
}

static void object_write(struct buf *out, const struct api_value *v, size_t n, int side)
{
    bool any = false;

    api_put_str(out, "type", "object");
    begin(out, "properties");
    for (size_t i = 0; i < n; i++) {
        begin(out, v[i].name);
        value_write(out, &v[i], side);
        buf_puts(out, "}");
        any = any || v[i].needed;
    }
    buf_puts(out, "}");
    api_put_bool(out, "additionalProperties", false);
    if (!any)
        return;
    api_put_name(out, "required");
    buf_puts(out, "[");
    any = false;
    for (size_t i = 0; i < n; i++) {
        if (!v[i].needed)
            continue;
        buf_puts(out, any ? "," : "");
        buf_json_str(out, v[i].name);
        any = true;
    }
    buf_puts(out, "]");
}

/* ---------------------------------------------------------------- parameters */

static void parameter_write(struct buf *out, const char *in, const struct api_value *v, bool needed)
{
    struct api_value plain = *v;

    plain.help = NULL;
    api_item(out);
    api_put_str(out, "name", v->name);
    api_put_str(out, "in", in);
    if (needed)
        api_put_bool(out, "required", true);
    if (v->help)
        api_put_str(out, "description", v->help);
    begin(out, "schema");
    value_write(out, &plain, SENT);
    buf_puts(out, "}}");
}

/* "/dns/{dn}": dn */
static void path_parameters(struct buf *out, const char *path)
{
    for (const char *p = path; (p = strchr(p, '{')); p++) {
        struct api_value v = {.type = API_TEXT, .min = 1, .max = WEB_PARAM_MAX};
        char name[40];
        const size_t n = strcspn(p + 1, "}");

        if (n >= sizeof(name))
            continue;
        memcpy(name, p + 1, n);
        name[n] = '\0';
        v.name = name;
        parameter_write(out, "path", &v, true);
    }
}

static bool is_reading(const struct api_route *r)
{
    return !strcmp(r->method, "GET");
}

static void header_parameters(struct buf *out, const struct api_route *r)
{
    static const struct api_value csrf = {
        .name = "X-CSRF-Token", .type = API_TEXT, .max = 64, .help = "csrf of GET /session; not with a key."};
    static const struct api_value match = {.name = "If-Match",
                                           .type = API_TEXT,
                                           .max = 255,
                                           .help =
                                               "ETag of GET: done only if it is still the same, else 412."};

    if (!is_reading(r) && r->access != API_OPEN)
        parameter_write(out, "header", &csrf, false);
    if (!is_reading(r) && strcmp(r->method, "POST") != 0)
        parameter_write(out, "header", &match, false);
}

static void parameters_write(struct buf *out, const struct api_route *r)
{
    static const struct api_value limit = {.name = "limit",
                                           .type = API_INT,
                                           .min = 1,
                                           .max = 500,
                                           .help = "Items of an answer; 100 without it."};
    static const struct api_value cursor = {
        .name = "cursor", .type = API_TEXT, .max = 256, .help = "next of the answer before."};

    api_put_name(out, "parameters");
    buf_puts(out, "[");
    path_parameters(out, r->path);
    for (size_t i = 0; i < r->query_count; i++)
        parameter_write(out, "query", &r->query[i], r->query[i].needed);
    if (r->list) {
        parameter_write(out, "query", &limit, false);
        parameter_write(out, "query", &cursor, false);
    }
    header_parameters(out, r);
    buf_puts(out, "]");
}

/* ---------------------------------------------------------------- bodies */

static void body_write(struct buf *out, const struct api_route *r)
{
    bool needed = r->body_type != NULL;

    if (!r->body_count && !r->body_type)
        return;
    for (size_t i = 0; i < r->body_count; i++)
        needed = needed || r->body[i].needed;
    begin(out, "requestBody");
    api_put_bool(out, "required", needed);
    begin(out, "content");
    begin(out, r->body_type ? r->body_type : "application/json");
    begin(out, "schema");
    if (r->body_type)
        api_put_str(out, "type", "string");
    else
        object_write(out, r->body, r->body_count, SENT);
    buf_puts(out, "}}}}");
}

static void items_write(struct buf *out, const struct api_route *r)
{
    const struct api_value members[] = {
        {.name = "items", .type = API_LIST, .needed = true, .v = r->answer, .count = r->answer_count},
        {.name = "total",
         .type = API_INT,
         .needed = !r->uncounted,
         .help = r->uncounted ? "That there are in all; only when this page has them all."
                              : "That there are in all."},
        {.name = "next", .type = API_TEXT, .needed = true, .help = "cursor of what follows; \"\": nothing."},
    };

    object_write(out, members, sizeof(members) / sizeof(members[0]), ANSWER);
}

static void answer_write(struct buf *out, const struct api_route *r)
{
    begin(out, "content");
    begin(out, r->answer_type ? r->answer_type : "application/json");
    begin(out, "schema");
    if (r->answer_type)
        api_put_str(out, "type", "string");
    else if (r->list)
        items_write(out, r);
    else if (r->answer_count)
        object_write(out, r->answer, r->answer_count, ANSWER);
    buf_puts(out, "}}}");
}

static void responses_write(struct buf *out, const struct api_route *r)
{
    const bool nothing = !r->answer_count && !r->answer_type && !r->list && !is_reading(r);

    begin(out, "responses");
    begin(out, nothing ? "204" : "2XX");
    api_put_str(out, "description", "Done.");
    if (!nothing)
        answer_write(out, r);
    buf_puts(out, "}");
    begin(out, "default");
    api_put_str(out, "description", "Not done; detail says why, errors which values are wrong.");
    buf_puts(out, ",\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/"
                  "Problem\"}}}}}");
}

/* ---------------------------------------------------------------- routes */

static const char *const roles[] = {
    [API_OPEN] = "", [API_READONLY] = "readonly", [API_SUPERVISOR] = "supervisor", [API_ADMIN] = "admin"};

/* "GET /users/{name}": getUsersName */
static void operation_id(struct buf *out, const struct api_route *r)
{
    char id[96];
    size_t n = 0;
    bool up = false;

    for (const char *p = r->method; *p && n < sizeof(id) - 1; p++)
        id[n++] = (char)tolower((unsigned char)*p);
    for (const char *p = r->path; *p && n < sizeof(id) - 1; p++) {
        if (isalnum((unsigned char)*p))
            id[n++] = up ? (char)toupper((unsigned char)*p) : *p;
        up = !isalnum((unsigned char)*p);
    }
    id[n] = '\0';
    api_put_str(out, "operationId", id);
}

static void tag_write(struct buf *out, const char *path)
{
    char tag[40];
    const size_t n = strcspn(path + 1, "/");

    memcpy(tag, path + 1, n < sizeof(tag) ? n : sizeof(tag) - 1);
    tag[n < sizeof(tag) ? n : sizeof(tag) - 1] = '\0';
    api_put_name(out, "tags");
    buf_puts(out, "[");
    buf_json_str(out, tag);
    buf_puts(out, "]");
}

static void operation_write(struct buf *out, const struct api_route *r)
{
    char method[8] = "";

    for (size_t i = 0; r->method[i] && i < sizeof(method) - 1; i++)
        method[i] = (char)tolower((unsigned char)r->method[i]);
    begin(out, method);
    operation_id(out, r);
    tag_write(out, r->path);
    api_put_str(out, "summary", r->summary);
    api_put_name(out, "security");
    buf_puts(out, r->access == API_OPEN ? "[]" : "[{\"session\":[]},{\"key\":[]}]");
    api_put_str(out, "x-role", roles[r->access]);
    parameters_write(out, r);
    body_write(out, r);
    responses_write(out, r);
    buf_puts(out, "}");
}

/* All that a path takes, where it comes first. */
static void path_write(struct buf *out, const struct api_entry *v, size_t n, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (!strcmp(v[i].r->path, v[at].r->path))
            return;
    begin(out, v[at].r->path);
    for (size_t i = at; i < n; i++)
        if (!strcmp(v[i].r->path, v[at].r->path))
            operation_write(out, v[i].r);
    buf_puts(out, "}");
}

static void components_write(struct buf *out)
{
    static const struct api_value fault[] = {
        {.name = "field", .type = API_TEXT, .needed = true},
        {.name = "detail", .type = API_TEXT, .needed = true},
    };
    static const struct api_value problem[] = {
        {.name = "type", .type = API_TEXT, .needed = true},
        {.name = "title", .type = API_TEXT, .needed = true},
        {.name = "status", .type = API_INT, .needed = true},
        {.name = "detail", .type = API_TEXT, .needed = true, .help = "What a person can act on."},
        {.name = "errors", .type = API_LIST, .help = "Which values are wrong.", API_VALUES(fault)},
        {.name = "totp", .type = API_BOOL, .help = "Of /login: a code is wanted, too."},
    };

    begin(out, "components");
    buf_puts(out,
             "\"securitySchemes\":{\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"" API_COOKIE
             "\"},\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"}}");
    begin(out, "schemas");
    begin(out, "Problem");
    object_write(out, problem, sizeof(problem) / sizeof(problem[0]), ANSWER);
    buf_puts(out, "}}}");
}

void openapi_write(struct buf *out, const struct api_entry *v, size_t n)
{
    buf_puts(out, "{");
    api_put_str(out, "openapi", "3.1.0");
    begin(out, "info");
    api_put_str(out, "title", "dngate");
    api_put_str(out, "version", DNGATE_VERSION);
    api_put_str(out, "description",
                "All that the console does. Times are Unix time in ms. Errors are RFC 9457 problems. Sign in "
                "by POST /login and "
                "send what it calls csrf as X-CSRF-Token with everything but GET; or send a key as "
                "Authorization: Bearer.");
    buf_puts(out, "}");
    buf_puts(out, ",\"servers\":[{\"url\":\"" API_BASE "\"}]");
    begin(out, "paths");
    for (size_t i = 0; i < n; i++)
        path_write(out, v, n, i);
    buf_puts(out, "}");
    components_write(out);
    buf_puts(out, "}");
}
