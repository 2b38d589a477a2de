/*
 * core/process: what Prometheus expects every process to tell of itself (process_*), read from /proc. metric_render()
 * asks for it; nobody else needs to. Any thread.
 */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

struct buf;

void process_collect(struct buf *out);

#endif
