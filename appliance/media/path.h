/*
 * media/path: one call's media: between one browser (ICE, DTLS-SRTP) and the trunk's RTP. This is what the others in media/ see of it.
 *
 *   path.c         life, commands, time, figures
 *   path_out.c     what leaves it: packets both ways, events
 *   path_secure.c  towards the browser: ICE, DTLS, SRTP
 *   path_up.c      browser → trunk: [jitter buffer → decode → encode | straight through]
 *   path_down.c    trunk → browser: source lock, [decode → encode | straight through], tone
 *   path_echo.c    without a trunk: the browser's audio back to it
 *   path_away.c    browser → trunk while the page is away: a soft beep
 *   path_dtmf.c    key presses: telephone events both ways, tones in the audio
 *   path_noise.c   comfort noise: the trunk's heard by the browser, ours told to the trunk
 *   path_report.c  RTCP both ways, RTP timeout
 *
 * A path knows no worker: what it needs of the thread that runs it is a struct path_host. Owner: that thread from path_start() on; before
 * that, and of what is marked so, the signalling thread.
 */
#ifndef MEDIA_PATH_H
#define MEDIA_PATH_H

#include "core/addr.h"
#include "media/media.h"
#include "net/udp_set.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct path;
struct dtls_identity;
struct poller;
struct stun_view;

/* Whose packets from an address are: PATH_CLAIM only when they are nobody's, as a claim can be made with a forged source. */
enum path_claim { PATH_CLAIM, PATH_TAKE, PATH_LEAVE };

/* What the next round of a host has to look at: with many paths it is cheaper not to ask each. */
struct path_agenda {
    atomic_bool closing; /* a path was closed; set by any thread */
    uint64_t due_us;     /* when the first path has something to do; 0: something came in, each has to look */
};

/* The way to the browser is the host's: its one UDP port, or whatever else carries datagrams to that address. */
struct path_host {
    const struct dtls_identity *identity;
    struct path_agenda *agenda;
    struct poller *poller;     /* for the trunk's sockets */
    struct udp_reader *reader; /* free while one of them is read */
    struct udp_queue *trunk;   /* what goes out by them, at the end of the round */
    uint32_t rtp_timeout_s;
    int complexity; /* of Opus, by load; may change */
    /* UDP_PACKET_MAX bytes for a packet to dst, or NULL: there is no way; then the sending of it, when there is something to send. */
    uint8_t *(*roomh)(const struct addr *dst, void *arg);
    void (*sendh)(size_t n, const struct addr *local, const struct addr *dst, void *arg);
    /* The way to the browser at dst as the host knows it, MEDIA_DIRECT or by a TURN server of ours; *from: where the browser is, dst
     * unless it is relayed. */
    enum media_via (*viah)(const struct addr *dst, struct addr *from, void *arg);
    void (*claimh)(struct path *p, enum path_claim what, const struct addr *addr, void *arg);
    int (*eventh)(const struct media_event *ev, void *arg); /* ENOBUFS */
    void *arg;
};

struct path_init {
    uint32_t id;
    const struct path_host *host; /* must outlive the path */
    uint32_t jbuf_max_ms;
    bool controlling; /* ICE */
    bool echo;        /* no trunk: rtp and rtcp are empty */
    const struct media_local *local;
    struct udp_set rtp, rtcp; /* taken over, also when path_alloc fails */
};

/* ENOMEM, EINVAL. */
int path_alloc(struct path **pp, const struct path_init *init);
void path_free(struct path *p);

/* ---- signalling thread ---- */

/* The last that signalling does with it. */
void path_close(struct path *p);
/* Room for n digits, to be queued then by path_dtmf_queue; false, and they are counted as lost, when there is none. */
bool path_dtmf_reserve(struct path *p, enum media_side to, unsigned n);
void path_dtmf_release(struct path *p, enum media_side to, unsigned n);
/* Any thread: a copy of the figures, at most 1 s old. */
void path_figures_load(const struct path *p, struct media_event *out);
enum media_dtmf_way path_dtmf_way(const struct media_formats *f, enum media_codec codec);
enum media_dtmf_way path_dtmf_way_trunk(const struct media_trunk *t);

/* ---- worker thread ---- */

uint32_t path_id(const struct path *p);
/* errno: trunk sockets cannot be watched. */
int path_start(struct path *p, uint64_t now_us);
void path_set_browser(struct path *p, const struct media_browser *b, uint64_t now_us);
/* New ICE credentials of ours. */
void path_set_restart(struct path *p, const char *ufrag, const char *pwd);
void path_set_trunk(struct path *p, const struct media_trunk *t, uint64_t now_us);
void path_set_hold(struct path *p, bool held, uint64_t now_us);
/* path_away.h */
void path_set_away(struct path *p, bool away, uint64_t now_us);
void path_set_tone(struct path *p, enum media_tone tone, uint64_t now_us);
/* Digits that have their room. */
void path_dtmf_queue(struct path *p, enum media_side to, const char *digits, unsigned duration_ms);
/* A STUN message for it; and DTLS, SRTP or SRTCP from a source that is its. */
void path_stun(struct path *p, const struct stun_view *msg, const struct udp_packet *pkt, uint64_t now_us);
void path_from_browser(struct path *p, struct udp_packet *pkt, uint64_t now_us);
/* Returns when it has something to do next, if nothing comes in before. */
uint64_t path_tick(struct path *p, uint64_t now_us);
/* Whether path_close was called: looked up by path_closing_look, before the commands that may still mean the path are read. */
void path_closing_look(struct path *p);
bool path_closing(const struct path *p);
/* BYE both ways, DTLS close_notify, sockets closed; once. path_figures fills the last event. */
void path_end(struct path *p, uint64_t now_us);
void path_figures(const struct path *p, struct media_event *out);

#endif
