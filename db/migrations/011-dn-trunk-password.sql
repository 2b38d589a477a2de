-- Version 11: the digest password of a DN towards SIP Server.
ALTER TABLE dn ADD COLUMN trunk_password TEXT NOT NULL DEFAULT '';
