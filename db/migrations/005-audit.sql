-- Version 5: the audit says by which way and from where somebody came, what thing it was, and how it was before and after.
ALTER TABLE audit ADD COLUMN via TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN noun TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN key TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN before TEXT;
ALTER TABLE audit ADD COLUMN after TEXT;
ALTER TABLE audit ADD COLUMN reason TEXT NOT NULL DEFAULT '';
UPDATE audit SET via = CASE WHEN who LIKE 'cli:%' THEN 'cli' WHEN who = 'system' THEN 'system' ELSE 'console' END;
UPDATE audit SET who = CASE WHEN who = 'cli:uid=0' THEN 'root' ELSE substr(who, 5) END WHERE via = 'cli';
UPDATE audit SET noun = 'dn', key = substr(what, 4, instr(substr(what, 4), ' ') - 1) WHERE what LIKE 'dn %' AND what NOT LIKE 'dn import:%';
UPDATE audit SET noun = 'setting', key = substr(what, 9, instr(substr(what, 9), ' ') - 1) WHERE what LIKE 'setting %';
UPDATE audit SET noun = 'trunk', key = substr(what, 7, instr(substr(what, 7), ' ') - 1) WHERE what LIKE 'trunk %';
UPDATE audit SET noun = 'user', key = substr(what, 6, instr(substr(what, 6), ' ') - 1) WHERE what LIKE 'user %';
CREATE INDEX audit_noun ON audit (noun, key, id);
