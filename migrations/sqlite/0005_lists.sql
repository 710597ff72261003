-- What newAuthz made and no order has yet is found by account and identifier.
CREATE INDEX authorizations_unused ON authorizations (account_id, identifier, state, expires) WHERE orders = -1;
