#include "cmd/listing.h"
#include "cmd/verb.h"
#include "service/livejson.h"

void listing_begin(struct listing *l, struct cmd *c, const char *const heads[], size_t columns)
{
    l->cmd = c;
    l->count = 0;
    grid_init(&l->grid, columns);
    for (size_t i = 0; i < columns; i++)
        grid_add(&l->grid, heads[i]);
}

bool listing_json(struct listing *l)
{
    l->count++;
    if (l->cmd->json)
        buf_puts(l->cmd->out, l->count == 1 ? "[" : ",\n");
    return l->cmd->json;
}

bool listing_happening(struct listing *l, const struct happening *h)
{
    if (!listing_json(l))
        return false;
    buf_puts(l->cmd->out, "{");
    livejson_happening(l->cmd->out, h);
    buf_puts(l->cmd->out, "}");
    return true;
}

int listing_end(struct listing *l, int err, const char *none)
{
    struct cmd *c = l->cmd;

    if (!err && !c->json && l->count) {
        err = grid_print(&l->grid, c->out);
        return err ? cmd_refuse(c, "too much to print") : CMD_OK;
    }
    buf_reset(&l->grid.cells);
    if (err) {
        buf_clear(c->out); /* half a list is none */
        return cmd_refuse(c, "%s", c->sv.why);
    }
    if (c->json)
        buf_puts(c->out, l->count ? "]\n" : "[]\n");
    else
        buf_printf(c->out, "%s\n", none);
    return CMD_OK;
}
