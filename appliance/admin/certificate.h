/* admin/certificate: /certificate: what the pages show, what is asked for, what is handed in. MAIN thread. */
#ifndef ADMIN_CERTIFICATE_H
#define ADMIN_CERTIFICATE_H

int admin_certificate_routes(void);

#endif
