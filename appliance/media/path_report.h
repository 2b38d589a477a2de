/* media/path_report: what goes beside the audio. See path.h. */
#ifndef MEDIA_PATH_REPORT_H
#define MEDIA_PATH_REPORT_H

#include "media/path_state.h"

void path_reports(struct path *p, bool bye, uint64_t now_us);
void path_report_from_browser(struct path *p, const uint8_t *buf, size_t n, uint64_t now_us);
void path_trunk_rtcp(struct path *p, const struct udp_packet *pkt, uint64_t now_us);
void path_timeouts(struct path *p, uint64_t now_us);

#endif
