#include "conf/public.h"
#include "conf/value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 300 };

static const char scheme[] = "stun:";

/* "host", "host:port", "[v6]", "[v6]:port"; an IPv6 address without [ ] has no port. */
static int server_parse(struct public_item *it, const char *text)
{
    const char *colon = strrchr(text, ':'), *end = text + strlen(text);
    int64_t port = PUBLIC_STUN_PORT;

    if (colon && (*text == '[' ? colon[-1] == ']' : strchr(text, ':') == colon)) {
        if (value_int(&port, colon + 1) || port < 1 || port > UINT16_MAX)
            return EINVAL;
        end = colon;
    }
    if (*text == '[' && end > text && end[-1] == ']') {
        text++;
        end--;
    }
    if ((size_t)(end - text) >= sizeof(it->host))
        return EINVAL;
    memcpy(it->host, text, (size_t)(end - text));
    it->host[end - text] = '\0';
    it->port = (uint16_t)port;
    return 0;
}

int public_item_parse(struct public_item *it, const char *word)
{
    int err = 0;

    memset(it, 0, sizeof(*it));
    it->stun = !strncasecmp(word, scheme, strlen(scheme));
    if (it->stun)
        err = server_parse(it, word + strlen(scheme));
    else if ((size_t)snprintf(it->host, sizeof(it->host), "%s", word) >= sizeof(it->host))
        err = EINVAL;
    return err ? err : value_host(it->host);
}

size_t public_items(struct public_item v[static PUBLIC_ITEMS_MAX], const char *text)
{
    char word[WORD_MAX];
    size_t n = 0;

    while (n < PUBLIC_ITEMS_MAX && *(text += strspn(text, ", "))) {
        size_t len = strcspn(text, ", ");

        if (len < sizeof(word)) {
            memcpy(word, text, len);
            word[len] = '\0';
            n += !public_item_parse(&v[n], word);
        }
        text += len;
    }
    return n;
}

const char *public_item_str(const struct public_item *it, char *buf, size_t sz)
{
    const bool v6 = it->stun && strchr(it->host, ':');
    int n = snprintf(buf, sz, "%s%s%s%s", it->stun ? scheme : "", v6 ? "[" : "", it->host, v6 ? "]" : "");

    if (it->stun && it->port != PUBLIC_STUN_PORT && n > 0 && (size_t)n < sz)
        snprintf(buf + n, sz - (size_t)n, ":%u", it->port);
    return buf;
}
