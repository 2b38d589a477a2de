/*
 * bench/soaknoise: what else knocks at a gateway's door: a thin stream of page and probe requests, and somebody who tries passwords. A
 * process of its own, because some of it waits; from other addresses than the agents', because the last one gets banned.
 */
#ifndef BENCH_SOAKNOISE_H
#define BENCH_SOAKNOISE_H

#include <stdint.h>
#include <sys/types.h>

struct noise { /* shared with the parent, which only reads */
    pid_t pid;
    unsigned pages, pages_failed;
    unsigned guesses, guesses_let_in, guesses_shut_out; /* shut out: not even connected: banned */
};

int noise_start(struct noise **np, uint16_t port);
void noise_stop(struct noise *n);

#endif
