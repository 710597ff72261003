-- What an order's times were written like, for ra.times_as_asked.
ALTER TABLE orders ADD COLUMN begin_asked TEXT;
ALTER TABLE orders ADD COLUMN end_asked TEXT;
