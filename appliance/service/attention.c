#include "service/attention.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[ATTENTION_KINDS] = {
    [ATTENTION_TRUNK] = "trunk",     [ATTENTION_CERTIFICATE] = "certificate",
    [ATTENTION_DISK] = "disk",       [ATTENTION_QUALITY] = "quality",
    [ATTENTION_BANS] = "bans",       [ATTENTION_PART] = "part",
    [ATTENTION_REACH] = "reach",     [ATTENTION_ADMIN] = "administrator",
    [ATTENTION_RESTART] = "restart",
};

const char *attention_kind_name(enum attention_kind k)
{
    return k < ATTENTION_KINDS ? kinds[k] : "";
}

static const struct {
    const char *advice, *place;
} advices[ATTENTION_KINDS] = {
    [ATTENTION_TRUNK] = {"Test the trunk: it goes from name to call, step by step.", "/admin/trunks"},
    [ATTENTION_CERTIFICATE] = {"Upload a new certificate; calls go on meanwhile.", "/admin/network"},
    [ATTENTION_DISK] =
        {"Make room, or keep call records for a shorter time. Calls go on; records wait in a file.",
         "/admin/settings"},
    [ATTENTION_QUALITY] = {"Look at the calls of now: which side loses packets?", "/admin/calls"},
    [ATTENTION_BANS] = {"Is it one of yours? Lift the ban, and look which page has an old password.",
                        "/admin/people/bans"},
    [ATTENTION_PART] = {"See the log for what happened before.", "/admin/"},
    [ATTENTION_REACH] = {"Open and forward these ports.", "/admin/network"},
    [ATTENTION_ADMIN] = {"Make one with dngate setup-link or dngate user add.", "/admin/people"},
    [ATTENTION_RESTART] = {"Restart when no call is on.", "/admin/settings"},
};

__attribute__((format(printf, 5, 6))) static void add(struct attention_list *l, enum attention_kind kind,
                                                      const char *name, bool bad, const char *fmt, ...)
{
    struct attention *a;
    va_list ap;

    if (l->count == ATTENTION_MAX) {
        l->left_out++;
        return;
    }
    a = &l->v[l->count++];
    *a = (struct attention){
        .kind = kind, .bad = bad, .advice = advices[kind].advice, .place = advices[kind].place};
    snprintf(a->name, sizeof(a->name), "%s", name);
    va_start(ap, fmt);
    vsnprintf(a->text, sizeof(a->text), fmt, ap);
    va_end(ap);
}

static void trunks_find(const struct attention_facts *f, struct attention_list *out)
{
    size_t down = 0;

    for (size_t i = 0; i < f->trunk_count; i++)
        down += !strcmp(f->trunks[i].state, "down");
    for (size_t i = 0; i < f->trunk_count; i++) {
        const struct service_trunk *t = &f->trunks[i];

        if (!strcmp(t->state, "down"))
            add(out, ATTENTION_TRUNK, t->name, down == f->trunk_count,
                down == f->trunk_count ? "Trunk %s is down: %s. No call goes out." : "Trunk %s is down: %s.",
                t->name, t->detail[0] ? t->detail : "it does not answer");
    }
    if (!f->trunk_count)
        add(out, ATTENTION_TRUNK, "", false, "No trunk is configured: no call goes out.");
}

static void parts_find(const struct attention_facts *f, struct attention_list *out)
{
    for (size_t i = 0; i < f->part_count; i++) {
        const struct health_part *p = &f->parts[i];
        const bool bad = p->state == HEALTH_DOWN;

        if (p->state == HEALTH_UP || !strcmp(p->name, "trunk"))
            continue;
        if (!strcmp(p->name, "certificate"))
            add(out, ATTENTION_CERTIFICATE, "", bad || strstr(p->reason, "expired"), "The certificate %s.",
                p->reason);
        else if (!strcmp(p->name, "disk"))
            add(out, ATTENTION_DISK, "", true, "The disk is almost full: %s.", p->reason);
        else
            add(out, ATTENTION_PART, p->name, bad, "%s is %s: %s.", p->name,
                bad ? "down" : "not as it should be", p->reason[0] ? p->reason : "no reason given");
    }
}

static bool has(const struct attention_list *l, enum attention_kind kind)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->v[i].kind == kind)
            return true;
    return false;
}

void attention_find(const struct attention_facts *f, struct attention_list *out)
{
    const double mos = ATTENTION_MOS + (f->was && has(f->was, ATTENTION_QUALITY) ? ATTENTION_MOS_MORE : 0);
    const double disk =
        ATTENTION_DISK_PERCENT - (f->was && has(f->was, ATTENTION_DISK) ? ATTENTION_DISK_LESS : 0);

    out->count = out->left_out = 0;
    trunks_find(f, out);
    parts_find(f, out);
    if (f->disk_percent >= disk && !has(out, ATTENTION_DISK))
        add(out, ATTENTION_DISK, "", false, "The disk is %.0f %% full.", f->disk_percent);
    if (f->mos > 0 && f->mos < mos)
        add(out, ATTENTION_QUALITY, "", true, "Calls sound bad: MOS %.1f in the last five minutes.", f->mos);
    if (f->closed[0])
        add(out, ATTENTION_REACH, "", true, "Browsers do not get through from outside: %s.", f->closed);
    if (f->bans)
        add(out, ATTENTION_BANS, "", false,
            f->bans == 1 ? "%zu address is banned after wrong passwords."
                         : "%zu addresses are banned after wrong passwords.",
            f->bans);
    if (f->no_administrator)
        add(out, ATTENTION_ADMIN, "", false, "Nobody can sign in to the console yet.");
    if (f->pending[0])
        add(out, ATTENTION_RESTART, "", false, "Settings wait for a restart: %s.", f->pending);
}

static const struct attention *same(const struct attention_list *l, const struct attention *a)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->v[i].kind == a->kind && !strcmp(l->v[i].name, a->name))
            return &l->v[i];
    return NULL;
}

void attention_take(struct attention_list *list, const struct attention_list *now, int64_t wall_ms,
                    attention_h *h, void *arg)
{
    const struct attention_list was = *list;

    *list = *now;
    for (size_t i = 0; i < list->count; i++) {
        struct attention *a = &list->v[i];
        const struct attention *before = same(&was, a);

        a->since_ms = before ? before->since_ms : wall_ms;
        if (!before && h)
            h(a, true, arg);
    }
    for (size_t i = 0; i < was.count; i++)
        if (h && !same(list, &was.v[i]))
            h(&was.v[i], false, arg);
}
