/* bench/loop: one epoll for everything the generator does, and a tick each millisecond for its clocks. */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct io { /* part of its owner; must not move while watched */
    int fd;
    void (*readable)(void *arg);
    void *arg;
};

int loop_open(void);
void loop_close(void);
int loop_watch(struct io *io);
void loop_unwatch(struct io *io); /* closes fd too; harmless when it is -1 */
/* Called each millisecond with its number. */
void loop_on_tick(void (*tick)(uint64_t n, void *arg), void *arg);
/* How late ticks came, of those since the last reset: what the generator itself adds to jitter. */
unsigned loop_lateness_ms(double quantile);
void loop_lateness_reset(void);
/* Runs until done() says so or ms have passed (false). done may be NULL. */
bool loop_run(bool (*done)(void *arg), void *arg, unsigned ms);
/* Handles what is there or comes within a tick, once. */
void loop_poll(void);
uint64_t loop_wall_us(void); /* the clock of the kernel's packet timestamps */
/* A UDP socket on 127.0.0.1 with kernel timestamps, non-blocking; *port is what it got. errno as negative. */
int loop_udp(uint16_t *port);
/* One datagram and when the kernel got it; -1 when there is none. from may be NULL. */
struct sockaddr_in;
int loop_recv(int fd, void *buf, unsigned sz, struct sockaddr_in *from, uint64_t *at_us);

#endif
