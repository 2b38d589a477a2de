#include "cmd/asterisk.h"
#include "core/file.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader { /* of one file */
    struct ast *ast;
    const char *file;
    unsigned line;
    unsigned depth;
    unsigned comment; /* open ;-- */
    bool includes;    /* may be followed */
    size_t section;   /* options go there */
    bool in_section;
};

static int file_parse(struct ast *a, const char *path, unsigned depth);

/* ---------------------------------------------------------------- what was read */

static int grow(void **v, size_t *size, size_t count, size_t each, size_t max)
{
    size_t n = *size ? 2 * *size : 16;
    void *p;

    if (count >= max)
        return EFBIG;
    if (count < *size)
        return 0;
    p = realloc(*v, n * each);
    if (!p)
        return ENOMEM;
    *v = p;
    *size = n;
    return 0;
}

/* Too many notes are no reason to fail. */
__attribute__((format(printf, 2, 3))) static int note(struct reader *r, const char *fmt, ...)
{
    struct ast *a = r->ast;
    char text[512];
    va_list ap;
    int err;

    if (a->note_count >= AST_NOTES_MAX)
        return 0;
    err = grow((void **)&a->notes, &a->note_size, a->note_count, sizeof(*a->notes), AST_NOTES_MAX);
    if (err)
        return err;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    a->notes[a->note_count] = (struct ast_note){r->file, r->line, strdup(text)};
    return a->notes[a->note_count].text ? (a->note_count++, 0) : ENOMEM;
}

static int refer(struct ast *a, struct ast_section *s, struct ast_option *o)
{
    int err = a->references >= AST_OPTIONS_MAX ? EFBIG
                                               : grow((void **)&s->options, &s->size, s->count,
                                                      sizeof(struct ast_option *), AST_OPTIONS_MAX);

    if (err)
        return err;
    s->options[s->count++] = o;
    a->references++;
    return 0;
}

static int option_add(struct reader *r, const char *key, const char *value)
{
    struct ast *a = r->ast;
    int err = grow((void **)&a->options, &a->option_size, a->option_count, sizeof(struct ast_option *),
                   AST_OPTIONS_MAX);
    struct ast_option *o = err ? NULL : calloc(1, sizeof(*o));

    if (!o)
        return err ? err : ENOMEM;
    a->options[a->option_count++] = o;
    o->file = r->file;
    o->line = r->line;
    o->key = strdup(key);
    o->value = strdup(value);
    if (!o->key || !o->value)
        return ENOMEM;
    return refer(a, &a->sections[r->section], o);
}

static struct ast_section *section_last(struct ast *a, const char *name)
{
    for (size_t i = a->section_count; i-- > 0;)
        if (!strcasecmp(a->sections[i].name, name))
            return &a->sections[i];
    return NULL;
}

/* ---------------------------------------------------------------- lines */

static char *trim(char *s)
{
    size_t n;

    while (isspace((unsigned char)*s))
        s++;
    n = strlen(s);
    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

/* Takes comments out of the line, in place. Asterisk: ";--" opens a comment that "--;" closes, but ";---" is a plain one; "\;" is
 * a semicolon. */
static void strip_comments(struct reader *r, char *line)
{
    char *out = line;

    for (char *p = line; *p;) {
        if (r->comment && !strncmp(p, "--;", 3)) {
            r->comment--;
            p += 3;
        } else if (!strncmp(p, ";--", 3) && p[3] != '-') {
            r->comment++;
            p += 3;
        } else if (r->comment) {
            p++;
        } else if (p[0] == '\\' && p[1] == ';') {
            *out++ = ';';
            p += 2;
        } else if (*p == ';') {
            break;
        } else {
            *out++ = *p++;
        }
    }
    *out = '\0';
}

static int inherit(struct reader *r, size_t heir, const char *from)
{
    struct ast *a = r->ast;
    size_t i = a->section_count - 1; /* not itself */

    while (i-- > 0) {
        const struct ast_section *s = &a->sections[i];
        int err = 0;

        if (strcasecmp(s->name, from))
            continue;
        for (size_t k = 0; k < s->count && !err; k++)
            err = refer(a, &a->sections[heir], s->options[k]);
        return err;
    }
    return note(r, "template %s is not known here", from);
}

/* What stands in the brackets behind a name: !, + or names of templates. */
static int section_modifiers(struct reader *r, char *list)
{
    size_t self = r->section;
    char *save = NULL;
    int err = 0;

    for (char *w = strtok_r(list, ",", &save); w && !err; w = strtok_r(NULL, ",", &save)) {
        w = trim(w);
        if (!strcmp(w, "!"))
            r->ast->sections[self].is_template = true;
        else if (*w)
            err = inherit(r, self, w);
    }
    return err;
}

static int section_open(struct reader *r, const char *name)
{
    struct ast *a = r->ast;
    int err = grow((void **)&a->sections, &a->section_size, a->section_count, sizeof(*a->sections),
                   AST_SECTIONS_MAX);
    struct ast_section s = {.file = r->file, .line = r->line};

    if (err)
        return err;
    s.name = strdup(name);
    if (!s.name)
        return ENOMEM;
    r->section = a->section_count;
    a->sections[a->section_count++] = s;
    return 0;
}

static int section_line(struct reader *r, char *p)
{
    char *end = strchr(p, ']'), *list, *close;
    struct ast_section *old;
    int err;

    r->in_section = false;
    if (!end)
        return note(r, "a section without ]");
    *end = '\0';
    p = trim(p + 1);
    list = trim(end + 1);
    close = *list == '(' ? strchr(list, ')') : NULL;
    if (!*p || (*list && !close))
        return note(r, "[%s]%s is not understood", p, list);
    if (close)
        *close = '\0';
    if (close && list[1] == '+') {
        old = section_last(r->ast, p);
        if (!old)
            return note(r, "[%s](+): there is no such section yet", p);
        r->section = (size_t)(old - r->ast->sections);
        r->in_section = true;
        return 0;
    }
    err = section_open(r, p);
    r->in_section = !err;
    return err || !close ? err : section_modifiers(r, list + 1);
}

static int option_line(struct reader *r, char *p)
{
    char *value = strchr(p, '=');

    if (!value)
        return note(r, "%s is not understood", p);
    *value++ = '\0';
    if (*value == '>')
        value++;
    p = trim(p);
    if (!r->in_section || !*p)
        return note(r, "%s stands in no section", *p ? p : "a value");
    return option_add(r, p, trim(value));
}

/* ---------------------------------------------------------------- files */

static int include_glob(struct reader *r, const char *pattern, bool must)
{
    glob_t g;
    int err = 0, rc = glob(pattern, GLOB_NOMAGIC, NULL, &g);

    if (rc)
        return must && !strpbrk(pattern, "*?[") ? note(r, "#include %s: not found", pattern) : 0;
    for (size_t i = 0; i < g.gl_pathc && !err; i++) {
        err = file_parse(r->ast, g.gl_pathv[i], r->depth + 1);
        if (err && err != ENOMEM && err != EFBIG) { /* the others may be readable */
            int failed = err;

            err = must ? note(r, "#include %s: %s", g.gl_pathv[i], strerror(failed)) : 0;
        }
    }
    globfree(&g);
    return err;
}

/* #include "x", <x> or x */
static int directive_line(struct reader *r, char *p)
{
    char path[PATH_MAX], *name = p + strcspn(p, " \t");
    bool must = !strncasecmp(p, "#include", 8);
    const char *slash = strrchr(r->file, '/');
    size_t n;

    if (!must && strncasecmp(p, "#tryinclude", 11))
        return note(r, "%s is not followed", p);
    name = trim(name);
    n = strlen(name);
    if (n >= 2 && ((name[0] == '"' && name[n - 1] == '"') || (name[0] == '<' && name[n - 1] == '>'))) {
        name[n - 1] = '\0';
        name++;
    }
    if (!*name)
        return note(r, "%s of nothing", must ? "#include" : "#tryinclude");
    if (!r->includes)
        return note(r, "#include %s is not followed", name);
    if (r->depth + 1 >= AST_DEPTH_MAX)
        return note(r, "#include %s: more than %d files in one another", name, AST_DEPTH_MAX);
    n = (size_t)snprintf(path, sizeof(path), "%.*s%s",
                         *name == '/' || !slash ? 0 : (int)(slash - r->file + 1), r->file, name);
    return n < sizeof(path) ? include_glob(r, path, must) : note(r, "#include %s: too long", name);
}

static int line_parse(struct reader *r, char *line)
{
    strip_comments(r, line);
    line = trim(line);
    if (!*line)
        return 0;
    if (*line == '[')
        return section_line(r, line);
    return *line == '#' ? directive_line(r, line) : option_line(r, line);
}

static int text_parse(struct reader *r, const char *text, size_t len)
{
    const char *end = text + len, *next;
    char line[AST_LINE_MAX];
    int err = 0;

    if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
        text += 3;
    for (; text < end && !err; text = next) {
        const char *nl = memchr(text, '\n', (size_t)(end - text));
        size_t n = (size_t)((nl ? nl : end) - text);

        next = nl ? nl + 1 : end;
        r->line++;
        if (n >= sizeof(line) || memchr(text, '\0', n)) {
            err = note(r, "the line is too long or no text");
            continue;
        }
        memcpy(line, text, n);
        line[n] = '\0';
        err = line_parse(r, line);
    }
    return err;
}

static int file_name(struct ast *a, const char *path, const char **name)
{
    char **v;

    if (a->file_count == AST_FILES_MAX)
        return EFBIG;
    v = realloc(a->files, (a->file_count + 1) * sizeof(*v));
    if (!v)
        return ENOMEM;
    a->files = v;
    v[a->file_count] = strdup(path);
    *name = v[a->file_count];
    return *name ? (a->file_count++, 0) : ENOMEM;
}

static int file_parse(struct ast *a, const char *path, unsigned depth)
{
    struct reader r = {.ast = a, .depth = depth, .includes = true};
    char *text;
    size_t len;
    int err = file_read(path, AST_BYTES_MAX, &text, &len);

    if (err)
        return err;
    a->bytes += len;
    err = a->bytes > AST_TOTAL_MAX ? EFBIG : file_name(a, path, &r.file);
    if (!err)
        err = text_parse(&r, text, len);
    explicit_bzero(text, len); /* passwords */
    free(text);
    return err;
}

/* ---------------------------------------------------------------- */

static int finish(struct ast **ap, struct ast *a, const char *path, int err, char *why, size_t whysz)
{
    if (err) {
        snprintf(why, whysz, "%s: %s", path,
                 err == EFBIG ? "too much: more files, sections or lines than any real configuration"
                              : strerror(err));
        ast_free(a);
    } else {
        *ap = a;
    }
    return err;
}

int ast_read(struct ast **ap, const char *path, char *why, size_t whysz)
{
    struct ast *a = calloc(1, sizeof(*a));

    return finish(ap, a, path, a ? file_parse(a, path, 0) : ENOMEM, why, whysz);
}

int ast_parse(struct ast **ap, const char *name, const char *text, size_t len, char *why, size_t whysz)
{
    struct ast *a = calloc(1, sizeof(*a));
    struct reader r = {.ast = a};
    int err = a ? file_name(a, name, &r.file) : ENOMEM;

    return finish(ap, a, name, err ? err : text_parse(&r, text, len), why, whysz);
}

void ast_free(struct ast *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->section_count; i++) {
        free(a->sections[i].name);
        free(a->sections[i].options);
    }
    for (size_t i = 0; i < a->option_count; i++) {
        struct ast_option *o = a->options[i];

        if (o->value)
            explicit_bzero(o->value, strlen(o->value));
        free(o->key);
        free(o->value);
        free(o);
    }
    for (size_t i = 0; i < a->note_count; i++)
        free(a->notes[i].text);
    for (size_t i = 0; i < a->file_count; i++)
        free(a->files[i]);
    free(a->sections);
    free(a->options);
    free(a->notes);
    free(a->files);
    free(a);
}

const char *ast_get(const struct ast_section *s, const char *key)
{
    for (size_t i = s->count; i-- > 0;)
        if (!strcasecmp(s->options[i]->key, key))
            return s->options[i]->value;
    return NULL;
}

const struct ast_section *ast_find(const struct ast *a, const char *type, const char *name)
{
    for (size_t i = 0; i < a->section_count; i++) {
        const struct ast_section *s = &a->sections[i];
        const char *t = s->is_template ? NULL : ast_get(s, "type");

        if (t && !strcasecmp(t, type) && (!name || !strcasecmp(s->name, name)))
            return s;
    }
    return NULL;
}
