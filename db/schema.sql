-- dngate's database, DIR/dngate.db, as it is today. A new database is made from this file; an older one is brought here by
-- migrations/NNN-name.sql, one after the other, in one transaction. A unit test proves that both ways end in the same schema.
--
-- To change it: edit this file, add migrations/NNN-name.sql that does the same to existing data, raise user_version to NNN.
-- Times are Unix time in milliseconds, UTC; 0 or absent means "did not happen". Comments are stripped when the file is embedded.

PRAGMA user_version = 13;

-- Directory numbers: who may register, and as what. The password itself is never kept.
CREATE TABLE dn (
    dn          TEXT PRIMARY KEY,           -- 1..63 of [A-Za-z0-9._+*#-]
    name        TEXT NOT NULL DEFAULT '',   -- shown on the agent's page and in lists
    enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    codec       TEXT NOT NULL DEFAULT 'auto' CHECK (codec IN ('auto', 'opus', 'pcmu', 'pcma')),
    ha1_md5     TEXT NOT NULL,              -- MD5(dn:dngate:password), hex (RFC 2617)
    ha1_sha256  TEXT NOT NULL,              -- SHA-256 of the same (RFC 8760)
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL,
    auto_answer INTEGER NOT NULL DEFAULT 0 CHECK (auto_answer IN (0, 1)),      -- the page answers calls by itself, after a beep
    call_limit INTEGER NOT NULL DEFAULT 0 CHECK (call_limit BETWEEN 0 AND 10), -- calls at a time; 0 = as call.limit_per_dn says
    trunk_password TEXT NOT NULL DEFAULT ''  -- of its digest at SIP Server; sealed with DIR/secret.key, context "dn/DN"; '' = none
) STRICT, WITHOUT ROWID;

-- SIP peers that calls go to and come from; tried in order of priority, then name.
CREATE TABLE trunk (
    name         TEXT PRIMARY KEY,
    host         TEXT NOT NULL,             -- IP literal or name
    port         INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    transport    TEXT NOT NULL DEFAULT 'udp' CHECK (transport IN ('udp', 'tcp', 'tls')),
    username     TEXT NOT NULL DEFAULT '',  -- digest credentials for when the peer challenges us
    password     TEXT NOT NULL DEFAULT '',  -- sealed with DIR/secret.key, context "trunk/NAME"; '' = none
    registers    INTEGER NOT NULL DEFAULT 0 CHECK (registers IN (0, 1)),  -- DNs are registered there while their agents are here
    enabled      INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    priority     INTEGER NOT NULL DEFAULT 10,  -- lower is tried first
    ping_seconds INTEGER NOT NULL DEFAULT 30,  -- OPTIONS interval; 0 = never, taken as up
    codecs       TEXT NOT NULL DEFAULT 'pcmu,pcma',
    ptime        INTEGER NOT NULL DEFAULT 20 CHECK (ptime BETWEEN 10 AND 60),  -- ms of audio in a packet
    tls_ca       TEXT NOT NULL DEFAULT '',  -- PEM text, or a file's path: who must have signed its certificate; '' = whom the machine trusts
    tls_name     TEXT NOT NULL DEFAULT '',  -- whose certificate it must show; '' = host's
    tls_cert     TEXT NOT NULL DEFAULT ''   -- PEM file with what we show it, and the key; '' = the web's
) STRICT, WITHOUT ROWID;

-- People who administer the gateway.
CREATE TABLE user (
    name        TEXT PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('admin', 'supervisor', 'readonly')),
    pwhash      TEXT NOT NULL,              -- argon2id, encoded
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL,
    totp        TEXT NOT NULL DEFAULT '',   -- secret of RFC 6238, sealed with DIR/secret.key, context "totp/NAME"; '' = none
    last_step   INTEGER NOT NULL DEFAULT 0  -- time step of the last code that was taken: none is taken twice
) STRICT, WITHOUT ROWID;

-- Codes for who has lost the device that makes the others; each is good once.
CREATE TABLE recovery (
    user       TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    code_hash  TEXT NOT NULL,               -- SHA-256, hex
    PRIMARY KEY (user, code_hash)
) STRICT, WITHOUT ROWID;

-- Who is signed in to the console. The token itself is never kept.
CREATE TABLE session (
    id          TEXT PRIMARY KEY,           -- for people: to see and to revoke
    token_hash  TEXT NOT NULL UNIQUE,       -- SHA-256, hex
    user        TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    address     TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL,           -- to a minute
    expires_ms  INTEGER NOT NULL,           -- whatever is done until then
    totp_new    TEXT NOT NULL DEFAULT ''    -- sealed like user.totp: offered, not yet proved by a code
) STRICT, WITHOUT ROWID;

CREATE INDEX session_user ON session (user);

-- Keys for programs that use /api/admin/v1. The key itself is never kept.
CREATE TABLE apikey (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,       -- what it is for
    key_hash    TEXT NOT NULL UNIQUE,       -- SHA-256, hex
    role        TEXT NOT NULL CHECK (role IN ('admin', 'supervisor', 'readonly')),
    user        TEXT NOT NULL,              -- who made it
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,           -- 0 = never
    seen_ms     INTEGER NOT NULL            -- last used, to a minute; 0 = not yet
) STRICT, WITHOUT ROWID;

-- The link by which the first administrator is made: one at a time, good once.
CREATE TABLE setup_link (
    token_hash  TEXT PRIMARY KEY,           -- SHA-256, hex
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Settings that differ from their default; -o and the environment stand above them. Keys and ranges: appliance/conf/table.c.
CREATE TABLE setting (
    key         TEXT PRIMARY KEY,
    value       TEXT NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Call detail records: one row per attempt, written when it has ended. No constraint may refuse a row: a record that
-- looks odd is worth more than one that is missing. DNs and trunks are kept as text, so that a record outlives them.
CREATE TABLE cdr (
    id           TEXT PRIMARY KEY,          -- sorts by time; also makes replays from cdr.spill harmless
    direction    TEXT NOT NULL,             -- outbound (agent to trunk), inbound
    dn           TEXT NOT NULL,             -- the agent's
    caller       TEXT NOT NULL,
    callee       TEXT NOT NULL,
    caller_name  TEXT NOT NULL,
    trunk        TEXT NOT NULL,             -- '' = no trunk was reached
    call_uuid    TEXT NOT NULL,             -- X-Genesys-CallUUID
    sip_call_id  TEXT NOT NULL,             -- Call-ID of the trunk leg
    start_ms     INTEGER NOT NULL,
    ring_ms      INTEGER NOT NULL,
    answer_ms    INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    code         INTEGER NOT NULL,          -- SIP result, 200 = answered
    reason       TEXT NOT NULL,
    hangup       TEXT NOT NULL,             -- who ended it: agent, trunk, gateway or ''
    browser_codec     TEXT NOT NULL,        -- browser_*: audio as it reached us from the agent's browser
    browser_packets   INTEGER NOT NULL,
    browser_bytes     INTEGER NOT NULL,
    browser_lost      INTEGER NOT NULL,
    browser_jitter_ms REAL NOT NULL,
    browser_mos       REAL NOT NULL,        -- 1.0..4.5; 0 = unknown
    trunk_codec       TEXT NOT NULL,        -- trunk_*: audio as it reached us from the trunk
    trunk_packets     INTEGER NOT NULL,
    trunk_bytes       INTEGER NOT NULL,
    trunk_lost        INTEGER NOT NULL,
    trunk_jitter_ms   REAL NOT NULL,
    trunk_mos         REAL NOT NULL,
    remote_ice   TEXT NOT NULL,             -- where the browser's media came from at the end; by our relay: where its client did
    rtt_ms       REAL NOT NULL,             -- to the browser
    path         TEXT NOT NULL DEFAULT '',  -- the way of its media at the end: direct; by our TURN server relay-udp, relay-tcp, relay-tls,
                                            -- as the browser reaches it; by another's relay-other; '' = none was found, or not known
    path_changes INTEGER NOT NULL DEFAULT 0,  -- how often that way became another in mid-call
    candidate    TEXT NOT NULL DEFAULT ''   -- ICE's word for the browser's address: host, srflx, prflx, relay
) STRICT, WITHOUT ROWID;

CREATE INDEX cdr_dn ON cdr (dn, id);        -- one agent's calls, newest first
-- A span of time, and all that its sums are made of: a day of a million calls is added up without a look at the calls themselves.
CREATE INDEX cdr_figures ON cdr (start_ms, id, direction, code, ring_ms, answer_ms, end_ms, browser_mos, trunk_mos);

-- What calls left that failed or were bad, of a sample, and of DNs under watch: SIP messages of both legs (secrets and digits masked),
-- events and figures. Bounded by trace.total and trace.days: the oldest go.
CREATE TABLE trace (
    id       TEXT PRIMARY KEY,              -- of the call
    time_ms  INTEGER NOT NULL,              -- when it began
    why      TEXT NOT NULL,                 -- failed, bad, watch, sample
    bytes    INTEGER NOT NULL,
    json     TEXT NOT NULL                  -- as appliance/call/trace.h says
) STRICT;

CREATE INDEX trace_time ON trace (time_ms, bytes);

-- Calls that run now. A row goes in the transaction that writes the call's record; what is left after a crash becomes records at
-- the next start.
CREATE TABLE call_open (
    id       TEXT PRIMARY KEY,
    record   TEXT NOT NULL,                 -- JSON as in cdr.spill: the call record as far as it was known
    seen_ms  INTEGER NOT NULL               -- the server was alive and the call was up; renewed every 10 s
) STRICT, WITHOUT ROWID;

-- What self-tests found: the last ten of each DN, and the last hundred that were made by links.
CREATE TABLE selftest (
    id       TEXT PRIMARY KEY,              -- sorts by time
    dn       TEXT NOT NULL,                 -- '' = made by a link
    note     TEXT NOT NULL,                 -- of the link
    session  TEXT NOT NULL UNIQUE,          -- SHA-256 of the test's session: a later result of the same test replaces this one
    time_ms  INTEGER NOT NULL,
    source   TEXT NOT NULL,                 -- the browser's IP address as the web server saw it
    browser  TEXT NOT NULL,
    system   TEXT NOT NULL,
    verdict  TEXT NOT NULL,                 -- good, fair, bad
    tests    TEXT NOT NULL                  -- JSON: [{"name","result","detail","figures":{…}}], as admin/report writes it
) STRICT, WITHOUT ROWID;

CREATE INDEX selftest_dn ON selftest (dn, id);

-- One-time links for somebody without a DN. The token itself is never kept.
CREATE TABLE selftest_link (
    id          INTEGER PRIMARY KEY,
    token_hash  TEXT NOT NULL UNIQUE,       -- SHA-256, hex
    note        TEXT NOT NULL,              -- whom it is for
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER NOT NULL            -- 0 = not yet
) STRICT;

-- Who changed what, written in the transaction of the change itself. Holds no secret.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    time_ms  INTEGER NOT NULL,
    who      TEXT NOT NULL,                 -- of the command line "root" or "uid=N", user of the console, or "system"
    what     TEXT NOT NULL,                 -- "dn 5001 added"
    via      TEXT NOT NULL DEFAULT '',      -- console, key (of the API), cli, system
    address  TEXT NOT NULL DEFAULT '',      -- IP address; '' = this machine
    noun     TEXT NOT NULL DEFAULT '',      -- dn, trunk, user, setting, calls, …
    key      TEXT NOT NULL DEFAULT '',      -- which of them
    before   TEXT,                          -- the row as a JSON object, without secrets; NULL = there was none
    after    TEXT,
    reason   TEXT NOT NULL DEFAULT ''       -- as who did it gave it
) STRICT;

CREATE INDEX audit_time ON audit (time_ms);
CREATE INDEX audit_noun ON audit (noun, key, id);  -- one thing's history

-- Figures of the box, for graphs: the last two hours by the minute, 26 hours by five minutes, 31 days by the hour; what is older goes. NULL:
-- nothing is known. Calls, registrations: the most at a time; answered … outbound: how many in that time; others: the average.
CREATE TABLE figure (
    step_s        INTEGER NOT NULL,         -- 60, 300, 3600
    time_ms       INTEGER NOT NULL,         -- when it begins
    calls         REAL,
    registrations REAL,
    mos           REAL,
    loss_percent  REAL,
    jitter_ms     REAL,
    cpu_percent   REAL,                     -- of one CPU
    rss_bytes     REAL,
    bits_per_s    REAL,
    turn_bits_per_s REAL,
    answered      REAL,
    failed        REAL,
    abandoned     REAL,
    inbound       REAL,
    outbound      REAL,
    PRIMARY KEY (step_s, time_ms)
) STRICT, WITHOUT ROWID;

-- What happened to a DN (who signed in and out, was refused) or a trunk (its states): the last 50 of a DN, the last 200 of a trunk, 90 days.
CREATE TABLE happening (
    id       INTEGER PRIMARY KEY,
    noun     TEXT NOT NULL,                 -- dn, trunk
    name     TEXT NOT NULL,
    time_ms  INTEGER NOT NULL,              -- the last time, of several that were the same
    event    TEXT NOT NULL,                 -- dn: signed_in, signed_out, expired, taken_over, dropped, refused; trunk: its state
    address  TEXT NOT NULL,
    browser  TEXT NOT NULL,
    detail   TEXT NOT NULL,
    times    INTEGER NOT NULL               -- how often in a row
) STRICT;

CREATE INDEX happening_name ON happening (noun, name, id);
