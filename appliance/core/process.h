/*
 * core/process: this process: what Prometheus expects every one to tell of itself (process_*), read from /proc, for metric_render() alone;
 * its limits. Any thread.
 */
#ifndef CORE_PROCESS_H
#define CORE_PROCESS_H

struct buf;

void process_collect(struct buf *out);

/* Raises the limit of open files as far as it goes, but not to "unlimited": libwebsockets takes that for a mistake and makes do with 2,560. errno. */
int process_files_raise(void);

#endif
