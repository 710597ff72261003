-- Rate limits: GCRA, one time a bucket (its theoretical arrival time, in microseconds since 1970). A bucket whose time
-- is past is full, and as good as absent.
CREATE TABLE buckets (
	name TEXT NOT NULL PRIMARY KEY,
	time INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX buckets_time ON buckets (time);

-- Validations of a name by an account that failed one after the other; paused: when it became too many, 0 if not.
CREATE TABLE pauses (
	account_id BLOB NOT NULL,
	identifier TEXT NOT NULL,
	failures INTEGER NOT NULL,
	last INTEGER NOT NULL,
	paused INTEGER NOT NULL,
	PRIMARY KEY (account_id, identifier)
) WITHOUT ROWID;
CREATE INDEX pauses_last ON pauses (last) WHERE paused = 0;

-- Rates that an administrator gave one subject (an account, a domain, an address): so many in so many seconds, 0: no
-- limit.
CREATE TABLE limit_overrides (
	limit_name TEXT NOT NULL,
	subject TEXT NOT NULL,
	count INTEGER NOT NULL,
	period INTEGER NOT NULL,
	PRIMARY KEY (limit_name, subject)
) WITHOUT ROWID;

-- Sets of names that a certificate was issued for, as hashes, so that an order for the same is known as a renewal.
CREATE TABLE name_sets (
	hash BLOB NOT NULL PRIMARY KEY,
	until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX name_sets_until ON name_sets (until);

-- What an order in processing has spent, as bits, to be given back when nothing comes of it.
ALTER TABLE finalize_requests ADD COLUMN charged INTEGER NOT NULL DEFAULT 0;
