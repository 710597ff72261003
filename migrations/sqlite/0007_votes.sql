-- What each perspective said about a validation, as JSON for people; NULL when there is one perspective.
ALTER TABLE authorizations ADD COLUMN votes TEXT;
