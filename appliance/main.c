/* main: the command line's arguments and the exit status. */
#include "about.h"
#include "app.h"
#include "cli.h"
#include "cmd/cmd.h"
#include "core/heap.h"
#include "version.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTIONS_MAX = 128, WORDS_MAX = 32, USAGE_MAX = 65536 };

struct arguments {
    const char *data, *reason;
    bool json, lab;
    char *options[OPTIONS_MAX]; /* of -o */
    size_t option_count;
    char *words[WORDS_MAX]; /* the command and what it takes */
    int word_count;
    char *const *argv;
};

static void usage(FILE *f)
{
    struct buf text;

    buf_init(&text, USAGE_MAX);
    cmd_help(&text);
    (void)fprintf(f, "dngate %s: turns Genesys directory numbers into browser phones\n\n%s", DNGATE_VERSION,
                  text.data ? text.data : "");
    buf_reset(&text);
}

static int usage_error(const char *what, const char *arg)
{
    fprintf(stderr, "dngate: %s%s; dngate --help shows what there is\n", what, arg);
    return CMD_USAGE;
}

static const char *default_data(void)
{
    struct stat st;

    return !stat("/data", &st) && S_ISDIR(st.st_mode) ? "/data" : "./data";
}

/* Is argv[*i] "--data DIR" or "--data=DIR" (likewise -o)? *value is "" when the value is missing. */
static bool takes_value(const char *name, char **value, int argc, char **argv, int *i)
{
    size_t len = strlen(name);
    bool alone = !strcmp(argv[*i], name);

    if (alone)
        *value = *i + 1 < argc ? argv[++*i] : "";
    else if (!strncmp(argv[*i], name, len) && argv[*i][len] == '=')
        *value = argv[*i] + len + 1;
    else
        return false;
    return true;
}

/* Takes out what every command knows; the rest are words. Behind "--" everything is a word. */
static int arguments_parse(struct arguments *a, int argc, char **argv)
{
    bool options = true;
    char *value;

    for (int i = 1; i < argc; i++) {
        const bool serve = a->word_count && !strcmp(a->words[0], "serve");

        if (options && takes_value("--data", &value, argc, argv, &i)) {
            if (!*value)
                return usage_error("--data needs a directory", "");
            a->data = value;
        } else if (options && !serve && takes_value("--reason", &value, argc, argv, &i)) {
            if (!*value)
                return usage_error("--reason needs a text", "");
            a->reason = value;
        } else if (options && serve && takes_value("-o", &value, argc, argv, &i)) {
            if (!strchr(value, '='))
                return usage_error("-o takes KEY=VALUE: ", value);
            if (a->option_count == OPTIONS_MAX)
                return usage_error("too many -o", "");
            a->options[a->option_count++] = value;
        } else if (options && !strcmp(argv[i], "--json")) {
            a->json = true;
        } else if (options && serve && !strcmp(argv[i], "--lab")) {
            a->lab = true;
        } else {
            if (a->word_count == WORDS_MAX)
                return usage_error("too many arguments", "");
            options = options && strcmp(argv[i], "--");
            a->words[a->word_count++] = argv[i];
        }
    }
    return CMD_OK;
}

static int serve(const struct arguments *a)
{
    struct app_options opt = {a->data, a->lab, a->options, a->option_count, a->argv};

    (void)heap_init();
    return app_serve(&opt);
}

/* The libraries that are linked in, by name and version. */
static void version_libraries(bool json)
{
    char name[64], number[64];
    const char *line = about_versions;

    for (int i = 0; line && *line; i++) {
        if (sscanf(line, "%63s %63s", name, number) == 2)
            printf(json ? "%s\"%s\":\"%s\"" : "%s%s %s",
                   i      ? json ? "," : ", "
                   : json ? ""
                          : "with ",
                   name, number);
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
}

static int print_json(const char *key, const char *text)
{
    struct buf out;
    int err;

    buf_init(&out, 4 * strlen(text) + USAGE_MAX);
    buf_printf(&out, "{\"%s\":", key);
    buf_json_str(&out, text);
    err = buf_puts(&out, "}\n");
    err = err || fputs(out.data, stdout) < 0 || fflush(stdout);
    buf_reset(&out);
    return err ? CMD_REFUSED : CMD_OK;
}

static int version(const struct arguments *a)
{
    const char *what = a->word_count > 1 ? a->words[1] : "";
    const char *text = !strcmp(what, "--licenses") ? about_licenses
                       : !strcmp(what, "--sbom")   ? about_sbom
                                                   : NULL;

    if (text && a->json && text != about_sbom) /* which is JSON */
        return print_json("licenses", text);
    if (text)
        return fputs(text, stdout) >= 0 && !fflush(stdout) ? CMD_OK : CMD_REFUSED;
    printf(a->json ? "{\"name\":\"dngate\",\"version\":\"%s\",\"libraries\":{" : "dngate %s\n",
           DNGATE_VERSION);
    version_libraries(a->json);
    puts(a->json ? "}}" : "");
    return CMD_OK;
}

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int run(struct arguments *a)
{
    const char *word = a->word_count ? a->words[0] : "";
    const bool help = is_help(word) || !strcmp(word, "help");

    if (!a->word_count) {
        usage(stderr);
        return CMD_USAGE;
    }
    if (help && a->word_count == 1) {
        usage(stdout);
        return CMD_OK;
    }
    if (help) { /* dngate help dn add */
        memmove(a->words, a->words + 1, (size_t)(a->word_count - 1) * sizeof(a->words[0]));
        a->words[a->word_count - 1] = "--help";
        word = a->words[0];
    }
    if (!strcmp(word, "--version"))
        return version(a);
    if (!cmd_known(word))
        return usage_error("unknown command ", word);
    if (cmd_only_words(a->word_count, a->words))
        return cli_run(a->data, a->json, a->reason, a->word_count, a->words);
    if (!strcmp(word, "version"))
        return version(a);
    if (strcmp(word, "serve") && strcmp(word, "healthcheck"))
        return cli_run(a->data, a->json, a->reason, a->word_count, a->words);
    return !strcmp(word, "serve") ? serve(a) : cli_healthcheck(a->data);
}

int main(int argc, char **argv)
{
    struct arguments a = {.argv = argv};
    int status = arguments_parse(&a, argc, argv);

    if (status)
        return status;
    if (!a.data)
        a.data = default_data();
    return run(&a);
}
