/*
 * sip/registrar: REGISTER from browsers (RFC 3261 10.3, digest by RFC 8760), one binding per DN, held by the browser's session: the
 * newest wins. Bindings are routed by connection, never by Contact (JsSIP's is *.invalid).
 *
 * X-Dngate-Take-Over of a REGISTER says what is to happen when another browser has the DN: `yes`, it is taken from it, and a call that
 * runs there goes on to its end there (see sip/session); `calls`, and those that run there move to this one (call/callrebind); `no`, the page asks by itself, after its network was away, and takes it from
 * nobody; without, it is taken from who is in no call. Who does not get it is told by a 403:
 *
 *   X-Dngate-Elsewhere: in-call      another browser has the DN, and a call; Warning says so in words
 *   X-Dngate-Elsewhere: signed-in    it was taken from this browser
 *   X-Dngate-Leaving: REASON         an administrator ended its registration: "DN disabled", "password changed", …
 *
 * X-Dngate-Calls: none says that the page has no dialogs: it was loaded anew, and what runs on its session is to be called anew.
 *
 * A browser that comes back to a call of its own by another connection gets the call, whatever became of the DN meanwhile: it is served
 * within the call, by the password that it had, until that ends.
 * Owner: signalling thread.
 */
#ifndef SIP_REGISTRAR_H
#define SIP_REGISTRAR_H

#include "sip/session.h"
#include "sip/stack.h"

struct registrar;
struct guard;

/* What the registrar wants to know of a DN; answered by the composition root from the store. ENOENT. */
struct registrar_dn {
    char ha1_md5[33], ha1_sha256[65];
    bool enabled;
    /* No DN: may speak on its connection while it is enabled, and is told so when it registers; but nothing is bound, so that nobody
     * reaches it and no DN is taken from anybody. Whoever proves the password of one that is over has guessed nothing. */
    bool guest;
};
typedef int(registrar_lookup_h)(const char *dn, struct registrar_dn *out, void *arg);

struct registrar_config {
    const char *realm;
    uint32_t expires_min, expires_max, expires_default; /* seconds: 60, 3600, 600 */
    uint32_t stranger_ms; /* a connection on which nobody signs in is closed after; 0 = 30 s */
    uint32_t guest_ms;    /* one on which a guest has proved himself, after he last did; 0 = 30 min */
    struct guard *guard;
    registrar_lookup_h *lookup;
    /* Somebody who named this DN, which may not exist, did not get it. May be NULL. */
    void (*refused)(const char *dn, const struct addr *peer, const char *user_agent, const char *why,
                    void *arg);
    void *arg;
};

int registrar_alloc(struct registrar **rp, struct sip_stack *st, const struct registrar_config *cfg);
void registrar_free(struct registrar *r);
int registrar_listen(struct registrar *r, registrar_h *h, void *arg);
const struct binding *registrar_find(const struct registrar *r, const char *dn);
/* The browser on this connection, signed in or not; NULL when it has sent nothing yet. */
struct session *registrar_session(const struct registrar *r, uint64_t ws_conn);
size_t registrar_count(const struct registrar *r);
/* Another number than before: registrations have changed. */
uint64_t registrar_changes(const struct registrar *r);
void registrar_each(const struct registrar *r, registrar_each_h *h, void *arg);
/* Ends a DN's registration (disabled, removed, password changed); its connection is closed with 4003 and reason, in a call after it. */
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
