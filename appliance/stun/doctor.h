/* stun/doctor: how `dngate check` shows the browsers' port who it is, so that the port answers nobody else: a Binding request with short-term
 * credentials (RFC 8489 9.1), the key derived from DIR/secret.key (store_key). */
#ifndef STUN_DOCTOR_H
#define STUN_DOCTOR_H

#define STUN_DOCTOR_LABEL "media/doctor"
/* Begins like an ICE user name, by the id of a path that is none. */
#define STUN_DOCTOR_USER "00000000:check"
enum { STUN_DOCTOR_KEY_LEN = 32 };

#endif
