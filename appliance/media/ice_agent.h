/* media/ice_agent: the inside of an ICE agent, shared by ice.c (pairs, selection, time) and ice_check.c (messages). */
#ifndef MEDIA_ICE_AGENT_H
#define MEDIA_ICE_AGENT_H

#include "media/ice.h"

enum pair_state { PAIR_WAITING, PAIR_PROGRESS, PAIR_SUCCEEDED, PAIR_FAILED };

struct check { /* the transaction of a pair that waits for an answer */
    bool active, nominate, consent, controlling;
    uint8_t tid[STUN_TID_LEN];
    unsigned tries;
    uint64_t sent_ms, next_ms;
};

struct pair {
    struct addr remote, local; /* local: port 0; unset until a packet came from remote */
    uint32_t prio; /* of the remote candidate: with one local candidate it alone orders the pairs */
    enum media_cand_type type; /* of that candidate: as its SDP said */
    enum pair_state state;
    bool triggered; /* to be checked before the ordinary ones: RFC 8445 7.3.1.4 */
    bool told;      /* by ICE_CLAIMED or ICE_VERIFIED */
    bool nominated; /* by the peer */
    bool
        early; /* the peer's check came for our new credentials in a restart, by which it may be ahead of its signalling */
    struct check check;
    uint64_t ok_ms, nominated_ms; /* last success, last USE-CANDIDATE */
    uint32_t rtt_ms;
};

struct ice_cred {
    char ufrag[ICE_UFRAG_MAX], pwd[ICE_PWD_MAX];
};

enum ice_state {
    ICE_IDLE,     /* the peer's credentials are not known yet: its checks are answered, none of ours go out */
    ICE_CHECKING, /* no pair yet, until the deadline */
    ICE_UP,       /* a pair is selected, its consent is kept */
    ICE_RESTARTING, /* the same, but a pair of the new generation is wanted, until the deadline */
    ICE_DEAD,       /* gave up, was told why */
    ICE_CLOSED,
};

struct ice {
    uint8_t state; /* enum ice_state; changed by ice_move() alone */
    bool controlling;
    uint32_t tag;
    uint64_t tiebreaker;
    struct ice_cred local, local_old, remote; /* remote.ufrag "" = not known yet */
    struct pair pairs[ICE_PAIRS_MAX];
    size_t pair_count;
    struct pair *selected;
    uint64_t selected_ms; /* when it became the selected one */
    uint64_t next_check_ms, deadline_ms, first_ok_ms, consent_ms;
    struct addr talker; /* other address that media comes from, and how many packets in a row */
    unsigned talker_packets;
    uint64_t talker_ms; /* when we last followed */
    ice_send_h *sendh;
    ice_event_h *eventh;
    void *arg;
};

/* ice.c */
bool ice_alive(const struct ice *ice);
struct pair *ice_pair_find(struct ice *ice, const struct addr *remote);
/* NULL when the table is full of pairs that are in use. */
struct pair *ice_pair_add(struct ice *ice, const struct addr *remote, uint32_t prio, uint64_t now_ms);
/* what: ICE_CLAIMED or ICE_VERIFIED. */
void ice_pair_tell(struct ice *ice, struct pair *p, enum ice_event what);
void ice_pair_trigger(struct pair *p);
/* The peer wants this pair and it works: whether to take it. */
void ice_pair_nominated(struct ice *ice, struct pair *p, uint64_t now_ms);
void ice_pair_select(struct ice *ice, struct pair *p, uint64_t now_ms);
void ice_switch_role(struct ice *ice, bool controlling);

/* ice_check.c */
enum check_kind { CHECK_ORDINARY, CHECK_NOMINATE, CHECK_CONSENT };
void ice_check_start(struct ice *ice, struct pair *p, enum check_kind kind, uint64_t now_ms);
void ice_check_send(struct ice *ice, struct pair *p, uint64_t now_ms);

#endif
