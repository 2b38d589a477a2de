#include "cmd/grid.h"

#include <string.h>

enum { GRID_BYTES_MAX = 32 * 1024 * 1024, GRID_GAP = 2 };

static size_t characters(const char *s)
{
    size_t n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

void grid_init(struct grid *g, size_t columns)
{
    memset(g, 0, sizeof(*g));
    buf_init(&g->cells, GRID_BYTES_MAX);
    g->columns = columns;
}

void grid_add(struct grid *g, const char *cell)
{
    size_t column = g->count++ % g->columns, n = characters(cell);

    if (g->width[column] < n)
        g->width[column] = n;
    buf_write(&g->cells, cell, strlen(cell) + 1);
}

int grid_print(struct grid *g, struct buf *out)
{
    const char *cell = g->cells.data;
    int err = g->cells.err;
    size_t gap = 0;

    for (size_t i = 0; i < g->count && !err; i++, cell += strlen(cell) + 1) {
        size_t column = i % g->columns;

        /* What stands in front of the cell is written with it, so that no line ends in spaces. */
        gap = column ? gap : 0;
        if (*cell) {
            err = buf_printf(out, "%*s%s", (int)gap, "", cell);
            gap = 0;
        }
        gap += g->width[column] - characters(cell) + GRID_GAP;
        if (column + 1 == g->columns)
            buf_puts(out, "\n");
    }
    buf_reset(&g->cells);
    return err ? err : out->err;
}
