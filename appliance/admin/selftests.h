/* admin/selftests: the nouns selftests and selftest-links: what self-tests found, and links for people without a DN. */
#ifndef ADMIN_SELFTESTS_H
#define ADMIN_SELFTESTS_H

int admin_selftests_routes(void);

#endif
