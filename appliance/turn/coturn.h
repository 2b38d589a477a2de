/*
 * turn/coturn: coturn's message codec (src/client of its sources), with those of its names renamed that core/addr and libre have, too. Its
 * own files are compiled behind this header; of ours only turn/codec.c includes it.
 */
#ifndef TURN_COTURN_H
#define TURN_COTURN_H

#define addr_eq coturn_addr_eq
#define addr_set_port coturn_addr_set_port
#define stun_addr_decode coturn_stun_addr_decode
#define stun_addr_encode coturn_stun_addr_encode

#include <coturn/ns_turn_msg.h>

#endif
