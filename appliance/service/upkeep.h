/*
 * service/upkeep: what the appliance does for itself from time to time, on a thread of its own: old records go (cdr.keep_days, …), copies are made
 * (backup.every). It looks each minute, and at once when one of its settings changes.
 */
#ifndef SERVICE_UPKEEP_H
#define SERVICE_UPKEEP_H

struct conf;
struct store;
struct upkeep;

/* Both must outlive it. */
int upkeep_start(struct upkeep **up, struct store *store, struct conf *conf);
void upkeep_stop(struct upkeep *u);

#endif
