/* admin/cdr: /cdr: call records, their sums, as CSV, and with what was wrong; /cdr/{id}/trace and what can be downloaded of it. */
#ifndef ADMIN_CDR_H
#define ADMIN_CDR_H

int admin_cdr_routes(void);

#endif
