/* Our decoder of messages in place of libre's: names, lists, addresses, Via. Tables of what RFC 3261 25.1 allows and what it does not. */
#include "testing.h"

#include "sip/hdrname.h"
#include "sip/remsg.h"
#include "sip/validate.h"

#include <errno.h>
#include <re.h>
#include <string.h>

static bool same(const struct pl *pl, const char *str)
{
    return str ? !pl_strcmp(pl, str) : !pl->l;
}

typedef int(read_h)(struct sip_msg **msgp, struct mbuf *mb);

static int text_read(struct sip_msg **msgp, read_h *h, const char *text)
{
    struct mbuf *mb = mbuf_alloc(1024);
    int err = mb ? mbuf_write_str(mb, text) : ENOMEM;

    if (!err) {
        mb->pos = 0;
        err = h(msgp, mb);
    }
    mem_deref(mb);
    return err;
}

static struct sip_msg *message(const char *text)
{
    struct sip_msg *msg = NULL;

    return text_read(&msg, sip_msg_decode, text) ? NULL : msg;
}

/* ------------------------------------------------------------------ names */

TEST(a_name_is_known_in_any_case_and_by_its_letter)
{
    static const struct {
        const char *name;
        enum sip_hdrid id;
        bool list;
    } rows[] = {
        {"Via", SIP_HDR_VIA, true},
        {"vIA", SIP_HDR_VIA, true},
        {"V", SIP_HDR_VIA, true},
        {"from", SIP_HDR_FROM, false},
        {"t", SIP_HDR_TO, false},
        {"i", SIP_HDR_CALL_ID, false},
        {"K", SIP_HDR_SUPPORTED, true},
        {"x", SIP_HDR_SESSION_EXPIRES, false},
        {"P-ASSERTED-IDENTITY", SIP_HDR_P_ASSERTED_IDENTITY, true},
        {"www-authenticate", SIP_HDR_WWW_AUTHENTICATE, false},
        /* what shares a hash with one of them */
        {"Ms-Client-Diagnostics", SIP_HDR_NONE, false},
        {"DC-Info", SIP_HDR_NONE, false},
        {"Attestation-Info", SIP_HDR_NONE, false},
        {"X-Anything", SIP_HDR_NONE, false},
        {"z", SIP_HDR_NONE, false},
        {"Vi", SIP_HDR_NONE, false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct pl pl;
        bool list;

        pl_set_str(&pl, rows[i].name);
        if (sip_hdrname_id(&pl, &list) != rows[i].id || list != rows[i].list)
            testing_fail(__FILE__, __LINE__, "%s", rows[i].name);
    }
}

/* Every name of four letters: many have the hash of a header, none is one but From, CSeq, Date, Hide, Join, Path, RAck, RSeq. */
TEST(no_made_up_name_is_one_of_ours)
{
    char name[4];
    struct pl pl = {name, sizeof(name)};
    unsigned found = 0, shared = 0;

    for (unsigned n = 0; n < 26 * 26 * 26 * 26; n++) {
        for (unsigned i = 0, rest = n; i < 4; i++, rest /= 26)
            name[i] = (char)('a' + rest % 26);
        found += sip_hdrname_id(&pl, NULL) != SIP_HDR_NONE;
        shared += (hash_joaat_ci(name, 4) & 0xfff) == SIP_HDR_TO;
    }
    CHECK_EQ_INT(found, 8);
    CHECK(shared > 10);
}

#define BASE                                                                                                 \
    "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: A <sip:1@h>;tag=f\r\nTo: <sip:2@h>;tag=t\r\n"               \
    "Call-ID: c\r\nCSeq: 7 BYE\r\nMax-Forwards: 5\r\nExpires: 9\r\nContent-Length: 0\r\n"
/* one of each hash that the decoder acts upon: To, Call-ID, Via, From, CSeq, Content-Type, Content-Length, Expires, Route, Contact */
#define SHARING                                                                                              \
    "Ms-Client-Diagnostics: 51004;reason=\"a, <b\"\r\nDC-Info: x\r\nAufq: ,\r\nAerk: \"\r\nAhwb: no\r\n"     \
    "Agda: ///\r\nAbfz: 77\r\nAaby: 8\r\nAhso: <sip:r@h>\r\nAcwn: <sip:nobody@h>\r\nAaov: foo\r\n"

static void check_shared(const char *text)
{
    struct sip_msg *msg = message(text);
    const struct sip_hdr *hdr;

    CHECK_OR(msg, return );
    CHECK_OR(same(&msg->to.tag, "t") && same(&msg->to.auri, "sip:2@h") && same(&msg->callid, "c"), ;);
    CHECK_OR(same(&msg->via.branch, "z9hG4bK1") && same(&msg->from.dname, "A") && msg->cseq.num == 7, ;);
    CHECK_OR(same(&msg->clen, "0") && same(&msg->expires, "9") && same(&msg->maxfwd, "5"), ;);
    CHECK_OR(!msg->ctyp.type.l && !sip_msg_hdr(msg, SIP_HDR_ROUTE) && !sip_msg_hdr(msg, SIP_HDR_CONTACT), ;);
    CHECK_OR(sip_msg_hdr_count(msg, SIP_HDR_TO) == 1 && sip_msg_hdr_count(msg, SIP_HDR_CALL_ID) == 1, ;);
    CHECK_OR(!sip_msg_hdr(msg, SIP_HDR_REQUIRE), ;);
    hdr = sip_msg_xhdr(msg, "ms-client-diagnostics");
    CHECK_OR(hdr && same(&hdr->val, "51004;reason=\"a, <b\""), ;);
    CHECK_OR(list_count(&msg->hdrl) == 8 + 11, ;);
    mem_deref(msg);
}

TEST(a_name_that_shares_a_hash_is_just_a_header)
{
    check_shared("BYE sip:2@h SIP/2.0\r\n" BASE SHARING "\r\n");
    check_shared("BYE sip:2@h SIP/2.0\r\n" SHARING BASE "\r\n");
    check_shared("SIP/2.0 200 OK\r\n" SHARING BASE "\r\n");
    check_shared("SIP/2.0 503\r\n" BASE SHARING "\r\n");
}

/* ------------------------------------------------------------------ values */

static void check_values(const char *lines, enum sip_hdrid id, const char *const *want)
{
    char text[1024];
    struct sip_msg *msg;
    unsigned n = 0;

    (void)re_snprintf(text, sizeof(text), "BYE sip:2@h SIP/2.0\r\n" BASE "%s\r\n", lines);
    msg = message(text);
    CHECK_OR(msg, return );
    for (struct le *le = list_head(hash_list(msg->hdrht, (uint32_t)id)); le; le = le->next) {
        const struct sip_hdr *hdr = le->data;

        if (hdr->id != id)
            continue;
        if (!want[n] || pl_strcmp(&hdr->val, want[n]))
            testing_fail(__FILE__, __LINE__, "%s: value %u is %.*s", lines, n, (int)hdr->val.l, hdr->val.p);
        n += want[n] != NULL;
    }
    if (want[n])
        testing_fail(__FILE__, __LINE__, "%s: no %s", lines, want[n]);
    mem_deref(msg);
}

TEST(commas_part_values)
{
    static const char *const two[] = {"a", "b", NULL}, *const none[] = {"", NULL};
    static const char *const pai[] = {"\"Doe, J. \\\"x,\" <sip:7,1@h>", "<tel:+4930>", NULL};
    static const char *const one[] = {"a, b", NULL};

    check_values("Require: a,b\r\n", SIP_HDR_REQUIRE, two);
    check_values("Require:\ta ,\t b \r\n", SIP_HDR_REQUIRE, two);
    check_values("Require: a\r\nrequire: b\r\n", SIP_HDR_REQUIRE, two);
    check_values("Require: ,a,, b,\r\n", SIP_HDR_REQUIRE, two);
    check_values("Require: a,\r\n b\r\n", SIP_HDR_REQUIRE, two);
    check_values("k:\r\n", SIP_HDR_SUPPORTED, none);
    check_values("P-Asserted-Identity: \"Doe, J. \\\"x,\" <sip:7,1@h>, <tel:+4930>\r\n",
                 SIP_HDR_P_ASSERTED_IDENTITY, pai);
    check_values("Subject: a, b\r\n", SIP_HDR_SUBJECT, one);
}

/* Two bytes of a list cost us a hundred: there is a bound to it, over all lists of a message. */
TEST(so_many_values_and_no_more)
{
    enum { HALF = REMSG_VALUES_MAX / 2 }; /* the Via of BASE is the one more */
    static char half[2 * HALF], text[8 * HALF];
    struct sip_msg *msg = NULL;

    for (size_t i = 0; i + 1 < HALF; i++)
        memcpy(half + 2 * i, "a,", 2);
    for (int more = 0; more < 2; more++) {
        (void)re_snprintf(text, sizeof(text),
                          "BYE sip:2@h SIP/2.0\r\n" BASE "k: %sb\r\nRequire: %s%s\r\nX: %s\r\n\r\n", half,
                          half, more ? "b" : "", half);
        CHECK_EQ_INT(text_read(&msg, more ? remsg_skim : sip_msg_decode, text),
                     0); /* a 400 can be made of it */
        CHECK_OR(sip_msg_hdr_count(msg, SIP_HDR_SUPPORTED) == HALF, ;);
        CHECK_OR(sip_msg_hdr_count(msg, SIP_HDR_REQUIRE) == HALF - 1, ;);
        msg = mem_deref(msg);
    }
    CHECK_EQ_INT(text_read(&msg, sip_msg_decode, text), E2BIG);
}

/* ------------------------------------------------------------------ addresses */

static const struct {
    const char *val;
    int err;
    const char *dname, *user, *host, *tag;
} addresses[] = {
    {"<sip:7001@h>;tag=1", 0, NULL, "7001", "h", "1"},
    {"sip:7001@h:5060;tag=1", 0, NULL, "7001", "h", "1"},
    {"Bob the Builder <sip:7001@h>", 0, "Bob the Builder", "7001", "h", NULL},
    {"  Bob\t the  Builder<sip:7001@h> ; tag = 1", 0, "Bob\t the  Builder", "7001", "h", "1"},
    {"\"J\xc3\xb6rg \xe6\xa0\xaa\" <sip:7001@h>;tag=1", 0, "J\xc3\xb6rg \xe6\xa0\xaa", "7001", "h", "1"},
    {"J\xc3\xb6rg \xe6\xa0\xaa <sip:7001@h>", 0, "J\xc3\xb6rg \xe6\xa0\xaa", "7001", "h", NULL},
    {"\"a \\\"b\\\" <c>;tag=no\" <sip:7001@h;x=y>;tag=1", 0, "a \\\"b\\\" <c>;tag=no", "7001", "h", "1"},
    {"\"\" <sip:7001@h>", 0, NULL, "7001", "h", NULL},
    {"\"a\"<sip:7001@h>", 0, "a", "7001", "h", NULL},
    {"< sip:7001@h >", 0, NULL, "7001", "h", NULL},
    {"<tel:+49-30-123>;tag=1", 0, NULL, "+49-30-123", NULL, "1"},
    {"<tel:7001;phone-context=+49>;tag=1", 0, NULL, "7001", NULL, "1"},
    {"tel:7001;tag=1", 0, NULL, "7001", NULL, "1"},
    {"<TEL:(030)123.4>", 0, NULL, "(030)123.4", NULL, NULL},
    {"<sip:gw.example>", 0, NULL, NULL, "gw.example", NULL},
    {"<sips:7001@[2001:db8::1]:5061>", 0, NULL, "7001", "2001:db8::1", NULL},
    {"<sip:%2B4930@h>", 0, NULL, "%2B4930", "h", NULL},
    {"<sip:>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<sip:@h>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<sip:7001@>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"sip:7001@;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<sip:7001@@h>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<7001>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"sip:", EBADMSG, NULL, NULL, NULL, NULL},
    {"<tel:>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<tel:hello>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"<tel:7+1>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"\"open <sip:7001@h>;tag=1", EBADMSG, NULL, NULL, NULL, NULL},
    {"\"a\" sip:7001@h", EBADMSG, NULL, NULL, NULL, NULL},
    {"A <sip:7001@h", EBADMSG, NULL, NULL, NULL, NULL},
    {" ", EBADMSG, NULL, NULL, NULL, NULL},
};

TEST(addresses_as_the_grammar_has_them)
{
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct pl pl, tag = PL_INIT;
        struct sip_addr a;
        int err;

        pl_set_str(&pl, addresses[i].val);
        err = sip_addr_decode(&a, &pl);
        (void)msg_param_decode(&a.params, "tag", &tag);
        if (!err != !addresses[i].err || !same(&a.dname, addresses[i].dname) ||
            !same(&a.uri.user, addresses[i].user) || !same(&a.uri.host, addresses[i].host) ||
            !same(&tag, addresses[i].tag))
            testing_fail(__FILE__, __LINE__, "%s: err=%d dname=%.*s user=%.*s", addresses[i].val, err,
                         (int)a.dname.l, a.dname.p, (int)a.uri.user.l, a.uri.user.p);
    }
}

/* ------------------------------------------------------------------ Via */

static const struct {
    const char *val;
    const char *sentby, *branch; /* NULL: refused */
    int port;
} vias[] = {
    {"SIP/2.0/UDP 192.0.2.1:5062;branch=z9", "192.0.2.1:5062", "z9", 5062},
    {"SIP/2.0/udp 192.0.2.1;branch=z9", "192.0.2.1", "z9", 0},
    {"sip / 2.0\t/ Wss   r4k.invalid ; rport ; BRANCH = z9", "r4k.invalid", "z9", 0},
    {"SIP/2.0/TLS-SCTP h.example : 7 ;branch=z9", "h.example : 7", "z9", 7},
    {"SIP/2.0/x [2001:db8::1]:5060;received=[::1];branch=z9", "[2001:db8::1]:5060", "z9", 5060},
    {"SIP/2.0/UDP [2001:db8::1] ;branch=z9", "[2001:db8::1]", "z9", 0},
    {"SIP\r\n /\r\n 2.0/UDP\r\n h\r\n ;branch\r\n =\r\n z9", "h", "z9", 0},
    {"SIP/2.0/UDP h;branch=", NULL, NULL, 0},
    {"SIP/2.0/UDP h", NULL, NULL, 0},
    {"SIP/2.0/UDP", NULL, NULL, 0},
    {"SIP/2.0/;branch=z9", NULL, NULL, 0},
    {"SIP/2.0 UDP h;branch=z9", NULL, NULL, 0},
    {"SIP/2.1/UDP h;branch=z9", NULL, NULL, 0},
    {"SIPS/2.0/UDP h;branch=z9", NULL, NULL, 0},
    {"SIP/2.0/UDP h:;branch=z9", NULL, NULL, 0},
    {"SIP/2.0/UDP h:65536;branch=z9", NULL, NULL, 0},
    {"SIP/2.0/UDP a b;branch=z9", NULL, NULL, 0},
    {"SIP/2.0/UDP [2001:db8::1;branch=z9", NULL, NULL, 0},
};

TEST(via_as_the_grammar_has_it)
{
    for (size_t i = 0; i < ARRAY_SIZE(vias); i++) {
        struct sip_via via = {.tp = SIP_TRANSP_NONE};
        struct pl pl;
        int err;

        pl_set_str(&pl, vias[i].val);
        err = sip_via_decode(&via, &pl);
        if (vias[i].branch ? err || !same(&via.branch, vias[i].branch) ||
                                 !same(&via.sentby, vias[i].sentby) || sa_port(&via.addr) != vias[i].port
                           : !err)
            testing_fail(__FILE__, __LINE__, "%s: err=%d sentby=%.*s branch=%.*s port=%u", vias[i].val, err,
                         (int)via.sentby.l, via.sentby.p, (int)via.branch.l, via.branch.p,
                         sa_port(&via.addr));
    }
}

TEST(a_body_that_begins_with_a_blank_is_no_header)
{
    struct sip_msg *msg = message("BYE sip:2@h SIP/2.0\r\n" BASE "\r\n v=0\r\nVia: no\r\n\r\n");

    CHECK(msg);
    CHECK_OR(mbuf_get_left(msg->mb) == 17 && !memcmp(mbuf_buf(msg->mb), " v=0", 4), ;);
    CHECK_OR(sip_msg_hdr_count(msg, SIP_HDR_VIA) == 1, ;);
    mem_deref(msg);
}

TEST(a_request_uri_may_be_a_number)
{
    struct sip_msg *msg = message("INVITE tel:+49-30-5001;ext=2 SIP/2.0\r\n" BASE "\r\n");

    CHECK(msg);
    CHECK_OR(same(&msg->uri.user, "+49-30-5001") && same(&msg->uri.params, ";ext=2"), ;);
    CHECK_OR(same(&msg->uri.scheme, "tel") && !msg->uri.host.l, ;);
    mem_deref(msg);
}

/* RFC 4475 3.1.1.1, "A Short Tortuous INVITE", and 3.1.1.2, "Wide Range of Valid Characters", as they are. */
TEST(tortuous_messages_are_read)
{
    char tortuous[] =
        "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
        "TO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
        "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n"
        "MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.ndaksdj@192.0.2.1\r\nContent-Length   : 150\r\ncseq: 0009\r\n  "
        "INVITE\r\n"
        "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\n"
        "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\nContent-Type: application/sdp\r\n"
        "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  "
        "secondparam ; q = 0.33\r\n"
        "\r\n";
    char wide[] =
        "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:"
        "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n"
        "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
        "To: \"BEL:\\\x07 NUL:\\\x01 DEL:\\\x7f\" "
        "<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>\r\n"
        "From: token1~` token2'+_ token3*%!.- "
        "<sip:mundane@example.com>;fromParam''~+*_!.-%=\"\xd1\x80\";tag=_token~1'+`*%!-.\r\n"
        "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\nCSeq: 139122385 "
        "!interesting-Method0123456789_*+`.%indeed'~\r\n"
        "Max-Forwards: 255\r\nextensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\r\nContent-Length: "
        "0\r\n\r\n";
    struct sip_msg *msg;

    sip_unfold(tortuous, sizeof(tortuous) - 1);
    msg = message(tortuous);
    CHECK(msg);
    CHECK_OR(same(&msg->to.tag, "1918181833n") && same(&msg->from.tag, "98asjd8") && msg->cseq.num == 9, ;);
    CHECK_OR(same(&msg->via.branch, "390skdjuw") && sip_msg_hdr_count(msg, SIP_HDR_VIA) == 3, ;);
    CHECK_OR(same(&msg->from.dname, "J Rosenberg \\\\\\\"") && same(&msg->from.uri.user, "jdrosen"), ;);
    CHECK_OR(sip_msg_hdr_count(msg, SIP_HDR_CONTACT) == 1 && sip_msg_hdr_count(msg, SIP_HDR_ROUTE) == 1, ;);
    mem_deref(msg);
    msg = message(wide);
    CHECK(msg);
    CHECK_OR(same(&msg->from.dname, "token1~` token2'+_ token3*%!.-") && same(&msg->from.uri.user, "mundane"),
             ;);
    CHECK_OR(same(&msg->from.tag, "_token~1'+`*%!-.") && same(&msg->to.uri.host, "example.com"), ;);
    CHECK_OR(same(&msg->uri.host, "example.com"), ;);
    mem_deref(msg);
}

TEST(what_is_no_message)
{
    static const char *const texts[] = {
        "BYE sip:2@h SIP/2.0\r\n" BASE, /* no end */
        "BYE sip:2@h SIP/3.0\r\n" BASE "\r\n",
        "BYE sip:2@h\r\n" BASE "\r\n",
        "BYE\r\n" BASE "\r\n",
        "BYE sip: SIP/2.0\r\n" BASE "\r\n",
        "BYE tel:x SIP/2.0\r\n" BASE "\r\n",
        "SIP/2.0 x OK\r\n" BASE "\r\n",
        " BYE sip:2@h SIP/2.0\r\n" BASE "\r\n",
        "BYE sip:2@h SIP/2.0\r\n folded\r\n" BASE "\r\n",
        "BYE sip:2@h SIP/2.0\r\n" BASE ": x\r\n\r\n",
        "BYE sip:2@h SIP/2.0\r\n" BASE "no colon\r\n\r\n",
        "BYE sip:2@h SIP/2.0\r\n" BASE "Content-Type: x\r\n\r\n",
        "",
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct sip_msg *msg = message(texts[i]);

        if (msg)
            testing_fail(__FILE__, __LINE__, "row %zu was read", i);
        mem_deref(msg);
    }
}
