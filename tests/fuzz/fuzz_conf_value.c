/* Settings from outside: lines of KEY=VALUE as -o and as environment. What is accepted must be readable and stay so. */
#include "conf/conf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void read_all(const struct conf *c)
{
    char text[CONF_VALUE_MAX], why[512];

    for (size_t i = 0; i < conf_count(); i++) {
        const struct conf_def *def = conf_at(i);

        if (conf_validate(def, conf_str(c, def->key, text, sizeof(text)), why, sizeof(why)))
            abort(); /* accepted, but its plain form would not be */
        if (def->type == CONF_INT)
            (void)conf_int(c, def->key);
        else if (def->type == CONF_BOOL)
            (void)conf_bool(c, def->key);
    }
    (void)conf_check(c, why, sizeof(why));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *save = NULL, why[512];
    struct conf *c;

    if (!text || conf_alloc(&c))
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *env[] = {line, NULL};

        (void)conf_set_option(c, line, why, sizeof(why));
        (void)conf_set_environment(c, env, why, sizeof(why));
    }
    read_all(c);
    conf_free(c);
    free(text);
    return 0;
}
