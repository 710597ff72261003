-- The terms of service that an account agreed to last (RFC 8555, 7.3.3), as a URL; null: none.
ALTER TABLE accounts ADD COLUMN terms TEXT;
