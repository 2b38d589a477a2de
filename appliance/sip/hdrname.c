/* The table is in the order of libre's ids, which are hashes of the names: one hash, a search among numbers, one comparison. */
#include "sip/hdrname.h"

enum { HASH_MASK = 0xfff };

static const struct name {
    enum sip_hdrid id;
    const char *name;
    char compact;
    bool list;
} names[] = {
    {SIP_HDR_ERROR_INFO, "Error-Info", 0, true},
    {SIP_HDR_P_CHARGING_VECTOR, "P-Charging-Vector", 0, false},
    {SIP_HDR_P_ANSWER_STATE, "P-Answer-State", 0, false},
    {SIP_HDR_ALLOW_EVENTS, "Allow-Events", 'u', true},
    {SIP_HDR_PROXY_AUTHENTICATE, "Proxy-Authenticate", 0, false},
    {SIP_HDR_SUPPORTED, "Supported", 'k', true},
    {SIP_HDR_CONTACT, "Contact", 'm', true},
    {SIP_HDR_ACCEPT_CONTACT, "Accept-Contact", 'a', true},
    {SIP_HDR_ALERT_INFO, "Alert-Info", 0, true},
    {SIP_HDR_RECORD_ROUTE, "Record-Route", 0, true},
    {SIP_HDR_HIDE, "Hide", 0, false},
    {SIP_HDR_REJECT_CONTACT, "Reject-Contact", 'j', true},
    {SIP_HDR_RETRY_AFTER, "Retry-After", 0, false},
    {SIP_HDR_RSEQ, "RSeq", 0, false},
    {SIP_HDR_SECURITY_VERIFY, "Security-Verify", 0, true},
    {SIP_HDR_CONTENT_ENCODING, "Content-Encoding", 'e', true},
    {SIP_HDR_FLOW_TIMER, "Flow-Timer", 0, false},
    {SIP_HDR_CALL_INFO, "Call-Info", 0, true},
    {SIP_HDR_ROUTE, "Route", 0, true},
    {SIP_HDR_P_DCS_LAES, "P-DCS-LAES", 0, false},
    {SIP_HDR_ACCEPT_ENCODING, "Accept-Encoding", 0, true},
    {SIP_HDR_CSEQ, "CSeq", 0, false},
    {SIP_HDR_CONTENT_TYPE, "Content-Type", 'c', false},
    {SIP_HDR_SECURITY_SERVER, "Security-Server", 0, true},
    {SIP_HDR_P_ASSOCIATED_URI, "P-Associated-URI", 0, true},
    {SIP_HDR_TIMESTAMP, "Timestamp", 0, false},
    {SIP_HDR_SERVER, "Server", 0, false},
    {SIP_HDR_IDENTITY_INFO, "Identity-Info", 'n', false},
    {SIP_HDR_UNSUPPORTED, "Unsupported", 0, true},
    {SIP_HDR_DATE, "Date", 0, false},
    {SIP_HDR_P_MEDIA_AUTHORIZATION, "P-Media-Authorization", 0, true},
    {SIP_HDR_SUBJECT, "Subject", 's', false},
    {SIP_HDR_P_REFUSED_URI_LIST, "P-Refused-URI-List", 0, true},
    {SIP_HDR_MIN_EXPIRES, "Min-Expires", 0, false},
    {SIP_HDR_P_ASSERTED_IDENTITY, "P-Asserted-Identity", 0, true},
    {SIP_HDR_P_PREFERRED_IDENTITY, "P-Preferred-Identity", 0, true},
    {SIP_HDR_SECURITY_CLIENT, "Security-Client", 0, true},
    {SIP_HDR_PERMISSION_MISSING, "Permission-Missing", 0, true},
    {SIP_HDR_CONTENT_DISPOSITION, "Content-Disposition", 0, false},
    {SIP_HDR_TO, "To", 't', false},
    {SIP_HDR_REFER_TO, "Refer-To", 'r', false},
    {SIP_HDR_RESPONSE_KEY, "Response-Key", 0, false},
    {SIP_HDR_IN_REPLY_TO, "In-Reply-To", 0, true},
    {SIP_HDR_P_SERVED_USER, "P-Served-User", 0, false},
    {SIP_HDR_RESOURCE_PRIORITY, "Resource-Priority", 0, true},
    {SIP_HDR_SERVICE_ROUTE, "Service-Route", 0, true},
    {SIP_HDR_P_ACCESS_NETWORK_INFO, "P-Access-Network-Info", 0, false},
    {SIP_HDR_P_DCS_OSPS, "P-DCS-OSPS", 0, false},
    {SIP_HDR_ACCEPT_RESOURCE_PRIORITY, "Accept-Resource-Priority", 0, true},
    {SIP_HDR_P_DCS_REDIRECT, "P-DCS-Redirect", 0, false},
    {SIP_HDR_P_PROFILE_KEY, "P-Profile-Key", 0, false},
    {SIP_HDR_FROM, "From", 'f', false},
    {SIP_HDR_SESSION_EXPIRES, "Session-Expires", 'x', false},
    {SIP_HDR_EXPIRES, "Expires", 0, false},
    {SIP_HDR_SIP_ETAG, "SIP-ETag", 0, false},
    {SIP_HDR_P_DCS_BILLING_INFO, "P-DCS-Billing-Info", 0, false},
    {SIP_HDR_WARNING, "Warning", 0, true},
    {SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES, "P-Charging-Function-Addresses", 0, false},
    {SIP_HDR_IDENTITY, "Identity", 'y', false},
    {SIP_HDR_PROXY_AUTHORIZATION, "Proxy-Authorization", 0, false},
    {SIP_HDR_REPLY_TO, "Reply-To", 0, false},
    {SIP_HDR_ALLOW, "Allow", 0, true},
    {SIP_HDR_REFER_SUB, "Refer-Sub", 0, false},
    {SIP_HDR_PRIV_ANSWER_MODE, "Priv-Answer-Mode", 0, false},
    {SIP_HDR_AUTHORIZATION, "Authorization", 0, false},
    {SIP_HDR_RACK, "RAck", 0, false},
    {SIP_HDR_REPLACES, "Replaces", 0, false},
    {SIP_HDR_HISTORY_INFO, "History-Info", 0, true},
    {SIP_HDR_P_EARLY_MEDIA, "P-Early-Media", 0, true},
    {SIP_HDR_PATH, "Path", 0, true},
    {SIP_HDR_WWW_AUTHENTICATE, "WWW-Authenticate", 0, false},
    {SIP_HDR_P_USER_DATABASE, "P-User-Database", 0, false},
    {SIP_HDR_MIN_SE, "Min-SE", 0, false},
    {SIP_HDR_ACCEPT_LANGUAGE, "Accept-Language", 0, true},
    {SIP_HDR_SUBSCRIPTION_STATE, "Subscription-State", 0, false},
    {SIP_HDR_ANSWER_MODE, "Answer-Mode", 0, false},
    {SIP_HDR_P_DCS_TRACE_PARTY_ID, "P-DCS-Trace-Party-ID", 0, false},
    {SIP_HDR_SIP_IF_MATCH, "SIP-If-Match", 0, false},
    {SIP_HDR_CALL_ID, "Call-ID", 'i', false},
    {SIP_HDR_ENCRYPTION, "Encryption", 0, false},
    {SIP_HDR_AUTHENTICATION_INFO, "Authentication-Info", 0, true},
    {SIP_HDR_PRIVACY, "Privacy", 0, false},
    {SIP_HDR_TRIGGER_CONSENT, "Trigger-Consent", 0, true},
    {SIP_HDR_ACCEPT, "Accept", 0, true},
    {SIP_HDR_ORGANIZATION, "Organization", 0, false},
    {SIP_HDR_EVENT, "Event", 'o', false},
    {SIP_HDR_P_CALLED_PARTY_ID, "P-Called-Party-ID", 0, false},
    {SIP_HDR_CONTENT_LANGUAGE, "Content-Language", 0, true},
    {SIP_HDR_TARGET_DIALOG, "Target-Dialog", 0, false},
    {SIP_HDR_REFERRED_BY, "Referred-By", 'b', false},
    {SIP_HDR_JOIN, "Join", 0, false},
    {SIP_HDR_PRIORITY, "Priority", 0, false},
    {SIP_HDR_MAX_FORWARDS, "Max-Forwards", 0, false},
    {SIP_HDR_PROXY_REQUIRE, "Proxy-Require", 0, true},
    {SIP_HDR_MIME_VERSION, "MIME-Version", 0, false},
    {SIP_HDR_MAX_BREADTH, "Max-Breadth", 0, false},
    {SIP_HDR_REQUEST_DISPOSITION, "Request-Disposition", 'd', true},
    {SIP_HDR_REASON, "Reason", 0, true},
    {SIP_HDR_CONTENT_LENGTH, "Content-Length", 'l', false},
    {SIP_HDR_P_VISITED_NETWORK_ID, "P-Visited-Network-ID", 0, true},
    {SIP_HDR_REQUIRE, "Require", 0, true},
    {SIP_HDR_VIA, "Via", 'v', true},
    {SIP_HDR_USER_AGENT, "User-Agent", 0, false},
};

static const struct name *by_letter(char letter)
{
    const char lower = (char)(letter | 0x20);

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].compact && names[i].compact == lower)
            return &names[i];
    return NULL;
}

static const struct name *by_hash(const struct pl *name)
{
    const enum sip_hdrid id = (enum sip_hdrid)(hash_joaat_ci(name->p, name->l) & HASH_MASK);
    size_t from = 0, to = ARRAY_SIZE(names);

    while (from < to) {
        const size_t mid = (from + to) / 2;

        if (names[mid].id == id)
            return pl_strcasecmp(name, names[mid].name) ? NULL : &names[mid];
        if (names[mid].id < id)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

enum sip_hdrid sip_hdrname_id(const struct pl *name, bool *list)
{
    const struct name *n = name->l == 1 ? by_letter(*name->p) : by_hash(name);

    if (list)
        *list = n && n->list;
    return n ? n->id : SIP_HDR_NONE;
}

struct pl sip_hdr_token(const struct sip_hdr *h)
{
    struct pl token = PL_INIT;

    return h && !re_regex(h->val.p, h->val.l, "[^; \t]+", &token) ? token : pl_null;
}
