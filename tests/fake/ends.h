/*
 * fake/ends: the two ends of a call for tests in one thread: an agent (DN 5001, connection 1) and a trunk with credentials, around
 * a box. What they last heard lies in m, and in the names of what came; da and dt are the dialog as each of them sees it.
 */
#ifndef FAKE_ENDS_H
#define FAKE_ENDS_H

#include "fake/box.h"

extern struct box box;
extern struct fake_trunk trunk;
extern struct wsagent agent;
extern struct sipdlg da, dt;
extern struct sipmsg m, invite, agent_req; /* invite: to the trunk; agent_req: to the agent */
extern char sdp[4096], val[1024];

/* The agent is registered then; 0 or what failed. */
int ends_open(const char *const options[]);
void ends_close(void);

#define BOX(options)                                                                                         \
    CHECK_EQ_INT(ends_open(options), 0);                                                                     \
    CHECK_OR(!testing_failed, ends_close(); return )
#define WANT(cond) CHECK_OR(cond, ends_close(); return )

/* The agent calls 600; hdrs: whole lines of its INVITE. */
void dial(const char *hdrs);
/* The trunk answers `invite` with these headers and our usual SDP, and both sides enter the dialog. */
bool answered(const char *hdrs);
/* dial() and answered() */
bool talk(const char *hdrs);
/* The trunk calls the agent, with this SDP (NULL: the usual one). */
void trunk_calls(const char *hdrs, const char *offer);
/* And the agent takes the call, in its 200 with these headers; m is our 200 to the trunk. */
bool agent_answers(const char *hdrs);
bool agent_hangs_up(void);
/* The number of the media path that the SDP in msg, to the agent, speaks of: our ICE user fragment begins with it. 0: none. */
uint32_t path_in(const struct sipmsg *msg);

#endif
