#include "app_media.h"
#include "conf/conf.h"
#include "core/health.h"
#include "core/mbox.h"
#include "crypto/srtp.h"
#include "media/media.h"
#include "net/wire.h"
#include "store/store.h"
#include <string.h>

enum {
    EVENTS_MAX = 4096,
    SEEN_MAX = 32,
};

static int boxes_alloc(struct app_media *m)
{
    int err = wire_alloc(&m->wire);

    if (!err)
        err = mbox_alloc(&m->events, "media_events", sizeof(struct media_event), EVENTS_MAX);
    if (!err)
        err = mbox_alloc(&m->seen, "stun_seen", sizeof(struct stun_seen), SEEN_MAX);
    return err;
}

int app_media_start(struct app_media *m, const struct app_media_config *cfg, char *why, size_t whysz)
{
    const struct conf *c = cfg->conf;
    struct media_config mc = {
        .workers = conf_workers(c),
        .bind_count = cfg->bind_count,
        .ice_port = (uint16_t)conf_int(c, "ice.port"),
        .rtp_min = (uint16_t)conf_int(c, "rtp.port_min"),
        .rtp_max = (uint16_t)conf_int(c, "rtp.port_max"),
        .rtp_timeout_s = (uint32_t)conf_int(c, "media.rtp_timeout"),
        .jbuf_max_ms = (uint32_t)conf_int(c, "media.jitter_max"),
        .tos = (uint8_t)conf_int(c, "media.tos"),
    };
    int err;

    memcpy(mc.bind, cfg->bind, cfg->bind_count * sizeof(mc.bind[0]));

    err = srtpctx_global_init();
    if (!err)
        err = boxes_alloc(m);
    if (err)
        return err;
    mc.events = m->events;
    mc.seen = m->seen;
    mc.wire = m->wire;
    store_key(cfg->store, mc.doctor, STUN_DOCTOR_LABEL);

    err = media_start(&m->workers, &mc, why, whysz);
    if (!err)
        health_set("media", HEALTH_UP, "%u workers", mc.workers);

    return err;
}

void app_media_stop(struct app_media *m)
{
    media_stop(m->workers);
    wire_free(m->wire);
    mbox_free(m->events, NULL, NULL);
    mbox_free(m->seen, NULL, NULL);
}
