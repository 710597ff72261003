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
