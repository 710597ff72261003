-- Auto-renewal orders (RFC 8739): what they ask for, as the order shows it; and beside it, what ca has to see for each
-- of their certificates, and how far they have come.
ALTER TABLE orders ADD COLUMN auto_renewal TEXT;

-- jwk and key_changes: of the finalize request, and what led to that key; each change with its length before it, four
-- bytes. number: of the newest certificate that is stored; asked: of the one that ca was asked for. due: when to ask next.
CREATE TABLE stars (
	order_id BLOB NOT NULL PRIMARY KEY,
	new_order BLOB NOT NULL,
	new_order_jwk TEXT NOT NULL,
	jwk TEXT,
	key_changes BLOB,
	number INTEGER NOT NULL,
	asked INTEGER NOT NULL,
	due INTEGER
);
CREATE INDEX stars_due ON stars (due) WHERE due IS NOT NULL;
