#include "cli.h"
#include "cmd/cmd.h"
#include "cmd/control.h"
#include "cmd/wire.h"
#include "conf/conf.h"
#include "core/log.h"
#include "store/setting.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { NO_SERVER = -1 }; /* besides the exit statuses of cmd/cmd.h */
enum { CLI_INPUT_MAX = 8 * 1024 * 1024, CLI_OUTPUT_MAX = 64 * 1024 * 1024, CLI_WHY_MAX = 512 };

extern char **environ;

/* ---------------------------------------------------------------- input */

static int read_all(int fd, struct buf *in)
{
    char chunk[16384];
    ssize_t n;
    int err = 0;

    while (!err && (n = read(fd, chunk, sizeof(chunk))) != 0)
        err = n < 0 ? errno : buf_write(in, chunk, (size_t)n);
    explicit_bzero(chunk, sizeof(chunk));
    return err;
}

static void interrupt_h(int sig)
{
    (void)sig; /* only ends the read, so that the terminal's echo comes back */
}

/* A line from the terminal without echo. EINTR after Ctrl-C. */
static int prompt(const char *question, struct buf *in)
{
    struct sigaction act = {.sa_handler = interrupt_h}, old;
    struct termios before, quiet;
    char line[512];
    ssize_t n;
    int err;

    if (tcgetattr(STDIN_FILENO, &before))
        return errno;
    fputs(question, stderr);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    sigaction(SIGINT, &act, &old);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    n = read(STDIN_FILENO, line, sizeof(line));
    err = n < 0 ? errno : buf_write(in, line, (size_t)n);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    sigaction(SIGINT, &old, NULL);
    fputs("\n", stderr);
    explicit_bzero(line, sizeof(line));
    return err;
}

static int prompt_twice(struct buf *in)
{
    struct buf again;
    int err = prompt("Password: ", in);

    if (err)
        return err;
    buf_init(&again, CLI_INPUT_MAX);
    err = prompt("Once more: ", &again);
    if (!err &&
        (again.len != in->len || memcmp(again.data ? again.data : "", in->data ? in->data : "", in->len))) {
        fputs("dngate: the two do not match\n", stderr);
        err = EINVAL;
    }
    wire_wipe(&again);
    return err;
}

/* A password is the first line, without its end. */
static void cut_line(struct buf *in)
{
    if (!in->data)
        return;
    in->len = strcspn(in->data, "\r\n");
    in->data[in->len] = '\0';
}

/* Reads what the command wants to read before it runs; *has says whether it wants anything. */
static int read_input(int argc, char *const *argv, struct buf *in, bool *has)
{
    const char *file;
    bool secret;
    int fd, err;

    *has = cmd_wants_input(argc, argv, &file, &secret);
    if (!*has)
        return 0;
    if (secret && isatty(STDIN_FILENO)) {
        err = prompt_twice(in);
    } else if (!strcmp(file, "-")) {
        err = read_all(STDIN_FILENO, in);
    } else {
        fd = open(file, O_RDONLY | O_CLOEXEC);
        err = fd < 0 ? errno : read_all(fd, in);
        if (fd >= 0)
            close(fd);
    }
    if (err && err != EINVAL)
        fprintf(stderr, "dngate: %s: %s\n", file, err == EMSGSIZE ? "longer than 8 MiB" : strerror(err));
    if (!err && !wire_text_ok(in->data ? in->data : "", in->len)) {
        fprintf(stderr, "dngate: %s: not UTF-8 text\n", file);
        err = EILSEQ;
    }
    if (!err && secret)
        cut_line(in);
    return err;
}

/* ---------------------------------------------------------------- in this process */

static void setting_load_h(const char *key, const char *value, void *arg)
{
    char why[CLI_WHY_MAX];

    if (conf_set(arg, CONF_DATABASE, key, value, why, sizeof(why)) == EINVAL)
        fprintf(stderr, "dngate: %s (in the database)\n", why); /* told, so that it can be put right */
}

/* What the server would see if it was started from here, -o aside. */
static int conf_load(struct conf *conf, struct store *s, char *why, size_t whysz)
{
    struct store_reader *r;
    int err = store_reader_alloc(&r, s);

    if (!err) {
        err = setting_each(r, setting_load_h, conf);
        store_reader_free(r);
    }
    if (err) {
        snprintf(why, whysz, "cannot read the settings: %s", store_strerror(err));
        return err;
    }
    return conf_set_environment(conf, environ, why, whysz);
}

static int run_here(struct cmd *c, const char *dir, int argc, char *const *argv)
{
    char why[CLI_WHY_MAX] = "", who[32];
    int status = CMD_REFUSED, err;

    log_set_level(NULL, LOG_ERROR); /* stdout belongs to the command's output */
    snprintf(who, sizeof(who), "cli:uid=%u", (unsigned)getuid());
    store_actor(who);
    store_actor_reason(c->reason);
    err = store_open(&c->sv.store, dir, why, sizeof(why));
    if (!err)
        err = conf_alloc(&c->sv.conf);
    if (!err && (!strcmp(argv[0], "settings") || !strcmp(argv[0], "selftest") ||
                 !strcmp(argv[0], "certificate"))) /* the others read none */
        err = conf_load(c->sv.conf, c->sv.store, why, sizeof(why));
    if (err)
        buf_printf(c->err, "%s\n", why[0] ? why : strerror(err));
    else
        status = cmd_run(c, argc, argv);
    conf_free(c->sv.conf);
    store_close(c->sv.store);
    return status;
}

/* ---------------------------------------------------------------- */

static bool no_server(int err)
{
    return err == ECONNREFUSED || err == ENOENT || err == ENOTDIR;
}

static int print(int status, const char *out, size_t len, const char *err)
{
    if (err[0])
        fprintf(stderr, "dngate: %s", err);
    if (fwrite(out, 1, len, stdout) != len || fflush(stdout)) {
        fprintf(stderr, "dngate: cannot write: %s\n", strerror(errno));
        return CMD_REFUSED;
    }
    return status;
}

static int drain(struct buf *out)
{
    const bool written = fwrite(out->data, 1, out->len, stdout) == out->len && !fflush(stdout);

    buf_clear(out);
    return written ? 0 : errno;
}

static int run_and_print(struct cmd *c, const char *dir, int argc, char *const *argv)
{
    struct buf out, err;
    int status;

    buf_init(&out, CLI_OUTPUT_MAX);
    buf_init(&err, CLI_OUTPUT_MAX);
    c->out = &out;
    c->err = &err;
    c->drain = drain;
    if (cmd_runs_here(argc, argv))
        log_set_level(NULL, LOG_ERROR);
    status = cmd_only_words(argc, argv) || cmd_runs_here(argc, argv) ? cmd_run(c, argc, argv)
                                                                     : run_here(c, dir, argc, argv);
    status = print(status, out.data ? out.data : "", out.len, err.data ? err.data : "");
    buf_reset(&out);
    buf_reset(&err);
    return status;
}

static int no_server_for(const char *dir, const char *noun)
{
    fprintf(stderr, "dngate: no server runs on %s: %s needs one (--data DIR names another)\n", dir, noun);
    return NO_SERVER;
}

/* To the running server, or in this process. */
static int run_once(struct cmd *c, int argc, char *const *argv)
{
    char *out, *err;
    int status, rc = ENOENT;

    if (!cmd_only_words(argc, argv) && !cmd_runs_here(argc, argv))
        rc = control_call(c->dir, argc, argv, c->input, c->input_len, c->json, &status, &out, &err);
    if (no_server(rc))
        return cmd_needs_server(argc, argv) ? no_server_for(c->dir, argv[0])
                                            : run_and_print(c, c->dir, argc, argv);
    if (rc) {
        fprintf(stderr, "dngate: the running server does not answer: %s\n", strerror(rc));
        return CMD_REFUSED;
    }
    status = print(status, out, strlen(out), err);
    free(out);
    free(err);
    return status;
}

/* Until Ctrl-C or the end of the server; each time in place of the last where a person looks. */
static int run_again(struct cmd *c, int argc, char *const *argv)
{
    const bool person = isatty(STDOUT_FILENO) && !c->json;
    int status;

    do {
        if (person)
            fputs("\033[H\033[2J", stdout);
        status = run_once(c, argc, argv);
    } while ((status == CMD_OK || status == CMD_REFUSED) && !ferror(stdout) && !sleep(1));
    return status;
}

int cli_run(const char *dir, bool json, const char *reason, int argc, char *const *argv)
{
    struct cmd c = {.dir = dir, .json = json, .reason = reason};
    struct buf in;
    bool has;
    int status = CMD_REFUSED;

    control_reason(reason);
    buf_init(&in, CLI_INPUT_MAX);
    if (!read_input(argc, argv, &in, &has)) {
        if (has) {
            c.input = in.data ? in.data : "";
            c.input_len = in.len;
        }
        status = (cmd_watches(argc, argv) ? run_again : run_once)(&c, argc, argv);
    }
    wire_wipe(&in);
    return status == NO_SERVER ? CMD_REFUSED : status;
}

int cli_healthcheck(const char *dir)
{
    char *argv[] = {"ready"}, *out, *err;
    int status, rc = control_call(dir, 1, argv, NULL, 0, false, &status, &out, &err);

    if (rc) {
        fprintf(stderr, "dngate: no server answers on %s: %s\n", dir, strerror(rc));
        return CMD_REFUSED;
    }
    status = print(status, out, strlen(out), err);
    free(out);
    free(err);
    return status ? CMD_REFUSED : CMD_OK;
}
