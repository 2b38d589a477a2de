/* The command line within a test: a line of words in, exit status and what is printed out. */
#ifndef TESTS_UNIT_CMD_LINE_H
#define TESTS_UNIT_CMD_LINE_H

#include "cmd/cmd.h"
#include "testing.h"
#include "unit/store/tempdir.h"

enum { WORDS_MAX = 24, TEXT_MAX = 1 << 20 };

static struct tempdir dir;
static struct cmd cmd;
static struct buf out, err;

static void line_open(void)
{
    memset(&cmd, 0, sizeof(cmd));
    buf_init(&out, TEXT_MAX);
    buf_init(&err, TEXT_MAX);
    cmd.out = &out;
    cmd.err = &err;
}

static void line_close(void)
{
    buf_reset(&out);
    buf_reset(&err);
}

/* Words are separated by one space; blank, unless it is 0, stands for a space inside one. */
static int line_run(const char *line, char blank)
{
    char text[512], *argv[WORDS_MAX], *save, *word;
    int argc = 0;

    snprintf(text, sizeof(text), "%s", line);
    for (word = strtok_r(text, " ", &save); word && argc < WORDS_MAX; word = strtok_r(NULL, " ", &save)) {
        for (char *p = word; *p; p++)
            if (*p == blank)
                *p = ' ';
        argv[argc++] = word;
    }
    buf_clear(&out);
    buf_clear(&err);
    buf_puts(&out, "");
    buf_puts(&err, "");
    return cmd_run(&cmd, argc, argv);
}

static bool printed(const char *text)
{
    return strstr(out.data, text) != NULL;
}

#endif
