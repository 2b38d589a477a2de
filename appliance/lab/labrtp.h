/*
 * lab/labrtp: the far end's audio: one RTP socket that echoes, plays a melody, or both in turn. G.711, 20 ms.
 * Owner: the lab thread (libre's loop).
 */
#ifndef LAB_LABRTP_H
#define LAB_LABRTP_H

#include <stdbool.h>
#include <stdint.h>

struct sa;
struct labrtp; /* a libre object: free with mem_deref */

enum labrtp_mode {
    LABRTP_SILENT,
    LABRTP_ECHO,
    LABRTP_MELODY,      /* over and over */
    LABRTP_MELODY_ECHO, /* once, then echo */
    LABRTP_BEEP,
};

int labrtp_alloc(struct labrtp **lp, const struct sa *laddr);
uint16_t labrtp_port(const struct labrtp *l);
/* Starts or changes what it does. pt: 0 PCMU, 8 PCMA. */
void labrtp_start(struct labrtp *l, const struct sa *remote, uint8_t pt, enum labrtp_mode mode);
/* Sends nothing (held). */
void labrtp_pause(struct labrtp *l, bool paused);

#endif
