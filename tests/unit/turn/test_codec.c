/* coturn's codec behind our names: the vectors of RFC 5769 and of RFC 8489 B.1, and what a request can and cannot be. */
#include "testing.h"
#include "turnhost.h"

/* RFC 5769 2.4: a request with long-term authentication. */
static const uint8_t long_term[] = {
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
    0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
    0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
    0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
    0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
    0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
    0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66,
};
/* RFC 8489 B.1, with the HMAC of its erratum 6268: USERHASH, PASSWORD-ALGORITHM, MESSAGE-INTEGRITY-SHA256. */
static const uint8_t sha256[] = {
    0x00, 0x01, 0x00, 0x90, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
    0xda, 0x41, 0x2e, 0x00, 0x1e, 0x00, 0x20, 0x4a, 0x3c, 0xf3, 0x8f, 0xef, 0x69, 0x92, 0xbd, 0xa9, 0x52,
    0xc6, 0x78, 0x04, 0x17, 0xda, 0x0f, 0x24, 0x81, 0x94, 0x15, 0x56, 0x9e, 0x60, 0xb2, 0x05, 0xc4, 0x6e,
    0x41, 0x40, 0x7f, 0x17, 0x04, 0x00, 0x15, 0x00, 0x29, 0x6f, 0x62, 0x4d, 0x61, 0x74, 0x4a, 0x6f, 0x73,
    0x32, 0x41, 0x41, 0x41, 0x43, 0x66, 0x2f, 0x2f, 0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36,
    0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46, 0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00,
    0x00, 0x00, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67,
    0x00, 0x00, 0x1d, 0x00, 0x04, 0x00, 0x02, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x20, 0xb5, 0xc7, 0xbf, 0x00,
    0x5b, 0x6c, 0x52, 0xa2, 0x1c, 0x51, 0xc5, 0xe8, 0x92, 0xf8, 0x19, 0x24, 0x13, 0x62, 0x96, 0xcb, 0x92,
    0x7c, 0x43, 0x14, 0x93, 0x09, 0x27, 0x8c, 0xc6, 0x51, 0x8e, 0x65,
};
#define MATRIX "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"

static struct turn_msg m;

TEST(the_vector_of_long_term_credentials)
{
    uint8_t key[16], bad[sizeof(long_term)];

    hash_md5(key, MATRIX ":example.org:TheMatrIX", strlen(MATRIX ":example.org:TheMatrIX"));
    CHECK_EQ_INT(codec_read(&m, long_term, sizeof(long_term)), 0);
    CHECK_EQ_INT(m.method, STUN_BINDING);
    CHECK_EQ_INT(m.username.n, 18);
    CHECK_MEM(m.username.p, MATRIX, 18);
    CHECK_EQ_INT(m.nonce.n, 28);
    CHECK_EQ_INT(m.realm.n, 11);
    CHECK(!m.bad && !m.unknown_n && codec_verify(&m, key, sizeof(key)));
    for (size_t bit = 0; bit < 8 * sizeof(long_term); bit++) {
        memcpy(bad, long_term, sizeof(bad));
        bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!codec_read(&m, bad, sizeof(bad)))
            CHECK(!codec_verify(&m, key, sizeof(key)));
    }
}

TEST(the_vector_of_sha256_and_userhash)
{
    uint8_t key[32], hash[32];

    hash_sha256(hash, MATRIX ":example.org", strlen(MATRIX ":example.org"));
    hash_sha256(key, MATRIX ":example.org:TheMatrIX", strlen(MATRIX ":example.org:TheMatrIX"));
    CHECK_EQ_INT(codec_read(&m, sha256, sizeof(sha256)), 0);
    CHECK_EQ_INT(m.userhash.n, 32);
    CHECK_MEM(m.userhash.p, hash, 32);
    CHECK(m.mi256 && !m.mi);
    CHECK(codec_verify(&m, key, sizeof(key)));
    key[0] ^= 1;
    CHECK(!codec_verify(&m, key, sizeof(key)));
}

TEST(every_cut_and_every_length_is_survived)
{
    for (size_t n = 0; n < sizeof(sha256); n++) {
        uint8_t *cut = malloc(n ? n : 1);

        CHECK(cut);
        memcpy(cut, sha256, n);
        if (n >= 4) { /* a length that fits the cut, and attributes that do not */
            cut[2] = 0;
            cut[3] = (uint8_t)(n - 20);
        }
        (void)codec_read(&m, cut, n);
        free(cut);
    }
    CHECK_EQ_INT(codec_read(&m, sha256, 19), EBADMSG);
}

static void begin(struct stun_writer *w, uint8_t *mem, size_t sz)
{
    static const uint8_t tid[STUN_TID_LEN] = "twelve bytes";

    stun_begin(w, mem, sz, TURN_ALLOCATE, STUN_REQUEST, tid);
}

static int read_written(const struct stun_writer *w)
{
    size_t n;

    return stun_end(w, &n) ? EOVERFLOW : codec_read(&m, w->p, n);
}

TEST(lengths_that_cannot_be_are_bad)
{
    static const struct {
        uint16_t type;
        size_t right;
    } fixed[] = {{TURN_LIFETIME, 4},
                 {TURN_REQUESTED_TRANSPORT, 4},
                 {TURN_CHANNEL_NUMBER, 4},
                 {TURN_EVEN_PORT, 1},
                 {TURN_RESERVATION_TOKEN, 8},
                 {TURN_DONT_FRAGMENT, 0},
                 {TURN_REQUESTED_ADDRESS_FAMILY, 4},
                 {TURN_ADDITIONAL_ADDRESS_FAMILY, 4}};
    static const uint8_t val[32] = {1};
    uint8_t mem[128];
    struct stun_writer w;

    for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++) {
        for (size_t n = 0; n <= 12; n++) {
            begin(&w, mem, sizeof(mem));
            stun_put(&w, fixed[i].type, val, n);
            CHECK_EQ_INT(read_written(&w), 0);
            CHECK_EQ_INT(m.bad, n != fixed[i].right);
        }
    }
    for (size_t n = 0; n <= 24; n++) {
        begin(&w, mem, sizeof(mem));
        stun_put(&w, TURN_XOR_PEER_ADDRESS, "\0\1\2\3\4\5\6\7\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", n);
        CHECK_EQ_INT(read_written(&w), 0);
        CHECK_EQ_INT(m.bad, n != 8);
    }
    begin(&w, mem, sizeof(mem));
    stun_put(&w, TURN_MESSAGE_INTEGRITY_SHA256, val, 12);
    CHECK_EQ_INT(read_written(&w), EBADMSG);
    begin(&w, mem, sizeof(mem));
    stun_put(&w, TURN_MESSAGE_INTEGRITY_SHA256, val, 18);
    CHECK_EQ_INT(read_written(&w), EBADMSG);
}

TEST(what_stands_behind_an_integrity_is_not_seen)
{
    uint8_t mem[256];
    struct stun_writer w;

    begin(&w, mem, sizeof(mem));
    stun_put_integrity(&w, "key", 3);
    stun_put_u32(&w, TURN_LIFETIME, 1);
    stun_put_u32(&w, 0x7001, 1);
    stun_put_fingerprint(&w);
    CHECK_EQ_INT(read_written(&w), 0);
    CHECK(!m.has_lifetime && !m.unknown_n && m.fingerprint);
    CHECK(codec_verify(&m, "key", 3));
    begin(&w, mem, sizeof(mem));
    stun_put_u32(&w, TURN_LIFETIME, 1);
    stun_put_u32(&w, TURN_LIFETIME, 2); /* the first counts */
    stun_put_u32(&w, 0x7001, 1);
    stun_put_u32(&w, 0xc001, 1);
    CHECK_EQ_INT(read_written(&w), 0);
    CHECK(m.has_lifetime && m.unknown_n == 1 && m.unknown[0] == 0x7001);
}

TEST(peers_are_kept_up_to_a_limit_and_counted_beyond)
{
    uint8_t mem[2048];
    struct stun_writer w;
    struct addr a;
    char buf[ADDR_STRLEN];

    begin(&w, mem, sizeof(mem));
    CHECK(!addr_parse(&a, "[2001:db8::7]:4711"));
    stun_put_xaddr(&w, TURN_XOR_PEER_ADDRESS, &a);
    CHECK(!addr_parse(&a, "192.0.2.7:4711"));
    for (int i = 0; i < 40; i++)
        stun_put_xaddr(&w, TURN_XOR_PEER_ADDRESS, &a);
    CHECK_EQ_INT(read_written(&w), 0);
    CHECK_EQ_INT(m.peer_n, 41);
    CHECK_STR(addr_str(&m.peers[0], buf, sizeof(buf)), "[2001:db8::7]:4711");
    CHECK_STR(addr_str(&m.peers[31], buf, sizeof(buf)), "192.0.2.7:4711");
}

TEST(a_request_that_is_too_long_is_not_read)
{
    static uint8_t mem[4096], filler[2400];
    struct stun_writer w;

    begin(&w, mem, sizeof(mem));
    stun_put(&w, STUN_SOFTWARE, filler, sizeof(filler));
    CHECK_EQ_INT(read_written(&w), EMSGSIZE);
}

TEST(an_answer_that_outgrows_its_memory_is_none)
{
    static const uint8_t filler[600];
    static struct codec_answer a;

    CHECK_EQ_INT(codec_read(&m, long_term, sizeof(long_term)), 0);
    codec_success(&a, &m);
    codec_put(&a, STUN_REALM, filler, sizeof(filler));
    CHECK(codec_finish(&a, &m, "key", 3));
    codec_success(&a, &m);
    codec_put(&a, STUN_REALM, filler, sizeof(filler));
    codec_put(&a, STUN_NONCE, filler, sizeof(filler));
    CHECK(!codec_finish(&a, &m, "key", 3));
    for (size_t n = 900; n < 1100; n++) {
        static const uint8_t more[1100];

        codec_error(&a, &m, 400);
        codec_put(&a, STUN_REALM, more, n - 40);
        m.fingerprint = true;
        (void)codec_finish(&a, &m, "key", 3);
        CHECK(a.n <= sizeof(a.mem));
    }
}
