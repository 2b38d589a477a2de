/* bench/console/fill: a database that has seen a lot: so many call records over the last 30 days, of many DNs. */
#ifndef BENCH_CONSOLE_FILL_H
#define BENCH_CONSOLE_FILL_H

/* Into DIR/dngate.db, while the server runs. 0, or -1 and a line on stderr. */
int fill_records(const char *dir, unsigned records, unsigned dns);

#endif
