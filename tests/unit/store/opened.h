/* A store in a directory of its own, and a reader of it: what a test of store/ begins and ends with. */
#ifndef TESTS_UNIT_STORE_OPENED_H
#define TESTS_UNIT_STORE_OPENED_H

#include "store/store.h"
#include "tempdir.h"
#include "testing.h"

static char why[256];
static struct tempdir dir;
static struct store *store;
static struct store_reader *reader;

static bool start(void)
{
    CHECK_OR(tempdir_make(&dir), return false);
    CHECK_OR(!store_open(&store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!store_reader_alloc(&reader, store), return false);
    return true;
}

static void finish(void)
{
    store_reader_free(reader);
    store_questions_end(store);
    store_close(store);
    tempdir_remove(&dir);
}

#endif
