/*
 * core/budget: a bound on memory that many hold together, whoever they are: what strangers can make us keep (bytes that came and are
 * not yet understood, answers they do not take) stays below BUDGET_STRANGERS in all. Any thread; no lock.
 *
 * A quarter is only for those who hold little, so that a few who hold much cannot shut out everybody else.
 */
#ifndef CORE_BUDGET_H
#define CORE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

enum {
    BUDGET_STRANGERS = 32 << 20,
    BUDGET_LITTLE = 16 * 1024, /* who asks for no more than this in all has the last quarter to himself */
};

/* Takes n bytes for someone who holds `held` already. False: there are none left (counted in dngate_memory_refused_total). */
bool budget_take(size_t held, size_t n);
void budget_give(size_t n);

#endif
