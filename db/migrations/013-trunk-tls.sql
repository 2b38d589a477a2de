-- Version 13: a trunk says who must have signed its certificate, whose it must be, and what dngate shows it.
ALTER TABLE trunk ADD COLUMN tls_ca TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN tls_name TEXT NOT NULL DEFAULT '';
ALTER TABLE trunk ADD COLUMN tls_cert TEXT NOT NULL DEFAULT '';
