/* Registration as a browser lives it: JsSIP's REGISTER over the seam to the web thread. */
/* TSAN */
#include "rig.h"

#include "core/clock.h"

#define UUID_A "0f7d5c1e-1111-4a52-9a35-aaaaaaaaaaaa"
#define UUID_B "0f7d5c1e-2222-4a52-9a35-bbbbbbbbbbbb"

struct look { /* what the signalling thread sees of DN 5001 */
    struct rig *rig;
    bool found;
    struct binding b;
    size_t count;
};

static void look_h(void *arg)
{
    struct look *l = arg;
    const struct binding *b = registrar_find(l->rig->registrar, "5001");

    l->found = b != NULL;
    if (b)
        l->b = *b;
    l->count = registrar_count(l->rig->registrar);
}

static struct look look(struct rig *rig)
{
    struct look l = {.rig = rig};

    rig_run(rig, look_h, &l);
    return l;
}

static void sign_in(const char *algorithm)
{
    struct rig rig = {0};
    struct look l;

    CHECK(rig_start(&rig));
    ws_open(&rig, 7);
    if (ws_sign_in(&rig, 7, "5001", "lab5001", algorithm, UUID_A, 600, 200)) {
        l = look(&rig);
        if (!strstr(rig.text, "+sip.instance=\"<urn:uuid:" UUID_A ">\"") || !strstr(rig.text, "reg-id=1") ||
            !strstr(rig.text, ";expires=600"))
            testing_fail(__FILE__, __LINE__, "Contact: %s", rig.text);
        if (!l.found || l.b.ws_conn != 7 || strcmp(l.b.contact, "sip:abc7@r4k2.invalid;transport=ws") ||
            strcmp(l.b.user_agent, "JsSIP 3.13.8"))
            testing_fail(__FILE__, __LINE__, "binding %d %s %s", l.found, l.b.contact, l.b.user_agent);
    }
    rig_stop(&rig);
}

TEST(sign_in_md5)
{
    sign_in("MD5");
}

TEST(sign_in_sha256)
{
    sign_in("SHA-256");
}

/* A DN may have a #, which a URI writes as %23 (RFC 3261 19.1.4: escaped or not, it is the same). */
TEST(an_escaped_user_is_the_same_dn)
{
    struct creds c = {.user = "5001", .password = "lab5001", .algorithm = "MD5", .nc = 1};
    struct rig rig = {0};
    char auth[1024];

    CHECK(rig_start(&rig));
    ws_open(&rig, 7);
    ws_register(&rig, 7, "%35001", UUID_A, 600, "");
    if (ws_expect(&rig, 7, 401) && creds_challenge(&c, &rig)) {
        ws_register(&rig, 7, "%35001", UUID_A, 600, creds_header(&c, "REGISTER", auth, sizeof(auth)));
        CHECK_OR(ws_expect(&rig, 7, 200) && look(&rig).found, ;);
    }
    rig_stop(&rig);
}

TEST(challenge_offers_md5_last_for_jssip)
{
    struct rig rig = {0};

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_register(&rig, 1, "5001", UUID_A, 600, "");
    if (ws_expect(&rig, 1, 401)) {
        const char *md5 = strstr(rig.text, "algorithm=MD5"), *sha = strstr(rig.text, "algorithm=SHA-256");

        CHECK_OR(md5 && sha && sha < md5, ;);
    }
    rig_stop(&rig);
}

/* Takes out what may differ between two answers to two requests. */
static void blank(char *s, const char *from, char until)
{
    for (char *p = s, *end; (p = strstr(p, from)) != NULL;) {
        p += strlen(from);
        end = strchr(p, until);
        if (end)
            memmove(p, end, strlen(end) + 1);
    }
}

static bool refused(struct rig *rig, uint64_t conn, const char *dn, char *out, size_t sz)
{
    if (!ws_sign_in(rig, conn, dn, "wrong", "MD5", UUID_A, 600, 401))
        return false;
    snprintf(out, sz, "%s", rig->text);
    blank(out, "nonce=\"", '"');
    blank(out, "branch=", '\r');
    blank(out, "tag=", '\r');
    blank(out, "CSeq: ", '\r');
    blank(out, "Call-ID: ", '\r');
    blank(out, "<sip:", '>');
    return true;
}

TEST(wrong_unknown_and_disabled_look_alike)
{
    static char known[RIG_TEXT_MAX], unknown[RIG_TEXT_MAX], disabled[RIG_TEXT_MAX];
    struct rig rig = {0};

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    if (refused(&rig, 1, "5001", known, sizeof(known)) &&
        refused(&rig, 1, "9999", unknown, sizeof(unknown))) {
        rig.disabled = true;
        if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 401))
            refused(&rig, 1, "5001", disabled, sizeof(disabled));
    }
    CHECK_OR(!look(&rig).found, ;);
    rig_stop(&rig);
    CHECK_STR(unknown, known);
    CHECK_STR(disabled, known);
}

TEST(a_nonce_count_is_good_once)
{
    struct creds c = {.user = "5001", .password = "lab5001", .algorithm = "MD5", .nc = 1};
    struct rig rig = {0};
    char auth[1024];

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_register(&rig, 1, "5001", UUID_A, 600, "");
    if (ws_expect(&rig, 1, 401) && creds_challenge(&c, &rig)) {
        creds_header(&c, "REGISTER", auth, sizeof(auth));
        ws_register(&rig, 1, "5001", UUID_A, 600, auth);
        ws_expect(&rig, 1, 200);
        ws_register(&rig, 1, "5001", UUID_A, 600, auth);
        CHECK_OR(ws_expect(&rig, 1, 401) && strstr(rig.text, "stale=true"), ;);
        c.nc = 2;
        ws_register(&rig, 1, "5001", UUID_A, 600, creds_header(&c, "REGISTER", auth, sizeof(auth)));
        ws_expect(&rig, 1, 200);
    }
    rig_stop(&rig);
}

TEST(a_foreign_nonce_is_stale)
{
    struct creds c = {.user = "5001", .password = "lab5001", .algorithm = "MD5", .nc = 1};
    struct rig rig = {0};
    char auth[1024];

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    memset(c.nonce, 'a', 56);
    ws_register(&rig, 1, "5001", UUID_A, 600, creds_header(&c, "REGISTER", auth, sizeof(auth)));
    CHECK_OR(ws_expect(&rig, 1, 401) && strstr(rig.text, "stale=true"), ;);
    rig_stop(&rig);
}

TEST(the_newest_wins_and_the_older_is_told)
{
    struct rig rig = {0};
    uint16_t code = 0;

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_open(&rig, 2);
    ws_open(&rig, 3);
    ws_open(&rig, 4);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200) &&
        ws_sign_in(&rig, 2, "5001", "lab5001", "MD5", UUID_B, 600, 200)) {
        CHECK_OR(ws_next(&rig, 1, &code, RIG_WAIT_MS) && code == 4001, ;);
        sip_ws_closed(rig.stack, 1);
        ws_sync(&rig, 4);
        CHECK_OR(look(&rig).b.ws_conn == 2, ;);
        /* the same page after a reload */
        if (ws_sign_in(&rig, 3, "5001", "lab5001", "MD5", UUID_B, 600, 200))
            CHECK_OR(ws_next(&rig, 2, &code, RIG_WAIT_MS) && code == 4002, ;);
        sip_ws_closed(rig.stack, 2);
        ws_sync(&rig, 4);
        CHECK_OR(look(&rig).found && look(&rig).count == 1, ;);
        sip_ws_closed(rig.stack, 3);
        ws_sync(&rig, 4);
        CHECK_OR(!look(&rig).found, ;);
    }
    CHECK_OR(rig.event_count == 4 && rig.events[0] == REG_ADDED && rig.events[1] == REG_REPLACED &&
                 rig.events[2] == REG_REPLACED && rig.events[3] == REG_CONN_LOST,
             ;);
    rig_stop(&rig);
}

TEST(refresh_and_unregister)
{
    struct rig rig = {0};

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200);
    ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 90000, 200);
    CHECK_OR(strstr(rig.text, ";expires=3600"), ;);
    ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 0, 200);
    CHECK_OR(!look(&rig).found, ;);
    CHECK_OR(rig.event_count == 3 && rig.events[1] == REG_REFRESHED && rig.events[2] == REG_REMOVED, ;);
    rig_stop(&rig);
}

TEST(an_interval_too_brief)
{
    struct rig rig = {0};

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 5, 423);
    CHECK_OR(strstr(rig.text, "Min-Expires: 60"), ;);
    rig_stop(&rig);
}

TEST(a_connection_that_never_signs_in_is_closed)
{
    struct rig rig = {.stranger_ms = 2500};
    uint16_t code = 0;

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_open(&rig, 2);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200) &&
        ws_sign_in(&rig, 2, "5001", "wrong", "MD5", UUID_B, 600, 401)) {
        CHECK_OR(ws_next(&rig, 2, &code, RIG_WAIT_MS) && code == 4004, ;);
        sip_ws_closed(rig.stack, 2);
        code = 0;
        CHECK_OR(!ws_next(&rig, 1, &code, 500) && !code, ;); /* it came first */
        CHECK_OR(look(&rig).found, ;);
    }
    rig_stop(&rig);
}

/* It speaks on its connection, for its time, and that is all: no binding, no event, nobody's place. */
TEST(a_guest_is_heard_and_bound_to_nothing)
{
    struct rig rig = {.stranger_ms = 600, .guest_ms = 3000};
    uint16_t code = 0;

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_open(&rig, 2);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200) &&
        ws_sign_in(&rig, 2, "~guest", "lab5001", "SHA-256", UUID_B, 600, 200)) {
        CHECK_OR(strstr(rig.text, ";expires=600"), ;);
        CHECK_OR(look(&rig).found && look(&rig).count == 1 && rig.event_count == 1, ;);
        CHECK_OR(!ws_next(&rig, 2, &code, 1500) && !code, ;); /* no stranger */
        CHECK_OR(ws_next(&rig, 2, &code, RIG_WAIT_MS) && code == 4004, ;);
        CHECK_OR(look(&rig).count == 1, ;);
    }
    rig_stop(&rig);
}

TEST(a_guest_whose_time_is_over_has_guessed_nothing)
{
    struct rig rig = {.disabled = true, .guard_cfg = {.ban_after = 3}};
    struct addr here;

    CHECK(rig_start(&rig));
    addr_parse_ip(&here, "198.51.100.7", 0);
    for (uint64_t conn = 1; conn <= 6; conn++) {
        ws_open(&rig, conn);
        CHECK_OR(ws_sign_in(&rig, conn, "~guest", "lab5001", "MD5", UUID_B, 600, 403), break);
    }
    CHECK_OR(guard_check(rig.guard, &here, NULL) == GUARD_PASS, ;);
    ws_open(&rig, 7);
    CHECK_OR(ws_sign_in(&rig, 7, "~guest", "wrong", "MD5", UUID_B, 600, 401), ;);
    rig_stop(&rig);
}

TEST(it_expires)
{
    struct rig rig = {.expires_min = 1};
    uint64_t until = clock_ms() + RIG_WAIT_MS;

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 1, 200))
        while (rig.event_count < 2 && clock_ms() < until)
            poll(NULL, 0, 20);
    CHECK_OR(rig.event_count == 2 && rig.events[1] == REG_EXPIRED && !look(&rig).found, ;);
    rig_stop(&rig);
}

/* A sign-in of which the answer is awaited by the caller. */
static void attempt(struct rig *rig, uint64_t conn, const char *dn, const char *password)
{
    struct creds c = {.user = dn, .password = password, .algorithm = "MD5", .nc = 1};
    char auth[1024];

    ws_register(rig, conn, dn, UUID_A, 600, "");
    if (ws_expect(rig, conn, 401) && creds_challenge(&c, rig))
        ws_register(rig, conn, dn, UUID_A, 600, creds_header(&c, "REGISTER", auth, sizeof(auth)));
}

static bool shut(struct rig *rig, uint64_t conn)
{
    uint16_t code = 0;

    return ws_next(rig, conn, &code, RIG_WAIT_MS) && code == 1008;
}

TEST(a_guessing_source_is_shut_out_and_the_dn_is_not)
{
    struct rig rig = {.guard_cfg = {.slow_after = 100, .ban_after = 3}};

    CHECK(rig_start(&rig));
    ws_open_from(&rig, 1, "203.0.113.9");
    ws_open_from(&rig, 2, "198.51.100.7");
    ws_sign_in(&rig, 1, "5001", "guess1", "MD5", UUID_A, 600, 401);
    ws_sign_in(&rig, 1, "5001", "guess2", "MD5", UUID_A, 600, 401);
    attempt(&rig, 1, "5001", "guess3");
    CHECK_OR(shut(&rig, 1), ;);
    /* even with the right password now, and without an answer */
    ws_register(&rig, 1, "5001", UUID_A, 600, "");
    CHECK_OR(shut(&rig, 1), ;);
    ws_sign_in(&rig, 2, "5001", "lab5001", "MD5", UUID_A, 600, 200);
    rig_stop(&rig);
}

TEST(a_ban_of_their_address_does_not_end_the_shift_of_those_signed_in)
{
    struct rig rig = {.guard_cfg = {.slow_after = 100, .ban_after = 1}};
    uint64_t start;

    CHECK(rig_start(&rig));
    for (uint64_t conn = 1; conn <= 4; conn++)
        ws_open(&rig, conn);
    ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200);
    ws_sign_in(&rig, 2, "5002", "second", "MD5", UUID_B, 600, 200);
    attempt(&rig, 3, "5001", "guess");
    CHECK_OR(shut(&rig, 3), ;);
    start = clock_ms();
    attempt(&rig, 1, "5001", "lab5001");
    attempt(&rig, 2, "5002", "guess"); /* a page that was left to somebody else */
    ws_expect(&rig, 1, 200);
    CHECK_OR(clock_ms() - start >= 3900, ;); /* guesses would be slow */
    CHECK_OR(shut(&rig, 2), ;);
    CHECK_OR(look(&rig).found && rig.event_count == 3 && rig.events[2] == REG_REFRESHED, ;);
    ws_register(&rig, 4, "5001", UUID_A, 600, "");
    CHECK_OR(shut(&rig, 4), ;);
    rig_stop(&rig);
}

/* Whoever has a link to the self-test could open a thousand connections before he is banned, and guess on each of them then. */
TEST(a_guest_has_no_shift_that_a_ban_would_spare)
{
    struct rig rig = {.guard_cfg = {.slow_after = 100, .ban_after = 1}};

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_open(&rig, 2);
    CHECK_OR(ws_sign_in(&rig, 1, "~guest", "lab5001", "MD5", UUID_B, 600, 200), ;);
    attempt(&rig, 2, "5001", "guess");
    CHECK_OR(shut(&rig, 2), ;);
    ws_register(&rig, 1, "5001", UUID_A, 600, "");
    CHECK_OR(shut(&rig, 1), ;);
    CHECK_OR(!rig.event_count, ;);
    rig_stop(&rig);
}

TEST(a_slow_source_is_answered_later)
{
    struct rig rig = {.guard_cfg = {.slow_after = 2, .ban_after = 100}};
    uint64_t start;

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_sign_in(&rig, 1, "5001", "guess1", "MD5", UUID_A, 600, 401);
    ws_sign_in(&rig, 1, "5001", "guess2", "MD5", UUID_A, 600, 401);
    start = clock_ms();
    ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200);
    CHECK_OR(clock_ms() - start >= 200, ;);
    rig_stop(&rig);
}

static void password_h(void *arg)
{
    struct rig *rig = arg;

    rig->password = "changed";
    registrar_recheck(rig->registrar, "5001");
}

TEST(a_changed_password_ends_it)
{
    struct rig rig = {0};
    uint16_t code = 0;

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    if (ws_sign_in(&rig, 1, "5001", "lab5001", "MD5", UUID_A, 600, 200)) {
        rig_run(&rig, password_h, &rig);
        CHECK_OR(ws_next(&rig, 1, &code, RIG_WAIT_MS) && code == 4003 && !look(&rig).found, ;);
    }
    rig_stop(&rig);
}

#define LETTERS_64 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl"

static void bad_contact(const char *contact)
{
    struct creds c = {.user = "5001", .password = "lab5001", .algorithm = "MD5", .nc = 1};
    struct rig rig = {0};
    char auth[1024];

    CHECK(rig_start(&rig));
    ws_open(&rig, 1);
    ws_register(&rig, 1, "5001", UUID_A, 600, "");
    if (ws_expect(&rig, 1, 401) && creds_challenge(&c, &rig)) {
        ws_send(&rig, 1,
                "REGISTER sip:dngate.test SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bKx\r\n"
                "To: <sip:5001@dngate.test>\r\nFrom: <sip:5001@dngate.test>;tag=1\r\nCall-ID: x\r\nCSeq: 9 "
                "REGISTER\r\n"
                "%s%sContent-Length: 0\r\n\r\n",
                creds_header(&c, "REGISTER", auth, sizeof(auth)), contact);
        ws_expect(&rig, 1, 400);
        CHECK_OR(!look(&rig).found, ;);
    }
    rig_stop(&rig);
}

TEST(contacts_that_cannot_be)
{
    bad_contact("Contact: *\r\n");
    bad_contact("Contact: <sip:a@b.invalid>;expires=abc\r\n");
    bad_contact("Contact: <sip:a@b.invalid>, <sip:c@d.invalid>\r\n");
    bad_contact("Contact: nonsense\r\n");
    bad_contact("Contact: <sip:" LETTERS_64 LETTERS_64 LETTERS_64 LETTERS_64 "@b.invalid>\r\n");
    bad_contact("Contact: <sip:a@b.invalid>\r\nExpires: -1\r\n");
}
