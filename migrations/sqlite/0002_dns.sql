-- When a validation that failed is tried again (0: it isn't), and when the CAA records behind the evidence were
-- looked up (0: they weren't). Seconds since 1970.
ALTER TABLE authorizations ADD COLUMN next_try INTEGER NOT NULL DEFAULT 0;
ALTER TABLE authorizations ADD COLUMN caa_checked INTEGER NOT NULL DEFAULT 0;
