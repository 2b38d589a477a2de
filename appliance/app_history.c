#include "app_history.h"
#include "call/directory.h"
#include "core/clock.h"
#include "service/live.h"
#include "sip/registrar.h"
#include "sip/trunks.h"
#include "store/history.h"
#include <stdio.h>
#include <string.h>

static void registration_note(const struct app_history *h, const struct binding *b, const char *event,
                              const char *detail)
{
    struct happening n = {.noun = "dn", .time_ms = clock_wall_ms()};

    (void)snprintf(n.name, sizeof(n.name), "%s", b->dn);
    (void)snprintf(n.event, sizeof(n.event), "%s", event);
    (void)snprintf(n.detail, sizeof(n.detail), "%s", detail);
    (void)addr_str(&b->peer, n.address, sizeof(n.address));
    (void)service_browser(b->user_agent, n.browser, sizeof(n.browser));
    history_happened(h->store, &n);
}

static void removed_note(const struct app_history *h, const struct binding *b)
{
    const struct session *s = registrar_session(h->registrar, b->ws_conn);

    if (s && session_leaving(s) == SESSION_CLOSE_DROPPED)
        registration_note(h, b, "dropped", session_leaving_reason(s));
    else
        registration_note(h, b, "signed_out", "");
}

static void binding_h(enum registrar_event ev, const struct binding *b, void *arg)
{
    const struct app_history *h = arg;

    switch (ev) {

    case REG_ADDED:
        registration_note(h, b, "signed_in", "");
        break;

    case REG_REPLACED:
        if (b->moved)
            registration_note(h, b, "signed_in", "the same browser, by another connection");
        else
            registration_note(h, b, "taken_over", "from another browser");
        break;

    case REG_EXPIRED:
        registration_note(h, b, "expired", "");
        break;

    case REG_REMOVED:
        removed_note(h, b);
        break;

    case REG_CONN_LOST:
        registration_note(h, b, "signed_out", "connection lost");
        break;

    case REG_REFRESHED:
    case REG_RETURNED:
        break;
    }
}

static void trunk_state_h(const struct trunk_peer *p, void *arg)
{
    const struct app_history *h = arg;
    struct happening n = {.noun = "trunk", .time_ms = clock_wall_ms()};
    char at[ADDR_STRLEN];

    if (p->state == TRUNK_SUSPECT || p->state == TRUNK_UNKNOWN) /* nothing that lasts */
        return;
    (void)snprintf(n.name, sizeof(n.name), "%s", p->cfg.name);
    (void)snprintf(n.event, sizeof(n.event), "%s", trunk_state_name((enum trunk_state)p->state));
    (void)snprintf(n.address, sizeof(n.address), "%s", addr_str(&p->addr, at, sizeof(at)));
    if (p->state == TRUNK_UP)
        (void)snprintf(n.detail, sizeof(n.detail), "answers within %.1f ms", p->rtt_us / 1e3);
    else if (p->last_code)
        (void)snprintf(n.detail, sizeof(n.detail), "%s (SIP %u)", p->why, p->last_code);
    else
        (void)snprintf(n.detail, sizeof(n.detail), "%s", p->why);
    history_happened(h->store, &n);
}

void app_history_refused(const struct app_history *h, const char *dn, const struct addr *peer,
                         const char *browser, const char *why)
{
    struct binding b = {.peer = *peer};
    struct dn row;

    if (!directory_get(h->directory, dn, &row)) { /* names that anybody makes up are no history */
        (void)snprintf(b.dn, sizeof(b.dn), "%s", dn);
        (void)snprintf(b.user_agent, sizeof(b.user_agent), "%s", browser ? browser : "");
        registration_note(h, &b, "refused", why);
    }
    explicit_bzero(&row, sizeof(row));
}

int app_history_listen(struct app_history *h, struct trunks *trunks)
{
    const int err = registrar_listen(h->registrar, binding_h, h);

    return err ? err : trunks_listen(trunks, trunk_state_h, h);
}
