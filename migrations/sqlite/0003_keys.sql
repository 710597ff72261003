-- Account keys that handed over to the next one (RFC 8555, 7.3.5): the request with both keys' signatures is the
-- proof that ca asks for when a name was proven under an older key.
CREATE TABLE key_changes (
	account_id BLOB NOT NULL,
	position INTEGER NOT NULL,
	thumbprint TEXT NOT NULL,
	next TEXT NOT NULL,
	jwk TEXT NOT NULL,
	request BLOB NOT NULL,
	created INTEGER NOT NULL,
	PRIMARY KEY (account_id, position)
);
CREATE INDEX key_changes_created ON key_changes (created);

-- Revoked certificates (RFC 8555, 7.6), apart from the others: they are few, and the CRLs are read from here.
-- shard is the one that the certificate's own CRL distribution point names; reason is RFC 5280's number, -1 none.
CREATE TABLE revocations (
	serial BLOB NOT NULL PRIMARY KEY,
	certificate_id BLOB NOT NULL,
	issuer BLOB NOT NULL,
	shard INTEGER NOT NULL,
	revoked INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	not_after INTEGER NOT NULL
);
CREATE INDEX revocations_shard ON revocations (issuer, shard, serial);
CREATE INDEX revocations_not_after ON revocations (not_after);

-- Keys that a certificate was revoked for, with proof of their possession: no account and no certificate has them
-- again.
CREATE TABLE blocked_keys (
	thumbprint TEXT NOT NULL PRIMARY KEY,
	created INTEGER NOT NULL
);

-- The last CRLNumber of each shard that there ever was.
CREATE TABLE crls (
	issuer BLOB NOT NULL,
	shard INTEGER NOT NULL,
	number INTEGER NOT NULL,
	PRIMARY KEY (issuer, shard)
);

-- For whoever revokes by holding authorizations for all of a certificate's names.
CREATE INDEX authorizations_held ON authorizations (account_id, identifier, expires) WHERE state = 3;
