/*
 * Hostile backups: a sound one with bytes of it replaced as the input says is offered to a box. It is taken or refused with a reason;
 * the box is as it was, or serves what was taken.
 * Input: triples of offset (three bytes) and byte; what does not fill one is written over the end.
 */
#include "store/dn.h"
#include "store/restore.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { IMAGE_MAX = 1 << 20, EDIT = 4 };

static char box[64], file[96];
static uint8_t image[IMAGE_MAX];
static size_t image_len;

static void clean(void)
{
    char cmd[128];

    (void)snprintf(cmd, sizeof(cmd), "rm -rf %s", box);
    (void)!system(cmd);
}

static void must(bool is)
{
    if (!is)
        abort();
}

/* A box with a DN, and its backup in memory. */
static void make_image(void)
{
    struct backup_info info;
    struct store *s;
    char why[256];
    FILE *f;

    (void)snprintf(box, sizeof(box), "/tmp/dngate-fuzz-XXXXXX");
    must(mkdtemp(box) != NULL);
    (void)atexit(clean);
    (void)snprintf(file, sizeof(file), "%s/backup", box);
    must(!store_open(&s, box, why, sizeof(why)));
    must(!dn_add(s, "5001", "a password", "Ada", DN_CODEC_AUTO, true, why, sizeof(why)));
    must(!backup_write(box, file, &info, why, sizeof(why)));
    store_close(s);
    f = fopen(file, "rb");
    must(f != NULL);
    image_len = fread(image, 1, sizeof(image), f);
    must(image_len > 4096 && feof(f) != 0);
    (void)fclose(f);
}

static void write_edited(const uint8_t *data, size_t size)
{
    static uint8_t edited[IMAGE_MAX];
    FILE *f = fopen(file, "wb");

    must(f != NULL);
    memcpy(edited, image, image_len);
    for (; size >= EDIT; data += EDIT, size -= EDIT)
        edited[((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % image_len] = data[3];
    memcpy(edited + image_len - size, data, size);
    must(fwrite(edited, 1, image_len, f) == image_len);
    (void)fclose(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct restore_result res = {0};
    struct store *s;
    char why[256] = "";

    if (!image_len)
        make_image();
    write_edited(data, size);
    if (restore_stage(box, file, NULL, &res, why, sizeof(why))) {
        must(why[0] && !strchr(why, '\n'));
        return 0;
    }
    must(!store_open(&s, box, why, sizeof(why)));
    if (restore_apply(s, &res, why, sizeof(why)))
        must(why[0] && !strchr(why, '\n'));
    restore_unstage(box);
    store_close(s);
    return 0;
}
