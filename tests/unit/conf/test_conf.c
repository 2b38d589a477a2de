/* TSAN */
/* Settings: what the table says of itself, who overrules whom, which values and which combinations are refused. */
#include "testing.h"

#include "conf/conf.h"
#include "conf/public.h"

#include <errno.h>
#include <pthread.h>

static struct conf *make(void)
{
    struct conf *c = NULL;

    CHECK_OR(!conf_alloc(&c), );
    return c;
}

TEST(table_is_sound)
{
    char why[256];

    CHECK(conf_count() > 40);
    CHECK(!conf_at(conf_count()));
    for (size_t i = 0; i < conf_count(); i++) {
        const struct conf_def *d = conf_at(i);
        size_t n = strlen(d->meaning);

        if (conf_validate(d, d->def, why, sizeof(why)) || conf_find(d->key) != d || !strchr(d->key, '.') ||
            n < 10 || d->meaning[n - 1] != '.' || !d->unit || (d->type == CONF_ENUM && !d->choices) ||
            (d->type != CONF_BOOL && d->type != CONF_ENUM && d->min >= d->max)) {
            testing_fail(__FILE__, __LINE__, "%s", d->key);
            return;
        }
    }
}

TEST(defaults_are_the_documented_ones)
{
    static const struct {
        const char *key, *value;
    } v[] = {{"bind.address", ""},        {"http.port", "80"},
             {"https.port", "443"},       {"wss.port", "8089"},
             {"sip.port", "5060"},        {"sips.port", "5061"},
             {"ice.port", "10000"},       {"rtp.port_min", "10100"},
             {"rtp.port_max", "20000"},   {"turn.port", "3478"},
             {"turns.port", "5349"},      {"turn.relay_min", "49152"},
             {"turn.relay_max", "65535"}, {"turn.allow_loopback_peers", "no"},
             {"turn.enabled", "yes"},     {"turn.allow_peers", ""},
             {"media.workers", "0"},      {"log.level", "info"},
             {"log.format", "text"},      {"call.limit_per_dn", "2"},
             {"admin.password", ""},      {"admin.password_file", ""},
             {"drain.seconds", "300"}};
    struct conf *c = make();
    char buf[100], why[256] = "";

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        CHECK_STR(conf_str(c, v[i].key, buf, sizeof(buf)), v[i].value);
    CHECK_EQ_INT(conf_check(c, why, sizeof(why)), 0);
    CHECK_STR(why, "");
    conf_free(c);
}

TEST(option_over_environment_over_database_over_default)
{
    struct conf *c = make();
    char why[256];

    CHECK_EQ_INT(conf_int(c, "sip.port"), 5060);
    CHECK_EQ_INT(conf_set(c, CONF_DATABASE, "sip.port", "1", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(c, "sip.port"), 1);
    CHECK(!conf_locked(c, "sip.port"));
    CHECK_EQ_INT(conf_set(c, CONF_ENVIRONMENT, "sip.port", "2", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_set(c, CONF_OPTION, "sip.port", "3", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(c, "sip.port"), 3);
    CHECK(conf_locked(c, "sip.port"));
    CHECK_EQ_INT(conf_set(c, CONF_DATABASE, "sip.port", "4", why, sizeof(why)), EPERM);
    CHECK_STR(why, "sip.port: fixed by -o");
    CHECK_EQ_INT(conf_set(c, CONF_OPTION, "sip.port", NULL, why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(c, "sip.port"), 2);
    CHECK_EQ_INT(conf_source(c, "sip.port"), CONF_ENVIRONMENT);
    CHECK_EQ_INT(conf_set(c, CONF_ENVIRONMENT, "sip.port", NULL, why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(c, "sip.port"), 4); /* remembered below */
    CHECK_EQ_INT(conf_set(c, CONF_DATABASE, "sip.port", NULL, why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(c, "sip.port"), 5060);
    CHECK_EQ_INT(conf_source(c, "sip.port"), CONF_DEFAULT);
    conf_free(c);
}

TEST(wrong_values_get_one_line_with_key_value_and_range)
{
    static const struct {
        const char *kv, *why;
    } v[] = {
        {"sip.port=70000", "sip.port=70000: must be 0..65535"},
        {"sip.port=-1", "sip.port=-1: must be 0..65535"},
        {"sip.port=", "sip.port=: must be 0..65535"},
        {"sip.port=5060x", "sip.port=5060x: must be 0..65535"},
        {"sip.port=99999999999999999999", "sip.port=99999999999999999999: must be 0..65535"},
        {"media.workers=65", "media.workers=65: must be 0..64"},
        {"media.rtp_timeout=-1", "media.rtp_timeout=-1: must be 0..3600 s"},
        {"turn.allow_loopback_peers=maybe", "turn.allow_loopback_peers=maybe: must be yes or no"},
        {"log.level=loud", "log.level=loud: must be error, warn, info, debug or trace, then MODULE=LEVEL for "
                           "those that differ"},
        {"log.level=info|debug", "log.level=info|debug: must be error, warn, info, debug or trace, then "
                                 "MODULE=LEVEL for those that differ"},
        {"log.level=", "log.level=: must have 1..400 characters"},
        {"bind.address=eth0", "bind.address=eth0: must be one or two IP addresses"},
        {"bind.address=1.1.1.1,2.2.2.2,3.3.3.3",
         "bind.address=1.1.1.1,2.2.2.2,3.3.3.3: must be one or two IP addresses"},
        {"public.address=1.2.3",
         "public.address=1.2.3: must be at most 8 IP addresses, host names, or stun:HOST[:PORT]"},
        {"public.address=a_b",
         "public.address=a_b: must be at most 8 IP addresses, host names, or stun:HOST[:PORT]"},
        {"public.address=stun:",
         "public.address=stun:: must be at most 8 IP addresses, host names, or stun:HOST[:PORT]"},
        {"public.address=stun:a:0",
         "public.address=stun:a:0: must be at most 8 IP addresses, host names, or stun:HOST[:PORT]"},
        {"public.address=a,b,c,d,e,f,g,h,i",
         "public.address=a,b,c,d,e,f,g,h,i: must be at most 8 IP addresses, host names, or stun:HOST[:PORT]"},
        {"public.address=-a.example",
         "public.address=-a.example: must be at most 8 IP addresses, host names, or stun:HOST[:PORT]"},
        {"sip.agent_headers=*",
         "sip.agent_headers=*: must be a list of header names, as in X-Order, X-Acme-*"},
        {"sip.agent_headers=X-Ok, X:no",
         "sip.agent_headers=X-Ok, X:no: must be a list of header names, as in X-Order, X-Acme-*"},
        {"sip.agent_headers=X-*-y",
         "sip.agent_headers=X-*-y: must be a list of header names, as in X-Order, X-Acme-*"},
        {"ws.origins=http://a", "ws.origins=http://a: must be a list of https://host[:port]"},
        {"ws.origins=https://a/path", "ws.origins=https://a/path: must be a list of https://host[:port]"},
        {"admin.password=hunter2", "admin.password: must have 8..1024 characters"},
        {"no.such=1", "no.such: no such setting; `dngate settings` lists them"},
        {"sip.port", "-o sip.port: must be KEY=VALUE"},
        {"=1", "-o =1: must be KEY=VALUE"},
    };
    struct conf *c = make();

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        char why[256] = "";

        CHECK(conf_set_option(c, v[i].kv, why, sizeof(why)));
        CHECK_STR(why, v[i].why);
    }
    conf_free(c);
}

TEST(right_values_and_their_plain_form)
{
    static const char *const v[][3] = {
        {"sip.port", "05080", "5080"},
        {"turn.allow_loopback_peers", "TRUE", "yes"},
        {"turn.allow_loopback_peers", "0", "no"},
        {"turn.allow_loopback_peers", "on", "yes"},
        {"bind.address", "127.0.0.1, ::1", "127.0.0.1, ::1"},
        {"public.address", "gw.example.com", "gw.example.com"},
        {"public.address", "2001:db8::1", "2001:db8::1"},
        {"public.address", "192.168.1.5, gw.example.com stun:[2001:db8::1]:3479",
         "192.168.1.5, gw.example.com stun:[2001:db8::1]:3479"},
        {"ws.origins", "https://a.example:8443,https://[::1]:1 https://b",
         "https://a.example:8443,https://[::1]:1 https://b"},
        {"log.format", "json", "json"},
    };
    struct conf *c = make();
    char buf[200], why[256];

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
        CHECK_EQ_INT(conf_set(c, CONF_OPTION, v[i][0], v[i][1], why, sizeof(why)), 0);
        CHECK_STR(conf_str(c, v[i][0], buf, sizeof(buf)), v[i][2]);
    }
    CHECK(conf_bool(c, "turn.allow_loopback_peers"));
    CHECK_EQ_INT(conf_set_option(c, "https.cert=/a=b.pem", why, sizeof(why)), 0);
    CHECK_STR(conf_str(c, "https.cert", buf, sizeof(buf)), "/a=b.pem");
    conf_free(c);
}

TEST(secrets_do_not_go_into_the_database)
{
    struct conf *c = make();
    char why[256], buf[64];

    CHECK_EQ_INT(conf_set(c, CONF_DATABASE, "admin.password", "hunter22", why, sizeof(why)), EINVAL);
    CHECK(!strstr(why, "hunter22"));
    CHECK_EQ_INT(conf_set(c, CONF_ENVIRONMENT, "admin.password", "hunter22", why, sizeof(why)), 0);
    CHECK_STR(conf_str(c, "admin.password", buf, sizeof(buf)), "hunter22");
    conf_free(c);
}

TEST(environment)
{
    char *const env[] = {"PATH=/bin",
                         "DNGATE_SIP_PORT=6060",
                         "DNGATE_CALL_LIMIT_PER_DN=3",
                         "DNGATE_HTTP_PORT=",
                         "DNGATE_CACHE=/x",
                         "DNGATE_PORT=tcp://10.0.0.1:443",
                         "DNGATE_PORT_443_TCP_ADDR=10.0.0.1",
                         "DNGATE_SERVICE_HOST=10.0.0.1",
                         NULL};
    char *const typo[] = {"DNGATE_SIPPORT=1", NULL}, *const bad[] = {"DNGATE_SIP_PORT=x", NULL};
    struct conf *c = make();
    char why[256] = "", name[100];

    CHECK_EQ_INT(conf_set_option(c, "call.limit_per_dn=5", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_set_environment(c, env, why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(c, "sip.port"), 6060);
    CHECK_EQ_INT(conf_source(c, "sip.port"), CONF_ENVIRONMENT);
    CHECK_EQ_INT(conf_int(c, "call.limit_per_dn"), 5);
    CHECK_EQ_INT(conf_source(c, "http.port"), CONF_DEFAULT);
    CHECK_EQ_INT(conf_set_environment(c, typo, why, sizeof(why)), ENOENT);
    CHECK(strstr(why, "DNGATE_SIPPORT"));
    CHECK_EQ_INT(conf_set_environment(c, bad, why, sizeof(why)), EINVAL);
    CHECK_STR(why, "sip.port=x: must be 0..65535");
    CHECK_STR(conf_env_name(conf_find("rtp.port_min"), name, sizeof(name)), "DNGATE_RTP_PORT_MIN");
    conf_free(c);
}

/* Sets all of kv (separated by blanks) and checks; NULL when that is fine, else the line. */
static const char *check(const char *kv)
{
    static char why[256];
    struct conf *c = make();
    char item[100];
    int err = 0;

    why[0] = '\0';
    while (!err && *(kv += strspn(kv, " "))) {
        size_t n = strcspn(kv, " ");

        snprintf(item, sizeof(item), "%.*s", (int)n, kv);
        kv += n;
        err = conf_set_option(c, item, why, sizeof(why));
    }
    if (!err)
        err = conf_check(c, why, sizeof(why));
    conf_free(c);
    return err ? why : NULL;
}

TEST(combinations_that_work)
{
    CHECK_STR(check("media.workers=64"), NULL);
    CHECK_STR(
        check(
            "http.port=0 https.port=0 wss.port=0 sip.port=0 sips.port=0 turn.port=0 turns.port=0 ice.port=0"),
        NULL);
    CHECK_STR(
        check("http.port=8080 https.port=8443 wss.port=8089 sip.port=5060 turn.port=3478 turns.port=5349"),
        NULL);
    CHECK_STR(check("turns.port=443"), NULL);
    CHECK_STR(check("ice.port=443 media.workers=1"), NULL); /* UDP beside TCP */
    CHECK_STR(check("https.cert=/a https.key=/b"), NULL);
}

TEST(combinations_that_cannot_work)
{
    static const struct {
        const char *kv, *why;
    } v[] = {
        {"media.workers=64 ice.port=10050",
         "ice.port=10050..10113 and rtp.port_min..rtp.port_max=10100..20000 share UDP ports: must not "
         "overlap"},
        {"rtp.port_max=50000",
         "rtp.port_min..rtp.port_max=10100..50000 and turn.relay_min..turn.relay_max=49152..65535 "
         "share UDP ports: must not overlap"},
        {"sip.port=12000",
         "rtp.port_min..rtp.port_max=10100..20000 and sip.port=12000 share UDP ports: must not overlap"},
        {"wss.port=443", "https.port=443 and wss.port=443 share TCP ports: must not overlap"},
        {"http.port=443", "http.port=443 and https.port=443 share TCP ports: must not overlap"},
        {"sips.port=5060", "sip.port=5060 and sips.port=5060 share TCP ports: must not overlap"},
        {"turn.port=5060", "sip.port=5060 and turn.port=5060 share UDP ports: must not overlap"},
        {"rtp.port_min=30000",
         "rtp.port_min=30000 and rtp.port_max=20000: the first must not be above the second"},
        {"rtp.port_min=20000", "rtp.port_min=20000 and rtp.port_max=20000: a call needs two ports"},
        {"ice.port=65500 media.workers=64 turn.relay_max=60000",
         "ice.port=65500 with media.workers=64: the ports would end beyond 65535"},
        {"register.expires_min=700",
         "register.expires_min=700 and register.expires_default=600: the first must not be above the second"},
        {"https.cert=/a", "https.cert and https.key: only https.cert is set; they go together"},
    };

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        CHECK_STR(check(v[i].kv), v[i].why);
}

struct heard {
    char last[64];
    unsigned count;
};

static void change_h(const char *key, void *arg)
{
    struct heard *h = arg;

    snprintf(h->last, sizeof(h->last), "%s", key);
    h->count++;
}

TEST(listeners_hear_changes_of_what_is_in_effect)
{
    struct heard h = {0};
    struct conf *c = make();
    char why[256];

    CHECK_EQ_INT(conf_listen(c, change_h, &h), 0);
    conf_set(c, CONF_DATABASE, "log.level", "debug", why, sizeof(why));
    CHECK_STR(h.last, "log.level");
    CHECK_EQ_INT(h.count, 1);
    conf_set(c, CONF_DATABASE, "log.level", "debug", why, sizeof(why)); /* same */
    conf_set(c, CONF_DATABASE, "log.format", "text", why, sizeof(why)); /* the default anyway */
    conf_set(c, CONF_DATABASE, "log.level", "loud", why, sizeof(why));  /* refused */
    CHECK_EQ_INT(h.count, 1);
    conf_set(c, CONF_OPTION, "log.level", "warn", why, sizeof(why));
    conf_set(c, CONF_DATABASE, "log.level", "trace", why, sizeof(why)); /* below the option */
    CHECK_EQ_INT(h.count, 2);
    conf_set(c, CONF_OPTION, "log.level", NULL, why, sizeof(why));
    CHECK_EQ_INT(h.count, 3);
    conf_free(c);
}

static void *flip(void *arg)
{
    char why[256], buf[64];

    for (int i = 0; i < 3000; i++) {
        conf_set(arg, CONF_DATABASE, "public.address", i & 1 ? "a.example" : "b.example", why, sizeof(why));
        conf_str(arg, "public.address", buf, sizeof(buf));
        if (strcmp(buf + 1, ".example"))
            abort();
    }
    return NULL;
}

TEST(readers_get_whole_values_while_others_write)
{
    struct conf *c = make();
    pthread_t th[3];

    CHECK(!conf_set_option(c, "https.cert=/x", (char[100]){0}, 100));
    flip(c);
    for (int i = 0; i < 3; i++)
        pthread_create(&th[i], NULL, flip, c);
    for (int i = 0; i < 3; i++)
        pthread_join(th[i], NULL);
    conf_free(c);
}

TEST(networks_and_users_of_turn)
{
    static const struct {
        const char *key, *value;
        bool good;
    } v[] = {
        {"turn.allow_peers", "192.0.2.0/24, 2001:db8::/32 198.51.100.7", true},
        {"turn.allow_peers", "", true},
        {"turn.allow_peers", "192.0.2.1/24", false}, /* bits behind the prefix: which network is meant? */
        {"turn.allow_peers", "192.0.2.0/33", false},
        {"turn.allow_peers", "192.0.2.0/", false},
        {"turn.allow_peers", "example.org", false},
        {"turn.user", "phone:secret", true},
        {"turn.user", "phone:", false},
        {"turn.user", ":secret", false},
        {"turn.user", "phone:secret, door:another-one:1 desk:third", true},
        {"turn.user", "phone:secret, door", false},
        {"turn.user", "phone", false}};

    for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
        CHECK_EQ_INT(!conf_validate(conf_find(v[i].key), v[i].value, NULL, 0), v[i].good);
}

TEST(ports_of_a_turn_server_that_is_off_are_free)
{
    struct conf *c = make();
    char why[256];

    CHECK_EQ_INT(conf_set(c, CONF_OPTION, "ice.port", "49200", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_set(c, CONF_OPTION, "sip.port", "3478", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_check(c, why, sizeof(why)), EINVAL);
    CHECK_EQ_INT(conf_set(c, CONF_OPTION, "turn.enabled", "no", why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_check(c, why, sizeof(why)), 0);
    conf_free(c);
}

TEST(items_of_public_address)
{
    static const struct {
        const char *word, *host, *again;
        bool stun;
        uint16_t port;
    } cases[] = {
        {"203.0.113.10", "203.0.113.10", "203.0.113.10", false, 0},
        {"2001:db8::1", "2001:db8::1", "2001:db8::1", false, 0},
        {"gw.example.com", "gw.example.com", "gw.example.com", false, 0},
        {"stun:a.example", "a.example", "stun:a.example", true, 3478},
        {"STUN:a.example:19302", "a.example", "stun:a.example:19302", true, 19302},
        {"stun:192.0.2.1:3478", "192.0.2.1", "stun:192.0.2.1", true, 3478},
        {"stun:[2001:db8::1]:5000", "2001:db8::1", "stun:[2001:db8::1]:5000", true, 5000},
        {"stun:[2001:db8::1]", "2001:db8::1", "stun:[2001:db8::1]", true, 3478},
        {"stun:2001:db8::1", "2001:db8::1", "stun:[2001:db8::1]", true, 3478},
    };
    static const char *const bad[] = {
        "",           "stun:",        "stun::3478",           "stun:a:", "stun:a:70000", "stun:[a",
        "stun:a:b:c", "stun://a:1/x", "stun:a?transport=udp", "turn:a"};
    struct public_item it, v[PUBLIC_ITEMS_MAX];
    char again[300];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ_INT(public_item_parse(&it, cases[i].word), 0);
        CHECK_STR(it.host, cases[i].host);
        CHECK_EQ_INT(it.stun, cases[i].stun);
        CHECK_EQ_INT(it.port, cases[i].port);
        CHECK_STR(public_item_str(&it, again, sizeof(again)), cases[i].again);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_OR(public_item_parse(&it, bad[i]) == EINVAL, printf("%s\n", bad[i]););
    CHECK_EQ_INT(public_items(v, " 192.168.1.5,stun:a  b.example, "), 3);
    CHECK_STR(v[2].host, "b.example");
    CHECK_EQ_INT(public_items(v, ""), 0);
    CHECK_EQ_INT(public_items(v, "a,b,c,d,e,f,g,h,i,j"), PUBLIC_ITEMS_MAX);
}
