-- What an administrator holds one account to, beside the CA's own policy; and the same for the accounts of an external
-- key, which had names and profiles already. Patterns and names one a line, '' for no such bound; max_names 0: any number.
CREATE TABLE account_bounds (
	account_id BLOB NOT NULL PRIMARY KEY,
	names TEXT NOT NULL,
	deny TEXT NOT NULL,
	profiles TEXT NOT NULL,
	no_wildcards INTEGER NOT NULL,
	max_names INTEGER NOT NULL
) WITHOUT ROWID;

ALTER TABLE external_keys ADD COLUMN deny TEXT NOT NULL DEFAULT '';
ALTER TABLE external_keys ADD COLUMN no_wildcards INTEGER NOT NULL DEFAULT 0;
ALTER TABLE external_keys ADD COLUMN max_names INTEGER NOT NULL DEFAULT 0;
