/*
 * cmd/cmd: the command line's verbs (dn, trunk, user, settings, backup, …), as functions from words to text, so that the same code runs in a
 * process of its own and, through DIR/control.sock, inside the server. Owner: the main thread.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "core/buf.h"
#include "service/service.h"

#include <stdbool.h>

enum { CMD_OK = 0, CMD_REFUSED = 1, CMD_USAGE = 2 };

struct cmd {
    const char *dir;   /* the data directory; of verbs that run here (cmd_runs_here) */
    struct service sv; /* of all others */
    const char *input; /* stdin or a file's content: passwords, CSV; NULL = none */
    size_t input_len;
    bool json;
    const char *reason; /* why, for the audit; of verbs that run here. NULL: none was given */
    struct buf *out, *err;
    int (*drain)(
        struct buf *
            out); /* prints what is there and clears it, for who has more than memory should hold; NULL: it is kept to the
                                      end. errno */
};

/* argv[0] = "dn", … Returns the exit status. */
int cmd_run(struct cmd *c, int argc, char *const *argv);
/* Is there such a command? */
bool cmd_known(const char *name);
/* True when these words ask for help or make no sense: cmd_run then needs nothing but out and err. */
bool cmd_only_words(int argc, char *const *argv);
/* True for those that run in the command line's own process even while a server runs: they do what only that process can, such
 * as reading and writing the files that a person names. */
bool cmd_runs_here(int argc, char *const *argv);
/* True for those that need a server, whose thing they show or change. */
bool cmd_needs_server(int argc, char *const *argv);
/* True when it is to be run again each second (--watch). */
bool cmd_watches(int argc, char *const *argv);
/* True when this call wants its input read first (passwords without --password, import FILE). file gets the name or "-" */
bool cmd_wants_input(int argc, char *const *argv, const char **file, bool *secret);
/* All commands, for `dngate --help`. */
void cmd_help(struct buf *out);

#endif
