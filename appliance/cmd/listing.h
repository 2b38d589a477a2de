/*
 * cmd/listing: a list as a verb prints it: a JSON array of objects for programs, a table for people, or a sentence when there is nothing.
 *
 *   listing_begin(&l, c, heads, 5);
 *   err = …_each(…, h, &l);              h: if (listing_json(&l)) prints the object, else grid_add() for each column
 *   return listing_end(&l, err, "There is none yet");
 */
#ifndef CMD_LISTING_H
#define CMD_LISTING_H

#include "cmd/cmd.h"
#include "cmd/grid.h"

struct happening;

struct listing {
    struct cmd *cmd;
    struct grid grid;
    size_t count;
};

void listing_begin(struct listing *l, struct cmd *c, const char *const heads[], size_t columns);
/* Begins an item: true when it is wanted as JSON on cmd->out. */
bool listing_json(struct listing *l);
/* Begins one of a DN's or a trunk's history: true when it was printed as JSON. */
bool listing_happening(struct listing *l, const struct happening *h);
/* Prints what was gathered; err (with sv.why): that instead. Returns the exit status. */
int listing_end(struct listing *l, int err, const char *none);

#endif
