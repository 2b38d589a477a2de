/* store/reader: what a reader is inside store/: a connection of its own that cannot write. One thread. */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "store/sql.h"

struct store_reader {
    struct sql sql;
    struct store *store;
};

#endif
