/* dngate dn import --from-asterisk: reads the files here, where they are; the DNs go the way of a CSV import. */
#include "cmd/asterisk.h"
#include "cmd/astimport.h"
#include "cmd/pass.h"
#include "cmd/verb.h"

#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 512 };

static const char *text_of(const struct buf *b)
{
    return b->data ? b->data : "";
}

static void report_text(struct cmd *c, const struct astimport *im, const char *result)
{
    if (im->dn_count)
        buf_printf(c->out, "DNs:\n%s", text_of(&im->dns));
    if (im->trunk_count)
        buf_printf(c->out, "Trunks, to be added by hand:\n%s", text_of(&im->trunks));
    if (im->unused_count)
        buf_printf(c->out, "Not used:\n%s", text_of(&im->unused));
    buf_puts(c->out, result ? result : "Nothing was changed\n");
}

static void report_json(struct cmd *c, const struct astimport *im, const char *result)
{
    buf_printf(c->out, "{\"dns\":[%s],\n\"trunks\":[%s],\n\"unused\":[%s],\n\"result\":%s}\n",
               text_of(&im->dns), text_of(&im->trunks), text_of(&im->unused), result ? result : "null");
}

static int import(struct cmd *c, struct astimport *im, bool dry)
{
    char *argv[] = {"dn", "import", "-"}, *result = NULL;
    int status = CMD_OK;

    if (!dry && im->dn_count)
        status = cmd_pass(c, 3, argv, im->csv.data, im->csv.len, c->json, &result);
    if (!status)
        (c->json ? report_json : report_text)(c, im, result);
    free(result);
    return status;
}

int cmd_dn_import_asterisk(struct cmd *c, const struct args *a)
{
    const char *file = args_get(a, "from-asterisk");
    struct astimport im;
    char why[WHY_MAX];
    struct ast *ast;
    int status;

    if (a->words)
        return cmd_misused(c, "one word too many: %s", a->word[0]);
    if (ast_read(&ast, file, why, sizeof(why)))
        return cmd_refuse(c, "%s", why);
    if (astimport_run(&im, ast, c->json))
        status = cmd_refuse(c, "%s: too much to import at once", file);
    else
        status = import(c, &im, args_flag(a, "dry-run"));
    astimport_reset(&im);
    ast_free(ast);
    return status;
}
