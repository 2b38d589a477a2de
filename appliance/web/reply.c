#include "web/reply.h"
#include "web/http.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Everything is our own origin; blob: is recorded or synthesised audio; data: is small icons. Firefox and Safari did not always
 * count wss: into 'self', and /ws may be on wss.port, so the host is named for WebSockets. */
static void policy_write(struct buf *out, const char *host)
{
    buf_puts(out, "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src "
                  "'self' data:; "
                  "media-src 'self' blob:; font-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
                  "connect-src 'self'");
    if (*host && http_host_valid(host)) {
        int n = (int)http_host_namelen(host);

        buf_printf(out, " wss://%.*s:*", n, host);
    }
    buf_puts(out, "; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n");
}

static void date_write(struct buf *out)
{
    char text[40];
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    buf_printf(out, "Date: %s\r\n", text);
}

int reply_head(struct buf *out, const struct reply *r)
{
    buf_printf(out, "HTTP/1.1 %d %s\r\n", r->status, http_reason(r->status));
    date_write(out);
    if (r->type)
        buf_printf(out, "Content-Type: %s\r\n", r->type);
    if (r->chunked)
        buf_puts(out, "Transfer-Encoding: chunked\r\n");
    else if (!r->pieces && r->status != 304 && r->status != 204 && r->status != 101)
        buf_printf(out, "Content-Length: %zu\r\n", r->length);
    if (r->status == 101)
        buf_puts(out, "Connection: Upgrade\r\n");
    else
        buf_printf(out, "Connection: %s\r\n", r->close ? "close" : "keep-alive");
    buf_printf(out, "Cache-Control: %s\r\n", r->cache ? r->cache : "no-store");
    if (r->tls) /* RFC 6797 7.2: never over plain HTTP */
        buf_puts(out, "Strict-Transport-Security: max-age=31536000\r\n");
    buf_puts(out,
             "X-Frame-Options: DENY\r\n"
             "X-Content-Type-Options: nosniff\r\n"
             "Referrer-Policy: no-referrer\r\n"
             "Cross-Origin-Opener-Policy: same-origin\r\n"
             "Cross-Origin-Resource-Policy: same-origin\r\n"
             "Permissions-Policy: microphone=(self), speaker-selection=(self), autoplay=(self), camera=(), "
             "geolocation=(), payment=(), usb=()\r\n");
    policy_write(out, r->host);
    if (r->extra)
        buf_puts(out, r->extra);
    buf_puts(out, "\r\n");
    return out->err;
}

const char *reply_ban_detail(char *out, size_t sz, uint32_t left_s)
{
    uint32_t minutes = (left_s + 59) / 60, hours = (minutes + 59) / 60;
    bool short_ = minutes < 120;
    uint32_t n = short_ ? minutes : hours;

    snprintf(
        out, sz,
        "Too many wrong passwords came from your address. It is locked for another %u %s%s. Calls and shifts "
        "that run are not affected; an administrator can lift the lock at once.",
        n, short_ ? "minute" : "hour", n == 1 ? "" : "s");
    return out;
}

const char *reply_detail(int status)
{
    switch (status) {
    case 400:
        return "The request is not valid HTTP/1.1.";
    case 404:
        return "There is nothing here. Check the address.";
    case 405:
        return "This address does not take that method; see the Allow header.";
    case 408:
        return "The request was not complete in time.";
    case 411:
        return "Send the body with a Content-Length; chunked bodies are not taken.";
    case 413:
        return "The body is longer than this server takes.";
    case 414:
        return "The address is longer than this server takes.";
    case 417:
        return "Only Expect: 100-continue is understood.";
    case 421:
        return "This server is no proxy, and that host is not its own.";
    case 429:
        return "Too many requests from your address; wait as long as Retry-After says.";
    case 431:
        return "The header lines are longer than this server takes.";
    case 501:
        return "This server does not know that method.";
    case 505:
        return "This server speaks HTTP/1.1.";
    default:
        return http_reason(status);
    }
}
