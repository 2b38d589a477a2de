#include "app_web.h"
#include "app_api.h"
#include "app_turn.h"
#include "conf/conf.h"
#include "core/health.h"
#include "service/service.h"
#include "web/web.h"
#include <stdio.h>
#include <string.h>

/* The main thread makes the changes. */
static void setting_h(const char *key, void *arg)
{
    const struct app_web *w = arg;

    if (!strcmp(key, "ws.require_origin"))
        web_require_origin(w->server, conf_bool(w->conf, key));
}

static int api_start(struct app_web *w, const struct app_web_config *cfg)
{
    const struct app_api_config ac = {
        .store = cfg->store,
        .turn = cfg->turn,
        .guard = cfg->guard,
        .signalling = cfg->signalling,
        .service = cfg->service,
        .lab = cfg->lab,
    };

    return app_api_start(&w->api, &ac);
}

static int server_start(struct app_web *w, const struct app_web_config *cfg, char *why, size_t whysz)
{
    const struct conf *c = cfg->conf;
    struct web_config wc = {
        .bind_count = cfg->bind_count,
        .http_port = (uint16_t)conf_int(c, "http.port"),
        .https_port = (uint16_t)conf_int(c, "https.port"),
        .wss_port = (uint16_t)conf_int(c, "wss.port"),
        .http_on = true,
        .https_on = true,
        .wss_on = conf_int(c, "wss.port") != 0,
        .require_origin = conf_bool(c, "ws.require_origin"),
        .rate_per_s = (uint32_t)conf_int(c, "http.rate"),
        .body_max = (uint32_t)conf_int(c, "http.body_max"),
        .conns_max = (uint32_t)conf_int(c, "http.conns_max"),
        .conns_per_ip = (uint32_t)conf_int(c, "http.conns_per_ip"),
        .known = app_api_known,
        .known_arg = w->api,
        .sip = cfg->stack,
        .push = cfg->push,
        .guard = cfg->guard,
        .turns_port = (uint16_t)conf_int(c, "turns.port"),
        .turns_on = cfg->turn &&
                    (!conf_int(c, "turns.port") || conf_int(c, "turns.port") != conf_int(c, "https.port")),
        .turns_optional = conf_source(c, "turns.port") == CONF_DEFAULT,
        .turn = cfg->turn ? app_turn_stream : NULL,
        .turn_arg = cfg->turn,
    };

    memcpy(wc.bind, cfg->bind, cfg->bind_count * sizeof(wc.bind[0]));
    (void)conf_str(c, "ws.origins", wc.origins, sizeof(wc.origins));
    (void)snprintf(wc.cert, sizeof(wc.cert), "%s", cfg->cert);
    (void)snprintf(wc.key, sizeof(wc.key), "%s", cfg->key);

    return web_start(&w->server, &wc, why, whysz);
}

int app_web_start(struct app_web *w, const struct app_web_config *cfg, char *why, size_t whysz)
{
    int err;

    w->conf = cfg->conf;
    err = api_start(w, cfg);
    if (!err)
        err = server_start(w, cfg, why, whysz);
    if (err)
        return err;

    app_api_turns(w->api, web_port(w->server, "turns"));
    cfg->service->https_port = web_port(w->server, "https");
    err = conf_listen(cfg->conf, setting_h, w);
    if (!err)
        health_set("web", HEALTH_UP, "listening");

    return err;
}
