/* Shows any bytes as a SIP message for the log: whole lines, none too long, and no credential of a field that is spelt as such. */
#include "sip/siplog.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void line_h(const char *line, void *arg)
{
    static const char *const secret[] = {"Authorization:", "Proxy-Authorization:", "a=ice-pwd:"};

    (void)arg;
    if (strlen(line) >= SIPLOG_LINE_MAX || strpbrk(line, "\r\n"))
        abort();
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
        const size_t n = strlen(secret[i]);
        const char *value = line + n;

        if (!strncasecmp(line, secret[i], n) && *value && strcmp(value + strspn(value, " "), "(not shown)"))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    siplog_lines((const char *)data, size, line_h, NULL);
    return 0;
}
