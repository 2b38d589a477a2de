/* dngate trace: what a call left of itself, as a ladder for people, as JSON, or as a capture file. Runs in the command line's own process,
 * which may write files; a call that runs is asked for at the server. */
#include "service/trace.h"

#include "cmd/control.h"
#include "cmd/reading.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "service/cdr.h"
#include "service/pcap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN = 34, TITLE_MAX = 160 };

struct wanted {
    const char *id, *pcap;
    struct buf json;
};

/* ---------------------------------------------------------------- where it is found */

/* Of the server that runs, which has those of calls that run, too. */
static bool from_server(const struct cmd *c, struct wanted *w)
{
    char verb[] = "trace", id[128], *argv[] = {verb, id};
    char *out = NULL, *err = NULL;
    int status = CMD_REFUSED;

    if (snprintf(id, sizeof(id), "%s", w->id) >= (int)sizeof(id) || *id == '-')
        return false;
    if (!c->dir || control_call(c->dir, 2, argv, NULL, 0, true, &status, &out, &err))
        return false;
    if (status == CMD_OK)
        buf_puts(&w->json, out);
    free(out);
    free(err);
    return status == CMD_OK;
}

/* ---------------------------------------------------------------- a ladder */

static size_t width(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void repeat(struct buf *out, const char *what, size_t times)
{
    while (times--)
        buf_puts(out, what);
}

/* A message's arrow between two of the three lines. */
static void arrow(struct buf *out, const char *title, bool right)
{
    char text[TITLE_MAX];
    size_t n, room = COLUMN - 6;

    snprintf(text, sizeof(text), "%.*s", (int)room, title);
    n = width(text);
    buf_puts(out, right ? "── " : "◄─ ");
    buf_puts(out, text);
    buf_puts(out, " ");
    repeat(out, "─", room > n ? room - n : 0);
    buf_puts(out, right ? "─►" : "──");
}

static void ladder_event(struct buf *out, const struct json_val *e)
{
    const char *leg = json_get_str(e, "leg"), *kind = json_get_str(e, "kind"),
               *title = json_get_str(e, "title"), *direction = json_get_str(e, "direction"),
               *text = json_get_str(e, "text");
    char what[TITLE_MAX];
    int64_t t_ms = 0;

    (void)json_get_int(e, "t_ms", &t_ms);
    if (!leg || !kind || !title || !direction)
        return;
    buf_printf(out, "%9.3f s  ", (double)t_ms / 1e3);
    if (strcmp(kind, "sip")) {
        buf_printf(out, "· %s\n", title);
        return;
    }
    snprintf(what, sizeof(what), "%s%s", title, text && strstr(text, "\r\n\r\nv=") ? " SDP" : "");
    buf_puts(out, "│");
    if (!strcmp(leg, "browser")) {
        arrow(out, what, !strcmp(direction, "in"));
        buf_puts(out, "│");
        repeat(out, " ", COLUMN);
    } else {
        repeat(out, " ", COLUMN);
        buf_puts(out, "│");
        arrow(out, what, !strcmp(direction, "out"));
    }
    buf_puts(out, "│\n");
}

struct extremes {
    double packets, worst_loss, worst_jitter, worst_mos;
};

static void way_look(struct extremes *x, const struct json_val *way)
{
    const struct json_val *packets = json_get(way, "packets");
    double n;

    *x = (struct extremes){0};
    for (size_t i = 0; i < json_arr_size(packets); i++) {
        if (json_num(json_arr_at(packets, i), &n))
            x->packets += n;
        if (json_num(json_arr_at(json_get(way, "loss_percent"), i), &n) && n > x->worst_loss)
            x->worst_loss = n;
        if (json_num(json_arr_at(json_get(way, "jitter_ms"), i), &n) && n > x->worst_jitter)
            x->worst_jitter = n;
        if (json_num(json_arr_at(json_get(way, "mos"), i), &n) && n > 0 &&
            (x->worst_mos <= 0 || n < x->worst_mos))
            x->worst_mos = n;
    }
}

static void way_text(struct buf *out, const struct json_val *graphs, const char *name, const char *words)
{
    struct extremes x;

    way_look(&x, json_get(graphs, name));
    buf_printf(out, "%s: %.0f packets", words, x.packets);
    if (x.packets > 0)
        buf_printf(out, ", at worst %.1f %% lost, jitter %.0f ms, MOS %.1f", x.worst_loss, x.worst_jitter,
                   x.worst_mos);
    buf_puts(out, "\n");
}

static void ladder(struct buf *out, const struct json_val *trace)
{
    const struct json_val *events = json_get(trace, "events");
    int64_t from_ms = 0, dropped = 0;
    char at[32];

    (void)json_get_int(trace, "from_ms", &from_ms);
    (void)json_get_int(trace, "dropped", &dropped);
    buf_printf(out, "Call %s, began %s\n\n%11s  browser%*s", json_get_str(trace, "id"),
               cmd_time(at, sizeof(at), from_ms), "", COLUMN - 12, "");
    buf_printf(out, "gateway%*strunk\n", COLUMN - 5, "");
    for (size_t i = 0; i < json_arr_size(events); i++)
        ladder_event(out, json_arr_at(events, i));
    buf_puts(out, "\n");
    way_text(out, json_get(trace, "graphs"), "to_trunk", "Audio to the trunk");
    way_text(out, json_get(trace, "graphs"), "to_browser", "Audio to the browser");
    if (dropped)
        buf_printf(out, "%lld events found no room (trace.call_bytes)\n", (long long)dropped);
}

/* ---------------------------------------------------------------- what is printed */

static void verdict_text(struct cmd *c, const struct json_val *trace, const char *id)
{
    struct trace_facts facts;
    struct verdict v;
    struct cdr r;

    if (service_cdr_get(&c->sv, id, &r))
        return; /* it runs */
    trace_facts_read(&facts, json_get(trace, "facts"));
    verdict_make(&v, &r, &facts);
    buf_printf(c->out, "%s.\n", v.title);
    if (v.cause[0])
        buf_printf(c->out, "%s\n", v.cause);
    if (v.advice[0])
        buf_printf(c->out, "%s\n", v.advice);
    buf_puts(c->out, "\n");
}

static int capture(struct cmd *c, const struct wanted *w, const struct json_val *trace)
{
    struct buf file;
    int err;

    buf_init(&file, SERVICE_TRACE_MAX);
    err = pcap_write(&file, trace);
    if (!err)
        err = file_replace(w->pcap, file.data, file.len, 0600);
    buf_reset(&file);
    if (err)
        return cmd_refuse(c, "%s: %s", w->pcap, strerror(err));
    return cmd_done(c, "%s written", w->pcap);
}

static int show(struct cmd *c, const void *what)
{
    struct wanted *w = *(struct wanted *const *)what;
    struct json *j = NULL;
    int status = CMD_OK;

    if (!w->json.len && service_trace(&c->sv, w->id, &w->json))
        return cmd_refuse(c, "%s", c->sv.why);
    if (json_parse(&j, w->json.data, w->json.len, NULL, 0))
        return cmd_refuse(c, "the trace of call %s cannot be read", w->id);
    if (w->pcap) {
        status = capture(c, w, json_root(j));
    } else if (c->json) {
        buf_write(c->out, w->json.data, w->json.len);
        buf_puts(c->out, w->json.data[w->json.len - 1] == '\n' ? "" : "\n");
    } else {
        verdict_text(c, json_root(j), w->id);
        ladder(c->out, json_root(j));
    }
    json_free(j);
    return status;
}

static int cmd_trace(struct cmd *c, const struct args *a)
{
    struct wanted w = {.id = a->word[0], .pcap = args_get(a, "pcap")}, *wanted = &w;
    int status;

    if (c->sv.store && w.pcap)
        return cmd_misused(c, "--pcap writes a file of yours: not in the server");
    buf_init(&w.json, SERVICE_TRACE_MAX);
    if (!c->sv.store)
        (void)from_server(c, &w);
    status = cmd_reading(c, show, &wanted);
    buf_reset(&w.json);
    return status;
}

static const struct verb_option options[] = {
    {"pcap", "FILE", "writes the SIP messages as a capture file (pcapng) for Wireshark or sngrep", false}};

static const struct verb verbs[] = {
    {.name = "",
     .words = "CALL",
     .words_min = 1,
     .words_max = 1,
     .help = "Shows what went on in a call: what was wrong, in words; SIP of both legs with what happened to "
             "its audio. Of calls\n"
             "that run, and of those whose traces are kept: that failed or were bad, a sample "
             "(trace.sample), DNs under watch\n"
             "(trace.watch). Secrets and digits are masked. CALL: the ID that dngate cdr list, calls and the "
             "log show.",
     VERB_OPTIONS(options),
     .example = "dngate trace 019f3c2ab1d4-0003-kq7xw2ma\n"
                "dngate trace 019f3c2ab1d4-0003-kq7xw2ma --pcap call.pcapng",
     .run = cmd_trace},
};
const struct noun noun_trace = {
    .name = "trace", .help = "what went on in a call, message by message", NOUN_VERBS(verbs), .here = true};
