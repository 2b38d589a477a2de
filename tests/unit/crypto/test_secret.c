/* Sealed secrets: they open with the same key and context only; the key file is made once and kept private. */
#include "testing.h"

#include "core/file.h"
#include "crypto/secret.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], file_a[80], file_b[80];

static void setup(void)
{
    if (!mkdtemp(test_temp(dir, sizeof(dir))))
        abort();
    snprintf(file_a, sizeof(file_a), "%s/a.key", dir);
    snprintf(file_b, sizeof(file_b), "%s/b.key", dir);
}

static void teardown(void)
{
    unlink(file_a);
    unlink(file_b);
    rmdir(dir);
}

static struct secret *with_key(const char *file)
{
    struct secret *s = NULL;

    CHECK_OR(!secret_alloc(&s, file), return NULL);
    return s;
}

TEST(seal_and_open)
{
    char box[256], box2[256], plain[64];
    struct secret *s, *again;
    struct stat st;

    setup();
    s = with_key(file_a);
    again = with_key(file_a);
    CHECK(!stat(file_a, &st));
    CHECK_EQ_INT(st.st_mode & 0777, 0600);
    CHECK_EQ_INT(st.st_size, 32);
    CHECK_EQ_INT(secret_seal(s, box, sizeof(box), "trunk/genesys", "p4ss"), 0);
    CHECK_EQ_INT(secret_seal(s, box2, sizeof(box2), "trunk/genesys", "p4ss"), 0);
    CHECK(!strncmp(box, "v1:", 3) && !strstr(box, "p4ss") && strcmp(box, box2));
    CHECK_EQ_INT(secret_open(again, plain, sizeof(plain), "trunk/genesys", box), 0);
    CHECK_STR(plain, "p4ss");
    CHECK_EQ_INT(secret_open(s, plain, sizeof(plain), "trunk/other", box), EBADMSG);
    CHECK_EQ_INT(secret_seal(s, box, sizeof(box), "c", ""), 0);
    CHECK_EQ_INT(secret_open(s, plain, sizeof(plain), "c", box), 0);
    CHECK_STR(plain, "");
    secret_free(s);
    secret_free(again);
    teardown();
}

TEST(another_key_or_a_changed_box_does_not_open)
{
    char box[256], plain[64];
    struct secret *s, *other;

    setup();
    s = with_key(file_a);
    other = with_key(file_b);
    CHECK_EQ_INT(secret_seal(s, box, sizeof(box), "c", "hello"), 0);
    for (size_t i = 0; box[i]; i++) {
        char was = box[i];

        box[i] = was == 'A' ? 'B' : 'A';
        CHECK_EQ_INT(secret_open(s, plain, sizeof(plain), "c", box), EBADMSG);
        box[i] = was;
    }
    CHECK_EQ_INT(secret_open(s, plain, sizeof(plain), "c", ""), EBADMSG);
    CHECK_EQ_INT(secret_open(s, plain, sizeof(plain), "c", "v1:"), EBADMSG);
    CHECK_EQ_INT(secret_open(s, plain, 5, "c", box), EOVERFLOW);
    CHECK_EQ_INT(secret_seal(s, box, 20, "c", "hello"), EOVERFLOW);
    CHECK_EQ_INT(secret_seal(s, box, sizeof(box), "c", "hello"), 0);
    CHECK_EQ_INT(secret_open(other, plain, sizeof(plain), "c", box), EBADMSG);
    secret_free(s);
    secret_free(other);
    teardown();
}

TEST(a_key_of_the_wrong_size_is_refused)
{
    struct secret *s;

    setup();
    CHECK_EQ_INT(file_create(file_a, "0123456789", 10, 0600), 0);
    CHECK_EQ_INT(secret_alloc(&s, file_a), EINVAL);
    CHECK_EQ_INT(file_replace(file_a, "0123456789012345678901234567890123456789", 40, 0600), 0);
    CHECK_EQ_INT(secret_alloc(&s, file_a), EINVAL);
    CHECK_EQ_INT(secret_alloc(&s, "/nonexistent/secret.key"), ENOENT);
    teardown();
}

TEST(derived_keys_differ_by_label_and_outlive_a_restart)
{
    uint8_t a[32], b[32], again[32];
    struct secret *s;

    setup();
    CHECK((s = with_key(file_a)));
    secret_derive(s, a, "turn/rest");
    secret_derive(s, b, "another");
    CHECK(memcmp(a, b, sizeof(a)));
    secret_free(s);
    CHECK((s = with_key(file_a)));
    secret_derive(s, again, "turn/rest");
    CHECK_MEM(a, again, sizeof(a));
    secret_free(s);
    CHECK((s = with_key(file_b)));
    secret_derive(s, again, "turn/rest");
    CHECK(memcmp(a, again, sizeof(a)));
    secret_free(s);
    teardown();
}
