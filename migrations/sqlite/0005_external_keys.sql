-- Keys for external account binding (RFC 8555, 7.3.4). names and profiles: what accounts bound by the key are held to,
-- one a line; empty: whatever the CA's policy allows. expires and uses: 0 for no bound. revoked: when, 0 if not.
CREATE TABLE external_keys (
	id BLOB NOT NULL PRIMARY KEY,
	mac_key BLOB NOT NULL,
	comment TEXT NOT NULL,
	names TEXT NOT NULL,
	profiles TEXT NOT NULL,
	expires INTEGER NOT NULL,
	uses INTEGER NOT NULL,
	used INTEGER NOT NULL,
	created INTEGER NOT NULL,
	revoked INTEGER NOT NULL
) WITHOUT ROWID;

-- The key that an account was made with, and the binding as it was sent, which the account object shows.
ALTER TABLE accounts ADD COLUMN external_key BLOB;
ALTER TABLE accounts ADD COLUMN binding TEXT;
CREATE INDEX accounts_external_key ON accounts (external_key, id) WHERE external_key IS NOT NULL;
