/* The verbs that main.c runs itself: here are only their words. */
#include "cmd/verb.h"

static const struct verb_option serve_options[] = {
    {"lab", NULL,
     "brings DNs 5001-5005 (password lab5001 ...) and a SIP Server of its own: dial 600 for an echo", false},
    {"o", "KEY=VALUE", "a setting, above environment and database; as often as needed", false},
};
static const struct verb serve_verbs[] = {
    {.name = "",
     .words = "",
     .help = "Runs the gateway in the foreground and logs to standard output, one event a line.\n"
             "SIGTERM drains and stops (drain.seconds), a second one or Ctrl-C stops at once; SIGHUP reads "
             "settings and\n"
             "certificate again.",
     VERB_OPTIONS(serve_options),
     .example = "dngate serve --data /var/lib/dngate -o https.port=8443 -o public.address=203.0.113.10"},
};
const struct noun noun_serve = {
    .name = "serve", .help = "runs the gateway in the foreground", NOUN_VERBS(serve_verbs)};

static const struct verb healthcheck_verbs[] = {
    {.name = "",
     .words = "",
     .help =
         "Asks the local server whether it is ready to take calls and prints its answer, as /readyz does.\n"
         "Exit status 0: ready; 1: not ready, or no server runs on the data directory.",
     .example = "dngate healthcheck --data /var/lib/dngate"},
};
const struct noun noun_healthcheck = {.name = "healthcheck",
                                      .help = "exit status 0 when the local server is ready",
                                      NOUN_VERBS(healthcheck_verbs)};

static const struct verb_option version_options[] = {
    {"licenses", NULL, "the licences of all that is linked in", false},
    {"sbom", NULL, "the bill of materials, SPDX 2.3", false},
};
static const struct verb version_verbs[] = {
    {.name = "",
     .words = "",
     .help = "Says what this program is and which libraries are in it.",
     VERB_OPTIONS(version_options),
     .example = "dngate version --json"},
};
const struct noun noun_version = {
    .name = "version", .help = "of this program; licences of its parts", NOUN_VERBS(version_verbs)};
