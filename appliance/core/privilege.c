#include "core/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The raw calls: libcap would be one more library for two of them. */
int privilege_take_low_ports(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {{0}};
    const uint32_t bit = CAP_TO_MASK(CAP_NET_BIND_SERVICE);

    if (syscall(SYS_capget, &head, sets))
        return errno;
    if (!(sets[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)].permitted & bit))
        return EPERM;

    sets[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)].effective |= bit;
    return syscall(SYS_capset, &head, sets) ? errno : 0;
}
