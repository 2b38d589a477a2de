/* CSV of foreign spreadsheets: whatever comes, every field stays inside the row, and writing it back reads the same. */
#include "core/buf.h"
#include "store/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check_round_trip(const struct csv *row)
{
    static struct csv again;
    struct buf out;
    char why[128];

    buf_init(&out, 4 * CSV_ROW_MAX);
    buf_puts(&out,
             "a,b\n"); /* as in a file: behind a header line, which alone may begin with a byte order mark */
    for (size_t i = 0; i < row->count; i++) {
        if (i)
            buf_puts(&out, ",");
        csv_put(&out, row->fields[i]);
    }
    csv_init(&again, out.data, out.len);
    if (csv_next(&again, why, sizeof(why)))
        abort();
    /* A row of one empty field is an empty line, which is no row. */
    if (row->count > 1 || row->fields[0][0]) {
        if (csv_next(&again, why, sizeof(why)) || again.count != row->count)
            abort();
        for (size_t i = 0; i < row->count; i++)
            if (strcmp(again.fields[i], row->fields[i]))
                abort();
    }
    buf_reset(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct csv c;
    char why[128];

    csv_init(&c, (const char *)data, size);
    while (!csv_next(&c, why, sizeof(why))) {
        for (size_t i = 0; i < c.count; i++)
            if (c.fields[i] < c.row || c.fields[i] + strlen(c.fields[i]) >= c.row + CSV_ROW_MAX)
                abort();
        check_round_trip(&c);
    }
    return 0;
}
