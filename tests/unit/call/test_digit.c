/* Digits in the bodies of INFO, as phones, SIP Servers and pages write them. */
#include "call/digit.h"
#include "sipreq.h"
#include "testing.h"
#include <errno.h>

static int read_it(struct digit *d, const char *hdrs, const char *body)
{
    struct sip_msg *msg = sipreq("INFO", hdrs, body);
    int err = msg ? digit_read(d, msg) : ENOMSG;

    mem_deref(msg);
    return err;
}

#define RELAY "Content-Type: application/dtmf-relay\r\n"
#define ALONE "Content-Type: application/dtmf\r\n"

static const struct {
    const char *hdrs, *body;
    char key; /* 0: EBADMSG */
    unsigned ms;
} cases[] = {
    {RELAY, "Signal=5\r\nDuration=160\r\n", '5', 160},
    {RELAY, "Signal=0\nDuration=250", '0', 250},
    {RELAY, "Signal= 9 \r\nDuration= 100 \r\n", '9', 100},
    {RELAY, "signal=#", '#', 160},
    {RELAY, "Duration=300\r\nSIGNAL=*\r\n", '*', 300},
    {RELAY, "\r\n\r\nSignal=1\r\nSignal=2\r\n", '1', 160},
    {RELAY, "Signal=A\r\n", 'A', 160},
    {RELAY, "Signal=d\r\n", 'D', 160},
    {RELAY, "Signal=10\r\n", '*', 160}, /* event codes of RFC 4733 */
    {RELAY, "Signal=11\r\n", '#', 160},
    {RELAY, "Signal=12\r\n", 'A', 160},
    {RELAY, "Signal=15\r\n", 'D', 160},
    {RELAY, "Signal=16\r\n", DIGIT_FLASH, 160},
    {RELAY, "Signal=!\r\n", DIGIT_FLASH, 160},
    {RELAY, "Signal=R\r\n", DIGIT_FLASH, 160}, /* JsSIP */
    {RELAY, "Signal=5\r\nDuration=1\r\n", '5', 40},
    {RELAY, "Signal=5\r\nDuration=99999\r\n", '5', 6000},
    {RELAY, "Signal=5\r\nDuration=99999999999999999999\r\n", '5', 160},
    {RELAY, "Signal=5\r\nDuration=-1\r\n", '5', 160},
    {"Content-Type: Application/DTMF-Relay;charset=utf-8\r\n", "Signal=7\r\n", '7', 160},
    {"c: application/dtmf-relay\r\n", "Signal=7\r\n", '7', 160},
    {RELAY "Content-Encoding: identity\r\n", "Signal=7\r\n", '7', 160},
    {ALONE, "5", '5', 160},
    {ALONE, "#\r\n", '#', 160},
    {ALONE, "b", 'B', 160},
    {ALONE, "11", '#', 160},
    {ALONE, "Signal=3\r\nDuration=90\r\n", '3', 90},
    {RELAY, "Signal=\r\n", 0, 0},
    {RELAY, "Signal=17\r\n", 0, 0},
    {RELAY, "Signal=E\r\n", 0, 0},
    {RELAY, "Signal=123\r\n", 0, 0},
    {RELAY, "Signal=1 2\r\n", 0, 0},
    {RELAY, "Duration=100\r\n", 0, 0},
    {RELAY, "=\r\n", 0, 0},
    {ALONE, "", 0, 0},
};

TEST(every_form_of_a_digit)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct digit d = {0};
        int err = read_it(&d, cases[i].hdrs, cases[i].body);

        if (err != (cases[i].key ? 0 : EBADMSG) || d.key != cases[i].key || (d.key && d.ms != cases[i].ms))
            testing_fail(__FILE__, __LINE__, "case %zu: error=%d key=%c ms=%u", i, err, d.key, d.ms);
    }
}

TEST(another_body_is_another_type)
{
    static const char *const others[] = {"Content-Type: text/plain\r\n", "Content-Type: application/sdp\r\n",
                                         "", RELAY "Content-Encoding: gzip\r\n", ALONE "e: deflate\r\n"};
    struct digit d;

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK_EQ_INT(read_it(&d, others[i], "Signal=5\r\n"), EMEDIUMTYPE);
}

TEST(a_body_that_never_ends)
{
    char body[DIGIT_BODY_MAX + 32];
    struct digit d;

    memset(body, ' ', sizeof(body));
    memcpy(body, "Signal=5\r\n", 10);
    body[sizeof(body) - 1] = '\0';
    CHECK_EQ_INT(read_it(&d, RELAY, body), EBADMSG);
}

TEST(what_is_written_is_read)
{
    char body[DIGIT_BODY_MAX];

    for (const char *p = "0123456789*#ABCD!"; *p; p++) {
        const struct digit in = {*p, 210};
        struct digit out = {0};

        CHECK_EQ_INT(read_it(&out, "Content-Type: " DIGIT_CTYPE "\r\n", digit_write(body, &in)), 0);
        CHECK(out.key == in.key && out.ms == in.ms);
    }
}
