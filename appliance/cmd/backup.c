#include "store/backup.h"
#include "cmd/control.h"
#include "cmd/verb.h"
#include "core/file.h"
#include "core/json.h"
#include "crypto/vault.h"
#include "store/restore.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHY_MAX = 512, PASSPHRASE_FILE_MAX = 4096 };

static void figures_text(struct buf *out, const struct backup_info *i)
{
    buf_printf(out, "%lld DNs, %lld trunks, %lld users, %lld call records", (long long)i->dns,
               (long long)i->trunks, (long long)i->users, (long long)i->cdrs);
}

static void figures_json(struct buf *out, const struct backup_info *i)
{
    buf_printf(out, "\"version\":%lld,\"dns\":%lld,\"trunks\":%lld,\"users\":%lld,\"call_records\":%lld",
               (long long)i->version, (long long)i->dns, (long long)i->trunks, (long long)i->users,
               (long long)i->cdrs);
}

/* ---------------------------------------------------------------- passphrase */

/* The first line of the file that the option names; "" without it. CMD_REFUSED with a line on err. */
static int passphrase_take(struct cmd *c, const struct args *a, char out[VAULT_PASSPHRASE_MAX + 2])
{
    const char *file = args_get(a, "passphrase-file");
    char *text;
    size_t n;
    int err;

    out[0] = '\0';
    if (!file)
        return CMD_OK;
    err = file_read(file, PASSPHRASE_FILE_MAX, &text, &n);
    if (err)
        return cmd_refuse(c, "%s: %s", file, strerror(err));
    text[strcspn(text, "\r\n")] = '\0';
    snprintf(out, VAULT_PASSPHRASE_MAX + 2, "%s", text);
    explicit_bzero(text, n);
    free(text);
    return *out ? CMD_OK : cmd_refuse(c, "%s: its first line is empty", file);
}

static const struct verb_option passphrase_options[] = {
    {"passphrase-file", "FILE",
     "the first line of this file is the passphrase that the backup is encrypted with", false},
};

/* ---------------------------------------------------------------- backup */

static int cmd_backup(struct cmd *c, const struct args *a)
{
    struct backup_info info;
    char why[WHY_MAX];
    const char *file = a->word[0];
    char passphrase[VAULT_PASSPHRASE_MAX + 2];
    int err, status = passphrase_take(c, a, passphrase);

    if (status)
        return status;
    err = backup_write_sealed(c->dir, file, *passphrase ? passphrase : NULL, &info, why, sizeof(why));
    explicit_bzero(passphrase, sizeof(passphrase));
    if (err)
        return cmd_refuse(c, "%s", why);
    if (c->json) {
        buf_puts(c->out, "{");
        cmd_json_member(c->out, "file", file, true);
        figures_json(c->out, &info);
        buf_printf(c->out, ",\"encrypted\":%s,\"call_records_wait\":%s}\n",
                   cmd_json_bool(args_get(a, "passphrase-file")), cmd_json_bool(info.cdrs_wait));
        return CMD_OK;
    }
    buf_printf(c->out, "%s: ", file);
    figures_text(c->out, &info);
    buf_puts(c->out, args_get(a, "passphrase-file")
                         ? "; it is encrypted: without its passphrase nobody can read it\n"
                         : "; it holds secrets, keep it as safe as the gateway itself\n");
    if (info.cdrs_wait)
        buf_puts(c->out,
                 "Some call records still wait in cdr.spill and are not in it; the next backup will have "
                 "them\n");
    return CMD_OK;
}

/* ---------------------------------------------------------------- restore: with the store */

/* What the running server does, or this process when there is none. Prints JSON for cmd_restore. */
static int cmd_restore_staged(struct cmd *c, const struct args *a)
{
    struct restore_result res;
    char why[WHY_MAX];

    (void)a;
    if (restore_apply(c->sv.store, &res, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    buf_printf(c->out, "{\"kept\":%lld,", (long long)res.cdrs_kept);
    cmd_json_member(c->out, "notes", res.notes, false);
    buf_puts(c->out, "}\n");
    return CMD_OK;
}

/* ---------------------------------------------------------------- restore: the command line's side */

struct restored {
    struct restore_result staged, done;
    bool live; /* into a running server */
};

static int answer_take(struct cmd *c, struct restored *r, int status, const char *out, const char *err)
{
    struct json *j;

    if (status) {
        buf_puts(c->err, err);
        return status;
    }
    if (json_parse(&j, out, strlen(out), NULL, 0))
        return cmd_refuse(c, "the server's answer cannot be read");
    json_get_int(json_root(j), "kept", &r->done.cdrs_kept);
    snprintf(r->done.notes, sizeof(r->done.notes), "%s",
             json_get_str(json_root(j), "notes") ? json_get_str(json_root(j), "notes") : "");
    json_free(j);
    return CMD_OK;
}

static int without_server(struct cmd *c, struct restored *r)
{
    char why[WHY_MAX] = "", who[32];
    struct store *s = NULL;
    int lock = -1, err = control_lock(&lock, c->dir);

    if (err) {
        restore_unstage(c->dir);
        return cmd_refuse(c, "%s: %s", c->dir,
                          err == EADDRINUSE ? "a server is just starting or stopping; try again"
                                            : strerror(err));
    }
    snprintf(who, sizeof(who), "cli:uid=%u", (unsigned)getuid());
    store_actor(who);
    store_actor_reason(c->reason);
    err = store_open(&s, c->dir, why, sizeof(why));
    if (!err)
        err = restore_apply(s, &r->done, why, sizeof(why));
    else if (err == EUCLEAN || err == ENOTSUP) /* damaged, or of a newer program that somebody leaves again */
        err = restore_replace(c->dir, &r->done, why, sizeof(why));
    store_close(s);
    if (err)
        restore_unstage(c->dir);
    close(lock);
    return err ? cmd_refuse(c, "%s", why) : CMD_OK;
}

static int take_over(struct cmd *c, struct restored *r)
{
    char *argv[] = {"restore-staged"}, *out, *err;
    int status, rc = control_call(c->dir, 1, argv, NULL, 0, true, &status, &out, &err);

    if (rc == ECONNREFUSED || rc == ENOENT)
        return without_server(c, r);
    if (rc)
        return cmd_refuse(c, "the running server does not answer (%s); its log will say how it went",
                          strerror(rc));
    r->live = true;
    status = answer_take(c, r, status, out, err);
    free(out);
    free(err);
    return status;
}

static void tell_json(struct cmd *c, const struct restored *r)
{
    char made[32], notes[2 * RESTORE_NOTES_MAX];

    snprintf(notes, sizeof(notes), "%s%s", r->staged.notes, r->done.notes);
    buf_puts(c->out, "{");
    cmd_json_member(c->out, "made", cmd_time(made, sizeof(made), r->staged.backup.made_ms), true);
    figures_json(c->out, &r->staged.backup);
    buf_printf(c->out, ",\"call_records_kept\":%lld,\"live\":%s,", (long long)r->done.cdrs_kept,
               cmd_json_bool(r->live));
    cmd_json_member(c->out, "notes", notes, false);
    buf_puts(c->out, "}\n");
}

static void tell_text(struct cmd *c, const struct restored *r)
{
    char made[32];

    buf_puts(c->out, "restored: ");
    figures_text(c->out, &r->staged.backup);
    if (r->staged.backup.made_ms)
        buf_printf(c->out, " of %s", cmd_time(made, sizeof(made), r->staged.backup.made_ms));
    buf_printf(c->out, "; %lld newer call records kept\n%s%s", (long long)r->done.cdrs_kept, r->staged.notes,
               r->done.notes);
    if (r->live)
        buf_puts(c->out, "Settings that need a restart take effect when the server is started again\n");
    buf_printf(c->out, "What was there before: %s/dngate.db.before-restore\n", c->dir);
}

static int cmd_restore(struct cmd *c, const struct args *a)
{
    struct restored r = {.live = false};
    char why[WHY_MAX], passphrase[VAULT_PASSPHRASE_MAX + 2];
    int err, status = passphrase_take(c, a, passphrase);

    if (status)
        return status;
    err = restore_stage(c->dir, a->word[0], *passphrase ? passphrase : NULL, &r.staged, why, sizeof(why));
    explicit_bzero(passphrase, sizeof(passphrase));
    if (err)
        return cmd_refuse(c, "%s%s; nothing was changed", why,
                          err == ENOKEY && !args_get(a, "passphrase-file") ? " (--passphrase-file)" : "");
    status = take_over(c, &r);
    if (status)
        return status;
    if (c->json)
        tell_json(c, &r);
    else
        tell_text(c, &r);
    return CMD_OK;
}

/* ---------------------------------------------------------------- */

static const struct verb backup_verbs[] = {
    {.name = "",
     .words = "FILE",
     .words_min = 1,
     .words_max = 1,
     .help = "Writes all that this gateway is into one file (mode 0600), also while the server runs and "
             "calls are up: the\n"
             "database as it is at one moment, secret.key and the files of tls/. Certificates that "
             "https.cert names\n"
             "elsewhere are not in it. The file holds secrets: keep it as safe as the gateway itself.",
     VERB_OPTIONS(passphrase_options),
     .example = "dngate backup /backup/dngate-$(date +%F).db --passphrase-file /root/passphrase",
     .run = cmd_backup},
};
const struct noun noun_backup = {.name = "backup",
                                 .help = "all that this gateway is into one file, also while it runs",
                                 NOUN_VERBS(backup_verbs),
                                 .here = true};

static const struct verb restore_verbs[] = {
    {.name = "",
     .words = "FILE",
     .words_min = 1,
     .words_max = 1,
     .help = "Brings back DNs, trunks, users, settings, certificates and call records from a backup, of this "
             "box or another;\n"
             "call records that are newer than the backup stay. Also while the server runs: calls go on. A "
             "file that is\n"
             "damaged, of a newer version or something else is refused before anything is touched. What was "
             "there before\n"
             "is kept as DIR/dngate.db.before-restore, a backup itself.",
     VERB_OPTIONS(passphrase_options),
     .example = "dngate restore /backup/dngate-2026-11-21.db",
     .run = cmd_restore},
};
const struct noun noun_restore = {.name = "restore",
                                  .help = "brings a backup back, also while it runs",
                                  NOUN_VERBS(restore_verbs),
                                  .here = true};

static const struct verb staged_verbs[] = {
    {.name = "",
     .words = "",
     .help = "The second half of dngate restore; not for people.",
     .example = "dngate restore FILE",
     .run = cmd_restore_staged},
};
const struct noun noun_restore_staged = {
    .name = "restore-staged", .help = "see dngate restore", NOUN_VERBS(staged_verbs), .hidden = true};
