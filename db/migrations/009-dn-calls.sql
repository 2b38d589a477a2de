-- Version 9: a DN says whether its page answers by itself, and how many calls it may have at a time.
ALTER TABLE dn ADD COLUMN auto_answer INTEGER NOT NULL DEFAULT 0 CHECK (auto_answer IN (0, 1));
ALTER TABLE dn ADD COLUMN call_limit INTEGER NOT NULL DEFAULT 0 CHECK (call_limit BETWEEN 0 AND 10);
