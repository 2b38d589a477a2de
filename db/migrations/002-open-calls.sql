-- Version 2: calls that run are known to the database, so that a crash leaves no call without a record.
CREATE TABLE call_open (
    id       TEXT PRIMARY KEY,
    record   TEXT NOT NULL,
    seen_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
