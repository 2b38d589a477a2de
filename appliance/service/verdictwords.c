#include "service/verdictwords.h"

/* What several rows say. */
#define ICE "No audio: the browser and the gateway found no way to each other"
#define ICE_ADVICE                                                                                           \
    "Open the gateway's media port (UDP) towards the agents, or let browsers reach its TURN server; the "    \
    "page Network and the agent's self-test say which port is closed."
#define GONE "The connection to the agent's browser was lost"
#define GONE_ADVICE                                                                                          \
    "The agent's network went away, the computer slept, or the page was closed. See whether other calls of " \
    "this DN ended so."
#define BOTH "No audio: neither side was heard"
#define BOTH_ADVICE                                                                                          \
    "Check the gateway's addresses and ports on the page Network: both its media port for browsers and its " \
    "RTP ports for the trunk."
#define DEAF "One-way audio: the agent heard nothing"
#define DEAF_ADVICE                                                                                          \
    "Open the RTP ports (rtp.port_min to rtp.port_max, UDP) from the trunk's media address to the gateway, " \
    "and see that the address in our SDP (public.address) is one that the trunk reaches."
#define DIGITS_ADVICE                                                                                        \
    "Have the Genesys side offer telephone-event (RFC 4733) for this trunk: it is the one type of digits "   \
    "that both sides can rely on."
#define NETWORK_ADVICE                                                                                       \
    "The agent's network is at fault: Wi-Fi, VPN or a full line. A cable, or another network, shows it."
#define TRUNK_ADVICE                                                                                         \
    "The way between the trunk's media and the gateway is at fault: compare other calls of this trunk at "   \
    "the same time, and look at QoS."
#define WELL "The call went well"
#define AGENT_LOST "The agent's connection was lost before the call was answered"
#define TIMEOUT "The trunk did not answer"
#define TIMEOUT_ADVICE                                                                                       \
    "See whether that address is right and the SIP Server runs there; the trunk's test goes through it "     \
    "step by step. A firewall may let nothing out, or nothing back."
#define AGENT_AWAY "The agent could not be reached"
#define AGENT_AWAY_ADVICE                                                                                    \
    "Genesys sent a call to an agent who was not there: see that the agent logs out in Genesys when the "    \
    "page is closed, and whether the page was open."
#define CODEC "No common codec"
#define CODEC_ADVICE                                                                                         \
    "Allow G.711 (PCMU or PCMA) for this trunk in Genesys, and see that the trunk's codecs here name the "   \
    "same."
#define REFUSED "The call was refused"

static const struct verdict_row rows[SAYS] = {
    [SAY_ICE] = {"ice", VERDICT_BAD, ICE, "ICE found no pair of addresses that works.", ICE_ADVICE},
    [SAY_ICE_NO_RELAY] = {"ice_no_relay", VERDICT_BAD, ICE,
                          "ICE tried the browser's {n} addresses and none of them worked; there was none by "
                          "the TURN server among them.",
                          ICE_ADVICE},
    [SAY_ICE_RELAY] = {"ice_relay", VERDICT_BAD, ICE,
                       "ICE tried the browser's {n} addresses and none of them worked, not even by the TURN "
                       "server.",
                       ICE_ADVICE},
    [SAY_DTLS] = {"dtls", VERDICT_BAD, "No audio: the encryption with the browser did not come about",
                  "ICE found a way to the browser, but the DTLS handshake on it did not end in time.",
                  "Small packets get through and large ones do not: look at the MTU of the agent's VPN, and "
                  "at firewalls that inspect DTLS."},
    [SAY_FINGERPRINT] =
        {"fingerprint", VERDICT_BAD, "No audio: the browser showed another certificate than it had promised",
         "The fingerprint in the browser's SDP is not that of the certificate in its DTLS handshake.",
         "Something between browser and gateway changes SIP or media. Take it out of the way."},
    [SAY_CONSENT] = {"consent", VERDICT_BAD, GONE,
                     "The browser answered no more ICE checks for 30 s and did not come back.", GONE_ADVICE},
    [SAY_CONSENT_AT] =
        {"consent_at", VERDICT_BAD, GONE,
         "The browser answered no more ICE checks for 30 s and did not come back; it was last at {address}.",
         GONE_ADVICE},
    [SAY_SILENT_TRUNK] = {"silent_trunk", VERDICT_BAD,
                          "The call was ended: nothing was heard from the trunk any more",
                          "No audio packet came from the trunk for as long as media.rtp_timeout allows.",
                          "Ask at the Genesys side whether the far end's media stopped without a BYE."},
    [SAY_SILENT_BROWSER] = {"silent_browser", VERDICT_BAD,
                            "The call was ended: nothing was heard from the browser any more",
                            "No audio packet came from the browser for as long as media.rtp_timeout allows.",
                            "The agent's network went away. See whether other calls of this DN ended so."},

    [SAY_MUTE_BOTH] = {"mute_both", VERDICT_BAD, BOTH,
                       "A way to the browser was found, but hardly a packet came from either side.",
                       BOTH_ADVICE},
    [SAY_MUTE_BOTH_NO_WAY] = {"mute_both_no_way", VERDICT_BAD, BOTH,
                              "No way to the browser was found, and hardly a packet came from the trunk.",
                              BOTH_ADVICE},
    [SAY_MUTE_TRUNK] = {"mute_trunk", VERDICT_BAD, DEAF, "Nothing came from the trunk after the answer.",
                        DEAF_ADVICE},
    [SAY_MUTE_TRUNK_AT] =
        {"mute_trunk_at", VERDICT_BAD, DEAF,
         "Nothing came from the trunk after the answer. Its SDP named {sdp}; ours named {ours}.",
         DEAF_ADVICE},
    [SAY_MUTE_TRUNK_STRANGER] =
        {"mute_trunk_stranger", VERDICT_BAD, DEAF,
         "Its SDP named {sdp}, but {n} packets came from {stranger}, whom the gateway does not take for the "
         "trunk.",
         "A NAT or a media gateway that the SDP does not name stands between. Have the Genesys side put "
         "{stranger} into its SDP, or make its SIP come from there."},
    [SAY_MUTE_TRUNK_NAT] =
        {"mute_trunk_nat", VERDICT_BAD, DEAF,
         "Nothing came from the trunk. Its SDP named {sdp}, a private address, while its SIP comes from "
         "{peer}: a NAT stands between, and the address does not lead there.",
         "Have the Genesys side write its public address into SDP, or join the networks so that {sdp} is "
         "reached from here."},
    [SAY_MUTE_BROWSER] =
        {"mute_browser", VERDICT_BAD, "One-way audio: the agent was not heard",
         "Hardly a packet came from the agent's browser, though the trunk's audio reached the gateway.",
         "See whether the microphone was muted, unplugged or forbidden to the page: the agent's self-test "
         "finds out."},

    [SAY_DIGITS_REFUSED] =
        {"digits_refused", VERDICT_BAD, "Digits did not get through",
         "{n} digits that were sent by SIP INFO were refused; what is left are tones in the audio.",
         DIGITS_ADVICE},
    [SAY_DIGITS_REFUSED_NO_EVENTS] =
        {"digits_refused_no_events", VERDICT_BAD, "Digits did not get through",
         "{n} digits that were sent by SIP INFO were refused, and the trunk's SDP lists no telephone-event "
         "(RFC 4733); what is left are tones in the audio.",
         DIGITS_ADVICE},
    [SAY_DIGITS_LOST] = {"digits_lost", VERDICT_BAD, "Digits did not get through",
                         "{n} digits were lost: too many waited to be sent.", DIGITS_ADVICE},
    [SAY_DIGITS_TONES] =
        {"digits_tones", VERDICT_WARN, "Digits may not have been understood",
         "The trunk's SDP lists no telephone-event (RFC 4733), so {n} digits went as tones in the audio or "
         "by SIP INFO.",
         DIGITS_ADVICE},

    [SAY_LOSS_BROWSER] = {"loss_browser", VERDICT_BAD, "The agent was heard with gaps",
                          "{percent} % of the packets from the browser did not arrive ({lost} of {total}).",
                          NETWORK_ADVICE},
    [SAY_LOSS_BROWSER_RELAY] =
        {"loss_browser_relay", VERDICT_BAD, "The agent was heard with gaps",
         "{percent} % of the packets from the browser did not arrive ({lost} of {total}); they came by the "
         "TURN server.",
         NETWORK_ADVICE},
    [SAY_LOSS_TRUNK] = {"loss_trunk", VERDICT_BAD, "The agent heard with gaps",
                        "{percent} % of the packets from the trunk did not arrive ({lost} of {total}).",
                        TRUNK_ADVICE},
    [SAY_JITTER_BROWSER] = {"jitter_browser", VERDICT_BAD, "The agent was heard choppily",
                            "The packets from the browser came unevenly: jitter {ms} ms.", NETWORK_ADVICE},
    [SAY_JITTER_TRUNK] = {"jitter_trunk", VERDICT_BAD, "The agent heard choppily",
                          "The packets from the trunk came unevenly: jitter {ms} ms.", TRUNK_ADVICE},
    [SAY_MOS_BROWSER] = {"mos_browser", VERDICT_WARN, "The agent was heard poorly",
                         "MOS {mos} from the browser: loss {percent} %, jitter {ms} ms.", NETWORK_ADVICE},
    [SAY_MOS_BROWSER_FAR] = {"mos_browser_far", VERDICT_WARN, "The agent was heard poorly",
                             "MOS {mos} from the browser: loss {percent} %, jitter {ms} ms, and a long way.",
                             NETWORK_ADVICE},
    [SAY_MOS_TRUNK] = {"mos_trunk", VERDICT_WARN, "The agent heard poorly",
                       "MOS {mos} from the trunk: loss {percent} %, jitter {ms} ms.", TRUNK_ADVICE},
    [SAY_FAR] =
        {"far", VERDICT_WARN, "Long delay to the agent",
         "A packet took {ms} ms to the browser and back; people begin to talk over each other at 300 ms.",
         "Look at the agent's VPN, and at whether the call went by a relay that is far away."},

    [SAY_ENDED] = {"ended", VERDICT_WARN, "The gateway ended the call", "No reason was noted.", NULL},
    [SAY_ENDED_WHY] = {"ended_why", VERDICT_WARN, "The gateway ended the call", "{why}.", NULL},
    [SAY_WELL] = {"well", VERDICT_GOOD, WELL, NULL, NULL},
    [SAY_WELL_AGENT] = {"well_agent", VERDICT_GOOD, WELL, "It was answered, and the agent hung up.", NULL},
    [SAY_WELL_CALLED] = {"well_called", VERDICT_GOOD, WELL, "It was answered, and the called side hung up.",
                         NULL},
    [SAY_WELL_CALLER] = {"well_caller", VERDICT_GOOD, WELL, "It was answered, and the caller hung up.", NULL},

    [SAY_PAGE_AWAY] =
        {"page_away", VERDICT_BAD, "The agent's page did not come back",
         "Its connection was gone for as long as call.rebind_seconds allows; the far end heard a beep "
         "meanwhile.",
         GONE_ADVICE},
    [SAY_AGENT_LOST] = {"agent_lost", VERDICT_BAD, AGENT_LOST,
                        "The browser's connection to the gateway broke.", GONE_ADVICE},
    [SAY_AGENT_LOST_RANG] = {"agent_lost_rang", VERDICT_BAD, AGENT_LOST,
                             "It had rung for {n} s when the browser's connection to the gateway broke.",
                             GONE_ADVICE},
    [SAY_TRUNK_TIMEOUT] = {"trunk_timeout", VERDICT_BAD, TIMEOUT,
                           "The INVITE was sent to {peer}, again and again, and nothing came back.",
                           TIMEOUT_ADVICE},
    [SAY_TRUNK_TIMEOUT_OTHERS] =
        {"trunk_timeout_others", VERDICT_BAD, TIMEOUT,
         "The INVITE was sent to {peer} and others, again and again, and nothing came back.", TIMEOUT_ADVICE},
    [SAY_NO_TRUNK] = {"no_trunk", VERDICT_BAD, "No trunk was up",
                      "No trunk answered OPTIONS at that time, so that the call was sent to none.",
                      "Test the trunk: the page Trunks says at which step it fails."},
    [SAY_TRUNK_NO_FINAL] = {"trunk_no_final", VERDICT_BAD, "The trunk took the call and never answered it",
                            "It rang or was queued, and no final answer came in time.",
                            "Ask at the Genesys side where the call waited."},
    [SAY_NO_DN] = {"no_dn", VERDICT_BAD, "DN {dn} does not exist here",
                   "The trunk sent a call for a DN that the gateway does not have.",
                   "Add the DN, or take its route in Genesys off this gateway."},
    [SAY_NO_NUMBER] =
        {"no_number", VERDICT_BAD, "The number {number} does not exist",
         "The trunk {trunk} answered {answer}.",
         "See whether the number was dialled right; if it was, Genesys has no route or DN for it."},
    [SAY_NOBODY_ANSWERED] = {"nobody_answered", VERDICT_GOOD, "Nobody answered", "It rang for {n} s.", NULL},
    [SAY_CALLED_AWAY] = {"called_away", VERDICT_WARN, "Who was called is not available",
                         "The trunk {trunk} answered {answer}.",
                         "The DN or phone that was called is not registered at its own switch."},
    [SAY_AGENT_AWAY] = {"agent_away", VERDICT_BAD, AGENT_AWAY,
                        "DN {dn} was not signed in, or its page did not answer.", AGENT_AWAY_ADVICE},
    [SAY_AGENT_AWAY_WHY] = {"agent_away_why", VERDICT_BAD, AGENT_AWAY,
                            "DN {dn} was not signed in, or its page did not answer: {why}.",
                            AGENT_AWAY_ADVICE},
    [SAY_CODEC] = {"codec", VERDICT_BAD, CODEC,
                   "The trunk speaks {codecs}, and the gateway none of them towards it.", CODEC_ADVICE},
    [SAY_CODEC_WARNING] =
        {"codec_warning", VERDICT_BAD, CODEC,
         "The trunk speaks {codecs}, and the gateway none of them towards it. It says: {warning}",
         CODEC_ADVICE},
    [SAY_CODEC_TRUNK] = {"codec_trunk", VERDICT_BAD, CODEC, "The trunk refused the description of the audio.",
                         CODEC_ADVICE},
    [SAY_CODEC_TRUNK_WARNING] = {"codec_trunk_warning", VERDICT_BAD, CODEC,
                                 "The trunk refused the description of the audio: {warning}", CODEC_ADVICE},
    [SAY_CODEC_GATEWAY] = {"codec_gateway", VERDICT_BAD, CODEC,
                           "The gateway refused the description of the audio.", CODEC_ADVICE},
    [SAY_CODEC_GATEWAY_WARNING] = {"codec_gateway_warning", VERDICT_BAD, CODEC,
                                   "The gateway refused the description of the audio: {warning}",
                                   CODEC_ADVICE},

    [SAY_BUSY_LIMIT_OUT] = {"busy_limit_out", VERDICT_WARN, "The agent has as many calls as allowed",
                            "DN {dn} was on other calls, and its call limit allows no more.",
                            "End the other call first, or raise the DN's call limit or call.limit_per_dn."},
    [SAY_BUSY_LIMIT_IN] = {"busy_limit_in", VERDICT_GOOD, "Busy",
                           "The agent was on as many calls as the DN's call limit allows.", NULL},
    [SAY_BUSY_CALLED] = {"busy_called", VERDICT_GOOD, "Busy", "Who was called was on another call.", NULL},
    [SAY_BUSY_AGENT] = {"busy_agent", VERDICT_GOOD, "Busy", "The agent was on another call.", NULL},
    [SAY_TRUNK_REFUSES] =
        {"trunk_refuses", VERDICT_BAD, "The trunk refuses our calls", "It answered {answer}.",
         "See that the trunk's user name and password are right, and that Genesys takes calls from this "
         "gateway's address."},
    [SAY_DECLINED] = {"declined", VERDICT_GOOD, "The call was declined", NULL, NULL},
    [SAY_FAILED_TRUNK] = {"failed_trunk", VERDICT_BAD, "The trunk could not serve the call", "{answer}.",
                          "If it happens again, look at the SIP Server's log at that time."},
    [SAY_FAILED_GATEWAY] = {"failed_gateway", VERDICT_BAD, "The gateway could not serve the call",
                            "{answer}.", "If it happens again, look at the gateway's log at that time."},
    [SAY_REFUSED_TRUNK] = {"refused_trunk", VERDICT_WARN, REFUSED, "The trunk answered {answer}.", NULL},
    [SAY_REFUSED_AGENT] = {"refused_agent", VERDICT_WARN, REFUSED, "The agent's browser answered {answer}.",
                           NULL},
    [SAY_REFUSED_GATEWAY] = {"refused_gateway", VERDICT_WARN, REFUSED, "The gateway answered {answer}.",
                             NULL},
    [SAY_GAVE_UP_AGENT] = {"gave_up_agent", VERDICT_GOOD, "The agent hung up before the answer", NULL, NULL},
    [SAY_GAVE_UP_AGENT_RANG] = {"gave_up_agent_rang", VERDICT_GOOD, "The agent hung up before the answer",
                                "It had rung for {n} s.", NULL},
    [SAY_GAVE_UP_CALLER] = {"gave_up_caller", VERDICT_GOOD, "The caller gave up", NULL, NULL},
    [SAY_GAVE_UP_CALLER_RANG] = {"gave_up_caller_rang", VERDICT_GOOD, "The caller gave up",
                                 "It had rung for {n} s.", NULL},
};

const struct verdict_row *verdict_row(enum verdict_say say)
{
    return &rows[say < SAYS ? say : SAY_WELL];
}
