/*
 * service/verdictwords: the sentences that service/verdict chooses from. A row's code is what programs and translations hold on to: it is never
 * renamed, and what its texts name in braces stays the same. Static data.
 */
#ifndef SERVICE_VERDICTWORDS_H
#define SERVICE_VERDICTWORDS_H

#include "service/verdict.h"

enum verdict_say {
    /* audio that failed */
    SAY_ICE,
    SAY_ICE_NO_RELAY, /* n */
    SAY_ICE_RELAY,    /* n */
    SAY_DTLS,
    SAY_FINGERPRINT,
    SAY_CONSENT,
    SAY_CONSENT_AT, /* address */
    SAY_SILENT_TRUNK,
    SAY_SILENT_BROWSER,
    /* audio one way only */
    SAY_MUTE_BOTH,
    SAY_MUTE_BOTH_NO_WAY,
    SAY_MUTE_TRUNK,
    SAY_MUTE_TRUNK_AT,       /* sdp, ours */
    SAY_MUTE_TRUNK_STRANGER, /* sdp, n, stranger */
    SAY_MUTE_TRUNK_NAT,      /* sdp, peer */
    SAY_MUTE_BROWSER,
    /* digits: n */
    SAY_DIGITS_REFUSED,
    SAY_DIGITS_REFUSED_NO_EVENTS,
    SAY_DIGITS_LOST,
    SAY_DIGITS_TONES,
    /* how it sounded */
    SAY_LOSS_BROWSER,       /* percent, lost, total */
    SAY_LOSS_BROWSER_RELAY, /* the same */
    SAY_LOSS_TRUNK,         /* the same */
    SAY_JITTER_BROWSER,     /* ms */
    SAY_JITTER_TRUNK,       /* ms */
    SAY_MOS_BROWSER,        /* mos, percent, ms */
    SAY_MOS_BROWSER_FAR,    /* the same */
    SAY_MOS_TRUNK,          /* the same */
    SAY_FAR,                /* ms */
    /* how it ended */
    SAY_ENDED,     /* by the gateway */
    SAY_ENDED_WHY, /* why */
    SAY_WELL,
    SAY_WELL_AGENT, /* who hung up */
    SAY_WELL_CALLED,
    SAY_WELL_CALLER,
    SAY_PAGE_AWAY,
    /* never answered */
    SAY_AGENT_LOST,
    SAY_AGENT_LOST_RANG,      /* n */
    SAY_TRUNK_TIMEOUT,        /* peer */
    SAY_TRUNK_TIMEOUT_OTHERS, /* peer */
    SAY_NO_TRUNK,
    SAY_TRUNK_NO_FINAL,
    SAY_NO_DN,           /* dn */
    SAY_NO_NUMBER,       /* number, trunk, answer */
    SAY_NOBODY_ANSWERED, /* n */
    SAY_CALLED_AWAY,     /* trunk, answer */
    SAY_AGENT_AWAY,      /* dn */
    SAY_AGENT_AWAY_WHY,  /* dn, why */
    SAY_CODEC,           /* codecs */
    SAY_CODEC_WARNING,   /* codecs, warning */
    SAY_CODEC_TRUNK,
    SAY_CODEC_TRUNK_WARNING, /* warning */
    SAY_CODEC_GATEWAY,
    SAY_CODEC_GATEWAY_WARNING, /* warning */
    SAY_BUSY_LIMIT_OUT,        /* dn */
    SAY_BUSY_LIMIT_IN,
    SAY_BUSY_CALLED,
    SAY_BUSY_AGENT,
    SAY_TRUNK_REFUSES, /* answer */
    SAY_DECLINED,
    SAY_FAILED_TRUNK,    /* answer */
    SAY_FAILED_GATEWAY,  /* answer */
    SAY_REFUSED_TRUNK,   /* answer */
    SAY_REFUSED_AGENT,   /* answer */
    SAY_REFUSED_GATEWAY, /* answer */
    SAY_GAVE_UP_AGENT,
    SAY_GAVE_UP_AGENT_RANG, /* n */
    SAY_GAVE_UP_CALLER,
    SAY_GAVE_UP_CALLER_RANG, /* n */
    SAYS
};

struct verdict_row {
    const char *code;
    enum verdict_level level;
    const char *title, *cause, *advice; /* NULL: nothing to say */
};
const struct verdict_row *verdict_row(enum verdict_say say);

#endif
