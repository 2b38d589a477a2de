/* What a trunk asks of an agent's phone: events, keys, automatic answers, as SIP Server, phones and others write them. */
#include "call/cti.h"
#include "sipreq.h"
#include "testing.h"
#include <errno.h>

TEST(the_event_is_what_stands_before_its_parameters)
{
    static const struct {
        const char *hdrs, *event;
    } cases[] = {
        {"Event: talk\r\n", "talk"},
        {"Event: Hold;id=3\r\n", "hold"},
        {"Event:\tdtmf ; digits=1\r\n", "dtmf"},
        {"o: beep\r\n", "beep"},
        {"Event: \r\n", ""},
        {"Event: ;talk\r\n", "talk"}, /* not worth a refusal */
        {"", ""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_msg *msg = sipreq("NOTIFY", cases[i].hdrs, "");
        struct pl event;

        CHECK_OR(msg, return );
        event = cti_event(msg);
        if (pl_strcasecmp(&event, cases[i].event) && (event.l || cases[i].event[0]))
            printf("  %s\n", cases[i].hdrs);
        CHECK(event.l == strlen(cases[i].event) && (!event.l || !pl_strcasecmp(&event, cases[i].event)));
        mem_deref(msg);
    }
}

#define DTMF "Event: dtmf\r\n"
#define RELAY DTMF "Content-Type: application/dtmf-relay\r\n"

TEST(keys_come_in_a_body_or_beside_the_event)
{
    static const struct {
        const char *hdrs, *body, *keys; /* NULL: EBADMSG */
        unsigned ms;
    } cases[] = {
        {RELAY, "Signal=5\r\nDuration=100\r\n", "5", 100},
        {RELAY, "Signal=#\r\n", "#", 160},
        {DTMF "Content-Type: application/dtmf\r\n", "7", "7", 160},
        {DTMF "Content-Type: text/plain\r\n", "159*0#A\r\n", "159*0#A", 160},
        {DTMF, "12 34 d", "1234D", 160},
        {"Event: dtmf;digits=42\r\n", "", "42", 160},
        {"Event: dtmf; signal=\"9\"\r\n", "", "9", 160},
        {DTMF, "", NULL, 0},
        {DTMF, "hello", NULL, 0},
        {RELAY, "Signal=16\r\n", NULL, 0}, /* flash */
        {DTMF, "012345678901234567890123456789012", NULL, 0},
        {DTMF, "01234567890123456789012345678901", "01234567890123456789012345678901", 160},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_msg *msg = sipreq("NOTIFY", cases[i].hdrs, cases[i].body);
        struct cti_keys k;
        int err;

        CHECK_OR(msg, return );
        err = cti_keys_read(&k, msg);
        if (cases[i].keys) {
            CHECK_EQ_INT(err, 0);
            CHECK_STR(k.keys, cases[i].keys);
            CHECK_EQ_INT(k.ms, cases[i].ms);
        } else {
            CHECK_EQ_INT(err, EBADMSG);
        }
        mem_deref(msg);
    }
}

TEST(who_wants_a_call_answered_says_so_in_one_of_many_ways)
{
    static const struct {
        const char *hdrs;
        int after_s; /* -1: nobody does */
    } cases[] = {
        {"Alert-Info: <http://www.notused.com>;info=alert-autoanswer;delay=0\r\n", 0},
        {"Alert-Info: info=Alert-AutoAnswer\r\n", 0},
        {"Alert-Info: Ring Answer\r\n", 0},
        {"Alert-Info: <urn:x>\r\nAlert-Info: <http://x>;answer-after=3\r\n", 3},
        {"Call-Info: <sip:x>;answer-after=0\r\n", 0},
        {"Call-Info: <sip:x>; Answer-After = \"12\"\r\n", 12},
        {"Call-Info: <http://x>;purpose=icon, <sip:x>;answer-after=5\r\n", 5},
        {"Call-Info: <sip:x>;answer-after=99999999999999999999\r\n", CTI_AFTER_MAX_S},
        {"Answer-Mode: Auto\r\n", 0},
        {"Answer-Mode: auto;require\r\n", 0},
        {"Priv-Answer-Mode: Auto\r\n", 0},
        {"Answer-Mode: Manual\r\n", -1},
        {"Call-Info: <sip:x>;answer-after\r\n", -1},
        {"Call-Info: <sip:x>;answer-after=\r\n", -1},
        {"Call-Info: <sip:x>;answer-after=soon\r\n", -1},
        {"Alert-Info: <http://x>;info=alert-internal\r\n", -1},
        {"Subject: Auto Answer\r\n", -1},
        {"", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sip_msg *msg = sipreq("INVITE", cases[i].hdrs, "");
        unsigned after_s = 0;

        CHECK_OR(msg, return );
        if (cti_answers(msg, &after_s) != (cases[i].after_s >= 0))
            printf("  %s\n", cases[i].hdrs);
        CHECK(cti_answers(msg, &after_s) == (cases[i].after_s >= 0));
        CHECK_EQ_INT(after_s, cases[i].after_s < 0 ? 0 : cases[i].after_s);
        mem_deref(msg);
    }
}
