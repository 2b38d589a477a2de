/* cmd/wire: what both ends of DIR/control.sock share: its address, and lines with a limit and a deadline. Private to cmd/. */
#ifndef CMD_WIRE_H
#define CMD_WIRE_H

#include "core/buf.h"

#include <stdbool.h>
#include <sys/un.h>

enum { WIRE_LINE_MAX = 16 * 1024 * 1024 };

/* DIR/control.sock. A path that is too long for a socket address goes through *dirfd, which must stay open until the address was
 * used (-1: not needed). */
int wire_address(struct sockaddr_un *sun, int *dirfd, const char *dir);
/* Reads up to a newline (dropped) into line, or writes n bytes. deadline_ms is on clock_ms. ETIMEDOUT, EMSGSIZE, EPIPE (closed). */
int wire_read_line(int fd, struct buf *line, uint64_t deadline_ms);
int wire_write(int fd, const char *p, size_t n, uint64_t deadline_ms);
/* Valid UTF-8 without NUL: what a JSON line can carry unchanged. */
bool wire_text_ok(const char *p, size_t n);
/* buf_reset for buffers that may hold passwords. */
void wire_wipe(struct buf *b);

#endif
