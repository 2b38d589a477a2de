/* Frames from a browser, through transports, libre's transactions, the registrar and the fall-through; frames are parted by \0. */
#include "sip/registrar.h"
#include "sip/stack_priv.h"

#include "core/guard.h"
#include "core/log.h"
#include "core/mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void drop_h(void *msg, void *arg)
{
    (void)arg;
    free(((struct sip_ws_out *)msg)->data);
}

static int lookup_h(const char *dn, struct registrar_dn *out, void *arg)
{
    (void)arg;
    memset(out, 0, sizeof(*out));
    out->enabled = true;
    return strcmp(dn, "5001") ? ENOENT : 0;
}

static bool nobody_h(const struct addr *src, void *arg)
{
    (void)src;
    (void)arg;
    return false;
}

/* An INVITE takes the way of a call: who is it? */
static bool invite_h(const struct sip_msg *msg, void *arg)
{
    char dn[64];

    return !pl_strcmp(&msg->met, "INVITE") && registrar_authorize(arg, msg, dn, sizeof(dn)) == EACCES;
}

static void frames(struct sip *sip, const uint8_t *data, size_t size)
{
    while (size) {
        const uint8_t *end = memchr(data, 0, size);
        size_t n = end ? (size_t)(end - data) : size;
        void *frame = malloc(n ? n : 1); /* it joins folded lines in place */

        memcpy(frame, data, n);
        transp_ws_recv(sip, 7, frame, n);
        free(frame);
        size -= n + (end != NULL);
        data += n + (end != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sip_stack st;
    static struct guard *guard;
    const struct registrar_config cfg = {.realm = "dngate", .guard = guard, .lookup = lookup_h};
    struct registrar_config rc = cfg;
    struct registrar *r = NULL;
    struct sip_lsnr *lsnr = NULL;
    struct addr a;

    if (!guard) {
        (void)log_set_level(NULL, LOG_ERROR);
        (void)guard_alloc(&guard, &(struct guard_config){.slow_after = UINT32_MAX, .ban_after = UINT32_MAX});
        (void)mbox_alloc(&st.ws_out, "fuzz", sizeof(struct sip_ws_out), 64);
    }
    rc.guard = guard;
    st.edge = (struct transp_edge){nobody_h, NULL, wsedge_frame_h, &st};
    st.gone_count = 0;
    st.opened.h = NULL;
    (void)addr_parse_ip(&a, "192.0.2.7", 4000);
    if (!sip_alloc(&st.sip, NULL, 8, 8, 8, "fuzz", NULL, NULL) && !transp_add_ws(st.sip, &st.edge) &&
        !registrar_alloc(&r, &st, &rc) && !sip_listen(&lsnr, st.sip, true, invite_h, r) &&
        !extension_start(&st) && !sip_stack_fallback(&st) && !transp_ws_open(st.sip, 7, &a, &a))
        frames(st.sip, data, size);
    mem_deref(lsnr);
    registrar_free(r);
    st.extension = mem_deref(st.extension);
    st.fallback = mem_deref(st.fallback);
    sip_close(st.sip, true);
    st.sip = mem_deref(st.sip);
    (void)mbox_drain(st.ws_out, drop_h, NULL);
    return 0;
}
