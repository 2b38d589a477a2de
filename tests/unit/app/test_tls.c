/* The certificate that a new box makes for itself, and what it leaves alone. */
#include "app_tls.h"
#include "conf/conf.h"
#include "service/certificate.h"
#include "store/store.h"
#include "testing.h"
#include "unit/store/tempdir.h"

#include <errno.h>
#include <sys/stat.h>

static struct tempdir dir;
static struct service sv;
static char cert[200], key[200], why[512];

static bool start(void)
{
    CHECK_OR(tempdir_make(&dir), return false);
    memset(&sv, 0, sizeof(sv));
    CHECK_OR(!store_open(&sv.store, dir.path, why, sizeof(why)), return false);
    CHECK_OR(!conf_alloc(&sv.conf), return false);
    return true;
}

static void finish(void)
{
    conf_free(sv.conf);
    store_close(sv.store);
    tempdir_remove(&dir);
}

static int files(void)
{
    return app_tls_files(&sv, cert, key, sizeof(cert), why, sizeof(why));
}

static bool holds(const char *path, const char *text)
{
    char got[32] = "";
    FILE *f = fopen(path, "re");

    if (!f)
        return false;
    (void)!fread(got, 1, sizeof(got) - 1, f);
    fclose(f);
    return !strcmp(got, text);
}

TEST(a_pair_is_made_once)
{
    struct stat before, after;

    CHECK(start());
    CHECK_EQ_INT(files(), 0);
    CHECK(!stat(key, &before) && (before.st_mode & 077) == 0);
    CHECK_EQ_INT(files(), 0);
    CHECK(!stat(key, &after) && after.st_ino == before.st_ino);
    finish();
}

/* Somebody has put his certificate there and forgotten its key, or the other way round. */
TEST(half_a_pair_is_refused_and_kept)
{
    static const char *const names[] = {"cert.pem", "key.pem"};
    char path[2][200], text[64];

    for (int i = 0; i < 2; i++) {
        FILE *f;

        CHECK(start());
        for (int k = 0; k < 2; k++)
            snprintf(path[k], sizeof(path[k]), "%s/tls/%s", dir.path, names[k]);
        snprintf(text, sizeof(text), "%s/tls", dir.path);
        CHECK(!mkdir(text, 0700));
        CHECK((f = fopen(path[i], "we")) && fputs("mine", f) >= 0 && !fclose(f));
        CHECK_EQ_INT(files(), ENOENT);
        snprintf(text, sizeof(text), "%s is not", names[!i]);
        CHECK(strstr(why, text));
        CHECK(holds(path[i], "mine") && access(path[!i], F_OK));
        finish();
    }
}
