-- History: figures of the box in three grains, and what happened to DNs and trunks.
CREATE TABLE figure (
    step_s        INTEGER NOT NULL,
    time_ms       INTEGER NOT NULL,
    calls         REAL,
    registrations REAL,
    mos           REAL,
    loss_percent  REAL,
    jitter_ms     REAL,
    cpu_percent   REAL,
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
CREATE TABLE happening (
    id       INTEGER PRIMARY KEY,
    noun     TEXT NOT NULL,
    name     TEXT NOT NULL,
    time_ms  INTEGER NOT NULL,
    event    TEXT NOT NULL,
    address  TEXT NOT NULL,
    browser  TEXT NOT NULL,
    detail   TEXT NOT NULL,
    times    INTEGER NOT NULL
) STRICT;
CREATE INDEX happening_name ON happening (noun, name, id);
