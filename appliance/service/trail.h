/*
 * service/trail: where entries of the audit go besides the database: the log (module audit), and a syslog server (service/syslog). One thread of
 * its own, which the writer wakes; it reads what is new from the database, so that the database is its queue: whatever syslog server is
 * away, nothing waits in memory, and what came meanwhile is sent when it is back, also over a restart (DIR/audit.sent). What the audit's
 * retention has removed by then is counted as lost.
 *
 * An entry is sent at least once: the last ones before a connection broke come again. Its id tells.
 */
#ifndef SERVICE_TRAIL_H
#define SERVICE_TRAIL_H

struct conf;
struct store;
struct trail;

/* Both must outlive it. ENOMEM, or of pthread_create(3). */
int trail_start(struct trail **tp, struct store *store, struct conf *conf, const char *dir);
void trail_stop(struct trail *t);

#endif
