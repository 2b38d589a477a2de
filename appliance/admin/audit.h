/* admin/audit: the noun audit: who changed what, to search and to export. */
#ifndef ADMIN_AUDIT_H
#define ADMIN_AUDIT_H

int admin_audit_routes(void);

#endif
