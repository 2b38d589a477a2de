/*
 * cmd/check: the doctor's notebook: what dngate check found, one finding a line, each with what to do about it. The files
 * check_*.c do the looking. Private to cmd/; the command line's process.
 */
#ifndef CMD_CHECK_H
#define CMD_CHECK_H

#include "cmd/cmd.h"
#include "core/addr.h"

#include <sys/types.h>

enum check_level { CHECK_OK, CHECK_INFO, CHECK_WARN, CHECK_FAIL };

struct check_finding {
    enum check_level level;
    const char *topic, *text, *advice; /* topic owns the memory of all three */
};

struct check {
    const char *dir;
    struct conf
        *conf; /* what the running server goes by, or what one that was started here would, -o aside */
    struct store *store; /* NULL: none that can be read */
    bool running;
    pid_t pid; /* of the server */
    char
        *status; /* what it says of itself: {"pid":…,"health":{…},"metrics":"…"}; NULL when it does not run */
    struct check_finding *found;
    size_t count, size, warnings, failures;
};

/* topic is a word or two; advice is what to do, "" when there is nothing to do. */
__attribute__((format(printf, 5, 6))) void check_say(struct check *ck, enum check_level level,
                                                     const char *topic, const char *advice, const char *fmt,
                                                     ...);

/* A figure of the running server, e.g. dngate_trunk_up{trunk="genesys"}; false: it does not run or has none. */
bool check_metric(const struct check *ck, const char *name, double *v);

/* What a part of the running server says of itself; false: it does not run, or the part has not spoken. */
bool check_health(const struct check *ck, const char *part, char *reason, size_t sz);

void check_store(struct check *ck);       /* integrity, version, what every box needs */
void check_directory(struct check *ck);   /* writable, private, room on the disk */
void check_machine(struct check *ck);     /* clock, file descriptors */
void check_certificate(struct check *ck); /* days left, names, key */
void check_ports(struct check *ck);       /* taken, by whom; allowed */
void check_address(struct check *ck);     /* public.address; what of it can be seen from inside */
void check_reach(struct check *ck);       /* what browsers reach it by, from outside in */
struct public_item;
/* Asks a STUN server of public.address what it sees of this machine, by IPv4 or IPv6. EHOSTUNREACH, EAFNOSUPPORT, and of turn_probe. */
int check_outside(const struct public_item *it, int af, struct addr *seen);
void check_trunks(struct check *ck); /* names resolve, OPTIONS is answered */

#define CHECK_TRUNK_ADVICE                                                                                   \
    "look for a firewall between, and on SIP Server for a trunk DN whose contact is this machine's address"
enum { CHECK_ADDRS_MAX = 8 }; /* of a name */
struct trunk;
/* Asks a trunk at these addresses; after end_ms no other one. */
void check_options(struct check *ck, const struct trunk *t, const struct addr *v, size_t n, uint64_t end_ms);

#endif
