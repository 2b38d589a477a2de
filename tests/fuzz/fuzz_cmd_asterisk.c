/* Files of unknown origin: read to the end or refused, and every DN that comes out imports as CSV. */
#include "cmd/asterisk.h"
#include "cmd/astimport.h"
#include "store/csv.h"
#include "store/dn.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv rows;
    struct astimport im;
    struct ast *a;
    char why[256];
    size_t count = 0;

    if (ast_parse(&a, "fuzz", (const char *)data, size, why, sizeof(why)))
        return 0;
    if (!astimport_run(&im, a, size & 1)) {
        csv_init(&rows, im.csv.data, im.csv.len);
        if (csv_next(&rows, why, sizeof(why)))
            abort();
        while (!csv_next(&rows, why, sizeof(why))) {
            if (rows.count != 4 || !dn_valid(rows.fields[0]) || strlen(rows.fields[2]) < 6)
                abort();
            count++;
        }
        if (count != im.dn_count)
            abort();
    }
    astimport_reset(&im);
    ast_free(a);
    return 0;
}
