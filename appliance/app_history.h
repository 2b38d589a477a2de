/* app_history: what happens to DNs' registrations and to trunks goes into the history (store/history). Signalling thread. */
#ifndef APP_HISTORY_H
#define APP_HISTORY_H

struct addr;
struct app_history;
struct directory;
struct registrar;
struct store;
struct trunks;

struct app_history {
    const struct store *store;
    struct directory *directory;
    struct registrar *registrar;
};

/* Listens to both, which must not outlive h. */
int app_history_listen(struct app_history *h, struct trunks *trunks);
/* Somebody wanted to sign in and was not let: of DNs that there are. browser may be NULL. */
void app_history_refused(const struct app_history *h, const char *dn, const struct addr *peer,
                         const char *browser, const char *why);

#endif
