/* The verbs as functions: exit status, words, and that no secret is ever printed. */
/* SLOW */
#include "cmd/grid.h"
#include "cmd/verb.h"
#include "conf/conf.h"
#include "core/ask.h"
#include "core/guard.h"
#include "line.h"
#include "store/dn.h"
#include "store/setting.h"
#include "store/trunk.h"

#include <errno.h>

static bool start(void)
{
    char why[256];

    line_open();
    CHECK_OR(tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&cmd.sv.store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!conf_alloc(&cmd.sv.conf), return false);
    return true;
}

static void finish(void)
{
    conf_free(cmd.sv.conf);
    store_close(cmd.sv.store);
    line_close();
    tempdir_remove(&dir);
}

/* An underscore stands for a space inside a word. */
static int run(const char *line)
{
    return line_run(line, '_');
}

TEST(exit_status_tells_done_refused_usage)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {
        {"dn add 5001 --password secret1 --name Ada_L", CMD_OK},
        {"dn add 5001 --password=secret1", CMD_REFUSED},
        {"dn add 5002 --password x", CMD_REFUSED},
        {"dn add 5002", CMD_USAGE},
        {"dn add 5002 --password", CMD_USAGE},
        {"dn add 5002 --passwort secret1", CMD_USAGE},
        {"dn add 5002 --password secret1 --codec g729", CMD_USAGE},
        {"dn add", CMD_USAGE},
        {"dn add 1 2 --password secret1", CMD_USAGE},
        {"dn show 5001", CMD_OK},
        {"dn show 404", CMD_REFUSED},
        {"dn disable 5001", CMD_OK},
        {"dn enable 5001", CMD_OK},
        {"dn enable 404", CMD_REFUSED},
        {"dn list extra", CMD_USAGE},
        {"dn frobnicate", CMD_USAGE},
        {"dn", CMD_USAGE},
        {"dn --help", CMD_OK},
        {"dn add --help", CMD_OK},
        {"trunk add g --address 192.0.2.1:5070", CMD_OK},
        {"trunk add g --address 192.0.2.1:5070", CMD_REFUSED},
        {"trunk add h", CMD_USAGE},
        {"trunk add h --address 192.0.2.1:70000", CMD_USAGE},
        {"trunk add h --address 192.0.2.1 --priority soon", CMD_USAGE},
        {"trunk add h --address 192.0.2.1 --codecs g729", CMD_REFUSED},
        {"trunk remove g", CMD_OK},
        {"trunk remove g", CMD_REFUSED},
        {"user add ada --role king", CMD_USAGE},
        {"user add ada --role admin", CMD_USAGE}, /* no password came */
        {"settings nothing.like.it", CMD_REFUSED},
        {"settings sip.port 99999", CMD_REFUSED},
        {"settings sip.port 5070", CMD_OK},
        {"settings https.port 5070", CMD_REFUSED}, /* taken by sip.port */
        {"settings admin.password longenough", CMD_REFUSED},
        {"settings sip.port --reset", CMD_OK},
        {"settings --reset", CMD_USAGE},
        {"dn remove 5001", CMD_OK},
        {"frobnicate", CMD_USAGE},
    };

    CHECK(start());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = run(cases[i].line);

        if (status != cases[i].status)
            testing_fail(__FILE__, __LINE__, "%s: status %d, want %d", cases[i].line, status,
                         cases[i].status);
        CHECK(status == CMD_OK ? out.len > 0 : err.len > 0);
    }
    finish();
}

TEST(no_command_prints_a_secret)
{
    static const char *const lines[] = {"dn list",    "dn show 5001", "dn export",
                                        "trunk list", "trunk show g", "user list"};
    static const char *const secrets[] = {"secret1", "sealed-one", "v1:", "longenough", "argon2"};
    struct store_reader *r;
    struct dn d;

    CHECK(start());
    CHECK_EQ_INT(run("dn add 5001 --password secret1"), CMD_OK);
    CHECK_EQ_INT(run("trunk add g --address 192.0.2.1 --username u --password sealed-one"), CMD_OK);
    cmd.input = "longenough";
    CHECK_EQ_INT(run("user add ada --role admin"), CMD_OK);
    CHECK_EQ_INT(store_reader_alloc(&r, cmd.sv.store), 0);
    CHECK_EQ_INT(dn_get(r, "5001", &d), 0);
    store_reader_free(r);
    for (int json = 0; json < 2; json++) {
        cmd.json = json;
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
            CHECK_EQ_INT(run(lines[i]), CMD_OK);
            for (size_t k = 0; k < sizeof(secrets) / sizeof(secrets[0]); k++)
                CHECK(!printed(secrets[k]));
            CHECK(!printed(d.ha1_md5) && !printed(d.ha1_sha256));
        }
    }
    finish();
}

TEST(trunk_addresses)
{
    static const struct {
        const char *options, *host;
        unsigned port;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", 5060},
        {"192.0.2.1:5070", "192.0.2.1", 5070},
        {"sip.example.com", "sip.example.com", 5060},
        {"sip.example.com --transport tcp", "sip.example.com", 5060},
        {"[2001:db8::1]:5070", "2001:db8::1", 5070},
        {"[2001:db8::1]", "2001:db8::1", 5060},
        {"2001:db8::1", "2001:db8::1", 5060},
    };
    static const char *const wrong[] = {"192.0.2.1:", ":5060", "[::1", "[::1]5060", "a:5060x", "[]", "a_b:1"};
    char line[256], name[16];
    struct store_reader *r;
    struct trunk t;

    CHECK(start());
    CHECK_EQ_INT(store_reader_alloc(&r, cmd.sv.store), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(name, sizeof(name), "t%zu", i);
        snprintf(line, sizeof(line), "trunk add %s --address %s", name, cases[i].options);
        CHECK_EQ_INT(run(line), CMD_OK);
        CHECK_EQ_INT(trunk_get(r, name, &t), 0);
        CHECK_STR(t.host, cases[i].host);
        CHECK_EQ_INT(t.port, cases[i].port);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(line, sizeof(line), "trunk add wrong --address %s", wrong[i]);
        CHECK(run(line) != CMD_OK);
    }
    store_reader_free(r);
    finish();
}

TEST(a_trunk_by_tls_takes_what_can_work_only)
{
    static const struct {
        const char *line, *why; /* NULL: it is taken */
    } cases[] = {
        {"trunk add t --address 192.0.2.1 --transport tls", NULL},
        {"trunk set t --tls-name sip.example", NULL},
        {"trunk set t --tls-name *.example", NULL},
        {"trunk set t --tls-name a,b", "tls_name is a name or an IP address"},
        {"trunk set t --tls-ca ca.pem", "tls_ca is certificates in PEM form, or the path of a file"},
        {"trunk set t --tls-ca /nowhere/ca.pem", "tls_ca: /nowhere/ca.pem: No such file"},
        {"trunk set t --tls-cert box.pem", "tls_cert is the path of a PEM file"},
        {"trunk set t --tls-cert /nowhere/box.pem", "tls_cert: /nowhere/box.pem"},
    };

    CHECK(start());
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_EQ_INT(run(cases[i].line), cases[i].why ? CMD_REFUSED : CMD_OK);
        CHECK(!cases[i].why || strstr(err.data, cases[i].why));
    }
    CHECK_EQ_INT(run("trunk show t"), CMD_OK);
    CHECK(strstr(out.data, "192.0.2.1:5061") && strstr(out.data, "tls-name   *.example\n"));
    finish();
}

TEST(a_trial_import_tells_every_row_and_changes_nothing)
{
    static const char csv[] = "dn,name,password,codec\n"
                              "5001,Ada,secret1,opus\n"  /* as it is */
                              "5002,Bob,secret9,pcma\n"  /* another name, password and codec */
                              "5003,Cleo,secret3,\n"     /* new */
                              "5004,Dan,,\n"             /* new, without password */
                              "5001,again,secret1,\n"    /* twice */
                              "5005,Eve,secret5,g729\n"; /* no such codec */
    static const char *const rows[] = {
        "{\"line\":2,\"dn\":\"5001\",\"result\":\"unchanged\",\"detail\":\"\"}",
        "{\"line\":3,\"dn\":\"5002\",\"result\":\"changed\",\"detail\":\"name, password, codec\"}",
        "{\"line\":4,\"dn\":\"5003\",\"result\":\"added\",\"detail\":\"\"}",
        "{\"line\":5,\"dn\":\"5004\",\"result\":\"wrong\",\"detail\":\"password: needed, because DN 5004 is "
        "new\"}",
        "{\"line\":6,\"dn\":\"5001\",\"result\":\"wrong\",\"detail\":\"dn: 5001 stands in line 2 already\"}",
        "{\"line\":7,\"dn\":\"5005\",\"result\":\"wrong\",\"detail\":\"codec: auto, opus, pcmu or pcma\"}",
        "\"added\":1,\"changed\":1,\"unchanged\":1,\"wrong\":3}",
    };
    char *before;
    size_t len;

    CHECK(start());
    CHECK_EQ_INT(run("dn add 5001 --password secret1 --name Ada --codec opus"), CMD_OK);
    CHECK_EQ_INT(run("dn add 5002 --password secret2 --name Bert"), CMD_OK);
    CHECK_EQ_INT(run("dn export"), CMD_OK);
    before = buf_take(&out, &len);

    cmd.input = csv;
    cmd.input_len = sizeof(csv) - 1;
    CHECK_EQ_INT(run("dn import agents.csv --dry-run"), CMD_REFUSED);
    CHECK(printed("line 3: DN 5002 would be changed: name, password, codec\n") &&
          printed("line 4: DN 5003 would be added\n") && printed("line 7: wrong: codec: auto") &&
          printed("1 would be added, 1 changed, 1 unchanged, 3 wrong, so that nothing would be imported"));
    cmd.json = true;
    CHECK_EQ_INT(run("dn import agents.csv --dry-run"), CMD_REFUSED);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        CHECK(printed(rows[i]));
    cmd.json = false;

    cmd.input_len = strlen("dn,name,password,codec\n5001,Ada,secret1,opus\n5002,Bob,secret9,pcma\n");
    CHECK_EQ_INT(run("dn import agents.csv --dry-run"), CMD_OK);
    CHECK(printed("0 would be added, 1 changed, 1 unchanged, 0 wrong; nothing was changed\n"));
    cmd.input = "dn,colour\n5001,red\n"; /* then there are no rows to speak of */
    cmd.input_len = strlen(cmd.input);
    CHECK_EQ_INT(run("dn import agents.csv --dry-run"), CMD_REFUSED);
    CHECK(strstr(err.data, "colour: unknown column"));
    cmd.input = "dn,password\n5006,secret6\n5007,\"secret7\n"; /* a quote that does not end */
    cmd.input_len = strlen(cmd.input);
    CHECK_EQ_INT(run("dn import agents.csv --dry-run"), CMD_REFUSED);
    CHECK(printed("line 2: DN 5006 would be added\nline 3: wrong: "));

    CHECK_EQ_INT(run("dn export"), CMD_OK);
    CHECK_STR(out.data, before);
    free(before);
    finish();
}

TEST(an_export_imports_unchanged)
{
    char *text;
    size_t len;

    CHECK(start());
    CHECK_EQ_INT(run("dn add 5001 --password secret1 --name Ada,_\"Countess\""), CMD_OK);
    CHECK_EQ_INT(run("dn add 5002 --password secret2 --codec pcma --auto-answer yes --call-limit 3"), CMD_OK);
    CHECK_EQ_INT(run("dn disable 5002"), CMD_OK);
    CHECK_EQ_INT(run("dn export"), CMD_OK);
    text = buf_take(&out, &len);
    CHECK_STR(text, "dn,name,password,enabled,codec,auto_answer,call_limit\r\n5001,\"Ada, "
                    "\"\"Countess\"\"\",,yes,auto,no,0\r\n"
                    "5002,,,no,pcma,yes,3\r\n");
    cmd.input = text;
    cmd.input_len = len;
    CHECK_EQ_INT(run("dn import -"), CMD_OK);
    CHECK_STR(out.data, "0 added, 0 changed, 2 unchanged\n");
    free(text);
    finish();
}

TEST(many_dns_at_a_time)
{
    CHECK(start());
    CHECK_EQ_INT(run("dn range 5001 5003 --name Agent_# --call-limit 1"), CMD_OK);
    CHECK(printed("PASSWORD") && printed("5003  Agent 5003  "));
    CHECK_EQ_INT(run("dn range 5003 5005"), CMD_REFUSED);
    CHECK_STR(err.data, "DN 5003 exists already; nothing was added\n");
    CHECK_EQ_INT(run("dn range 5003 5x"), CMD_REFUSED);
    CHECK_EQ_INT(run("dn range 5003 5009 --auto-answer perhaps"), CMD_USAGE);
    CHECK_EQ_INT(run("dn bulk disable 5001,5002"), CMD_OK);
    CHECK_STR(out.data, "2 DNs disabled\n");
    CHECK_EQ_INT(run("dn bulk enable 5001,5009"), CMD_REFUSED);
    CHECK_STR(err.data, "there is no DN 5009; nothing was changed\n");
    CHECK_EQ_INT(run("dn bulk burn 5001"), CMD_USAGE);
    CHECK_EQ_INT(run("dn show 5001"), CMD_OK);
    CHECK(printed("enabled      no\n") && printed("call limit   1\n"));
    cmd.input = "5001\n5002\r\n\n";
    cmd.input_len = strlen(cmd.input);
    cmd.json = true;
    CHECK_EQ_INT(run("dn bulk reset -"), CMD_OK);
    CHECK(printed("{\"items\":[{\"dn\":\"5001\",\"name\":\"Agent 5001\",\"password\":\""));
    cmd.input = "Number;Name;State\n5001;Agent 5001;Disabled\n5002;Bob;Enabled\n5009;Zo\xc3\xab;Enabled\n";
    cmd.input_len = strlen(cmd.input);
    CHECK_EQ_INT(run("dn compare genesys.csv"), CMD_OK);
    CHECK_STR(
        out.data,
        "{\"same\":1,\n\"missing\":[{\"dn\":\"5009\",\"name\":\"Zo\xc3\xab\"}],\n"
        "\"extra\":[{\"dn\":\"5003\",\"name\":\"Agent 5003\"}],\n"
        "\"different\":[{\"dn\":\"5002\",\"field\":\"name\",\"here\":\"Agent 5002\",\"there\":\"Bob\"},\n"
        "{\"dn\":\"5002\",\"field\":\"enabled\",\"here\":\"no\",\"there\":\"yes\"}]}\n");
    cmd.json = false;
    CHECK_EQ_INT(run("dn compare genesys.csv"), CMD_OK);
    CHECK(printed("missing here: DN 5009 Zo\xc3\xab\n") &&
          printed("1 the same, 1 missing here, 1 only here, 2 differences\n"));
    CHECK_EQ_INT(run("dn bulk remove 5001,5002,5001"), CMD_OK);
    CHECK_STR(out.data, "2 DNs removed\n");
    finish();
}

TEST(a_setting_fixed_elsewhere_is_refused_with_the_place)
{
    char why[128];

    CHECK(start());
    CHECK_EQ_INT(conf_set(cmd.sv.conf, CONF_ENVIRONMENT, "sip.port", "5099", why, sizeof(why)), 0);
    CHECK_EQ_INT(run("settings sip.port 5070"), CMD_REFUSED);
    CHECK(strstr(err.data, "DNGATE_SIP_PORT"));
    CHECK_EQ_INT(run("settings sip.port"), CMD_OK);
    CHECK(printed("5099") && printed("environment (locked)") && printed("default   5060") &&
          printed("restart"));
    finish();
}

TEST(a_secret_fixed_elsewhere_keeps_no_other_setting_from_changing)
{
    static const enum conf_source sources[] = {CONF_ENVIRONMENT, CONF_OPTION};
    char why[128];

    for (size_t i = 0; i < 2; i++) {
        CHECK(start());
        CHECK_EQ_INT(conf_set(cmd.sv.conf, sources[i], "admin.password", "longenough", why, sizeof(why)), 0);
        CHECK_EQ_INT(run("settings log.level debug"), CMD_OK);
        CHECK_EQ_INT(run("settings log.level"), CMD_OK);
        CHECK(printed("log.level = debug"));
        finish();
    }
}

TEST(a_setting_of_another_version_can_be_found_and_taken_out)
{
    CHECK(start());
    cmd.dir = dir.path;
    CHECK_EQ_INT(setting_put(cmd.sv.store, "call.telepathy", "yes"), 0);
    CHECK_EQ_INT(run("settings call.telepath --reset"), CMD_REFUSED);
    CHECK_EQ_INT(run("settings call.telepathy no"), CMD_REFUSED);
    (void)run("check"); /* its status is the machine's */
    CHECK(printed("call.telepathy is in the database but not known"));
    CHECK_EQ_INT(run("settings call.telepathy --reset"), CMD_OK);
    (void)run("check");
    CHECK(!printed("call.telepathy"));
    CHECK_EQ_INT(run("settings call.telepathy --reset"), CMD_REFUSED);
    finish();
}

TEST(input_is_wanted_when_it_is_needed)
{
    static const struct {
        const char *argv[8];
        bool wants, secret;
        const char *file;
    } cases[] = {
        {{"dn", "add", "5001"}, true, true, "-"},
        {{"dn", "add", "5001", "--password", "-"}, true, true, "-"},
        {{"dn", "add", "5001", "--password=secret1"}, false, false, NULL},
        {{"dn", "add", "--help"}, false, false, NULL},
        {{"dn", "import", "a.csv"}, true, false, "a.csv"},
        {{"dn", "import", "--from-asterisk", "a.conf"}, false, false, NULL},
        {{"dn", "add", "5001", "--codex", "opus"}, false, false, NULL}, /* refused before anybody is asked */
        {{"trunk", "add", "g", "--address", "192.0.2.1"}, false, false, NULL},
        {{"trunk", "add", "g", "--address", "192.0.2.1", "--password", "-"}, true, true, "-"},
        {{"user", "add", "ada", "--role", "admin"}, true, true, "-"},
        {{"user", "add", "ada"}, false, false, NULL},
        {{"settings"}, false, false, NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *file = NULL;
        bool secret = false, wants;
        int argc = 0;

        while (argc < 8 && cases[i].argv[argc])
            argc++;
        wants = cmd_wants_input(argc, (char *const *)cases[i].argv, &file, &secret);
        CHECK_EQ_INT(wants, cases[i].wants);
        if (wants) {
            CHECK_STR(file, cases[i].file);
            CHECK_EQ_INT(secret, cases[i].secret);
        }
    }
}

static void explains_itself(const struct noun *n, const struct verb *v)
{
    char line[128], start_of[160];

    snprintf(line, sizeof(line), "%s%s%s", n->name, v->name[0] ? " " : "", v->name);
    snprintf(start_of, sizeof(start_of), "usage: dngate %s", line);
    CHECK(v->option_count <= ARGS_OPTIONS_MAX && v->words_min <= v->words_max &&
          v->words_max <= ARGS_WORDS_MAX);
    snprintf(line + strlen(line), sizeof(line) - strlen(line), " --help");
    CHECK_EQ_INT(run(line), CMD_OK);
    CHECK(!strncmp(out.data, start_of, strlen(start_of)) && !err.len);
    CHECK(printed(v->help) && printed("--data DIR") && printed("--json"));
    for (size_t i = 0; i < v->option_count; i++)
        CHECK(printed(v->options[i].name) && (!v->options[i].value || printed(v->options[i].value)));
    snprintf(start_of, sizeof(start_of), "\nExample:\n  dngate %s", n->name);
    CHECK(n->hidden || (printed(start_of) && printed(v->name)));

    memcpy(line + strlen(line) - strlen("--help"), "--nope", strlen("--nope"));
    CHECK_EQ_INT(run(line), CMD_USAGE);
    CHECK(strstr(err.data, "unknown option --nope\nusage: dngate ") && strstr(err.data, " --help says more"));
}

TEST(every_verb_explains_itself_with_an_example)
{
    struct buf all;

    CHECK(start());
    buf_init(&all, TEXT_MAX);
    cmd_help(&all);
    for (size_t i = 0; noun_at(i); i++) {
        const struct noun *n = noun_at(i);

        CHECK(n->hidden || strstr(all.data, n->help));
        for (size_t k = 0; k < n->count; k++)
            explains_itself(n, &n->verbs[k]);
    }
    buf_reset(&all);
    finish();
}

TEST(numbers_of_settings_are_numbers_in_json)
{
    CHECK(start());
    cmd.json = true;
    CHECK_EQ_INT(run("settings sip.port 5070"), CMD_OK);
    CHECK(printed("\"value\":5070,") && printed("\"default\":5060,") && printed("\"min\":0,\"max\":65535"));
    CHECK_EQ_INT(run("settings"), CMD_OK);
    CHECK(printed("\"key\":\"turn.allow_loopback_peers\",\"value\":false,\"source\":\"default\","
                  "\"default\":false,"));
    CHECK_EQ_INT(run("settings log.level"), CMD_OK);
    CHECK(printed("\"value\":\"info\","));
    finish();
}

TEST(what_only_a_server_knows_is_said_to_need_one)
{
    static const char *const lines[] = {
        "calls",    "calls hangup x", "registrations",      "registrations drop 5001",
        "ban list", "ban clear",      "ban clear 192.0.2.1"};

    CHECK(start());
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        CHECK_EQ_INT(run(lines[i]), CMD_REFUSED);
        CHECK(strstr(err.data, "no server runs here"));
    }
    CHECK_EQ_INT(run("calls frobnicate"), CMD_USAGE);
    CHECK_EQ_INT(run("ban"), CMD_USAGE);
    finish();
}

TEST(bans_are_listed_and_lifted)
{
    const struct guard_config cfg = {.ban_after = 3, .ban_seconds = 90};
    struct addr v4, v6;

    CHECK(start());
    CHECK_EQ_INT(guard_alloc(&cmd.sv.guard, &cfg), 0);
    CHECK_EQ_INT(run("ban list"), CMD_OK);
    CHECK_STR(out.data, "No address is banned\n");
    CHECK(!addr_parse_ip(&v4, "192.0.2.7", 1) && !addr_parse_ip(&v6, "2001:db8:1:2:3::4", 1));
    for (int i = 0; i < 3; i++) {
        (void)guard_fail(cmd.sv.guard, &v4);
        (void)guard_fail(cmd.sv.guard, &v6);
    }
    CHECK_EQ_INT(run("ban list"), CMD_OK);
    CHECK(printed("ADDRESS") && printed("192.0.2.7 ") && printed("2001:db8:1:2::/64 ") && printed("1 min ") &&
          printed("3 failed sign-ins within 10 minutes"));
    cmd.json = true;
    CHECK_EQ_INT(run("ban list"), CMD_OK);
    CHECK(printed("{\"address\":\"192.0.2.7\",\"since_ms\":") && printed("\"failures\":3,\"bans\":1,"));
    cmd.json = false;

    CHECK_EQ_INT(run("ban clear 192.0.2.8"), CMD_REFUSED);
    CHECK(strstr(err.data, "192.0.2.8 is not banned"));
    CHECK_EQ_INT(run("ban clear example.com"), CMD_REFUSED);
    CHECK_EQ_INT(run("ban clear 192.0.2.7/64"), CMD_REFUSED);
    CHECK_EQ_INT(run("ban clear 2001:db8:1:2::/64"), CMD_OK);
    CHECK_EQ_INT(guard_check(cmd.sv.guard, &v6, NULL), GUARD_PASS);
    CHECK_EQ_INT(guard_check(cmd.sv.guard, &v4, NULL), GUARD_BAN);
    CHECK_EQ_INT(run("ban clear"), CMD_OK);
    CHECK_STR(out.data, "1 bans lifted\n");
    CHECK_EQ_INT(guard_check(cmd.sv.guard, &v4, NULL), GUARD_PASS);
    guard_free(cmd.sv.guard);
    finish();
}

TEST(a_signalling_thread_that_is_stuck_is_said_so)
{
    CHECK(start());
    CHECK_EQ_INT(ask_mbox_alloc(&cmd.sv.signalling, "test", 2), 0); /* nobody drains it */
    CHECK_EQ_INT(run("calls"), CMD_REFUSED);
    CHECK_STR(err.data, "the signalling thread did not answer within 2 s\n");
    cmd.json = true;
    CHECK_EQ_INT(run("status"), CMD_REFUSED); /* which says what it can all the same */
    CHECK(printed("\"calls\":null,\"registrations\":null,\"dns\":null,"));
    CHECK_EQ_INT(run("registrations"), CMD_REFUSED);
    CHECK(strstr(err.data, "cannot be asked"));
    ask_mbox_free(cmd.sv.signalling);
    finish();
}

TEST(columns_line_up_whatever_the_alphabet)
{
    static const char *const cells[] = {"Zo\xc3\xab", "1", "", "Anna", "", "x", "", "", "y", "", "", ""};
    struct grid g;

    buf_init(&out, TEXT_MAX);
    grid_init(&g, 3);
    for (size_t i = 0; i < 4 * 3; i++)
        grid_add(&g, cells[i]);
    CHECK_EQ_INT(grid_print(&g, &out), 0);
    CHECK_STR(out.data, "Zo\xc3\xab   1\nAnna     x\n         y\n\n");
    buf_reset(&out);
}
