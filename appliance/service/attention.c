#include "service/attention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[ATTENTION_KINDS] = {
    [ATTENTION_TRUNK] = "trunk",     [ATTENTION_CERTIFICATE] = "certificate",
    [ATTENTION_DISK] = "disk",       [ATTENTION_QUALITY] = "quality",
    [ATTENTION_BANS] = "bans",       [ATTENTION_PART] = "part",
    [ATTENTION_REACH] = "reach",     [ATTENTION_ADMIN] = "administrator",
    [ATTENTION_RESTART] = "restart", [ATTENTION_UPSTREAM] = "upstream",
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
    [ATTENTION_UPSTREAM] =
        {"Look in SIP Server's configuration: is the DN there, enabled, and does its password fit?",
         "/admin/agents"},
    [ATTENTION_RESTART] = {"Restart when no call is on.", "/admin/settings"},
};

/* What is said of them. A code is never renamed, and its text's names stay the same: translations hang on it. */
enum sentence {
    TRUNK_DOWN,
    TRUNK_SILENT,
    TRUNKS_DOWN,
    TRUNKS_SILENT,
    TRUNK_NONE,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_EXPIRES,
    CERTIFICATE_REFUSED,
    DISK_LOW,
    DISK_FULL,
    PART_DOWN,
    PART_DEGRADED,
    QUALITY,
    REACH,
    BAN, /* one; the same code */
    BANS,
    ADMINISTRATOR,
    RESTART,
    UPSTREAM_ONE,
    UPSTREAM
};
static const struct {
    enum attention_kind kind;
    const char *code, *text;
} sentences[] = {
    [TRUNK_DOWN] = {ATTENTION_TRUNK, "trunk_down", "Trunk {trunk} is down: {why}."},
    [TRUNK_SILENT] = {ATTENTION_TRUNK, "trunk_silent", "Trunk {trunk} is down: it does not answer."},
    [TRUNKS_DOWN] = {ATTENTION_TRUNK, "trunks_down", "Trunk {trunk} is down: {why}. No call goes out."},
    [TRUNKS_SILENT] = {ATTENTION_TRUNK, "trunks_silent",
                       "Trunk {trunk} is down: it does not answer. No call goes out."},
    [TRUNK_NONE] = {ATTENTION_TRUNK, "trunk_none", "No trunk is configured: no call goes out."},
    [CERTIFICATE_EXPIRED] = {ATTENTION_CERTIFICATE, "certificate_expired", "The certificate {why}."},
    [CERTIFICATE_EXPIRES] = {ATTENTION_CERTIFICATE, "certificate_expires",
                             "The certificate expires in {n} days."},
    [CERTIFICATE_REFUSED] = {ATTENTION_CERTIFICATE, "certificate_refused", "The certificate {why}."},
    [DISK_LOW] = {ATTENTION_DISK, "disk_low", "The disk is almost full: {why}."},
    [DISK_FULL] = {ATTENTION_DISK, "disk_full", "The disk is {percent} % full."},
    [PART_DOWN] = {ATTENTION_PART, "part_down", "{part} is down: {why}."},
    [PART_DEGRADED] = {ATTENTION_PART, "part_degraded", "{part} is not as it should be: {why}."},
    [QUALITY] = {ATTENTION_QUALITY, "quality", "Calls sound bad: MOS {mos} in the last five minutes."},
    [REACH] = {ATTENTION_REACH, "reach", "Browsers do not get through from outside: {ways}."},
    [BAN] = {ATTENTION_BANS, "bans", "{n} address is banned after wrong passwords."},
    [BANS] = {ATTENTION_BANS, "bans", "{n} addresses are banned after wrong passwords."},
    [ADMINISTRATOR] = {ATTENTION_ADMIN, "administrator", "Nobody can sign in to the console yet."},
    [UPSTREAM_ONE] = {ATTENTION_UPSTREAM, "upstream", "No call reaches DN {dn}: {why}."},
    [UPSTREAM] = {ATTENTION_UPSTREAM, "upstream",
                  "No call reaches {n} DNs: SIP Server does not register them; DN {dn}: {why}."},
    [RESTART] = {ATTENTION_RESTART, "restart", "Settings wait for a restart: {settings}."},
};

static void add(struct attention_list *l, enum sentence what, const char *name, bool bad,
                const struct sentence_params *params)
{
    static const struct sentence_params none;
    struct attention *a;

    if (l->count == ATTENTION_MAX) {
        l->left_out++;
        return;
    }
    a = &l->v[l->count++];
    *a = (struct attention){.kind = sentences[what].kind,
                            .bad = bad,
                            .code = sentences[what].code,
                            .params = params ? *params : none,
                            .advice = advices[sentences[what].kind].advice,
                            .place = advices[sentences[what].kind].place};
    snprintf(a->name, sizeof(a->name), "%s", name);
    sentence_fill(a->text, sizeof(a->text), sentences[what].text, &a->params);
}

/* With one name in its text. */
static void add_text(struct attention_list *l, enum sentence what, const char *name, bool bad,
                     const char *param, const char *value)
{
    struct sentence_params p = {.v = {{NULL}}};

    sentence_text(&p, param, "%s", value);
    add(l, what, name, bad, &p);
}

static void add_number(struct attention_list *l, enum sentence what, bool bad, const char *param,
                       double value, int decimals)
{
    struct sentence_params p = {.v = {{NULL}}};

    sentence_number(&p, param, value, decimals);
    add(l, what, "", bad, &p);
}

static void trunk_down(const struct service_trunk *t, bool all, struct attention_list *out)
{
    struct sentence_params p = {.v = {{NULL}}};

    sentence_text(&p, "trunk", "%s", t->name);
    if (t->detail[0])
        sentence_text(&p, "why", "%s", t->detail);
    if (t->detail[0])
        add(out, all ? TRUNKS_DOWN : TRUNK_DOWN, t->name, all, &p);
    else
        add(out, all ? TRUNKS_SILENT : TRUNK_SILENT, t->name, all, &p);
}

static void trunks_find(const struct attention_facts *f, struct attention_list *out)
{
    size_t down = 0;

    for (size_t i = 0; i < f->trunk_count; i++)
        down += !strcmp(f->trunks[i].state, "down");
    for (size_t i = 0; i < f->trunk_count; i++)
        if (!strcmp(f->trunks[i].state, "down"))
            trunk_down(&f->trunks[i], down == f->trunk_count, out);
    if (!f->trunk_count)
        add(out, TRUNK_NONE, "", false, NULL);
}

static void part_find(const struct health_part *part, struct attention_list *out)
{
    const bool down = part->state == HEALTH_DOWN;
    struct sentence_params p = {.v = {{NULL}}};

    sentence_text(&p, "part", "%s", part->name);
    sentence_text(&p, "why", "%s", part->reason[0] ? part->reason : "no reason given");
    add(out, down ? PART_DOWN : PART_DEGRADED, part->name, down, &p);
}

static void certificate_find(const struct health_part *part, struct attention_list *out)
{
    static const char soon[] = "expires in ";
    const bool expired = strstr(part->reason, "expired");

    if (!strncmp(part->reason, soon, sizeof(soon) - 1))
        add_number(out, CERTIFICATE_EXPIRES, part->state == HEALTH_DOWN, "n",
                   strtod(part->reason + sizeof(soon) - 1, NULL), 0);
    else
        add_text(out, expired ? CERTIFICATE_EXPIRED : CERTIFICATE_REFUSED, "",
                 expired || part->state == HEALTH_DOWN, "why", part->reason);
}

static void parts_find(const struct attention_facts *f, struct attention_list *out)
{
    for (size_t i = 0; i < f->part_count; i++) {
        const struct health_part *p = &f->parts[i];

        if (p->state == HEALTH_UP || !strcmp(p->name, "trunk"))
            continue;
        if (!strcmp(p->name, "certificate"))
            certificate_find(p, out);
        else if (!strcmp(p->name, "disk"))
            add_text(out, DISK_LOW, "", true, "why", p->reason);
        else
            part_find(p, out);
    }
}

static void refused_find(const struct attention_facts *f, struct attention_list *out)
{
    struct sentence_params p = {.v = {{NULL}}};

    if (!f->refused)
        return;
    sentence_number(&p, "n", (double)f->refused, 0);
    sentence_text(&p, "dn", "%s", f->refused_dn);
    sentence_text(&p, "why", "%s", f->refused_text);
    add(out, f->refused == 1 ? UPSTREAM_ONE : UPSTREAM, "", true, &p);
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
    refused_find(f, out);
    parts_find(f, out);
    if (f->disk_percent >= disk && !has(out, ATTENTION_DISK))
        add_number(out, DISK_FULL, false, "percent", f->disk_percent, 0);
    if (f->mos > 0 && f->mos < mos)
        add_number(out, QUALITY, true, "mos", f->mos, 1);
    if (f->closed[0])
        add_text(out, REACH, "", true, "ways", f->closed);
    if (f->bans)
        add_number(out, f->bans == 1 ? BAN : BANS, false, "n", (double)f->bans, 0);
    if (f->no_administrator)
        add(out, ADMINISTRATOR, "", false, NULL);
    if (f->pending[0])
        add_text(out, RESTART, "", false, "settings", f->pending);
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
