/* app_lab: what --lab brings: the built-in SIP Server as a trunk, its DNs, and a line for whoever started it. Main thread. */
#ifndef APP_LAB_H
#define APP_LAB_H

#include <stddef.h>
#include <stdint.h>

struct addr;
struct lab;
struct sip_stack;
struct store;
struct trunk_config;

/* Once the SIP sockets are bound; *trunk is the trunk that leads to it. Errors with one clear line in why, or none. */
int app_lab_start(struct lab **lp, struct trunk_config *trunk, const struct sip_stack *stack, struct store *s,
                  char *why, size_t whysz);
/* Says which page to open, and a login that works. bind: the first address that is listened on. */
void app_lab_greet(const struct addr *bind, uint16_t https_port);

#endif
