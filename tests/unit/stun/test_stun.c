/* STUN messages against the vectors of RFC 5769, and against what is no STUN. */
#include "addrs.h"
#include "crypto/hash.h"
#include "stun/stun.h"
#include "testing.h"

#include <errno.h>

/* RFC 5769 2.1 */
static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 'S',  'T',  'U',  'N',  ' ',  't',  'e',  's',
    't',  ' ',  'c',  'l',  'i',  'e',  'n',  't',  0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    'e',  'v',  't',  'j',  ':',  'h',  '6',  'v',  'Y',  0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};
/* RFC 5769 2.2 */
static const uint8_t response4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 't',  'e',  's',  't',  ' ',  'v',  'e',  'c',
    't',  'o',  'r',  0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
/* RFC 5769 2.3 */
static const uint8_t response6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 't',  'e',  's',  't',  ' ',  'v',  'e',  'c',
    't',  'o',  'r',  0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

TEST(reads_the_sample_request)
{
    struct stun_view v;
    uint32_t prio;
    uint64_t tie;
    size_t n;

    CHECK_EQ_INT(stun_parse(&v, request, sizeof(request)), 0);
    CHECK_EQ_INT(v.method, STUN_BINDING);
    CHECK_EQ_INT(v.cls, STUN_REQUEST);
    const uint8_t *user = stun_get(&v, STUN_USERNAME, &n);
    CHECK(user && n == 9);
    CHECK_MEM(user, "evtj:h6vY", 9);
    CHECK(stun_get_u32(&v, STUN_PRIORITY, &prio));
    CHECK_EQ_INT(prio, 0x6e0001ff);
    CHECK(stun_get_u64(&v, STUN_ICE_CONTROLLED, &tie));
    CHECK(tie == 0x932ff9b151263b36);
    CHECK(stun_auth(&v, password, strlen(password)));
    CHECK(!stun_auth(&v, "wrong", 5));
    CHECK(stun_fingerprint_ok(&v));
}

TEST(reads_the_sample_responses)
{
    struct stun_view v;
    struct addr a;
    char buf[ADDR_STRLEN];

    CHECK_EQ_INT(stun_parse(&v, response4, sizeof(response4)), 0);
    CHECK_EQ_INT(v.cls, STUN_SUCCESS);
    CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &a));
    CHECK_STR(addr_str(&a, buf, sizeof(buf)), "192.0.2.1:32853");
    CHECK(stun_auth(&v, password, strlen(password)) && stun_fingerprint_ok(&v));
    CHECK_EQ_INT(stun_parse(&v, response6, sizeof(response6)), 0);
    CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &a));
    CHECK_STR(addr_str(&a, buf, sizeof(buf)), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    CHECK(stun_auth(&v, password, strlen(password)) && stun_fingerprint_ok(&v));
}

TEST(writes_what_it_reads)
{
    uint8_t mem[256], tid[STUN_TID_LEN] = "abcdefghijk";
    struct stun_writer w;
    struct stun_view v;
    struct addr a, got;
    size_t n, len;

    CHECK_EQ_INT(addr_parse(&a, "[2001:db8::7]:4711"), 0);
    stun_begin(&w, mem, sizeof(mem), STUN_BINDING, STUN_ERROR, tid);
    stun_put_error(&w, 487, "Role Conflict");
    stun_put_xaddr(&w, STUN_XOR_MAPPED_ADDRESS, &a);
    stun_put(&w, STUN_USE_CANDIDATE, NULL, 0);
    stun_put_integrity(&w, "key", 3);
    stun_put_fingerprint(&w);
    CHECK_EQ_INT(stun_end(&w, &n), 0);
    CHECK_EQ_INT(stun_parse(&v, mem, n), 0);
    CHECK_EQ_INT(v.cls, STUN_ERROR);
    CHECK_MEM(v.tid, tid, STUN_TID_LEN);
    CHECK_EQ_INT(stun_get_error(&v), 487);
    CHECK(stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &got) && addr_eq(&a, &got));
    CHECK(stun_get(&v, STUN_USE_CANDIDATE, &len) && len == 0);
    CHECK(stun_auth(&v, "key", 3) && stun_fingerprint_ok(&v));
}

TEST(one_changed_bit_is_noticed)
{
    uint8_t msg[sizeof(request)];
    struct stun_view v;

    for (size_t bit = 0; bit < 8 * (sizeof(request) - 8); bit++) { /* all but the fingerprint itself */
        memcpy(msg, request, sizeof(msg));
        msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!stun_parse(&v, msg, sizeof(msg)))
            CHECK(!stun_auth(&v, password, strlen(password)) || !stun_fingerprint_ok(&v));
    }
}

TEST(attributes_behind_the_integrity_are_not_seen)
{
    uint8_t mem[128], tid[STUN_TID_LEN] = {0};
    struct stun_writer w;
    struct stun_view v;
    size_t n, len;

    stun_begin(&w, mem, sizeof(mem), STUN_BINDING, STUN_REQUEST, tid);
    stun_put_integrity(&w, "key", 3);
    stun_put(&w, STUN_USE_CANDIDATE, NULL, 0); /* anybody on the way could have added it */
    CHECK_EQ_INT(stun_end(&w, &n), 0);
    CHECK_EQ_INT(stun_parse(&v, mem, n), 0);
    CHECK(stun_auth(&v, "key", 3));
    CHECK(!stun_get(&v, STUN_USE_CANDIDATE, &len));
}

TEST(names_the_attributes_it_must_understand_but_does_not)
{
    uint8_t mem[128], tid[STUN_TID_LEN] = {0};
    uint16_t types[STUN_UNKNOWN_MAX];
    struct stun_writer w;
    struct stun_view v;
    size_t n;

    stun_begin(&w, mem, sizeof(mem), STUN_BINDING, STUN_REQUEST, tid);
    stun_put_u32(&w, 0x7001, 1);
    stun_put_u32(&w, 0xc001, 1); /* optional */
    CHECK_EQ_INT(stun_end(&w, &n), 0);
    CHECK_EQ_INT(stun_parse(&v, mem, n), 0);
    CHECK_EQ_INT(stun_unknown(&v, types), 1);
    CHECK_EQ_INT(types[0], 0x7001);
}

TEST(every_cut_is_refused)
{
    struct stun_view v;

    for (size_t n = 0; n < sizeof(request); n++)
        CHECK(stun_parse(&v, request, n) == EBADMSG);
}

TEST(a_message_too_long_for_its_memory_is_an_error)
{
    uint8_t mem[40], tid[STUN_TID_LEN] = {0};
    struct stun_writer w;
    size_t n;

    stun_begin(&w, mem, sizeof(mem), STUN_BINDING, STUN_REQUEST, tid);
    stun_put(&w, STUN_USERNAME, "seventeen letters", 17);
    stun_put_fingerprint(&w);
    CHECK_EQ_INT(stun_end(&w, &n), EOVERFLOW);
}
