/* Timers in libre's loop: order, restart and cancel from within handlers, and no more than one loop's worth of lateness. */
#include "testing.h"

#include "core/clock.h"

#include <re.h>

static struct tmr timers[4];
static char order[16];
static uint64_t started, ended;

static void note(char ch)
{
    size_t n = strlen(order);

    if (n + 1 < sizeof(order))
        order[n] = ch;
}

static void end_h(void *arg)
{
    (void)arg;
    note('e');
    ended = clock_ms();
    re_cancel();
}

static void note_h(void *arg)
{
    note(*(const char *)arg);
}

static void again_h(void *arg)
{
    static int times;

    note('r');
    if (++times < 3) {
        tmr_start(&timers[2], 0, again_h, arg);
        return;
    }
    tmr_cancel(&timers[3]);
    tmr_start(&timers[0], 20, end_h, NULL);
}

TEST(order_restart_cancel)
{
    static struct tmr first, second;

    CHECK(!re_thread_init());
    started = clock_ms();
    tmr_start(&timers[1], 5000, note_h, "x");
    tmr_start(&timers[1], 10, note_h, "a"); /* restarted */
    tmr_start(&first, 30, note_h, "1");
    tmr_start(&second, 30, note_h, "2"); /* equal ones keep their order */
    tmr_start(&timers[2], 40, again_h, NULL);
    tmr_start(&timers[3], 60000, note_h, "x"); /* cancelled by again_h */
    CHECK(tmr_isrunning(&timers[3]) && tmr_get_expire(&timers[3]) <= 60000 && tmr_get_expire(&timers[3]) > 0);
    CHECK(!re_main(NULL));
    CHECK_STR(order, "a12rrre");
    CHECK(ended - started >= 60);
    CHECK(!tmr_isrunning(&timers[3]) && !tmr_get_expire(&timers[3]));
    re_thread_close();
}
