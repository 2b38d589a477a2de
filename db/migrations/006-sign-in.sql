-- Version 6: who is signed in to the console, a second factor, keys for programs, the link of the first administrator.
ALTER TABLE user ADD COLUMN totp TEXT NOT NULL DEFAULT '';
ALTER TABLE user ADD COLUMN last_step INTEGER NOT NULL DEFAULT 0;

-- Codes for who has lost the device that makes the others; each is good once.
CREATE TABLE recovery (
    user       TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    code_hash  TEXT NOT NULL,
    PRIMARY KEY (user, code_hash)
) STRICT, WITHOUT ROWID;

-- Who is signed in to the console. The token itself is never kept.
CREATE TABLE session (
    id          TEXT PRIMARY KEY,
    token_hash  TEXT NOT NULL UNIQUE,
    user        TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
    address     TEXT NOT NULL,
    user_agent  TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    totp_new    TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

CREATE INDEX session_user ON session (user);

-- Keys for programs that use /api/admin/v1. The key itself is never kept.
CREATE TABLE apikey (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    key_hash    TEXT NOT NULL UNIQUE,
    role        TEXT NOT NULL CHECK (role IN ('admin', 'supervisor', 'readonly')),
    user        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The link by which the first administrator is made: one at a time, good once.
CREATE TABLE setup_link (
    token_hash  TEXT PRIMARY KEY,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
