/*
 * app_turn: the TURN server with what the rest of the program knows: settings, the addresses that this machine is known by, the workers'
 * ports, and the key of the credentials that agents get. Main thread, but for app_turn_stream.
 *
 * The machine's addresses, and what public.address means, change while it runs: they are looked at with each app_turn_tidy.
 */
#ifndef APP_TURN_H
#define APP_TURN_H

#include "core/addr.h"
#include <stddef.h>
#include <stdint.h>

struct app_turn;
struct conf;
struct iceservers;
struct media;
struct sip_stack;
struct store;
struct turn;
struct web_stream;

struct app_turn_config {
    struct conf *conf;
    const struct store *store;
    struct media *media;
    const struct sip_stack *stack;
    struct wire *wire; /* to the workers */
    const struct addr *bind;
    size_t bind_count;
};

/* *tp stays NULL when turn.enabled says so, or when a port that nobody asked for in particular is taken: that is told in /readyz, and is
 * no reason not to start. */
int app_turn_start(struct app_turn **tp, const struct app_turn_config *cfg, char *why, size_t whysz);
/* After web_stop, before web_free. */
void app_turn_stop(struct app_turn *t);
void app_turn_tidy(struct app_turn *t);
/* A connection by TLS; a web_stream_h, arg is the app_turn. */
int app_turn_stream(const struct web_stream *s, void *arg);
/* For who tells it whose credentials are over; t may be NULL. */
struct turn *app_turn_server(const struct app_turn *t);
uint16_t app_turn_port(const struct app_turn *t); /* 0: t is NULL */
/* What agents are told, into what is all 0; t may be NULL. */
void app_turn_access(const struct app_turn *t, struct iceservers *out);

#endif
