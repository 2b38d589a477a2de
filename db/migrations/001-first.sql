-- Version 1: the first one that was released.
CREATE TABLE dn (
    dn          TEXT PRIMARY KEY,
    name        TEXT NOT NULL DEFAULT '',
    enabled     INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    codec       TEXT NOT NULL DEFAULT 'auto' CHECK (codec IN ('auto', 'opus', 'pcmu', 'pcma')),
    ha1_md5     TEXT NOT NULL,
    ha1_sha256  TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE trunk (
    name         TEXT PRIMARY KEY,
    host         TEXT NOT NULL,
    port         INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    transport    TEXT NOT NULL DEFAULT 'udp' CHECK (transport IN ('udp', 'tcp', 'tls')),
    username     TEXT NOT NULL DEFAULT '',
    password     TEXT NOT NULL DEFAULT '',
    registers    INTEGER NOT NULL DEFAULT 0 CHECK (registers IN (0, 1)),
    enabled      INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    priority     INTEGER NOT NULL DEFAULT 10,
    ping_seconds INTEGER NOT NULL DEFAULT 30,
    codecs       TEXT NOT NULL DEFAULT 'pcmu,pcma'
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
    name        TEXT PRIMARY KEY,
    role        TEXT NOT NULL CHECK (role IN ('admin', 'supervisor', 'readonly')),
    pwhash      TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE setting (
    key         TEXT PRIMARY KEY,
    value       TEXT NOT NULL,
    changed_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cdr (
    id           TEXT PRIMARY KEY,
    direction    TEXT NOT NULL,
    dn           TEXT NOT NULL,
    caller       TEXT NOT NULL,
    callee       TEXT NOT NULL,
    caller_name  TEXT NOT NULL,
    trunk        TEXT NOT NULL,
    call_uuid    TEXT NOT NULL,
    sip_call_id  TEXT NOT NULL,
    start_ms     INTEGER NOT NULL,
    ring_ms      INTEGER NOT NULL,
    answer_ms    INTEGER NOT NULL,
    end_ms       INTEGER NOT NULL,
    code         INTEGER NOT NULL,
    reason       TEXT NOT NULL,
    hangup       TEXT NOT NULL,
    browser_codec     TEXT NOT NULL,
    browser_packets   INTEGER NOT NULL,
    browser_bytes     INTEGER NOT NULL,
    browser_lost      INTEGER NOT NULL,
    browser_jitter_ms REAL NOT NULL,
    browser_mos       REAL NOT NULL,
    trunk_codec       TEXT NOT NULL,
    trunk_packets     INTEGER NOT NULL,
    trunk_bytes       INTEGER NOT NULL,
    trunk_lost        INTEGER NOT NULL,
    trunk_jitter_ms   REAL NOT NULL,
    trunk_mos         REAL NOT NULL,
    remote_ice   TEXT NOT NULL,
    rtt_ms       REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX cdr_dn ON cdr (dn, id);
CREATE INDEX cdr_start ON cdr (start_ms);

CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    time_ms  INTEGER NOT NULL,
    who      TEXT NOT NULL,
    what     TEXT NOT NULL
) STRICT;

CREATE INDEX audit_time ON audit (time_ms);
