/*
 * What somebody, or a crash, left in DIR/cdr.spill: every line becomes a record that is sound, or is skipped; the replay comes to its
 * end, and what it took reads the same when it is spilled again.
 */
#include "core/buf.h"
#include "core/log.h"
#include "store/cdrrow.h"
#include "store/spill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void clean(void)
{
    (void)rmdir(dir);
}

static void must(bool is)
{
    if (!is)
        abort();
}

#define WHOLE(field) must(memchr(field, '\0', sizeof(field)) != NULL)

static int record_h(const struct cdr *c, void *arg)
{
    struct cdr again;
    struct buf line, twice;

    WHOLE(c->id);
    WHOLE(c->dn);
    WHOLE(c->caller);
    WHOLE(c->callee);
    WHOLE(c->caller_name);
    WHOLE(c->trunk);
    WHOLE(c->call_uuid);
    WHOLE(c->sip_call_id);
    WHOLE(c->reason);
    WHOLE(c->remote_ice);
    WHOLE(c->candidate);
    WHOLE(c->from_browser.codec);
    buf_init(&line, 1 << 20);
    buf_init(&twice, 1 << 20);
    must(!cdrrow_encode(&line, c));
    must(line.data[line.len - 1] == '\n' && !memchr(line.data, '\n', line.len - 1));
    must(!cdrrow_decode(&again, line.data, line.len));
    must(!cdrrow_encode(&twice, &again));
    must(twice.len == line.len && !memcmp(twice.data, line.data, line.len));
    buf_reset(&line);
    buf_reset(&twice);
    ++*(size_t *)arg;
    return 0;
}

static int commit_h(void *arg)
{
    (void)arg;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char file[96];
    size_t records = 0;
    FILE *f;

    if (!*dir) {
        snprintf(dir, sizeof(dir), "/tmp/dngate-fuzz-XXXXXX");
        must(mkdtemp(dir) != NULL);
        (void)atexit(clean);
        snprintf(file, sizeof(file), "%s/cdr.spill", dir);
        (void)log_set_level(NULL, LOG_ERROR);
        (void)!freopen("/dev/null", "w", stdout); /* a line for each bad one */
    }
    f = fopen(file, "wb");
    must(f && fwrite(data, 1, size, f) == size && !fclose(f));
    must(!spill_replay(dir, record_h, commit_h, &records));
    must(!spill_exists(dir));
    return 0;
}
