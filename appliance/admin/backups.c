#include "admin/backups.h"
#include "admin/api.h"
#include "conf/conf.h"
#include "core/json.h"
#include "service/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };
#define UPLOAD_MAX ((size_t)16 << 30)

/* ---------------------------------------------------------------- what there is */

static int list_h(struct api_call *c)
{
    struct service_backup *v = calloc(BACKUPS_MAX, sizeof(*v));
    const size_t n = v ? service_backup_list(c->sv, v) : 0;

    if (!v)
        return ENOMEM;
    api_list_begin(c->out);
    for (size_t i = 0; i < n; i++) {
        api_item(c->out);
        api_put_str(c->out, "name", v[i].name);
        api_put_int(c->out, "bytes", v[i].bytes);
        api_put_int(c->out, "time_ms", v[i].time_ms);
        api_put_str(c->out, "why", v[i].why);
        api_put_bool(c->out, "encrypted", v[i].encrypted);
        buf_puts(c->out, "}");
    }
    api_list_end(c->out, (int64_t)n, "");
    free(v);
    return 0;
}

/* ---------------------------------------------------------------- a file, in pieces */

struct sending {
    int fd;
};

static void sending_drop(void *state)
{
    struct sending *s = state;

    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

/* c->note has its name. */
static int file_piece(struct api_call *c, void **state)
{
    struct sending *s = *state;
    char path[PATH_MAX], bytes[4096];
    ssize_t n = 1;
    int err;

    if (!s) {
        err = service_backup_path(c->sv, c->note, path, sizeof(path));
        s = err ? NULL : calloc(1, sizeof(*s));
        if (!s)
            return err ? err : ENOMEM;
        s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        *state = s;
    }
    if (s->fd < 0)
        return ENOENT;
    while (n > 0 && c->out->len < PIECE) {
        n = read(s->fd, bytes, sizeof(bytes));
        if (n > 0)
            buf_write(c->out, bytes, (size_t)n);
    }
    return n < 0 ? errno : 0;
}

static int send_begin(struct api_call *c, const char *name)
{
    snprintf(c->note, sizeof(c->note), "%s", name);
    snprintf(c->headers, sizeof(c->headers), "Content-Disposition: attachment; filename=\"%s\"\r\n", name);
    return 0;
}

static int get_h(struct api_call *c)
{
    char path[PATH_MAX];
    const int err = service_backup_path(c->sv, c->params[0], path, sizeof(path));

    return err ? err : send_begin(c, c->params[0]);
}

static int make_h(struct api_call *c)
{
    struct service_backup made;
    struct backup_info info;
    const int err = service_backup_make(c->sv, "hand", json_get_str(c->body, "passphrase"),
                                        (unsigned)conf_int(c->sv->conf, "backup.keep"), &made, &info);

    return err ? err : send_begin(c, made.name);
}

static int remove_h(struct api_call *c)
{
    return service_backup_remove(c->sv, c->params[0]);
}

/* ---------------------------------------------------------------- back */

static int restore(struct api_call *c, const char *file, const char *what, const char *passphrase)
{
    struct restore_result r;
    const int err = service_restore(c->sv, file, what, passphrase, &r);

    if (err)
        return err;
    c->status = 202;
    buf_puts(c->out, "{");
    api_put_int(c->out, "made_ms", r.backup.made_ms);
    api_put_int(c->out, "version", r.backup.version);
    api_put_int(c->out, "dns", r.backup.dns);
    api_put_int(c->out, "trunks", r.backup.trunks);
    api_put_int(c->out, "users", r.backup.users);
    api_put_int(c->out, "call_records", r.backup.cdrs);
    api_put_int(c->out, "call_records_kept", r.cdrs_kept);
    api_put_str(c->out, "notes", r.notes);
    buf_puts(c->out, "}");
    return 0;
}

static int restore_named_h(struct api_call *c)
{
    const char *passphrase = json_get_str(c->body, "passphrase");
    char path[PATH_MAX];
    const int err = service_backup_path(c->sv, c->params[0], path, sizeof(path));

    return err ? err : restore(c, path, c->params[0], passphrase);
}

struct upload {
    char path[PATH_MAX];
    int fd;
};

static void upload_drop(void *state)
{
    struct upload *u = state;

    if (u->fd >= 0)
        close(u->fd);
    if (u->path[0])
        (void)unlink(u->path);
    free(u);
}

static int upload_take(struct api_call *c, const void *p, size_t n, void **state)
{
    struct upload *u = *state;
    int err;

    if (!u) {
        u = *state = calloc(1, sizeof(*u));
        if (!u)
            return ENOMEM;
        u->fd = -1;
        err = service_upload_begin(c->sv, u->path, sizeof(u->path));
        if (err) {
            u->path[0] = '\0';
            return err;
        }
        u->fd = open(u->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    for (ssize_t w; n; p = (const char *)p + w, n -= (size_t)w) {
        w = u->fd < 0 ? -1 : write(u->fd, p, n);
        if (w < 0) {
            err = u->fd < 0 ? EIO : errno;
            return service_fail(c->sv, err, "The backup cannot be kept: %s", strerror(err));
        }
    }
    return 0;
}

static int restore_h(struct api_call *c)
{
    const struct upload *u = c->upload;

    if (!u)
        return service_fail(c->sv, EINVAL, "Send the backup as the body.");
    return restore(c, u->path, "the backup", c->passphrase);
}

/* ---------------------------------------------------------------- */

static const struct api_value item[] = {
    {.name = "name", .type = API_TEXT, .needed = true},
    {.name = "bytes", .type = API_INT, .needed = true},
    {.name = "time_ms", .type = API_TIME, .needed = true},
    {.name = "why", .type = API_TEXT, .needed = true, .choices = "scheduled|hand|migration|restore"},
    {.name = "encrypted", .type = API_BOOL, .needed = true},
};
static const struct api_value make_body[] = {
    {.name = "passphrase", .type = API_SECRET, .needed = true, .min = 8, .max = 1024},
};
static const struct api_value restore_body[] = {
    {.name = "passphrase", .type = API_SECRET, .max = 1024, .help = "Of one that is encrypted."},
};
static const struct api_value restored[] = {
    {.name = "made_ms", .type = API_TIME, .needed = true, .help = "0: a plain copy of a database."},
    {.name = "version", .type = API_INT, .needed = true},
    {.name = "dns", .type = API_INT, .needed = true},
    {.name = "trunks", .type = API_INT, .needed = true},
    {.name = "users", .type = API_INT, .needed = true},
    {.name = "call_records", .type = API_INT, .needed = true},
    {.name = "call_records_kept", .type = API_INT, .needed = true, .help = "That the backup did not have."},
    {.name = "notes", .type = API_TEXT, .needed = true, .help = "Lines of what a person must look after."},
};

static const struct api_route routes[] = {
    {.method = "GET",
     .path = "/backups",
     .access = API_ADMIN,
     .summary = "The backups that lie in the data directory, the newest first.",
     .h = list_h,
     .list = true,
     API_ANSWER(item)},
    {.method = "POST",
     .path = "/backup",
     .access = API_ADMIN,
     .summary = "Makes a backup, encrypted with a passphrase: it is the answer, and stays among the backups.",
     .h = make_h,
     .lasting = true,
     API_BODY(make_body),
     .answer_type = "application/octet-stream",
     .piece = file_piece,
     .drop = sending_drop},
    {.method = "GET",
     .path = "/backups/{name}",
     .access = API_ADMIN,
     .summary = "One backup, as a file.",
     .h = get_h,
     .answer_type = "application/octet-stream",
     .piece = file_piece,
     .drop = sending_drop},
    {.method = "DELETE",
     .path = "/backups/{name}",
     .access = API_ADMIN,
     .summary = "Removes a backup.",
     .h = remove_h},
    {.method = "POST",
     .path = "/backups/{name}/restore",
     .access = API_ADMIN,
     .summary = "Restores one of the backups. Calls go on; everybody signs in again.",
     .h = restore_named_h,
     .lasting = true,
     API_BODY(restore_body),
     API_ANSWER(restored)},
    {.method = "POST",
     .path = "/restore",
     .access = API_ADMIN,
     .summary = "Restores the backup that is sent; its passphrase is in the header X-Passphrase, what is not "
                "ASCII and % as %XX. Calls go "
                "on; everybody "
                "signs in again.",
     .h = restore_h,
     .lasting = true,
     API_ANSWER(restored),
     .body_type = "application/octet-stream",
     .body_max = UPLOAD_MAX,
     .take = upload_take,
     .drop = upload_drop},
};

int admin_backups_routes(void)
{
    return api_routes(routes, sizeof(routes) / sizeof(routes[0]), NULL);
}
