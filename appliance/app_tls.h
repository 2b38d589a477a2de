/* app_tls: which certificate the front end shows: the configured PEM files, or one made at first start in DIR/tls. Main thread. */
#ifndef APP_TLS_H
#define APP_TLS_H

#include <stddef.h>

struct conf;

/* Fills the file names; makes the files when none are configured and none are there. Refuses what cannot be used, with one clear line. */
int app_tls_files(const struct conf *conf, const char *dir, char *cert, char *key, size_t sz, char *why,
                  size_t whysz);

#endif
