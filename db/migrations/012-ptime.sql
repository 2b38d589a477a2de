-- Version 12: a trunk says how much audio its packets hold.
ALTER TABLE trunk ADD COLUMN ptime INTEGER NOT NULL DEFAULT 20 CHECK (ptime BETWEEN 10 AND 60);
