#include "web/conn.h"
#include "core/clock.h"
#include "core/fsm.h"
#include "core/guard.h"
#include "crypto/tls.h"
#include "web/answer.h"
#include "web/edge.h"
#include "web/exchange.h"
#include "web/request.h"
#include "web/source.h"
#include "web/ws.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_MAX = 2 * WS_OUT_MAX, OUT_DROP = 128 * 1024 };

int conn_alloc(struct conn **cp, struct web *w, enum listener_kind kind, const struct addr *peer,
               const struct addr *local)
{
    bool banned = w->cfg.guard && guard_check(w->cfg.guard, peer, NULL) == GUARD_BAN;
    struct conn *c;
    int err;

    if (w->conn_count + w->moved_count >= w->cfg.conns_max)
        return ENOSPC;
    if (w->conn_count + w->moved_count >= w->cfg.conns_max - w->cfg.conns_max / 4 &&
        source_conns(w->sources, peer) >= SOURCE_FEW)
        return EUSERS; /* the last quarter is for those who have few */
    if (banned && w->banned_count >= CONN_BANNED_MAX)
        return EACCES;
    err = source_enter(w->sources, peer, banned);
    if (err)
        return banned && err == EUSERS ? EACCES : err;
    c = calloc(1, sizeof(*c));
    if (!c) {
        source_leave(w->sources, peer, banned);
        return ENOMEM;
    }
    c->banned = banned;
    w->banned_count += banned;
    c->w = w;
    c->id = ++w->next_id;
    c->kind = kind;
    c->peer = *peer;
    c->local = *local;
    c->tls_up = kind == LISTEN_HTTP;
    c->account = source_account(w->sources, peer);
    buf_init_charged(&c->in, HTTP_HEAD_MAX, c->account);
    buf_init_charged(&c->rest, CONN_REST_MAX, c->account);
    buf_init_charged(&c->out, OUT_MAX, c->account);
    c->next = w->conns;
    c->prevp = &w->conns;
    if (c->next)
        c->next->prevp = &c->next;
    w->conns = c;
    w->conn_count++;
    metric_add(&web_conns, 1);
    *cp = c;
    return 0;
}

void conn_free(struct conn *c)
{
    if (!c)
        return;
    answer_log(c);
    ws_free(c);
    exchange_leave(c->x);
    *c->prevp = c->next;
    if (c->next)
        c->next->prevp = c->prevp;
    c->w->conn_count--;
    metric_add(&web_conns, -1);
    buf_reset(&c->in);
    buf_reset(&c->rest);
    buf_reset(&c->out);
    c->w->banned_count -= c->banned;
    if (!c->moved)
        source_leave(c->w->sources, &c->peer, c->banned); /* last: its account was ours */
    tls_free(c->tls);
    free(c->head);
    free(c);
}

static const struct fsm_state phases[] = {
    [CONN_HEAD] = {"head", FSM(CONN_BODY) | FSM(CONN_WAIT) | FSM(CONN_REPLY) | FSM(CONN_WS)},
    [CONN_BODY] = {"body", FSM(CONN_WAIT) | FSM(CONN_REPLY)},
    [CONN_WAIT] = {"wait", FSM(CONN_BODY) | FSM(CONN_REPLY)},
    [CONN_REPLY] = {"reply", FSM(CONN_HEAD) | FSM(CONN_WAIT) | FSM(CONN_LINGER)},
    [CONN_WS] = {"websocket", FSM(CONN_LINGER)},
    [CONN_LINGER] = {"linger", 0},
};
FSM_DEFINE(machine, "web", phases, NULL);

void conn_move(struct conn *c, enum conn_phase to, uint64_t ms)
{
    char label[32];

    snprintf(label, sizeof(label), "conn=%llu", (unsigned long long)c->id);
    fsm_move(&machine, &c->phase, to, c, label);
    edge_timer(c, ms);
}

/* ---------------------------------------------------------------- receiving */

static size_t head_rx(struct conn *c, const uint8_t *p, size_t n)
{
    size_t old = c->in.len, take, end;
    int bad;

    if (!old && (*p == '\r' || *p == '\n'))
        return 1; /* RFC 9112 2.2: an empty line before the request line is skipped */
    if (c->idle) {
        c->idle = false;
        edge_timer(c, c->w->cfg.head_ms);
    }
    take = n < HTTP_HEAD_MAX - old ? n : HTTP_HEAD_MAX - old;
    if (buf_write(&c->in, p, take)) {
        c->dead = true;
        return n;
    }
    end = http_head_find(c->in.data, c->in.len, &c->scan, &bad);
    if (bad) {
        answer_refuse(c, bad);
        return take;
    }
    if (!end)
        return take;
    c->in.len = end;
    request_begin(c);
    return end - old;
}

/* What comes too early waits here, and the rest of it with the peer. */
static size_t rest_rx(struct conn *c, const uint8_t *p, size_t n)
{
    if (c->close_after)
        return n;
    if (buf_write(&c->rest, p, n)) {
        metric_add(&web_drop_backlog, 1);
        c->dead = true;
    } else if (c->rest.len > CONN_REST_MAX / 4) {
        edge_hold(c, true);
    }
    return n;
}

bool conn_resume(struct conn *c)
{
    struct buf rest = c->rest;
    bool ok = true;

    buf_init_charged(&c->rest, CONN_REST_MAX, c->account);
    edge_hold(c, false);
    if (rest.len)
        ok = conn_rx(c, (const uint8_t *)rest.data, rest.len);
    buf_reset(&rest);
    return ok;
}

bool conn_rx(struct conn *c, const uint8_t *p, size_t n)
{
    while (n && !c->dead) {
        size_t used = n;

        switch ((enum conn_phase)c->phase) {
        case CONN_HEAD:
            used = head_rx(c, p, n);
            break;
        case CONN_BODY:
            used = request_body(c, p, n);
            break;
        case CONN_WAIT:
        case CONN_REPLY:
            used = rest_rx(c, p, n);
            break;
        case CONN_WS:
            used = ws_rx(c, p, n);
            break;
        case CONN_LINGER:
            c->lingered += n;
            if (c->lingered > CONN_LINGER_MAX)
                edge_deafen(c);
            break;
        }
        p += used;
        n -= used;
    }
    return !c->dead;
}

bool conn_timer(struct conn *c)
{
    switch ((enum conn_phase)c->phase) {
    case CONN_WS:
        return ws_timer(c);
    case CONN_WAIT:
        request_go_on(c); /* the delay is over */
        return !c->dead;
    case CONN_HEAD:
        if (!c->in.len)
            break; /* idle, or no handshake: nothing to answer */
        /* fall through */
    case CONN_BODY:
        metric_add(&web_drop_timeout, 1);
        answer_refuse(c, 408);
        return !c->dead;
    case CONN_REPLY:
        metric_add(&web_drop_timeout, 1);
        break;
    case CONN_LINGER:
        break;
    }
    return false;
}

/* ---------------------------------------------------------------- sending */

size_t conn_queued(const struct conn *c)
{
    return c->out.len - c->out_pos + c->tail_len;
}

size_t conn_out(struct conn *c, const uint8_t **p)
{
    if (c->out_pos < c->out.len) {
        *p = (const uint8_t *)c->out.data + c->out_pos;
        return c->out.len - c->out_pos;
    }
    *p = c->tail;
    return c->tail_len;
}

static void out_compact(struct conn *c)
{
    memmove(c->out.data, c->out.data + c->out_pos, c->out.len - c->out_pos);
    c->out.len -= c->out_pos;
    c->out_pos = 0;
}

bool conn_sent(struct conn *c, size_t n)
{
    if (c->out_pos < c->out.len) {
        c->out_pos += n;
    } else {
        c->tail += n;
        c->tail_len -= n;
    }
    if (c->out_pos >= OUT_DROP && c->out_pos >= c->out.len / 2 && c->out_pos < c->out.len)
        out_compact(c); /* a peer that is behind for long must not make it grow */
    if (c->out_pos < c->out.len)
        return true;
    buf_reset(&c->out);
    c->out_pos = 0;
    if (c->tail_len)
        return true;
    if (c->phase == CONN_WS)
        return ws_flushed(c);
    return c->phase == CONN_REPLY ? request_sent(c) : true;
}
