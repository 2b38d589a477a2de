/*
 * admin/report: what the self-test's page says it has found, read from its JSON and written again as ours: names and words from our lists
 * only, numbers in bounds, text cut and without what no screen shows. Pure.
 *
 *   {"browser":"Chromium 128","system":"Linux","verdict":"fair","tests":[
 *      {"name":"turn_udp","result":"bad","detail":"…","figures":{"ms":412}}, …]}
 *
 * Each test stands there at most once. What the page left out is left out.
 */
#ifndef ADMIN_REPORT_H
#define ADMIN_REPORT_H

#include "store/selftest.h"

struct json_val;

enum { REPORT_WHY_MAX = 160, REPORT_DETAIL_MAX = 320 };

/* Fills browser, system, verdict and tests of out. EINVAL: why names what is wrong. */
int report_read(struct selftest *out, const struct json_val *report, char why[REPORT_WHY_MAX]);

#endif
