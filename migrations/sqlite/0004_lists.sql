-- What newAuthz made and no order has yet is found by account and identifier.
CREATE INDEX authorizations_unused ON authorizations (account_id, identifier, state, expires) WHERE orders = -1;

-- RFC 9773, 5: the certificate that an order replaces, as the client names it.
ALTER TABLE orders ADD COLUMN replaces TEXT;
CREATE INDEX orders_replaces ON orders (replaces) WHERE replaces IS NOT NULL;
