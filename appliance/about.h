/* about: texts that the build gathers into the binary (docker/licenses.sh, docker/sbom.mjs), for `dngate version`. */
#ifndef ABOUT_H
#define ABOUT_H

extern const char *const about_licenses; /* of dngate and everything linked or bundled */
extern const char *const about_versions; /* of what is linked: lines "name version …" */
extern const char *const about_sbom;     /* the bill of materials, SPDX 2.3 as JSON */

#endif
