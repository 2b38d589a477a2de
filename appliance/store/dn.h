/* store/dn: directory numbers and their secrets. Writes run on the writer thread and return when durable. */
#ifndef STORE_DN_H
#define STORE_DN_H

#include "store/store.h"

enum {
    DN_MAX = 64,
    DN_NAME_MAX = 128,
    DN_PASSWORD_MIN = 6,
    DN_CALL_LIMIT_MAX = 10,
    DN_MANY_MAX = 10000,
    DN_TRUNK_PASSWORD_MAX = 128,
    DN_SEALED_MAX = 224
};
enum dn_codec {
    DN_CODEC_AUTO,
    DN_CODEC_OPUS,
    DN_CODEC_PCMU,
    DN_CODEC_PCMA
}; /* what the browser leg prefers; auto: opus first,
                                                                                 G.711 straight through allowed */
struct dn {
    char dn[DN_MAX];
    char name[DN_NAME_MAX];
    bool enabled;
    enum dn_codec codec;
    char ha1_md5[33]; /* realm "dngate" */
    char ha1_sha256[65];
    int64_t created_ms, changed_ms;
    bool auto_answer;    /* its page answers by itself, after a beep to the agent */
    uint32_t call_limit; /* calls at a time; 0: as call.limit_per_dn says */
    /* Its digest password for SIP Server, which names the realm itself, so that it must be read back: sealed; "" = none. */
    char trunk_password[DN_SEALED_MAX];
};

#define DN_REALM "dngate" /* digest realm; part of every stored HA1 */

/* A DN is 1..63 of [A-Za-z0-9._+*#-]. */
bool dn_valid(const char *dn);
const char *dn_codec_name(enum dn_codec c);
int dn_codec_decode(enum dn_codec *c, const char *name); /* EINVAL */
/* ENOENT. */
int dn_get(struct store_reader *r, const char *dn, struct dn *out);
typedef bool(dn_h)(const struct dn *dn, void *arg); /* true = stop */
int dn_each(struct store_reader *r, dn_h *h, void *arg);

/* Opens it: "" when there is none, or it was sealed by another secret.key (logged). Any thread; wipe it. */
void dn_trunk_password(const struct store *s, const char *dn, const char *sealed,
                       char out[DN_TRUNK_PASSWORD_MAX]);

/* EEXIST; EINVAL with why. Password is hashed here and wiped by the caller. At least 6 characters. */
int dn_add(struct store *s, const char *dn, const char *password, const char *name, enum dn_codec codec,
           bool enabled, char *why, size_t whysz);
struct dn_new {
    const char *dn, *password, *name;
    enum dn_codec codec;
    bool enabled, auto_answer;
    uint32_t call_limit;
    const char *trunk_password; /* NULL or "": none */
};
/* All of them or none: one transaction. *bad: which one it is that why is about. EEXIST, EINVAL, E2BIG (DN_MANY_MAX). */
int dn_add_all(struct store *s, const struct dn_new *v, size_t n, size_t *bad, char *why, size_t whysz);

/* NULL leaves a thing as it is. */
struct dn_change {
    const char *name, *password, *trunk_password; /* the last "": it has none any more */
    const enum dn_codec *codec;
    const bool *enabled, *auto_answer;
    const uint32_t *call_limit;
};
/* ENOENT; EINVAL with why. What changes nothing leaves no trace. */
int dn_change(struct store *s, const char *dn, const struct dn_change *change, char *why, size_t whysz);
int dn_passwd(struct store *s, const char *dn, const char *password, char *why, size_t whysz);
int dn_enable(struct store *s, const char *dn, bool enabled);
int dn_remove(struct store *s, const char *dn); /* ENOENT; CDRs stay */

enum dn_action { DN_ENABLE, DN_DISABLE, DN_RESET, DN_REMOVE };
/* The same done to many, all of them or none: one transaction. passwords: of DN_RESET, one for each. *bad as above. ENOENT, EINVAL, E2BIG. */
int dn_bulk(struct store *s, enum dn_action action, const char *const *dns, const char *const *passwords,
            size_t n, size_t *bad, char *why, size_t whysz);

/* CSV with header dn,name,password,enabled,codec,auto_answer,call_limit,trunk_password (RFC 4180; columns after dn optional, any order). All or nothing: one
 * transaction; on EINVAL why names the line and the column. Existing DNs are updated, those without password keep theirs. */
struct dn_import_result {
    uint32_t added, changed, unchanged, wrong; /* wrong: of a trial; an import has none */
};
int dn_import_csv(struct store *s, const char *csv, size_t len, struct dn_import_result *res, char *why,
                  size_t whysz);

enum dn_import_what { DN_IMPORT_ADDED, DN_IMPORT_CHANGED, DN_IMPORT_UNCHANGED, DN_IMPORT_WRONG };
struct dn_import_row {
    unsigned line;
    const char *dn; /* "" when that is what is wrong */
    enum dn_import_what what;
    const char *detail;              /* changed: the columns; wrong: "column: what a person should change" */
    const struct dn *before, *after; /* NULL: it is new; it is wrong */
};
typedef void(dn_import_h)(const struct dn_import_row *row, void *arg);
/* What dn_import_csv would do, row by row in the file's order, wrong ones included; writes nothing. Errors as there, of the first line
 * and of text that is no CSV. */
int dn_import_try(struct store_reader *r, const char *csv, size_t len, dn_import_h *h, void *arg,
                  struct dn_import_result *res, char *why, size_t whysz);

#endif
