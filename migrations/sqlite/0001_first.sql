-- The first schema. Ids are 16-byte blobs that sort by time (lib/id.h); times are seconds since 1970; states
-- are the numbers in acme/status.h. The verbs keep references whole, in one transaction each: SQLite checks
-- none, since every check is a look-up.

CREATE TABLE accounts (
	id BLOB NOT NULL PRIMARY KEY,
	thumbprint TEXT NOT NULL UNIQUE,
	jwk TEXT NOT NULL,
	status INTEGER NOT NULL,
	contact TEXT NOT NULL,
	terms_agreed INTEGER NOT NULL,
	created INTEGER NOT NULL
);

-- orders counts the orders that an authorization belongs to: none left, and it may expire. That is cheaper
-- than an index from authorization to order.
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
);
CREATE INDEX authorizations_pending ON authorizations (account_id) WHERE state = 1;
CREATE INDEX authorizations_processing ON authorizations (id) WHERE state = 2;
CREATE INDEX authorizations_alone ON authorizations (expires) WHERE orders = 0;

-- keep_until is the later of expires and the certificate's notAfter.
CREATE TABLE orders (
	id BLOB NOT NULL PRIMARY KEY,
	account_id BLOB NOT NULL,
	state INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	keep_until INTEGER NOT NULL,
	identifiers TEXT NOT NULL,
	not_before INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	profile TEXT NOT NULL,
	created INTEGER NOT NULL,
	certificate_id BLOB,
	error TEXT
);
CREATE INDEX orders_account ON orders (account_id, id);
CREATE INDEX orders_processing ON orders (id) WHERE state = 2;
CREATE INDEX orders_keep_until ON orders (keep_until);

CREATE TABLE order_authorizations (
	order_id BLOB NOT NULL,
	position INTEGER NOT NULL,
	authorization_id BLOB NOT NULL,
	PRIMARY KEY (order_id, position)
) WITHOUT ROWID;

-- Apart from the order: it is the largest part, and read only when the order is issued.
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
);
CREATE INDEX certificates_not_after ON certificates (not_after);

CREATE TABLE issuers (
	fingerprint BLOB NOT NULL PRIMARY KEY,
	der BLOB NOT NULL
);
