/*
 * sip/registrar: REGISTER from browsers (RFC 3261 10.3, digest by RFC 8760), one binding per DN: the newest wins, the older
 * connection is told and closed. Bindings are routed by connection, never by Contact (JsSIP's is *.invalid).
 * Owner: signalling thread.
 */
#ifndef SIP_REGISTRAR_H
#define SIP_REGISTRAR_H

#include "sip/stack.h"

struct registrar;
struct guard;

/* What the registrar wants to know of a DN; answered by the composition root from the store. ENOENT. */
struct registrar_dn {
    char ha1_md5[33], ha1_sha256[65];
    bool enabled;
};
typedef int(registrar_lookup_h)(const char *dn, struct registrar_dn *out, void *arg);

struct registrar_config {
    const char *realm;
    uint32_t expires_min, expires_max, expires_default; /* seconds: 60, 3600, 600 */
    uint32_t stranger_ms; /* a connection on which nobody signs in is closed after; 0 = 30 s */
    struct guard *guard;
    registrar_lookup_h *lookup;
    void *arg;
};

struct binding { /* one DN's registration */
    char dn[64];
    uint64_t ws_conn;
    struct addr peer;
    char contact[256]; /* its Contact URI as sent: the request URI of what we send */
    char route[64];    /* routev[0] for sipsess_connect: leads to its connection whatever the Contact says */
    char instance[96]; /* +sip.instance or "" */
    char user_agent[128];
    int64_t registered_ms, expires_ms; /* Unix ms */
};

enum registrar_event { REG_ADDED, REG_REFRESHED, REG_REPLACED, REG_EXPIRED, REG_REMOVED, REG_CONN_LOST };
typedef void(registrar_h)(enum registrar_event ev, const struct binding *b, void *arg);

int registrar_alloc(struct registrar **rp, struct sip_stack *st, const struct registrar_config *cfg);
void registrar_free(struct registrar *r);
int registrar_listen(struct registrar *r, registrar_h *h, void *arg);
const struct binding *registrar_find(const struct registrar *r, const char *dn);
const struct binding *registrar_by_conn(const struct registrar *r, uint64_t ws_conn);
size_t registrar_count(const struct registrar *r);
typedef bool(registrar_each_h)(const struct binding *b, void *arg);
void registrar_each(const struct registrar *r, registrar_each_h *h, void *arg);
/* Ends a DN's registration (disabled, removed, password changed); its connection is closed with 4003 and reason. */
void registrar_drop(struct registrar *r, const char *dn, const char *reason);
/* Provisioning of a DN changed (dn "" = any may have): looks it up again and drops its registration when the DN is gone, disabled, or
 * has another password than the one it registered with. */
void registrar_recheck(struct registrar *r, const char *dn);

/*
 * Who sends this request? 0 and the DN when its connection holds an authenticated registration whose DN is the From user, or when From
 * is anonymous and P-Preferred-Identity names no other; otherwise challenges with 401 (or checks the credentials that came), answers 403/… itself and returns EACCES (already answered).
 */
int registrar_authorize(struct registrar *r, const struct sip_msg *msg, char *dn, size_t dnsz);

#endif
