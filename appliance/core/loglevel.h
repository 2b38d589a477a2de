/* core/loglevel: levels as people write them: "info" for all modules, "info sip=debug media=warn" with exceptions. Any thread. */
#ifndef CORE_LOGLEVEL_H
#define CORE_LOGLEVEL_H

/* EINVAL when it is not of that form: one level, then MODULE=LEVEL items, commas or spaces between them. */
int loglevel_check(const char *text);
/* Sets the levels; on EINVAL none. */
int loglevel_apply(const char *text);

#endif
