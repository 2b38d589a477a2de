/* Wrong codes of second factors: how many, by whom, and for how long. */
#include "service/codeguess.h"
#include "testing.h"

#include <stdio.h>

TEST(after_so_many_wrong_ones_the_next_has_to_wait_and_a_right_one_forgives)
{
    struct codeguess *g;

    CHECK_OR(!codeguess_alloc(&g), return );
    for (int i = 1; i < CODEGUESS_FREE; i++) {
        CHECK(!codeguess_wrong(g, "ada", 1000));
        CHECK_EQ_INT(codeguess_wait(g, "ada", 1000), 0);
    }
    CHECK(codeguess_wrong(g, "ada", 1000));
    CHECK_EQ_INT(codeguess_wait(g, "ada", 1000), CODEGUESS_WAIT_S);
    CHECK_EQ_INT(codeguess_wait(g, "ada", 1001), CODEGUESS_WAIT_S);
    CHECK_EQ_INT(codeguess_wait(g, "bob", 1000), 0);
    CHECK_EQ_INT(codeguess_wait(g, "ada", 1000 + CODEGUESS_WAIT_S * 1000), 0);
    CHECK(!codeguess_wrong(g, "ada", 400000)); /* told once */
    CHECK_EQ_INT(codeguess_wait(g, "ada", 400000), CODEGUESS_WAIT_S);
    codeguess_right(g, "ada");
    CHECK_EQ_INT(codeguess_wait(g, "ada", 400000), 0);
    codeguess_free(g);
}

TEST(who_was_wrong_the_longest_ago_makes_room)
{
    struct codeguess *g;
    char name[16];

    CHECK_OR(!codeguess_alloc(&g), return );
    for (int i = 0; i < CODEGUESS_FREE; i++)
        (void)codeguess_wrong(g, "ada", 5000);
    for (int i = 0; i < 63; i++) {
        snprintf(name, sizeof(name), "u%d", i);
        (void)codeguess_wrong(g, name, 6000);
    }
    CHECK(codeguess_wait(g, "ada", 6000) > 0);
    (void)codeguess_wrong(g, "one more", 6000);
    CHECK_EQ_INT(codeguess_wait(g, "ada", 6000), 0);
    codeguess_free(g);
}

TEST(without_a_server_nobody_waits)
{
    CHECK_EQ_INT(codeguess_wait(NULL, "ada", 0), 0);
    CHECK(!codeguess_wrong(NULL, "ada", 0));
    codeguess_right(NULL, "ada");
}
