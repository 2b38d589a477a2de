/*
 * service/pcap: a trace (call/trace.h) as a capture file (pcapng) that Wireshark and sngrep read: SIP messages of both legs as UDP over IP with
 * their true addresses and times, also those that came by WebSocket or TCP, which a comment says; what happened between two messages is a
 * comment of the next. What was masked stays so; Content-Length is that of what is left.
 */
#ifndef SERVICE_PCAP_H
#define SERVICE_PCAP_H

struct buf;
struct json_val;

/* EBADMSG: it is no trace; the errors of buf. */
int pcap_write(struct buf *out, const struct json_val *trace);

#endif
