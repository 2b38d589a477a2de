/*
 * cmd/verb: how the files of cmd/ declare their verbs. The table of a verb is all there is to know of it: from it come what is accepted,
 * the usage line, --help and the list of all commands. Private to cmd/.
 */
#ifndef CMD_VERB_H
#define CMD_VERB_H

#include "cmd/args.h"
#include "cmd/cmd.h"
#include "store/dn.h"

#include <stdint.h>

enum verb_input {
    VERB_NO_INPUT,
    VERB_PASSWORD, /* a password, unless --password has it */
    VERB_ASKED,    /* a password when --password, or --trunk-password, is "-" */
    VERB_FILE,     /* the file that the first word names */
    VERB_DASH,     /* what comes on standard input when the second word is "-" */
};

struct verb_option {
    const char *name;  /* "json" for --json; one letter as in -o */
    const char *value; /* what stands for its value in the usage: "FILE", "udp|tcp"; NULL: a flag */
    const char *help;  /* one line, or several with \n between them */
    bool needed;
};

struct verb {
    const char *name;  /* "" = the noun itself */
    const char *words; /* "DN", "[KEY [VALUE]]", "" */
    size_t words_min, words_max;
    const char *help; /* a sentence; more in further lines */
    const struct verb_option *options;
    size_t option_count; /* at most ARGS_OPTIONS_MAX */
    const char *example; /* one or more lines, as typed */
    enum verb_input input;
    int (*run)(struct cmd *c, const struct args *a);
    bool here;   /* runs in the command line's own process though its noun does not: it waits, or watches */
    bool hidden; /* not for people */
};
#define VERB_OPTIONS(table_) .options = (table_), .option_count = sizeof(table_) / sizeof((table_)[0])

struct noun {
    const char *name, *help;
    const struct verb *verbs;
    size_t count;
    bool here;   /* its verbs run in the command line's own process, with c->dir and without store and conf */
    bool live;   /* only while a server runs, in its process */
    bool hidden; /* not for people */
};
#define NOUN_VERBS(table_) .verbs = (table_), .count = sizeof(table_) / sizeof((table_)[0])

extern const struct noun noun_serve, noun_dn, noun_trunk, noun_certificate, noun_network, noun_user,
    noun_settings, noun_check, noun_backup, noun_restore, noun_restore_staged, noun_restart, noun_status,
    noun_calls, noun_registrations, noun_ban, noun_alerts, noun_cdr, noun_trace, noun_audit, noun_selftest,
    noun_apikey, noun_setup_link, noun_healthcheck, noun_version;

/* All nouns in the order in which they are listed; NULL behind the last. */
const struct noun *noun_at(size_t i);
const struct noun *noun_find(const char *name);

/* "usage: dngate dn add DN [--password PW] …" */
void help_usage(struct buf *out, const struct noun *n, const struct verb *v);
void help_verb(struct buf *out, const struct noun *n, const struct verb *v);
void help_noun(struct buf *out, const struct noun *n);

/* --codec, --auto-answer, --call-limit; what is not given stays. CMD_OK or CMD_USAGE. */
int cmd_dn_options(struct cmd *c, const struct args *a, enum dn_codec *codec, bool *auto_answer,
                   uint32_t *call_limit);
int cmd_dn_range(struct cmd *c, const struct args *a);
int cmd_dn_bulk(struct cmd *c, const struct args *a);
int cmd_dn_compare(struct cmd *c, const struct args *a);
int cmd_trunk_test(struct cmd *c, const struct args *a);
int cmd_trunk_test_begin(struct cmd *c, const struct args *a);
int cmd_trunk_test_look(struct cmd *c, const struct args *a);

/* dn import --from-asterisk, always in the command line's own process. */
int cmd_dn_import_asterisk(struct cmd *c, const struct args *a);

/* The password from --password, or from the input when that is NULL or "-". NULL: there is none (a line on err). */
const char *cmd_password(struct cmd *c, const char *option);
/* A line on err: `what` and status 1. */
__attribute__((format(printf, 2, 3))) int cmd_refuse(struct cmd *c, const char *fmt, ...);
/* A line on err and status 2: the usage follows. */
__attribute__((format(printf, 2, 3))) int cmd_misused(struct cmd *c, const char *fmt, ...);
/* What a change that leaves nothing to show has done: "DN 5001 removed" for people, {"done":"…"} for programs. */
__attribute__((format(printf, 2, 3))) int cmd_done(struct cmd *c, const char *fmt, ...);
/* Unix ms as ISO 8601, "" for 0; for grids (buf at least 32 bytes). */
const char *cmd_time(char *buf, size_t sz, int64_t ms);
/* "yes" or "no"; "true" or "false" */
const char *cmd_yes(bool b);
const char *cmd_json_bool(bool b);
/* `"key":"value"` with the comma that follows when more is set. */
void cmd_json_member(struct buf *out, const char *key, const char *value, bool more);

#endif
