/* What is sampled each second, as figures of now, of the minute and of the hour; and what needs attention, begun once and ended once. */
#include "service/attention.h"
#include "service/figures.h"
#define TESTING_NO_OOM "nothing here allocates"
#include "testing.h"

#include <math.h>

#define MINUTE ((int64_t)60000)

static struct service_figures f;
static struct sample s;
static struct figures row;

static void begin(void)
{
    memset(&f, 0, sizeof(f));
    s = (struct sample){
        .wall_ms = 1000000 * MINUTE, .us = 5000000, .cpus = 2, .disk_size = 100, .disk_free = 25};
}

static bool second(void)
{
    s.wall_ms += 1000;
    s.us += 1000000;
    return figures_take(&f, &s, &row);
}

TEST(rates_are_per_second_and_smooth)
{
    struct figures_now now;

    begin();
    s.bytes = 1000000; /* what was before the start counts for nothing */
    CHECK(!second());
    for (int i = 0; i < 30; i++) {
        s.bytes += 1000;
        s.cpu_us += 50000;
        (void)second();
    }
    figures_now(&f, &now);
    CHECK(fabs(now.box.bits_per_s - 8000) < 10);
    CHECK(fabs(now.box.cpu_percent - 5) < 0.1);
    CHECK_EQ_INT(now.box.disk_percent, 75);
}

TEST(the_hour_is_of_an_hour_with_what_was_before_the_start)
{
    struct figures_now now;

    begin();
    figures_restore(
        &f, &(struct history_calls){
                .minute = 1000000 - 58, .inbound = 10, .answered = 8, .abandoned = 2, .talk_ms = 80000});
    (void)second();
    s.calls.inbound += 2;
    s.calls.answered += 2;
    s.calls.talk_ms += 40000;
    (void)second();
    figures_now(&f, &now);
    CHECK_EQ_INT(now.hour.inbound, 12);
    CHECK_EQ_INT(now.hour.average_s, 12);
    CHECK(fabs(now.hour.abandoned_percent - 100.0 / 6) < 0.01);
    for (int i = 0; i < 150; i++)
        (void)second();
    figures_now(&f, &now);
    CHECK_EQ_INT(now.hour.inbound, 2); /* the first minute is more than an hour ago */
    CHECK(now.hour.abandoned_percent < 0.01);
}

TEST(errors_per_minute_do_not_begin_anew_with_each_minute)
{
    struct figures_now now;

    begin();
    (void)second();
    for (int i = 0; i < 58; i++) {
        s.errors += 2;
        (void)second();
    }
    figures_now(&f, &now);
    CHECK_EQ_INT(now.errors_per_min, 116);
    for (int i = 0; i < 16; i++) /* a quarter of a minute without any */
        (void)second();
    figures_now(&f, &now);
    CHECK_EQ_INT(now.errors_per_min, 87);
    for (int i = 0; i < 60; i++)
        (void)second();
    figures_now(&f, &now);
    CHECK_EQ_INT(now.errors_per_min, 0);
}

TEST(a_minute_that_is_over_is_a_row)
{
    int rows = 0;

    begin();
    (void)second();
    s.heard = 2;
    s.mos_sum = 8;
    s.jitter_ms_sum = 6;
    s.calls.live = 3;
    for (int i = 0; i < 60; i++) {
        s.expected += 100;
        s.lost += i % 2;
        rows += second();
    }
    CHECK_EQ_INT(rows, 1);
    CHECK_EQ_INT(row.time_ms, 1000000 * MINUTE);
    CHECK_EQ_INT(row.v[FIGURE_CALLS], 3);
    CHECK_EQ_INT(row.v[FIGURE_MOS], 4);
    CHECK_EQ_INT(row.v[FIGURE_JITTER], 3);
    CHECK(row.v[FIGURE_LOSS] > 0.4 && row.v[FIGURE_LOSS] < 0.6);
    CHECK(isnan(row.v[FIGURE_REGISTRATIONS]));
    CHECK_EQ_INT(figures_mos(&f, 5), 4);
    s.heard = 0;
    s.mos_sum = s.jitter_ms_sum = 0;
    s.calls.live = 0;
    for (int i = 0; i < 120; i++)
        (void)second();
    CHECK(isnan(row.v[FIGURE_MOS]) && isnan(row.v[FIGURE_LOSS]));
}

static char told[512];

static void told_h(const struct attention *a, bool begins, void *arg)
{
    const size_t n = strlen(told);

    (void)arg;
    snprintf(told + n, sizeof(told) - n, "%s%s%s%s ", begins ? "+" : "-", attention_kind_name(a->kind),
             a->name[0] ? ":" : "", a->name);
}

static const char *json_of(const struct attention *a)
{
    static char text[256];
    struct buf out;

    buf_init(&out, sizeof(text) - 1);
    sentence_json(&out, &a->params);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.data ? out.data : "");
    buf_reset(&out);
    return text;
}

TEST(what_is_said_has_a_code_and_names_nothing_that_is_missing)
{
    struct service_trunk trunks[2] = {{.name = "{a}", .state = "down"}, {.name = "b", .state = "up"}};
    struct attention_facts facts = {
        .trunks = trunks,
        .trunk_count = 2,
        .bans = 7,
        .mos = 2.345,
        .disk_percent = 95.4,
        .closed = "https, ice",
        .pending = "sip.port",
        .no_administrator = true,
        .part_count = 4,
        .parts = {{.name = "certificate", .state = HEALTH_DEGRADED, .reason = "expires in 6 days"},
                  {.name = "web", .state = HEALTH_DOWN, .reason = "stopped"},
                  {.name = "store", .state = HEALTH_DEGRADED},
                  {.name = "sip", .state = HEALTH_UP}}};
    static const char *const said[] = {"trunk_silent",
                                       "Trunk {a} is down: it does not answer.",
                                       "certificate_expires",
                                       "The certificate expires in 6 days.",
                                       "part_down",
                                       "web is down: stopped.",
                                       "part_degraded",
                                       "store is not as it should be: no reason given.",
                                       "disk_full",
                                       "The disk is 95 % full.",
                                       "quality",
                                       "Calls sound bad: MOS 2.3 in the last five minutes.",
                                       "reach",
                                       "Browsers do not get through from outside: https, ice.",
                                       "bans",
                                       "7 addresses are banned after wrong passwords.",
                                       "administrator",
                                       "Nobody can sign in to the console yet.",
                                       "restart",
                                       "Settings wait for a restart: sip.port."};
    struct attention_list found;

    attention_find(&facts, &found);
    CHECK_EQ_INT(found.count, sizeof(said) / sizeof(said[0]) / 2);
    for (size_t i = 0; i < found.count; i++) {
        CHECK_STR(found.v[i].code, said[2 * i]);
        CHECK_STR(found.v[i].text, said[2 * i + 1]);
    }
    CHECK_STR(json_of(&found.v[4]), "{\"percent\":95}");
}

TEST(each_condition_begins_once_and_ends_once)
{
    struct service_trunk trunks[2] = {{.name = "a", .state = "up"},
                                      {.name = "b", .state = "down", .detail = "no answer to OPTIONS"}};
    struct attention_facts facts = {.trunks = trunks, .trunk_count = 2, .bans = 1};
    struct attention_list list = {.count = 0}, found;

    told[0] = 0;
    for (int i = 0; i < 3; i++) {
        attention_find(&facts, &found);
        attention_take(&list, &found, 1000 + i, told_h, NULL);
    }
    CHECK_STR(told, "+trunk:b +bans ");
    CHECK_EQ_INT(list.count, 2);
    CHECK_EQ_INT(list.v[0].since_ms, 1000);
    CHECK(!list.v[0].bad);
    CHECK_STR(list.v[0].text, "Trunk b is down: no answer to OPTIONS.");
    CHECK(list.v[0].advice[0] && list.v[0].place[0] == '/');
    CHECK_STR(list.v[0].code, "trunk_down");
    CHECK_STR(json_of(&list.v[0]), "{\"trunk\":\"b\",\"why\":\"no answer to OPTIONS\"}");
    CHECK_STR(list.v[1].text, "1 address is banned after wrong passwords.");
    CHECK_STR(json_of(&list.v[1]), "{\"n\":1}");

    told[0] = 0;
    trunks[0].state = "down";
    facts.bans = 0;
    attention_find(&facts, &found);
    attention_take(&list, &found, 2000, told_h, NULL);
    CHECK_STR(told, "+trunk:a -bans ");
    CHECK(list.v[0].bad && list.v[1].bad); /* none is left */
    CHECK_EQ_INT(list.v[1].since_ms, 1000);
}

TEST(what_hovers_at_its_limit_is_told_once)
{
    static const double mos[] = {3.6, 3.49, 3.51, 3.49, 3.55, 3.7, 3.55},
                        disk[] = {89, 90, 89, 91, 89, 87, 89};
    struct service_trunk trunk = {.name = "a", .state = "up"};
    struct attention_list list = {.count = 0}, found;
    struct attention_facts facts = {.trunks = &trunk, .trunk_count = 1, .was = &list};

    told[0] = 0;
    for (size_t i = 0; i < sizeof(mos) / sizeof(mos[0]); i++) {
        facts.mos = mos[i];
        facts.disk_percent = disk[i];
        attention_find(&facts, &found);
        attention_take(&list, &found, 1000, told_h, NULL);
    }
    CHECK_STR(told, "+disk +quality -disk -quality ");
}

TEST(parts_that_are_not_up_are_told_in_words)
{
    struct service_trunk trunk = {.name = "a", .state = "up"};
    struct attention_facts facts = {
        .trunks = &trunk, .trunk_count = 1, .mos = 3.1, .disk_percent = 95, .no_administrator = true};
    struct attention_list found;

    facts.parts[0] =
        (struct health_part){.name = "certificate", .state = HEALTH_DEGRADED, .reason = "expires in 12 days"};
    facts.parts[1] =
        (struct health_part){.name = "trunk", .state = HEALTH_DOWN, .reason = "no trunk answers"};
    facts.parts[2] = (struct health_part){.name = "store", .state = HEALTH_UP};
    facts.part_count = 3;
    snprintf(facts.closed, sizeof(facts.closed), "https, ice");
    snprintf(facts.pending, sizeof(facts.pending), "sip.port");
    attention_find(&facts, &found);
    CHECK_EQ_INT(found.count, 6);
    CHECK_STR(found.v[0].text, "The certificate expires in 12 days.");
    CHECK_STR(found.v[1].text, "The disk is 95 % full.");
    CHECK_STR(found.v[2].text, "Calls sound bad: MOS 3.1 in the last five minutes.");
    CHECK(found.v[2].bad && strstr(found.v[3].text, "https, ice"));
    CHECK_EQ_INT(found.v[4].kind, ATTENTION_ADMIN);
    CHECK_STR(found.v[5].text, "Settings wait for a restart: sip.port.");
}
