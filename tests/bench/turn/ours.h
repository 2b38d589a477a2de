/*
 * bench/turn/ours: our TURN server in a process of its own: appliance/turn, a listener that shakes hands for TLS as WEB does, and a media
 * worker's end of the wire that sends everything back.
 */
#ifndef BENCH_TURN_OURS_H
#define BENCH_TURN_OURS_H

/* Serves with dir/cert.pem and dir/key.pem until stdin ends; tells the ports on stdout. Returns the exit status. */
int ours_serve(const char *dir);

#endif
