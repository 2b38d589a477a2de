/*
 * core/privilege: the one privilege dngate ever uses, to listen on ports below 1024 without being root. The image's
 * binary carries CAP_NET_BIND_SERVICE as permitted but not effective: a file with it effective could not even be started
 * where the capability is denied, and there high ports do. Main thread, before others start: they inherit it.
 */
#ifndef CORE_PRIVILEGE_H
#define CORE_PRIVILEGE_H

/* Makes CAP_NET_BIND_SERVICE effective when it is permitted (capabilities(7)). Returns 0, or EPERM when it is not. */
int privilege_take_low_ports(void);

#endif
