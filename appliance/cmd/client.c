/* The command line's end of DIR/control.sock. */
#include "cmd/control.h"
#include "cmd/wire.h"
#include "core/clock.h"
#include "core/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENT_TIMEOUT_MS = 60000 }; /* the longest import, behind another one */

static const char *why_asked;

void control_reason(const char *reason)
{
    why_asked = reason;
}

static int request_encode(struct buf *line, int argc, char *const *argv, const char *input, size_t len,
                          bool json)
{
    buf_puts(line, "{\"argv\":[");
    for (int i = 0; i < argc; i++) {
        if (!wire_text_ok(argv[i], strlen(argv[i])))
            return EILSEQ;
        buf_puts(line, i ? "," : "");
        buf_json_str(line, argv[i]);
    }
    buf_printf(line, "],\"json\":%s", json ? "true" : "false");
    if (input) {
        if (!wire_text_ok(input, len))
            return EILSEQ;
        buf_puts(line, ",\"input\":");
        buf_json_str(line, input);
    }
    if (why_asked) {
        if (!wire_text_ok(why_asked, strlen(why_asked)))
            return EILSEQ;
        buf_puts(line, ",\"reason\":");
        buf_json_str(line, why_asked);
    }
    return buf_puts(line, "}\n");
}

static int answer_decode(const struct buf *line, int *status, char **out, char **err)
{
    const struct json_val *root;
    struct json *j;
    int64_t n;
    int rc = EPROTO;

    if (json_parse(&j, line->data ? line->data : "", line->len, NULL, 0))
        return EPROTO;
    root = json_root(j);
    if (json_get_int(root, "status", &n) && json_get_str(root, "out") && json_get_str(root, "err")) {
        *status = (int)n;
        *out = strdup(json_get_str(root, "out"));
        *err = strdup(json_get_str(root, "err"));
        rc = *out && *err ? 0 : ENOMEM;
        if (rc) {
            free(*out);
            free(*err);
        }
    }
    json_free(j);
    return rc;
}

static int client_connect(int *fdp, const char *dir)
{
    struct sockaddr_un sun;
    int dirfd, fd, err = wire_address(&sun, &dirfd, dir);

    if (err)
        return err;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
        err = errno;
    if (dirfd >= 0)
        close(dirfd);
    if (err && fd >= 0)
        close(fd);
    *fdp = fd;
    return err;
}

int control_call(const char *dir, int argc, char *const *argv, const char *input, size_t len, bool json,
                 int *status, char **out, char **err)
{
    uint64_t deadline_ms = clock_ms() + CLIENT_TIMEOUT_MS;
    struct buf line;
    int fd, rc = client_connect(&fd, dir);

    if (rc)
        return rc;
    buf_init(&line, WIRE_LINE_MAX);
    rc = request_encode(&line, argc, argv, input, len, json);
    if (!rc)
        rc = wire_write(fd, line.data, line.len, deadline_ms);
    wire_wipe(&line);
    if (!rc)
        rc = wire_read_line(fd, &line, deadline_ms);
    if (!rc)
        rc = answer_decode(&line, status, out, err);
    buf_reset(&line);
    close(fd);
    return rc;
}
