/* Settings on their way into the appliance: precedence, changes while it runs, nothing in between. */
/* TSAN */
#include "app_conf.h"
#include "capture.h"
#include "conf/conf.h"
#include "core/clock.h"
#include "core/log.h"
#include "store/setting.h"
#include "store/store.h"
#include "testing.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static char dir[64], why[512];
static struct store *store;
static struct app_conf *settings;

static bool start(char *const *options, size_t count)
{
    CHECK_OR(mkdtemp(test_temp(dir, sizeof(dir))), return false);
    CHECK_OR(!app_conf_alloc(&settings, options, count, why, sizeof(why)), return false);
    CHECK_OR(!store_open(&store, dir, why, sizeof(why)), return false);
    return true;
}

static void finish(void)
{
    char cmd[128];

    app_conf_free(settings);
    store_close(store);
    settings = NULL;
    store = NULL;
    (void)snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    CHECK(!system(cmd));
}

static bool changed(void)
{
    struct pollfd fd = {.fd = app_conf_fd(settings), .events = POLLIN};

    return poll(&fd, 1, 5000) == 1;
}

TEST(the_database_counts_below_options_and_takes_effect_when_it_changes)
{
    char option[] = "drain.seconds=5", *options[] = {option};

    CHECK(start(options, 1));
    CHECK_EQ_INT(setting_put(store, "drain.seconds", "6"), 0);
    CHECK_EQ_INT(setting_put(store, "call.ring_seconds", "60"), 0);
    CHECK_EQ_INT(app_conf_add_store(settings, store, why, sizeof(why)), 0);
    CHECK_EQ_INT(conf_int(app_conf_get(settings), "drain.seconds"), 5);
    CHECK_EQ_INT(conf_int(app_conf_get(settings), "call.ring_seconds"), 60);
    CHECK_EQ_INT(setting_put(store, "log.level", "info call=debug"), 0);
    CHECK_EQ_INT(setting_put(store, "call.ring_seconds", NULL), 0);
    CHECK(changed());
    app_conf_reload(settings);
    CHECK(log_enabled("call", LOG_DEBUG) && !log_enabled("sip", LOG_DEBUG));
    CHECK_EQ_INT(conf_int(app_conf_get(settings), "call.ring_seconds"), 180);
    CHECK_EQ_INT(setting_put(store, "log.level", NULL), 0);
    CHECK(changed());
    app_conf_reload(settings);
    CHECK(!log_enabled("call", LOG_DEBUG));
    finish();
}

static atomic_bool over;
static atomic_int wrong;

static void *reader(void *arg)
{
    (void)arg;
    while (!over)
        if (conf_int(app_conf_get(settings), "call.ring_seconds") != 60)
            wrong++;
    return NULL;
}

TEST(a_reader_never_sees_the_default_in_between)
{
    pthread_t thread;

    CHECK(start(NULL, 0));
    CHECK_EQ_INT(setting_put(store, "call.ring_seconds", "60"), 0);
    CHECK_EQ_INT(app_conf_add_store(settings, store, why, sizeof(why)), 0);
    over = false;
    CHECK(!pthread_create(&thread, NULL, reader, NULL));
    for (int i = 0; i < 200; i++)
        app_conf_reload(settings);
    over = true;
    pthread_join(thread, NULL);
    CHECK_EQ_INT(wrong, 0);
    finish();
}

TEST(a_bad_setting_in_the_database_is_named_at_the_start)
{
    CHECK(start(NULL, 0));
    CHECK_EQ_INT(setting_put(store, "call.ring_seconds", "many"), 0);
    CHECK_EQ_INT(app_conf_add_store(settings, store, why, sizeof(why)), EINVAL);
    CHECK(strstr(why, "call.ring_seconds=many: must be 5..600 s"));
    finish();
}

TEST(a_setting_of_another_version_is_named_and_passed_over)
{
    char out[4096];
    int err;

    CHECK(start(NULL, 0));
    CHECK_EQ_INT(setting_put(store, "call.telepathy", "yes"), 0);
    CHECK_EQ_INT(setting_put(store, "call.ring_seconds", "60"), 0);
    CAPTURE(out, err = app_conf_add_store(settings, store, why, sizeof(why)));
    CHECK_EQ_INT(err, 0);
    CHECK(strstr(out, " warn  app setting=call.telepathy "));
    CHECK_EQ_INT(conf_int(app_conf_get(settings), "call.ring_seconds"), 60);
    finish();
}

TEST(settings_that_do_not_go_together_are_refused)
{
    char a[] = "rtp.port_min=200", b[] = "rtp.port_max=100", *options[] = {a, b};

    CHECK(start(options, 2));
    CHECK_EQ_INT(app_conf_add_store(settings, store, why, sizeof(why)), EINVAL);
    CHECK(strstr(why, "rtp.port_min=200 and rtp.port_max=100"));
    finish();
}
