-- A certificate is too large for a tree of ids: four or five rows fit on a page, on those that lead to others too, so
-- that among five million each look-up read eleven pages. Now the ids' tree has the ids alone.
CREATE TABLE certificates_new (
	id BLOB NOT NULL PRIMARY KEY,
	order_id BLOB,
	account_id BLOB,
	issuer BLOB NOT NULL,
	serial BLOB NOT NULL,
	not_before INTEGER NOT NULL,
	not_after INTEGER NOT NULL,
	der BLOB NOT NULL
);
INSERT INTO certificates_new SELECT * FROM certificates ORDER BY id;
DROP TABLE certificates;
ALTER TABLE certificates_new RENAME TO certificates;
CREATE UNIQUE INDEX certificates_serial ON certificates (serial);
CREATE INDEX certificates_not_after ON certificates (not_after, id);
