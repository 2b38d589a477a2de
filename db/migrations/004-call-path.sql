-- Version 4: a call's record says which way its media took to the browser. Of calls before that it is not known.
ALTER TABLE cdr ADD COLUMN path TEXT NOT NULL DEFAULT '';
ALTER TABLE cdr ADD COLUMN path_changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cdr ADD COLUMN candidate TEXT NOT NULL DEFAULT '';
