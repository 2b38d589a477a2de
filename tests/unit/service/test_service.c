/* What the command line and REST both call: values in, values out, an errno value that tells the kind of refusal, a line that tells why. */
#include "service/cdr.h"
#include "service/dn.h"
#include "service/selftest.h"
#include "service/setting.h"
#include "service/trunk.h"
#include "service/user.h"
#include "testing.h"
#include "unit/store/tempdir.h"

#include <errno.h>

static struct tempdir dir;
static struct service sv;

static bool start(void)
{
    char why[256];

    memset(&sv, 0, sizeof(sv));
    CHECK_OR(tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&sv.store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!conf_alloc(&sv.conf), return false);
    return true;
}

static void finish(void)
{
    conf_free(sv.conf);
    store_close(sv.store);
    tempdir_remove(&dir);
}

/* One line, for a person. */
static bool said(const char *words)
{
    return strstr(sv.why, words) && !strchr(sv.why, '\n');
}

TEST(a_dn_is_told_as_it_is_after_each_change)
{
    const struct dn_new ada = {"5001", "secret1", "Ada", DN_CODEC_OPUS, .enabled = true},
                        blank = {.dn = "50 01", .password = "secret1", .name = ""};
    const enum dn_codec pcma = DN_CODEC_PCMA;
    const bool off = false;
    struct dn d;

    CHECK(start());
    CHECK_EQ_INT(service_dn_add(&sv, &ada, NULL, &d), 0);
    CHECK(!strcmp(d.name, "Ada") && d.codec == DN_CODEC_OPUS && d.enabled);
    CHECK_EQ_INT(service_dn_add(&sv, &ada, NULL, &d), EEXIST);
    CHECK(said("5001 exists already"));
    CHECK_EQ_INT(service_dn_add(&sv, &blank, NULL, NULL), EINVAL);
    CHECK_EQ_INT(service_dn_change(&sv, "5001", &(struct dn_change){.codec = &pcma}, &d), 0);
    CHECK(!strcmp(d.name, "Ada") && d.codec == DN_CODEC_PCMA);
    CHECK_EQ_INT(service_dn_change(&sv, "5001", &(struct dn_change){.enabled = &off}, &d), 0);
    CHECK(!d.enabled);
    CHECK_EQ_INT(service_dn_change(&sv, "5001", &(struct dn_change){.password = "short"}, NULL), EINVAL);
    CHECK_EQ_INT(service_dn_remove(&sv, "5001"), 0);
    CHECK_EQ_INT(service_dn_remove(&sv, "5001"), ENOENT);
    CHECK(said("there is no DN 5001"));
    CHECK_EQ_INT(service_dn_get(&sv, "5001", &d), ENOENT);
    finish();
}

TEST(a_trunk_is_changed_as_a_whole)
{
    struct trunk t;

    CHECK(start());
    service_trunk_init(&t);
    snprintf(t.name, sizeof(t.name), "genesys");
    CHECK_EQ_INT(service_trunk_address(&t, "[2001:db8::1]:5070"), 0);
    CHECK(!strcmp(t.host, "2001:db8::1") && t.port == 5070);
    CHECK_EQ_INT(service_trunk_address(&t, "10.0.0.81:+5060"), EINVAL);
    CHECK_EQ_INT(service_trunk_address(&t, "10.0.0.81"), 0);
    CHECK_EQ_INT(t.port, 5060);
    t.registers = true;
    CHECK_EQ_INT(service_trunk_add(&sv, &t), 0);
    CHECK_EQ_INT(service_trunk_add(&sv, &t), EEXIST);
    t.transport = TRUNK_TLS;
    CHECK_EQ_INT(service_trunk_set(&sv, &t, false), 0);
    CHECK_EQ_INT(service_trunk_get(&sv, "genesys", &t), 0);
    CHECK_EQ_INT(t.transport, TRUNK_TLS);
    CHECK(t.registers);
    CHECK_EQ_INT(service_trunk_enable(&sv, "genesys", false, &t), 0);
    CHECK(!t.enabled);
    CHECK_EQ_INT(service_trunk_remove(&sv, "other"), ENOENT);
    finish();
}

TEST(the_last_administrator_stays)
{
    struct user u;

    CHECK(start());
    CHECK_EQ_INT(service_user_add(&sv, "ada", USER_ADMIN, "long enough", &u), 0);
    CHECK(u.role == USER_ADMIN && u.created_ms);
    CHECK_EQ_INT(service_user_add(&sv, "bob", USER_READONLY, "short", &u), EINVAL);
    CHECK_EQ_INT(service_user_passwd(&sv, "bob", "even longer one", &u), ENOENT);
    CHECK_EQ_INT(service_user_remove(&sv, "ada"), EPERM);
    CHECK(said("last administrator"));
    finish();
}

TEST(what_waits_for_a_restart_is_told_with_what_counts_until_then)
{
    struct service_setting s;

    CHECK(start());
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", "5070"), 0);
    service_setting_get(&sv, conf_find("sip.port"), &s);
    CHECK(!s.pending); /* no server runs */
    CHECK_EQ_INT(service_setting_freeze(&sv), 0);
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", "5090"), 0);
    CHECK_EQ_INT(service_setting_put(&sv, "log.level", "debug"), 0);
    service_setting_get(&sv, conf_find("sip.port"), &s);
    CHECK(s.pending && !strcmp(s.value, "5090") && !strcmp(s.running, "5070"));
    service_setting_get(&sv, conf_find("log.level"), &s);
    CHECK(!s.pending); /* it took effect */
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", "5070"), 0);
    service_setting_get(&sv, conf_find("sip.port"), &s);
    CHECK(!s.pending);
    conf_free(sv.at_start);
    finish();
}

TEST(a_setting_is_put_taken_out_and_refused)
{
    const struct conf_def *def = conf_find("sip.port");
    struct service_setting s;
    char why[128];

    CHECK(start());
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", "5070"), 0);
    service_setting_get(&sv, def, &s);
    CHECK(!strcmp(s.value, "5070") && s.source == CONF_DATABASE && !s.locked);
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", "x"), EINVAL);
    CHECK_EQ_INT(service_setting_put(&sv, "https.port", "5070"), EINVAL); /* not together with sip.port */
    CHECK_EQ_INT(service_setting_put(&sv, "sip.prot", "5070"), ENOENT);
    CHECK_EQ_INT(service_setting_put(&sv, "admin.password", "long enough"), EPERM);
    CHECK(said("DNGATE_ADMIN_PASSWORD"));
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", NULL), 0);
    service_setting_get(&sv, def, &s);
    CHECK(!strcmp(s.value, "5060") && s.source == CONF_DEFAULT);
    CHECK_EQ_INT(conf_set(sv.conf, CONF_OPTION, "sip.port", "5080", why, sizeof(why)), 0);
    CHECK_EQ_INT(service_setting_put(&sv, "sip.port", "5070"), EPERM);
    CHECK(said("fixed by -o"));
    CHECK_EQ_INT(conf_set(sv.conf, CONF_OPTION, "admin.password", "long enough", why, sizeof(why)), 0);
    service_setting_get(&sv, conf_find("admin.password"), &s);
    CHECK_STR(s.value, "(set)");
    finish();
}

/* The link of a self-test leads to where browsers are sent. */
static bool leads_to(const char *option, uint16_t port, const char *where)
{
    char url[SERVICE_URL_MAX], why[256];
    struct selftest_link l;
    size_t n = strlen(where);

    if (option && conf_set_option(sv.conf, option, why, sizeof(why)))
        return false;
    sv.https_port = port;
    if (service_selftest_link(&sv, "Ada", 24, &l, url))
        return false;
    return !strncmp(url, where, n) && !strncmp(url + n, "/selftest.html#", 15) && strlen(url + n) == 15 + 22;
}

TEST(a_link_of_a_self_test_leads_to_where_browsers_are_sent)
{
    char url[SERVICE_URL_MAX];
    struct selftest_link l;
    struct selftest t;

    CHECK(start());
    CHECK(leads_to("bind.address=127.0.0.1", 0, "https://127.0.0.1"));
    CHECK(leads_to("bind.address=::1,127.0.0.1", 8443, "https://[::1]:8443"));
    CHECK(leads_to("public.address=gw.example", 443, "https://gw.example"));
    CHECK(leads_to("public.address=192.168.1.5, 203.0.113.7, stun:a.example", 443, "https://203.0.113.7"));
    CHECK(leads_to("public.address=192.168.1.5, gw.example", 443, "https://gw.example"));
    CHECK(leads_to("public.address=2001:db8::1", 444, "https://[2001:db8::1]:444"));
    CHECK(leads_to("https.port=8443", 0, "https://[2001:db8::1]:8443"));
    CHECK_EQ_INT(service_selftest_link(&sv, "a\nb", 24, &l, url), EINVAL);
    CHECK(said("a note is text"));
    CHECK_EQ_INT(service_selftest_get(&sv, "1-x", &t), ENOENT);
    CHECK(said("there is no self-test 1-x"));
    finish();
}

struct seen {
    size_t n, enough;
    char last[40];
    bool ordered;
};

static bool seen_h(const struct cdr *c, void *arg)
{
    struct seen *s = arg;

    s->ordered = s->ordered && (!s->n || strcmp(c->id, s->last) < 0);
    snprintf(s->last, sizeof(s->last), "%s", c->id);
    return ++s->n == s->enough;
}

/* More than the service reads at a time. */
TEST(call_records_come_newest_first_across_pages)
{
    enum { MANY = 1203, OTHERS = 2 };
    const struct service_cdr_filter wrong[] = {
        {.result = "bad"}, {.path = "carrier-pigeon"}, {.from_ms = 5, .to_ms = 5}};
    struct seen s = {.ordered = true};
    struct cdr c = {.code = 486, .path = CDR_PATH_DIRECT};

    CHECK(start());
    for (int i = 0; i < MANY; i++) {
        snprintf(c.id, sizeof(c.id), "id-%06d", i);
        snprintf(c.dn, sizeof(c.dn), "%d", 5001 + i % OTHERS);
        c.start_ms = 1000 + i;
        cdr_write(sv.store, &c);
    }
    CHECK_EQ_INT(cdr_flush(sv.store), 0);
    CHECK_EQ_INT(service_cdr_each(&sv, &(struct service_cdr_filter){0}, seen_h, &s), 0);
    CHECK_EQ_INT(s.n, MANY);
    CHECK(s.ordered);
    CHECK_STR(s.last, "id-000000");
    s = (struct seen){.ordered = true, .enough = 7};
    CHECK_EQ_INT(
        service_cdr_each(&sv, &(struct service_cdr_filter){.dn = "5002", .result = "busy", .path = "direct"},
                         seen_h, &s),
        0);
    CHECK_EQ_INT(s.n, 7);
    CHECK_STR(s.last, "id-001189");
    s = (struct seen){.ordered = true};
    CHECK_EQ_INT(
        service_cdr_each(&sv, &(struct service_cdr_filter){.before = "id-001189", .limit = 501}, seen_h, &s),
        0);
    CHECK_EQ_INT(s.n, 501);
    CHECK_STR(s.last, "id-000688");
    s = (struct seen){.ordered = true};
    CHECK_EQ_INT(
        service_cdr_each(&sv, &(struct service_cdr_filter){.from_ms = 1100, .to_ms = 1110}, seen_h, &s), 0);
    CHECK_EQ_INT(s.n, 10);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        CHECK_EQ_INT(service_cdr_each(&sv, &wrong[i], seen_h, &s), EINVAL);
    CHECK(said("ends before it begins"));
    CHECK_EQ_INT(service_cdr_get(&sv, "id-000000", &c), 0);
    CHECK_STR(c.dn, "5001");
    CHECK_EQ_INT(service_cdr_get(&sv, "none", &c), ENOENT);
    CHECK(said("there is no call record none"));
    finish();
}

/* One call of each kind, an hour apart: what a filter finds, as the numbers of those that it finds. */
static bool some_calls(void)
{
    static const struct cdr calls[] = {
        {.direction = CDR_INBOUND,
         .dn = "5001",
         .caller = "+49301234567",
         .callee = "5001",
         .trunk = "one",
         .ring_ms = 1000,
         .answer_ms = 9000,
         .end_ms = 69000,
         .code = 200,
         .caller_name = "Zo\xc3\xab 100%",
         .from_browser.mos = 4.3,
         .from_trunk.mos = 2.5,
         .path = CDR_PATH_DIRECT},
        {.direction = CDR_OUTBOUND,
         .dn = "5002",
         .caller = "5002",
         .callee = "0301234",
         .trunk = "two",
         .answer_ms = 2000,
         .end_ms = 5000,
         .code = 200,
         .from_browser.mos = 4.1,
         .path = CDR_PATH_RELAY_TLS},
        {.direction = CDR_INBOUND,
         .dn = "5002",
         .caller = "anonymous",
         .callee = "5002",
         .trunk = "one",
         .ring_ms = 1000,
         .end_ms = 21000,
         .code = 487,
         .reason = "Request Terminated"},
        {.direction = CDR_OUTBOUND,
         .dn = "5001",
         .caller = "5001",
         .callee = "999",
         .end_ms = 4000,
         .code = 503,
         .reason = "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct cdr c = calls[i];
        const int64_t at_ms = 1700000000000 + (int64_t)i * 3600000;

        snprintf(c.id, sizeof(c.id), CDR_ID_TIME "-%zu", (unsigned long long)at_ms, i);
        c.start_ms = at_ms;
        c.ring_ms += c.ring_ms ? at_ms : 0;
        c.answer_ms += c.answer_ms ? at_ms : 0;
        c.end_ms += at_ms;
        cdr_write(sv.store, &c);
    }
    CHECK_OR(!cdr_flush(sv.store), return false);
    return true;
}

static bool number_h(const struct cdr *c, void *arg)
{
    char *found = arg;

    snprintf(found + strlen(found), 2, "%s", c->id + strlen(c->id) - 1);
    return false;
}

static bool page_number_h(const struct cdr *c, const struct trace_facts *facts, void *arg)
{
    CHECK_OR(!facts, return true);
    return number_h(c, arg);
}

TEST(what_call_records_are_looked_for_by)
{
    static const struct {
        struct service_cdr_filter f;
        const char *found;
    } cases[] = {
        {{.number = "30123"}, "10"},
        {{.number = "+49301234567"}, "0"},
        {{.text = "zo\xc3\xab"}, "0"},
        {{.text = "100%"}, "0"},
        {{.text = "%"}, "0"},
        {{.text = "_"}, ""},
        {{.text = "unavail"}, "3"},
        {{.direction = "in"}, "20"},
        {{.direction = "outbound"}, "31"},
        {{.trunk = "one"}, "20"},
        {{.min_s = 3, .max_s = 3}, "1"},
        {{.min_s = 60}, "0"},
        {{.min_ring_s = 8}, "20"},
        {{.min_ring_s = 20}, "2"},
        {{.max_mos = 3.6}, "0"},
        {{.max_mos = 4.2}, "10"},
        {{.result = "cancelled"}, "2"},
        {{.path = "relay"}, "1"},
        {{.dn = "5001", .result = "failed"}, "3"},
        {{.from_ms = 1700003600000, .to_ms = 1700007200001}, "21"},
        {{.to_ms = 1700003600000}, "0"},
        {{.to_ms = 1}, ""},
        {{.text = "nobody"}, ""},
    };
    struct service_cdr_filter page = {.limit = 3};
    char found[16], next[40];

    CHECK(start());
    CHECK(some_calls());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        found[0] = '\0';
        CHECK_EQ_INT(service_cdr_each(&sv, &cases[i].f, number_h, found), 0);
        CHECK_STR(found, cases[i].found);
        found[0] = '\0';
        CHECK_EQ_INT(service_cdr_page(&sv, &cases[i].f, page_number_h, found, next), 0);
        CHECK_STR(found, cases[i].found);
        CHECK_STR(next, "");
    }
    found[0] = '\0';
    CHECK_EQ_INT(service_cdr_page(&sv, &page, page_number_h, found, next), 0);
    CHECK_STR(found, "321");
    page.before = next;
    CHECK_EQ_INT(service_cdr_page(&sv, &page, page_number_h, found, next), 0);
    CHECK_STR(found, "3210");
    CHECK_STR(next, "");
    finish();
}

TEST(sums_of_call_records)
{
    struct cdr_sum s;

    CHECK(start());
    CHECK_EQ_INT(service_cdr_sum(&sv, &(struct service_cdr_filter){0}, &s), 0);
    CHECK_EQ_INT(s.calls, 0);
    CHECK(service_cdr_average_s(&s) == 0 && service_cdr_abandoned_percent(&s) == 0);
    CHECK(some_calls());
    CHECK_EQ_INT(service_cdr_sum(&sv, &(struct service_cdr_filter){0}, &s), 0);
    CHECK_EQ_INT(s.calls, 4);
    CHECK_EQ_INT(s.answered, 2);
    CHECK_EQ_INT(s.inbound, 2);
    CHECK_EQ_INT(s.outbound, 2);
    CHECK_EQ_INT(s.abandoned, 1);
    CHECK_EQ_INT(s.failed, 1);
    CHECK_EQ_INT(s.talk_ms, 63000);
    CHECK_EQ_INT(s.since_ms, 0);
    CHECK(s.mos > 3.29 && s.mos < 3.31);
    CHECK(service_cdr_average_s(&s) == 31.5 && service_cdr_abandoned_percent(&s) == 50);
    CHECK_EQ_INT(service_cdr_sum(&sv, &(struct service_cdr_filter){.dn = "5002", .direction = "in"}, &s), 0);
    CHECK_EQ_INT(s.calls, 1);
    CHECK_EQ_INT(s.abandoned, 1);
    CHECK_EQ_INT(
        service_cdr_sum(&sv, &(struct service_cdr_filter){.from_ms = 1700003600000, .text = "5002"}, &s), 0);
    CHECK_EQ_INT(s.calls, 2);
    CHECK_EQ_INT(service_cdr_sum(&sv, &(struct service_cdr_filter){.direction = "up"}, &s), EINVAL);
    CHECK(said("there is no direction up"));
    finish();
}
