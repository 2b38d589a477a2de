-- Version 3: what self-tests found, and the links that let somebody without a DN make one.
CREATE TABLE selftest (
    id       TEXT PRIMARY KEY,
    dn       TEXT NOT NULL,
    note     TEXT NOT NULL,
    session  TEXT NOT NULL UNIQUE,
    time_ms  INTEGER NOT NULL,
    source   TEXT NOT NULL,
    browser  TEXT NOT NULL,
    system   TEXT NOT NULL,
    verdict  TEXT NOT NULL,
    tests    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX selftest_dn ON selftest (dn, id);

CREATE TABLE selftest_link (
    id          INTEGER PRIMARY KEY,
    token_hash  TEXT NOT NULL UNIQUE,
    note        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER NOT NULL
) STRICT;
