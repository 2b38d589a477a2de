/* cmd/grid: a table of text for people: columns as wide as their widest cell (in characters, not bytes). */
#ifndef CMD_GRID_H
#define CMD_GRID_H

#include "core/buf.h"

enum { GRID_COLUMNS_MAX = 12 };

struct grid {
    struct buf cells; /* each with its 0 */
    size_t columns, count;
    size_t width[GRID_COLUMNS_MAX];
};

void grid_init(struct grid *g, size_t columns);
void grid_add(struct grid *g, const char *cell);
/* Writes it and frees the cells. EMSGSIZE, ENOMEM. */
int grid_print(struct grid *g, struct buf *out);

#endif
