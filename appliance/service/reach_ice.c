/* service/reach: STUN on the media workers' ports. See stun/doctor.h. */
#include "service/reach_priv.h"

#include "core/clock.h"
#include "core/rnd.h"
#include "stun/stun.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    TRIES = 4,
    FIRST_WAIT_MS = 250,
    MSG_MAX = 128,
    PORT_ID = 4 /* where a transaction id says the port */
};

/* Each port's transaction id: the same random one but for the port. */
struct asking {
    const struct reach_config *cfg;
    struct reach_found *f;
    uint8_t tid[STUN_TID_LEN];
    uint64_t all; /* a bit for each port */
    int fd;
};

static void tid_of(const struct asking *q, unsigned i, uint8_t tid[STUN_TID_LEN])
{
    memcpy(tid, q->tid, STUN_TID_LEN);
    tid[PORT_ID] = (uint8_t)i;
}

static void ask(const struct asking *q, unsigned i)
{
    uint8_t tid[STUN_TID_LEN], msg[MSG_MAX];
    struct addr to = q->f->at;
    struct stun_writer w;
    size_t n;

    tid_of(q, i, tid);
    addr_set_port(&to, (uint16_t)(addr_port(&to) + i));
    stun_begin(&w, msg, sizeof(msg), STUN_BINDING, STUN_REQUEST, tid);
    stun_put(&w, STUN_USERNAME, STUN_DOCTOR_USER, strlen(STUN_DOCTOR_USER));
    stun_put_integrity(&w, q->cfg->doctor, sizeof(q->cfg->doctor));
    stun_put_fingerprint(&w);
    if (!stun_end(&w, &n) && sendto(q->fd, msg, n, 0, &to.u.sa, addr_len(&to)) < 0)
        q->f->err = errno;
}

/* Of whichever address the answer comes: a NAT on the way may give another, and the key is ours. */
static void take(struct asking *q, const uint8_t *p, size_t n)
{
    uint8_t tid[STUN_TID_LEN];
    struct stun_view v;
    unsigned i;

    if (stun_parse(&v, p, n) || v.cls != STUN_SUCCESS)
        return;
    i = v.tid[PORT_ID];
    tid_of(q, i, tid);
    if (i >= q->cfg->workers || memcmp(tid, v.tid, sizeof(tid)))
        return;
    if (!stun_auth(&v, q->cfg->doctor, sizeof(q->cfg->doctor)))
        return;
    (void)stun_get_xaddr(&v, STUN_XOR_MAPPED_ADDRESS, &q->f->mapped);
    q->f->silent &= ~(1ull << i);
}

static void listen_for(struct asking *q, int ms)
{
    const uint64_t end_ms = clock_ms() + (uint64_t)ms;
    struct pollfd pfd = {.fd = q->fd, .events = POLLIN};
    uint8_t msg[STUN_MSG_MAX];
    uint64_t now_ms;

    /* The clock is read once: between two looks it may pass the end, and less than nothing is for ever to poll(2). */
    while (q->f->silent && (now_ms = clock_ms()) < end_ms) {
        ssize_t n = poll(&pfd, 1, (int)(end_ms - now_ms)) > 0 ? recv(q->fd, msg, sizeof(msg), 0) : 0;

        if (n > 0)
            take(q, msg, (size_t)n);
    }
}

void reach_ice(const struct reach_config *cfg, struct reach_found *f)
{
    struct asking q = {.cfg = cfg, .f = f, .fd = socket(addr_af(&f->at), SOCK_DGRAM | SOCK_CLOEXEC, 0)};

    if (q.fd < 0) {
        f->err = errno;
        return;
    }
    rnd_bytes(q.tid, sizeof(q.tid));
    f->silent = cfg->workers < REACH_WORKERS_MAX ? (1ull << cfg->workers) - 1 : UINT64_MAX;
    for (unsigned t = 0; t < TRIES && f->silent; t++) {
        for (unsigned i = 0; i < cfg->workers; i++)
            if (f->silent >> i & 1)
                ask(&q, i);
        listen_for(&q, FIRST_WAIT_MS << t);
    }
    if (!f->silent)
        f->err = 0;
    else if (!f->err)
        f->err = ETIMEDOUT;
    close(q.fd);
}
