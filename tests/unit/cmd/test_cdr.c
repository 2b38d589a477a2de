/* dngate cdr: what a person, a program and a spreadsheet get. */
#include "line.h"
#include "store/cdr.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { BIG = 700 };

static size_t drained;

static int run(const char *line)
{
    return line_run(line, 0);
}

/* As the command line's process: no store, no server. */
static bool start(int records)
{
    struct store *s;
    char why[256];

    line_open();
    CHECK_OR(tempdir_make(&dir), return false);
    cmd.dir = dir.path;
    CHECK_OR(!store_open(&s, dir.path, why, sizeof(why)), return false);
    for (int i = 0; i < records; i++) {
        struct cdr c = {.dn = "5001",
                        .caller = "+49301",
                        .callee = "5001",
                        .trunk = "lab",
                        .code = 200,
                        .direction = CDR_INBOUND,
                        .reason = "Hung up",
                        .hangup = CDR_AGENT,
                        .path = CDR_PATH_RELAY_TLS,
                        .path_changes = 1,
                        .candidate = "relay",
                        .remote_ice = "203.0.113.7:40000",
                        .rtt_ms = 12.5};

        snprintf(c.id, sizeof(c.id), "id-%06d", i);
        snprintf(c.caller_name, sizeof(c.caller_name), "%s", i ? "Ada, \"the\" first" : "=HYPERLINK(1)");
        c.start_ms = 1795253700000 + i * 1000;
        c.answer_ms = c.start_ms + 500;
        c.end_ms = c.answer_ms + 61250;
        c.from_browser = (struct cdr_stream){"opus", 3000, 60000, 2, 1.5, 4.3};
        c.from_trunk = (struct cdr_stream){"PCMU", 3000, 480000, 0, 0.5, 4.1};
        cdr_write(s, &c);
    }
    CHECK_OR(!cdr_flush(s), return false);
    store_close(s);
    return true;
}

static void finish(void)
{
    CHECK(!cmd.sv.store);
    line_close();
    tempdir_remove(&dir);
}

TEST(a_list_for_people_and_one_for_programs)
{
    CHECK(start(3));
    CHECK_EQ_INT(run("cdr list --limit 2"), CMD_OK);
    CHECK(printed("ID         STARTED "));
    CHECK(printed("id-000002  2026-11-21T09:35:02Z  5001  in         +49301  5001  lab    answered  61 s    "
                  "relay-tls  4.3/4.1\n"));
    CHECK(printed("id-000001") && !printed("id-000000"));
    cmd.json = true;
    CHECK_EQ_INT(run("cdr list --before id-000002 --limit 1 --from 2026-11-21 --to 2026-11-22"), CMD_OK);
    CHECK(!strncmp(out.data, "[{\"id\":\"id-000001\",\"dn\":\"5001\",\"direction\":\"in\",", 43));
    CHECK(printed("\"started\":\"2026-11-21T09:35:01.000Z\"") && printed("\"seconds\":61.25"));
    CHECK(printed("\"path\":\"relay-tls\",\"path_changes\":1,\"candidate\":\"relay\",\"browser\":\"203.0.113."
                  "7:40000\""));
    CHECK(printed("\"browser_jitter_ms\":1.50,\"browser_mos\":4.30") && printed("}]\n"));
    CHECK_EQ_INT(run("cdr list --path direct"), CMD_OK);
    CHECK_STR(out.data, "[]\n");
    cmd.json = false;
    CHECK_EQ_INT(run("cdr list --result busy"), CMD_OK);
    CHECK_STR(out.data, "There is no such call record\n");
    finish();
}

TEST(one_record_with_all_that_is_known)
{
    CHECK(start(1));
    CHECK_EQ_INT(run("cdr show id-000000"), CMD_OK);
    CHECK(printed("id                  id-000000\n") && printed("caller_name         =HYPERLINK(1)\n"));
    CHECK(printed("rtt_ms              12.50\n") && printed("result              answered\n"));
    CHECK_EQ_INT(run("cdr show nosuch"), CMD_REFUSED);
    CHECK_STR(err.data, "there is no call record nosuch\n");
    finish();
}

TEST(what_makes_no_sense_is_usage)
{
    static const char *const lines[] = {"cdr list --from yesterday",
                                        "cdr list --to 2026-13-01",
                                        "cdr list --from 0h",
                                        "cdr list --limit 0",
                                        "cdr list --limit 10001",
                                        "cdr list --result bad",
                                        "cdr export --path carrier",
                                        "cdr list --from 2026-11-22 --to 2026-11-21",
                                        "cdr show",
                                        "cdr"};

    CHECK(start(0));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        CHECK_EQ_INT(run(lines[i]), CMD_USAGE);
        CHECK(strstr(err.data, "dngate cdr"));
    }
    CHECK_EQ_INT(run("cdr list --from 30m --to 2100-01-01"), CMD_OK);
    finish();
}

static int drain_h(struct buf *b)
{
    drained += b->len;
    buf_clear(b);
    return 0;
}

static int full_h(struct buf *b)
{
    buf_clear(b);
    return ENOSPC;
}

TEST(an_export_is_csv_and_no_formula)
{
    CHECK(start(2));
    CHECK_EQ_INT(run("cdr export"), CMD_OK);
    CHECK(!strncmp(out.data, "id,dn,direction,caller,callee,caller_name,trunk,started,", 56));
    CHECK(printed("\"Ada, \"\"the\"\" first\"") && printed(",+49301,"));
    CHECK(printed(",'=HYPERLINK(1),"));
    finish();
}

/* However much there is, memory holds a little of it. */
TEST(an_export_is_printed_as_it_is_read)
{
    CHECK(start(BIG));
    cmd.drain = drain_h;
    drained = 0;
    CHECK_EQ_INT(run("cdr export"), CMD_OK);
    CHECK(drained > BIG * 150 && out.cap < 256 * 1024);
    drained += out.len;
    cmd.drain = NULL;
    CHECK_EQ_INT(run("cdr export"), CMD_OK);
    CHECK_EQ_INT(out.len, drained);
    cmd.drain = full_h;
    CHECK_EQ_INT(run("cdr export"), CMD_REFUSED);
    CHECK(strstr(err.data, "cannot write: No space left"));
    finish();
}

TEST(without_a_database_nothing_is_made)
{
    struct stat st;
    char path[256];

    CHECK(start(0));
    tempdir_remove(&dir);
    CHECK(tempdir_make(&dir));
    cmd.dir = dir.path;
    CHECK_EQ_INT(run("cdr list"), CMD_REFUSED);
    CHECK(strstr(err.data, "dngate.db: No such file"));
    snprintf(path, sizeof(path), "%s/dngate.db", dir.path);
    CHECK(stat(path, &st) == -1 && errno == ENOENT);
    finish();
}
