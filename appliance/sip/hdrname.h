/*
 * sip/hdrname: the header names that libre has an id for, and no others: the id is a hash of 12 bits, and Ms-Client-Diagnostics has
 * that of To, DC-Info that of Call-ID. Pure functions. RFC 3261 7.3.1 (names in any case), 7.3.3 (compact forms), 20.
 */
#ifndef SIP_HDRNAME_H
#define SIP_HDRNAME_H

#include <re.h>
#include <stdbool.h>

/* The id of this name, long or compact; SIP_HDR_NONE for every other. *list: values may be parted by commas; may be NULL. */
enum sip_hdrid sip_hdrname_id(const struct pl *name, bool *list);
/* A header's value before its parameters, as of Event; empty: it has none, or h is NULL. */
struct pl sip_hdr_token(const struct sip_hdr *h);

#endif
