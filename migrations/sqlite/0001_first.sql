-- The first schema. Ids are 16-byte blobs that sort by time (lib/id.h); times are seconds since 1970; states
-- are the numbers in acme/status.h. The verbs keep references whole, in one transaction each: SQLite checks
-- none, since every check is a look-up. Where rows are looked up by id, the id's tree holds the row itself
-- (WITHOUT ROWID): every tree that a commit touches is a page more to write, and one more that readers read.

CREATE TABLE accounts (
	id BLOB NOT NULL PRIMARY KEY,
	thumbprint TEXT NOT NULL UNIQUE,
	jwk TEXT NOT NULL,
	status INTEGER NOT NULL,
	contact TEXT NOT NULL,
	terms_agreed INTEGER NOT NULL,
	created INTEGER NOT NULL
) WITHOUT ROWID;

-- orders counts the orders that an authorization belongs to; -1: it has outlived them, and may expire. That is
-- cheaper than an index from authorization to order.
CREATE TABLE authorizations (
	id BLOB NOT NULL PRIMARY KEY,
	account_id BLOB NOT NULL,
	identifier TEXT NOT NULL,
	wildcard INTEGER NOT NULL,
	state INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	token TEXT NOT NULL,
	offered INTEGER NOT NULL,
	tried INTEGER NOT NULL,
	validated INTEGER NOT NULL,
	orders INTEGER NOT NULL,
	record TEXT,
	error TEXT,
	evidence BLOB
) WITHOUT ROWID;
CREATE INDEX authorizations_processing ON authorizations (id) WHERE state = 2;
CREATE INDEX authorizations_alone ON authorizations (expires) WHERE orders = -1;

-- authorizations: their ids, one behind the other, in the order of identifiers. due: when the order may be
-- deleted; null while its certificate keeps it.
CREATE TABLE orders (
	id BLOB NOT NULL PRIMARY KEY,
	account_id BLOB NOT NULL,
	state INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	due INTEGER,
	identifiers TEXT NOT NULL,
	authorizations BLOB NOT NULL,
	not_before INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	profile TEXT NOT NULL,
	created INTEGER NOT NULL,
	certificate_id BLOB,
	error TEXT
) WITHOUT ROWID;
CREATE INDEX orders_account ON orders (account_id, id);
CREATE INDEX orders_due ON orders (state, due) WHERE due IS NOT NULL;

-- Apart from the order: it is the largest part, and read only when the order is issued. Too large for a tree of
-- ids, which would put each in a page of its own.
CREATE TABLE finalize_requests (
	order_id BLOB NOT NULL PRIMARY KEY,
	request BLOB NOT NULL
);

CREATE TABLE certificates (
	id BLOB NOT NULL PRIMARY KEY,
	order_id BLOB,
	account_id BLOB,
	issuer BLOB NOT NULL,
	serial BLOB NOT NULL UNIQUE,
	not_before INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	der BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX certificates_not_after ON certificates (not_after);

CREATE TABLE issuers (
	fingerprint BLOB NOT NULL PRIMARY KEY,
	der BLOB NOT NULL
) WITHOUT ROWID;
