/* What REFER, its NOTIFYs and Replaces say, as SIP Server, phones and pages write them. */
#include "call/refer.h"
#include "sipreq.h"
#include "testing.h"
#include <errno.h>

static const struct {
    const char *hdrs;
    int err;
    const char *target, *replaces, *lines;
    bool silent;
} refers[] = {
    {"Refer-To: <sip:1005@10.0.0.9>\r\n", 0, "sip:1005@10.0.0.9", "", "", false},
    {"Refer-To: sip:1005@10.0.0.9\r\n", 0, "sip:1005@10.0.0.9", "", "", false},
    {"r: \"A, B\" <sips:1005@10.0.0.9:5070;transport=tcp;method=INVITE;user=phone>;x=y\r\nRefer-Sub: "
     "false\r\n",
     0, "sips:1005@10.0.0.9:5070;transport=tcp;user=phone", "", "", true},
    {"Refer-To: <sip:1@h?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\nb: <sip:me@h>;x=1\r\n", 0, "sip:1@h",
     "a@b;to-tag=1;from-tag=2", "Replaces: a@b;to-tag=1;from-tag=2\r\n", false},
    {"Refer-To: <sip:1@h?X-Genesys-A=1&Subject=2&user-to-user=3&Route=%3Csip:evil%3E>\r\nX-Genesys-B: 4\r\n",
     0, "sip:1@h", "", "X-Genesys-A: 1\r\nuser-to-user: 3\r\nX-Genesys-B: 4\r\n", false},
    {"", EBADMSG, NULL, NULL, NULL, false},
    {"Refer-To: <sip:1@h>\r\nr: <sip:2@h>\r\n", EBADMSG, NULL, NULL, NULL, false},
    {"Refer-To: <sip:1@h?X-Genesys-A=a%0D%0AB:c>\r\n", EBADMSG, NULL, NULL, NULL, false},
    {"Refer-To: <sip:1@h?Replaces=a&Replaces=b>\r\n", EBADMSG, NULL, NULL, NULL, false},
    {"Refer-To: <tel:+49301>\r\n", EPROTONOSUPPORT, NULL, NULL, NULL, false},
    {"Refer-To: <sip:1@h;method=SUBSCRIBE>\r\n", ENOTSUP, NULL, NULL, NULL, false},
};

TEST(refer)
{
    for (size_t i = 0; i < sizeof(refers) / sizeof(refers[0]); i++) {
        struct sip_msg *msg = sipreq("REFER", refers[i].hdrs, "");
        struct refer r;

        CHECK(msg != NULL);
        CHECK_EQ_INT(refer_read(&r, msg), refers[i].err);
        if (!refers[i].err) {
            CHECK_STR(r.target, refers[i].target);
            CHECK_STR(r.replaces, refers[i].replaces);
            CHECK(r.attended == (r.replaces[0] != '\0') && r.silent == refers[i].silent);
            if (refers[i].lines[0])
                CHECK(strstr(r.hdrs, refers[i].lines) == r.hdrs);
        }
        mem_deref(msg);
    }
}

TEST(a_refer_that_is_too_long_is_none)
{
    static char hdrs[1600];
    struct sip_msg *msg;
    struct refer r;

    (void)snprintf(hdrs, sizeof(hdrs), "Refer-To: <sip:%0600d@h>\r\n", 1);
    msg = sipreq("REFER", hdrs, "");
    CHECK_EQ_INT(refer_read(&r, msg), EMSGSIZE);
    mem_deref(msg);
    (void)snprintf(hdrs, sizeof(hdrs), "Refer-To: <sip:1@h?Replaces=%0600d>\r\n", 1);
    msg = sipreq("REFER", hdrs, "");
    CHECK_EQ_INT(refer_read(&r, msg), EMSGSIZE);
    mem_deref(msg);
    (void)snprintf(hdrs, sizeof(hdrs), "Refer-To: <sip:1@h>\r\nX-Genesys-Long: %01200d\r\n", 1);
    msg = sipreq("REFER", hdrs, "");
    CHECK_EQ_INT(refer_read(&r, msg), EMSGSIZE);
    mem_deref(msg);
}

static int read_replaces(struct replaces *r, const char *text)
{
    struct pl pl;

    pl_set_str(&pl, text);
    return replaces_read(r, &pl);
}

TEST(replaces)
{
    struct replaces r;

    CHECK_EQ_INT(read_replaces(&r, "98732@sip.example.com ; from-tag=r33 ; to-tag=ff87; early-only"), 0);
    CHECK_STR(r.callid, "98732@sip.example.com");
    CHECK_STR(r.local_tag, "ff87");
    CHECK_STR(r.remote_tag, "r33");
    CHECK(r.early_only);
    CHECK_EQ_INT(read_replaces(&r, "a;to-tag=1;from-tag=2;other=3"), 0);
    CHECK(!r.early_only);
    for (const char *const *p =
             (const char *const[]){"", "a", ";to-tag=1;from-tag=2", "a;to-tag=1", "a;from-tag=1",
                                   "a;to-tag=1;to-tag=1;from-tag=2", "a b;to-tag=1;from-tag=2",
                                   "a;to-tag=;from-tag=2", "a;to-tag=<;from-tag=2", NULL};
         *p; p++)
        CHECK_EQ_INT(read_replaces(&r, *p), EBADMSG);
}

static const struct {
    const char *hdrs, *body;
    unsigned code;
    const char *phrase;
} frags[] = {
    {"Content-Type: message/sipfrag;version=2.0\r\n", "SIP/2.0 200 OK\r\n", 200, "OK"},
    {"c: Message/SIPFrag\r\n", "SIP/2.0 180 Ringing", 180, "Ringing"},
    {"c: message/sipfrag\r\n", "SIP/2.0 486 Busy\x01 Here\r\nFrom: x\r\n", 486, "Busy Here"},
    {"c: message/sipfrag\r\n", "SIP/2.0 100", 100, ""},
    {"c: message/sipfrag\r\n", "x SIP/2.0 200 OK", 0, ""},
    {"c: message/sipfrag\r\n", "SIP/2.0 2000 OK", 0, ""},
    {"c: message/sipfrag\r\n", "", 0, ""},
    {"c: text/plain\r\n", "SIP/2.0 200 OK\r\n", 0, ""},
    {"", "SIP/2.0 200 OK\r\n", 0, ""},
};

TEST(what_became_of_a_refer)
{
    struct sip_msg *msg;

    for (size_t i = 0; i < sizeof(frags) / sizeof(frags[0]); i++) {
        char phrase[REFER_PHRASE_MAX];

        msg = sipreq("NOTIFY", frags[i].hdrs, frags[i].body);
        CHECK(msg != NULL);
        CHECK_EQ_INT((int)refer_frag(phrase, msg), (int)frags[i].code);
        CHECK_STR(phrase, frags[i].phrase);
        CHECK(!refer_is_notify(msg) && !refer_is_over(msg));
        mem_deref(msg);
    }
    msg = sipreq("NOTIFY", "Event: refer;id=3\r\nSubscription-State: terminated;reason=x\r\n", "");
    CHECK(refer_is_notify(msg) && refer_is_over(msg));
    mem_deref(msg);
    msg = sipreq("NOTIFY", "o: REFER\r\nSubscription-State: active\r\n", "");
    CHECK(refer_is_notify(msg) && !refer_is_over(msg));
    mem_deref(msg);
}
