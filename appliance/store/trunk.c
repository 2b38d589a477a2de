#include "store/trunk.h"
#include "core/addr.h"
#include "core/log.h"
#include "crypto/secret.h"
#include "store/audit.h"
#include "store/check.h"
#include "store/reader.h"
#include "store/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    TRUNK_SEALED_MAX = 320,
    TRUNK_PRIORITY_STEP = 10,
    TRUNK_PRIORITY_MAX = 1000,
    TRUNK_PING_MAX = 3600,
    TRUNK_PTIME_STEP = 10,
    TRUNK_PTIME_MAX = 60,
    TRUNK_PTIME = 20
};

static const char *const transport_names[] = {[TRUNK_UDP] = "udp", [TRUNK_TCP] = "tcp", [TRUNK_TLS] = "tls"};
enum { TRANSPORT_COUNT = sizeof(transport_names) / sizeof(transport_names[0]) };

const char *trunk_transport_name(enum trunk_transport t)
{
    return transport_names[(unsigned)t % TRANSPORT_COUNT];
}

int trunk_transport_decode(enum trunk_transport *t, const char *name)
{
    for (unsigned i = 0; i < TRANSPORT_COUNT; i++) {
        if (!strcmp(transport_names[i], name)) {
            *t = (enum trunk_transport)i;
            return 0;
        }
    }
    return EINVAL;
}

/* Sealing binds a password to its trunk: a row that is copied under another name does not open. */
static const char *trunk_context(char *buf, size_t sz, const char *name)
{
    snprintf(buf, sz, "trunk/%s", name);
    return buf;
}

/* ---------------------------------------------------------------- reading */

#define TRUNK_SELECT                                                                                         \
    "SELECT name, host, port, transport, username, password, registers, enabled, priority, ping_seconds, "   \
    "codecs, ptime, tls_ca, tls_name, tls_cert FROM trunk "

static int trunk_read(sqlite3_stmt *st, const struct secret *key, struct trunk *t)
{
    char context[TRUNK_NAME_MAX + 8];
    const char *sealed = (const char *)sqlite3_column_text(st, 5);
    int err;

    memset(t, 0, sizeof(*t));
    sql_text(st, 0, t->name, sizeof(t->name));
    sql_text(st, 1, t->host, sizeof(t->host));
    t->port = (uint16_t)sqlite3_column_int(st, 2);
    trunk_transport_decode(&t->transport, (const char *)sqlite3_column_text(st, 3));
    sql_text(st, 4, t->username, sizeof(t->username));
    t->registers = sqlite3_column_int(st, 6) != 0;
    t->enabled = sqlite3_column_int(st, 7) != 0;
    t->priority = sqlite3_column_int(st, 8);
    t->ping_seconds = (uint32_t)sqlite3_column_int64(st, 9);
    sql_text(st, 10, t->codecs, sizeof(t->codecs));
    t->ptime = (uint32_t)sqlite3_column_int64(st, 11);
    sql_text(st, 12, t->tls_ca, sizeof(t->tls_ca));
    sql_text(st, 13, t->tls_name, sizeof(t->tls_name));
    sql_text(st, 14, t->tls_cert, sizeof(t->tls_cert));
    t->password_set = sealed && sealed[0];
    if (!key || !t->password_set)
        return 0;
    err = secret_open(key, t->password, sizeof(t->password), trunk_context(context, sizeof(context), t->name),
                      sealed);
    if (err) { /* of another secret.key: one trunk's fault is not the others' */
        t->password[0] = '\0';
        log_error("store",
                  "trunk=%s its password cannot be read with this secret.key; set it again: "
                  "dngate trunk set %s --password -",
                  t->name, t->name);
    }
    return 0;
}

int trunk_each(struct store_reader *r, bool with_password, trunk_h *h, void *arg)
{
    const struct secret *key = with_password ? r->store->secret : NULL;
    sqlite3_stmt *st;
    struct trunk t;
    int err = sql_prepare(&r->sql, &st, TRUNK_SELECT "ORDER BY priority, name");

    if (err)
        return err;
    while (!(err = sql_step(st))) {
        err = trunk_read(st, key, &t);
        if (err || h(&t, arg))
            break;
    }
    sql_done(&r->sql, st);
    explicit_bzero(t.password, sizeof(t.password));
    return err == ENOENT ? 0 : err;
}

int trunk_get(struct store_reader *r, const char *name, struct trunk *out)
{
    sqlite3_stmt *st;
    int err = sql_prepare(&r->sql, &st, TRUNK_SELECT "WHERE name = ?");

    if (err)
        return err;
    sql_bind(st, "t", name);
    err = sql_step(st);
    if (!err)
        err = trunk_read(st, NULL, out);
    sql_done(&r->sql, st);
    return err;
}

/* ---------------------------------------------------------------- writing */

/* Labels of letters, digits and hyphens between them; digits alone were meant as an address. */
static bool name_valid(const char *host)
{
    size_t n;

    if (!check_word(host, ".-", TRUNK_HOST_MAX) || !host[strspn(host, "0123456789.")])
        return false;
    for (; *host; host += n + (host[n] == '.')) {
        n = strcspn(host, ".");
        if (!n || host[0] == '-' || host[n - 1] == '-')
            return false;
    }
    return true;
}

static bool host_valid(const char *host)
{
    struct addr a;

    return addr_parse_ip(&a, host, 0) ? name_valid(host) : addr_is_unicast(&a);
}

/* Some of them, each at most once, with commas between. */
static bool codecs_valid(const char *codecs)
{
    static const char *const known[] = {"pcmu", "pcma", "g722", "opus"};
    enum { LEN = 4, COUNT = sizeof(known) / sizeof(known[0]) };
    unsigned seen = 0;

    for (const char *p = codecs;; p += LEN + 1) {
        unsigned i = 0;

        while (i < COUNT && strncmp(p, known[i], LEN))
            i++;
        if (i == COUNT || seen & 1u << i)
            return false;
        seen |= 1u << i;
        if (p[LEN] != ',')
            return !p[LEN];
    }
}

/* What a certificate is for: a name, one with a wildcard as it stands there, or an address. */
static bool tls_name_valid(const char *name)
{
    return !name[0] || host_valid(!strncmp(name, "*.", 2) ? name + 2 : name);
}

/* What it says is for who reads it: service/trunk. */
static bool ca_valid(const char *ca)
{
    return !ca[0] || (ca[0] == '/' && check_text(ca, TRUNK_FILE_MAX)) ||
           strstr(ca, "-----BEGIN CERTIFICATE-----");
}

static const char *tls_wrong(const struct trunk *t)
{
    if (!ca_valid(t->tls_ca))
        return "tls_ca is certificates in PEM form, or the path of a file with some: /…";
    if (!tls_name_valid(t->tls_name))
        return "tls_name is a name or an IP address, as it stands in the trunk's certificate";
    if (t->tls_cert[0] && (t->tls_cert[0] != '/' || !check_text(t->tls_cert, sizeof(t->tls_cert))))
        return "tls_cert is the path of a PEM file with a certificate and its key: /…";
    return NULL;
}

static const char *trunk_wrong(const struct trunk *t)
{
    if (!check_word(t->name, "._-", sizeof(t->name)))
        return "the name is 1 to 63 letters, digits or . _ -";
    if (!host_valid(t->host))
        return "the address must be an IP address of one machine, or a host name";
    if (!t->port)
        return "the port must be 1 to 65535";
    if ((unsigned)t->transport >= TRANSPORT_COUNT)
        return "the transport is udp, tcp or tls";
    if (!check_text(t->username, sizeof(t->username)) || !check_text(t->password, sizeof(t->password)))
        return "user name and password must be UTF-8 text without control characters";
    if (t->password[0] && !t->username[0])
        return "a password needs a user name";
    if (t->priority < 0 || t->priority > TRUNK_PRIORITY_MAX)
        return "the priority must be 0 to 1000";
    if (t->ping_seconds > TRUNK_PING_MAX)
        return "the ping interval must be 0 (off) to 3600 seconds";
    if (!codecs_valid(t->codecs))
        return "the codecs are some of pcmu, pcma, g722, opus, each once, in order of preference";
    if (t->ptime % TRUNK_PTIME_STEP || t->ptime > TRUNK_PTIME_MAX)
        return "the packets are 10, 20, 30, 40, 50 or 60 ms long";
    return tls_wrong(t);
}

static int64_t ptime_of(const struct trunk *t)
{
    return t->ptime ? t->ptime : TRUNK_PTIME;
}

struct trunk_row {
    const struct trunk *trunk;
    bool new_password;
    char sealed[TRUNK_SEALED_MAX];
};

static int trunk_changed(struct store_tx *tx, const char *name, const char *what)
{
    store_tx_notice(tx, STORE_TRUNK, name);
    return audit_write(tx, "trunk %s %s", name, what);
}

static int add_job(struct store_tx *tx, void *arg)
{
    const struct trunk_row *row = arg;
    const struct trunk *t = row->trunk;
    sqlite3_stmt *st;
    int64_t count;
    int err = sql_number(tx->sql, "SELECT count(*) FROM trunk", &count);

    if (!err && count >= TRUNKS_MAX)
        err = E2BIG;
    if (!err)
        err = sql_prepare(tx->sql, &st,
                          "INSERT INTO trunk (name, host, port, transport, username, password, registers, "
                          "enabled, priority, "
                          "ping_seconds, codecs, ptime, tls_ca, tls_name, tls_cert) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (err)
        return err;
    sql_bind(st, "ttitttiiiitittt", t->name, t->host, (int64_t)t->port, trunk_transport_name(t->transport),
             t->username, row->sealed, (int64_t)t->registers, (int64_t)t->enabled, (int64_t)t->priority,
             (int64_t)t->ping_seconds, t->codecs, ptime_of(t), t->tls_ca, t->tls_name, t->tls_cert);
    err = sql_run(tx->sql, st);
    return err ? err : trunk_changed(tx, t->name, "added");
}

int trunk_add(struct store *s, const struct trunk *t, char *why, size_t whysz)
{
    struct trunk_row row = {.trunk = t};
    const char *wrong = trunk_wrong(t);
    char context[TRUNK_NAME_MAX + 8];
    int err = 0;

    if (wrong) {
        snprintf(why, whysz, "%s", wrong);
        return EINVAL;
    }
    if (t->password[0])
        err = secret_seal(s->secret, row.sealed, sizeof(row.sealed),
                          trunk_context(context, sizeof(context), t->name), t->password);
    if (!err)
        err = store_call(s, add_job, &row);
    if (err == EEXIST)
        snprintf(why, whysz, "trunk %s exists already", t->name);
    else if (err == E2BIG)
        snprintf(why, whysz, "there are %d trunks already, no more fit", TRUNKS_MAX);
    else if (err)
        snprintf(why, whysz, "trunk %s: %s", t->name, store_strerror(err));
    return err;
}

static int set_job(struct store_tx *tx, void *arg)
{
    const struct trunk_row *row = arg;
    const struct trunk *t = row->trunk;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st,
                          "UPDATE trunk SET host = ?, port = ?, transport = ?, username = ?, registers = ?, "
                          "enabled = ?, priority = ?, ping_seconds = ?, codecs = ?, ptime = ?, tls_ca = ?, "
                          "tls_name = ?, tls_cert = ?, "
                          "password = CASE WHEN ? THEN ? ELSE password END WHERE name = ?");

    if (err)
        return err;
    sql_bind(st, "tittiiiititttitt", t->host, (int64_t)t->port, trunk_transport_name(t->transport),
             t->username, (int64_t)t->registers, (int64_t)t->enabled, (int64_t)t->priority,
             (int64_t)t->ping_seconds, t->codecs, ptime_of(t), t->tls_ca, t->tls_name, t->tls_cert,
             (int64_t)row->new_password, row->sealed, t->name);
    err = sql_run(tx->sql, st);
    if (!err && !sql_changes(tx->sql))
        err = ENOENT;
    return err ? err : trunk_changed(tx, t->name, "changed");
}

int trunk_set(struct store *s, const struct trunk *t, bool new_password, char *why, size_t whysz)
{
    struct trunk_row row = {.trunk = t, .new_password = new_password};
    const char *wrong = trunk_wrong(t);
    char context[TRUNK_NAME_MAX + 8];
    int err = 0;

    if (wrong) {
        snprintf(why, whysz, "%s", wrong);
        return EINVAL;
    }
    if (new_password && t->password[0])
        err = secret_seal(s->secret, row.sealed, sizeof(row.sealed),
                          trunk_context(context, sizeof(context), t->name), t->password);
    if (!err)
        err = store_call(s, set_job, &row);
    if (err)
        snprintf(why, whysz, err == ENOENT ? "there is no trunk %s" : "trunk %s: %s", t->name,
                 store_strerror(err));
    return err;
}

static int remove_job(struct store_tx *tx, void *arg)
{
    const char *name = arg;
    sqlite3_stmt *st;
    int err = sql_prepare(tx->sql, &st, "DELETE FROM trunk WHERE name = ?");

    if (err)
        return err;
    sql_bind(st, "t", name);
    err = sql_run(tx->sql, st);
    if (!err && !sql_changes(tx->sql))
        err = ENOENT;
    return err ? err : trunk_changed(tx, name, "removed");
}

int trunk_remove(struct store *s, const char *name)
{
    char copy[TRUNK_NAME_MAX];

    if (!check_word(name, "._-", sizeof(copy)))
        return ENOENT;
    snprintf(copy, sizeof(copy), "%s", name);
    return store_call(s, remove_job, copy);
}

struct order {
    const char *const *names;
    size_t n;
};

static int order_job(struct store_tx *tx, void *arg)
{
    const struct order *o = arg;
    sqlite3_stmt *st;
    int64_t count;
    int err = sql_number(tx->sql, "SELECT count(*) FROM trunk", &count);

    if (!err && count != (int64_t)o->n)
        err = EINVAL;
    for (size_t i = 0; i < o->n && !err; i++) {
        err = sql_prepare(tx->sql, &st, "UPDATE trunk SET priority = ? WHERE name = ?");
        if (err)
            break;
        sql_bind(st, "it", (int64_t)(i + 1) * TRUNK_PRIORITY_STEP, o->names[i]);
        err = sql_run(tx->sql, st);
        if (!err)
            err = sql_changes(tx->sql) ? trunk_changed(tx, o->names[i], "moved") : EINVAL;
    }
    return err;
}

int trunk_order(struct store *s, const char *const *names, size_t n, char *why, size_t whysz)
{
    struct order o = {names, n};
    int err = n > TRUNKS_MAX ? EINVAL : 0;

    for (size_t i = 0; i < n && !err; i++)
        for (size_t k = i + 1; k < n && !err; k++)
            if (!strcmp(names[i], names[k]))
                err = EINVAL;
    if (!err)
        err = store_call(s, order_job, &o);
    if (err == EINVAL)
        snprintf(why, whysz, "an order names each trunk there is, and each once");
    else if (err)
        snprintf(why, whysz, "the order of the trunks: %s", store_strerror(err));
    return err;
}
