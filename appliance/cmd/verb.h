/* cmd/verb: how the files of cmd/ declare their verbs; the tables give usage, help and dispatch. Private to cmd/. */
#ifndef CMD_VERB_H
#define CMD_VERB_H

#include "cmd/cmd.h"

#include <stdint.h>

enum verb_input {
    VERB_NO_INPUT,
    VERB_PASSWORD, /* a password, unless --password has it */
    VERB_ASKED,    /* a password when --password is "-" */
    VERB_FILE,     /* the file that the first word names */
};

struct verb {
    const char *name; /* "" = the noun itself */
    const char *args;
    const char *help; /* one line; further lines explain options */
    enum verb_input input;
    int (*run)(struct cmd *c, int argc, char *const *argv); /* arguments behind the verb */
};

struct noun {
    const char *name, *help;
    const struct verb *verbs;
    size_t count;
    bool here; /* its verbs run in the command line's own process, with c->dir and without store and conf */
};

extern const struct noun noun_dn, noun_trunk, noun_user, noun_settings, noun_backup, noun_restore,
    noun_restore_staged, noun_check;

/* dn import --from-asterisk, always in the command line's own process. */
int cmd_dn_import_asterisk(struct cmd *c, int argc, char *const *argv);

/* The password from --password, or from the input when that is NULL or "-". NULL: there is none (a line on err). */
const char *cmd_password(struct cmd *c, const char *option);
/* A line on err: `what` and status 1. */
__attribute__((format(printf, 2, 3))) int cmd_refuse(struct cmd *c, const char *fmt, ...);
/* "DN 5001 added" for people; nothing with --json. */
__attribute__((format(printf, 2, 3))) int cmd_done(struct cmd *c, const char *fmt, ...);
/* Unix ms as ISO 8601, "" for 0; for grids (buf at least 32 bytes). */
const char *cmd_time(char *buf, size_t sz, int64_t ms);
/* "yes" or "no"; "true" or "false" */
const char *cmd_yes(bool b);
const char *cmd_json_bool(bool b);
/* `"key":"value"` with the comma that follows when more is set. */
void cmd_json_member(struct buf *out, const char *key, const char *value, bool more);

#endif
