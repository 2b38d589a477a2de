-- Version 10: traces of calls.
CREATE TABLE trace (
    id       TEXT PRIMARY KEY,
    time_ms  INTEGER NOT NULL,
    why      TEXT NOT NULL,
    bytes    INTEGER NOT NULL,
    json     TEXT NOT NULL
) STRICT;

CREATE INDEX trace_time ON trace (time_ms, bytes);
