/* admin/settings: the noun settings: the settings, what people changed of them, and back. */
#ifndef ADMIN_SETTINGS_H
#define ADMIN_SETTINGS_H

int admin_settings_routes(void);

#endif
