/*
 * cmd/astimport: what of an Asterisk pjsip.conf becomes DNs (WebRTC endpoints with a userpass auth), what would be trunks, and what
 * is not used, each with file and line. The command line's process.
 */
#ifndef CMD_ASTIMPORT_H
#define CMD_ASTIMPORT_H

#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct ast;

struct astimport {
    struct buf csv;                 /* header and rows for dn_import_csv; holds passwords: wire_wipe */
    struct buf dns, trunks, unused; /* for the report: lines of text, or members of JSON arrays */
    size_t dn_count, trunk_count, unused_count;
    bool json;
};

/* EMSGSIZE: too much to report. */
int astimport_run(struct astimport *im, struct ast *a, bool json);
void astimport_reset(struct astimport *im);

#endif
