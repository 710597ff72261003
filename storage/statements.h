/* statements.h: every SQL statement, by name, in what SQLite >= 3.40 and PostgreSQL share. The one table.
 *
 * $1, $2, ... stand in this order where they first appear (SQLite numbers them so). Numbers compared with
 * state are those of acme/status.h, written out because partial indexes need them; statements.c asserts them. */
#ifndef SIGNET_STORAGE_STATEMENTS_H
#define SIGNET_STORAGE_STATEMENTS_H

#define ACCOUNT_COLUMNS "id, thumbprint, jwk, status, contact, terms_agreed, created, external_key, " \
	"binding, terms"
#define BOUNDS_COLUMNS "names, deny, profiles, no_wildcards, max_names"
#define EXTERNAL_KEY_COLUMNS                                                                                 \
	"id, mac_key, comment, " BOUNDS_COLUMNS ", expires, uses, used, created, revoked"
#define AUTHORIZATION_COLUMNS                                                                                \
	"id, account_id, identifier, wildcard, state, expires, token, offered, tried, validated, record, error, "    \
	"evidence, next_try, caa_checked"

#define CERTIFICATE_ROW_COLUMNS                                                                              \
	"c.id, c.order_id, c.account_id, c.issuer, c.serial, c.not_before, c.not_after, o.identifiers, o.profile, "   \
	"COALESCE(r.revoked, 0), COALESCE(r.reason, -1), "                                                            \
	"CASE WHEN o.auto_renewal IS NOT NULL AND o.state = 3 THEN o.expires ELSE 0 END"

/* clang-format off */
#define STATEMENTS(X) \
X(ACCOUNT_INSERT, \
	"INSERT INTO accounts (" ACCOUNT_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)") \
X(ACCOUNT_GET, \
	"SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE id = $1") \
X(ACCOUNT_BY_THUMBPRINT, \
	"SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE thumbprint = $1") \
X(ACCOUNTS_PAGE, \
	"SELECT " ACCOUNT_COLUMNS " FROM accounts WHERE id < $1 ORDER BY id DESC LIMIT $2") \
X(ACCOUNT_SET_CONTACT, \
	"UPDATE accounts SET contact = $1 WHERE id = $2") \
X(ACCOUNT_AGREE, \
	"UPDATE accounts SET terms = $1, terms_agreed = $2 WHERE id = $3") \
X(ACCOUNT_DEACTIVATE, \
	"UPDATE accounts SET status = 2 WHERE id = $1 AND status = 1") \
X(ACCOUNT_INVALIDATE_ORDERS, \
	"UPDATE orders SET state = 4, error = $1 WHERE account_id = $2 AND state = 1") \
X(ACCOUNT_OPEN_ORDERS, \
	"SELECT authorizations FROM orders WHERE account_id = $1 AND state = 1") \
X(AUTHORIZATION_DEACTIVATE_PENDING, \
	"UPDATE authorizations SET state = 5 WHERE id = $1 AND state = 1") \
X(ACCOUNT_CHANGE_KEY, \
	"UPDATE accounts SET thumbprint = $1, jwk = $2 WHERE id = $3 AND thumbprint = $4 AND status = 1") \
X(ACCOUNTS_OF_EXTERNAL_KEY, \
	"SELECT id FROM accounts WHERE external_key = $1 AND id > $2 ORDER BY id LIMIT $3") \
X(EXTERNAL_KEY_INSERT, \
	"INSERT INTO external_keys (" EXTERNAL_KEY_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, 0)") \
X(EXTERNAL_KEY_GET, \
	"SELECT " EXTERNAL_KEY_COLUMNS " FROM external_keys WHERE id = $1") \
X(EXTERNAL_KEYS_PAGE, \
	"SELECT " EXTERNAL_KEY_COLUMNS " FROM external_keys WHERE id < $1 ORDER BY id DESC LIMIT $2") \
X(EXTERNAL_KEY_USE, \
	"UPDATE external_keys SET used = used + 1 WHERE id = $1 AND revoked = 0 AND (expires = 0 OR expires > $2) " \
	"AND (uses = 0 OR used < uses)") \
X(EXTERNAL_KEY_REVOKE, \
	"UPDATE external_keys SET revoked = $1 WHERE id = $2 AND revoked = 0") \
X(ACCOUNT_BOUNDS_PUT, \
	"INSERT INTO account_bounds (account_id, " BOUNDS_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6) " \
	"ON CONFLICT (account_id) DO UPDATE SET names = excluded.names, deny = excluded.deny, " \
	"profiles = excluded.profiles, no_wildcards = excluded.no_wildcards, max_names = excluded.max_names") \
X(ACCOUNT_BOUNDS_GET, \
	"SELECT " BOUNDS_COLUMNS " FROM account_bounds WHERE account_id = $1") \
X(ACCOUNT_BOUNDS_DELETE, \
	"DELETE FROM account_bounds WHERE account_id = $1") \
X(KEY_CHANGE_INSERT, \
	"INSERT INTO key_changes (account_id, position, thumbprint, next, jwk, request, created) " \
	"SELECT $1, COALESCE(MAX(position), 0) + 1, $2, $3, $4, $5, $6 FROM key_changes WHERE account_id = $7") \
X(KEY_CHANGES, \
	"SELECT thumbprint, next, jwk, request, created FROM key_changes " \
	"WHERE account_id = $1 AND created >= $2 ORDER BY position DESC LIMIT $3") \
X(KEY_CHANGES_EXPIRE, \
	"DELETE FROM key_changes WHERE (account_id, position) IN (SELECT account_id, position FROM key_changes " \
	"WHERE created < $1 ORDER BY created LIMIT $2)") \
X(AUTHORIZATION_INSERT, \
	"INSERT INTO authorizations (" AUTHORIZATION_COLUMNS ", orders) " \
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 0)") \
X(AUTHORIZATION_GET, \
	"SELECT " AUTHORIZATION_COLUMNS " FROM authorizations WHERE id = $1") \
X(AUTHORIZATION_BEGIN, \
	"UPDATE authorizations SET state = 2, tried = $1 WHERE id = $2 AND state = 1") \
X(AUTHORIZATION_SET_VALID, \
	"UPDATE authorizations SET state = 3, validated = $1, expires = $2, record = $3, evidence = $4, " \
	"caa_checked = $5, error = NULL, next_try = 0 WHERE id = $6 AND state = 2") \
X(AUTHORIZATION_SET_RETRYING, \
	"UPDATE authorizations SET record = $1, error = $2, next_try = $3 WHERE id = $4 AND state = 2") \
X(AUTHORIZATION_SET_CAA, \
	"UPDATE authorizations SET evidence = $1, caa_checked = $2 WHERE id = $3 AND state = 3") \
X(AUTHORIZATION_SET_INVALID, \
	"UPDATE authorizations SET state = 4, record = $1, error = $2, next_try = 0 WHERE id = $3 AND state = 2") \
X(AUTHORIZATION_SET_VOTES, \
	"UPDATE authorizations SET votes = $1 WHERE id = $2") \
X(AUTHORIZATION_VOTES, \
	"SELECT votes FROM authorizations WHERE id = $1") \
X(AUTHORIZATION_DEACTIVATE, \
	"UPDATE authorizations SET state = 5 WHERE id = $1 AND state IN (1, 2, 3)") \
X(AUTHORIZATION_ALONE, \
	"UPDATE authorizations SET orders = -1 WHERE id = $1 AND orders = 0") \
X(AUTHORIZATION_FIND, \
	"SELECT " AUTHORIZATION_COLUMNS " FROM authorizations WHERE orders = -1 AND account_id = $1 " \
	"AND identifier = $2 AND wildcard = $3 AND state = $4 AND expires > $5 ORDER BY expires DESC LIMIT 1") \
X(AUTHORIZATIONS_PROCESSING, \
	"SELECT id FROM authorizations WHERE state = 2 ORDER BY id LIMIT $1") \
X(AUTHORIZATION_JOIN_ORDER, \
	"UPDATE authorizations SET orders = CASE orders WHEN -1 THEN 1 ELSE orders + 1 END WHERE id = $1") \
X(AUTHORIZATION_LEAVE_ORDER, \
	"UPDATE authorizations SET orders = CASE orders WHEN 1 THEN -1 ELSE orders - 1 END WHERE id = $1") \
X(ORDER_INSERT, \
	"INSERT INTO orders (id, account_id, state, expires, due, identifiers, authorizations, not_before, " \
	"not_after, profile, error, certificate_id, created, replaces, begin_asked, end_asked, auto_renewal) " \
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)") \
X(ORDER_GET, \
	"SELECT id, account_id, state, expires, identifiers, not_before, not_after, profile, error, " \
	"certificate_id, created, replaces, begin_asked, end_asked, auto_renewal FROM orders WHERE id = $1") \
X(ORDERS_REPLACING, \
	"SELECT id FROM orders WHERE replaces = $1 ORDER BY id DESC LIMIT $2") \
X(ORDER_GET_FINALIZE, \
	"SELECT request FROM finalize_requests WHERE order_id = $1") \
X(ORDER_AUTHORIZATIONS, \
	"SELECT authorizations FROM orders WHERE id = $1") \
X(ORDER_BEGIN_FINALIZE, \
	"UPDATE orders SET state = 2, error = NULL WHERE id = $1 AND state = 1") \
X(ORDER_PUT_FINALIZE, \
	"INSERT INTO finalize_requests (order_id, request, charged) VALUES ($1, $2, $3)") \
X(ORDER_DROP_FINALIZE, \
	"DELETE FROM finalize_requests WHERE order_id = $1") \
X(ORDER_REOPEN, \
	"UPDATE orders SET state = 1, error = $1 WHERE id = $2 AND state = 2") \
X(ORDER_SET_INVALID, \
	"UPDATE orders SET state = 4, error = $1 WHERE id = $2 AND state = 2") \
X(ORDER_SET_VALID, \
	"UPDATE orders SET state = 3, due = NULL, certificate_id = $1 WHERE id = $2 AND state = 2") \
X(ORDER_SET_RENEWED, \
	"UPDATE orders SET certificate_id = $1, error = NULL, expires = $2 WHERE id = $3 AND state = 3") \
X(ORDER_SET_NOT_RENEWED, \
	"UPDATE orders SET error = $1 WHERE id = $2 AND state = 3") \
X(ORDER_CANCEL, \
	"UPDATE orders SET state = 5 WHERE id = $1 AND state = 3 AND auto_renewal IS NOT NULL AND expires > $2") \
X(ACCOUNT_CANCEL_ORDERS, \
	"UPDATE orders SET state = 5 WHERE account_id = $1 AND state = 3 AND auto_renewal IS NOT NULL AND expires > $2") \
X(ORDERS_CANCELED_OF_ACCOUNT, \
	"SELECT id FROM orders WHERE account_id = $1 AND id > $2 AND state = 5 ORDER BY id LIMIT $3") \
X(ORDERS_CANCELED, \
	"SELECT s.order_id FROM stars s JOIN orders o ON o.id = s.order_id WHERE s.order_id > $1 AND o.state = 5 " \
	"AND o.expires > $2 ORDER BY s.order_id LIMIT $3") \
X(STAR_INSERT, \
	"INSERT INTO stars (order_id, new_order, new_order_jwk, number, asked) VALUES ($1, $2, $3, 0, 0)") \
X(STAR_GET, \
	"SELECT new_order, new_order_jwk, jwk, key_changes, number, asked FROM stars WHERE order_id = $1") \
X(STAR_BEGIN, \
	"UPDATE stars SET jwk = $1, key_changes = $2, asked = $3 WHERE order_id = $4") \
X(STAR_ASK, \
	"UPDATE stars SET asked = $1, due = $2 WHERE order_id = $3") \
X(STAR_ISSUED, \
	"UPDATE stars SET number = $1, due = $2 WHERE order_id = $3 AND number < $4") \
X(STARS_DUE, \
	"SELECT order_id FROM stars WHERE due <= $1 ORDER BY due LIMIT $2") \
X(STAR_DELETE, \
	"DELETE FROM stars WHERE order_id = $1") \
X(ORDERS_OF_ACCOUNT, \
	"SELECT id FROM orders WHERE account_id = $1 AND id < $2 AND state <> 4 ORDER BY id DESC LIMIT $3") \
X(ORDER_LIFE, \
	"SELECT state, expires, authorizations FROM orders WHERE id = $1") \
X(AUTHORIZATION_LIFE, \
	"SELECT state, expires FROM authorizations WHERE id = $1") \
X(ORDERS_NEWEST, \
	"SELECT id FROM orders WHERE account_id = $1 ORDER BY id DESC LIMIT $2") \
X(ORDERS_PROCESSING, \
	"SELECT id FROM orders WHERE state = 2 AND due IS NOT NULL ORDER BY due LIMIT $1") \
X(CERTIFICATE_INSERT, \
	"INSERT INTO certificates (id, order_id, account_id, issuer, serial, not_before, not_after, der) " \
	"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)") \
X(CERTIFICATE_GET, \
	"SELECT id, order_id, account_id, issuer, serial, not_before, not_after, der " \
	"FROM certificates WHERE id = $1") \
X(CERTIFICATE_BY_SERIAL, \
	"SELECT id, order_id, account_id, issuer, serial, not_before, not_after, der " \
	"FROM certificates WHERE serial = $1") \
X(CERTIFICATES_PAGE, \
	"SELECT " CERTIFICATE_ROW_COLUMNS " FROM certificates c LEFT JOIN orders o ON o.id = c.order_id " \
	"LEFT JOIN revocations r ON r.serial = c.serial WHERE c.id < $1 ORDER BY c.id DESC LIMIT $2") \
X(CERTIFICATES_PAGE_OF_ACCOUNT, \
	"SELECT " CERTIFICATE_ROW_COLUMNS " FROM orders o JOIN certificates c ON c.id = o.certificate_id " \
	"LEFT JOIN revocations r ON r.serial = c.serial WHERE o.account_id = $1 AND o.id < $2 " \
	"ORDER BY o.id DESC LIMIT $3") \
X(CERTIFICATES_PAGE_BY_END, \
	"SELECT " CERTIFICATE_ROW_COLUMNS " FROM certificates c LEFT JOIN orders o ON o.id = c.order_id " \
	"LEFT JOIN revocations r ON r.serial = c.serial WHERE c.not_after < $1 AND (c.not_after, c.id) > ($2, $3) " \
	"ORDER BY c.not_after, c.id LIMIT $4") \
X(CERTIFICATE_ROW, \
	"SELECT " CERTIFICATE_ROW_COLUMNS " FROM certificates c LEFT JOIN orders o ON o.id = c.order_id " \
	"LEFT JOIN revocations r ON r.serial = c.serial WHERE c.serial = $1") \
X(REVOCATION_INSERT, \
	"INSERT INTO revocations (serial, certificate_id, issuer, shard, revoked, reason, not_after) " \
	"VALUES ($1, $2, $3, $4, $5, $6, $7)") \
X(REVOCATION_GET, \
	"SELECT serial, certificate_id, issuer, shard, revoked, reason, not_after " \
	"FROM revocations WHERE serial = $1") \
X(REVOCATION_COMPROMISE, \
	"UPDATE revocations SET reason = 1 WHERE serial = $1 AND reason <> 1") \
X(REVOCATIONS_OF_SHARD, \
	"SELECT serial, certificate_id, issuer, shard, revoked, reason, not_after FROM revocations " \
	"WHERE issuer = $1 AND shard = $2 AND serial > $3 ORDER BY serial LIMIT $4") \
X(REVOCATIONS_EXPIRE, \
	"DELETE FROM revocations WHERE serial IN (SELECT serial FROM revocations " \
	"WHERE not_after < $1 ORDER BY not_after LIMIT $2)") \
X(CRL_NUMBER_GET, \
	"SELECT number FROM crls WHERE issuer = $1 AND shard = $2") \
X(CRL_NUMBER_PUT, \
	"INSERT INTO crls (issuer, shard, number) VALUES ($1, $2, $3) " \
	"ON CONFLICT (issuer, shard) DO UPDATE SET number = excluded.number WHERE crls.number < excluded.number") \
X(CRL_SHARDS, \
	"SELECT COALESCE(MAX(shard) + 1, 0) FROM crls WHERE issuer = $1") \
X(BUCKET_GET, \
	"SELECT time FROM buckets WHERE name = $1") \
X(BUCKET_PUT, \
	"INSERT INTO buckets (name, time) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET time = excluded.time") \
X(BUCKET_DELETE, \
	"DELETE FROM buckets WHERE name = $1") \
X(BUCKETS_PAGE, \
	"SELECT name, time FROM buckets WHERE name > $1 ORDER BY name LIMIT $2") \
X(BUCKETS_EXPIRE, \
	"DELETE FROM buckets WHERE name IN (SELECT name FROM buckets WHERE time < $1 ORDER BY time LIMIT $2)") \
X(PAUSE_GET, \
	"SELECT account_id, identifier, failures, last, paused FROM pauses " \
	"WHERE account_id = $1 AND identifier = $2") \
X(PAUSE_PUT, \
	"INSERT INTO pauses (account_id, identifier, failures, last, paused) VALUES ($1, $2, $3, $4, $5) " \
	"ON CONFLICT (account_id, identifier) DO UPDATE SET failures = excluded.failures, last = excluded.last, " \
	"paused = excluded.paused") \
X(PAUSE_DELETE, \
	"DELETE FROM pauses WHERE account_id = $1 AND identifier = $2") \
X(PAUSES_DELETE_ACCOUNT, \
	"DELETE FROM pauses WHERE account_id = $1") \
X(PAUSES_PAGE, \
	"SELECT account_id, identifier, failures, last, paused FROM pauses " \
	"WHERE (account_id, identifier) > ($1, $2) ORDER BY account_id, identifier LIMIT $3") \
X(PAUSES_EXPIRE, \
	"DELETE FROM pauses WHERE (account_id, identifier) IN (SELECT account_id, identifier FROM pauses " \
	"WHERE paused = 0 AND last < $1 ORDER BY last LIMIT $2)") \
X(OVERRIDE_PUT, \
	"INSERT INTO limit_overrides (limit_name, subject, count, period) VALUES ($1, $2, $3, $4) " \
	"ON CONFLICT (limit_name, subject) DO UPDATE SET count = excluded.count, period = excluded.period") \
X(OVERRIDE_DELETE, \
	"DELETE FROM limit_overrides WHERE limit_name = $1 AND subject = $2") \
X(OVERRIDES, \
	"SELECT limit_name, subject, count, period FROM limit_overrides WHERE limit_name > $1 " \
	"ORDER BY limit_name, subject LIMIT $2") \
X(NAME_SET_PUT, \
	"INSERT INTO name_sets (hash, until) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET until = excluded.until " \
	"WHERE name_sets.until < excluded.until") \
X(NAME_SET_GET, \
	"SELECT until FROM name_sets WHERE hash = $1") \
X(NAME_SETS_EXPIRE, \
	"DELETE FROM name_sets WHERE hash IN (SELECT hash FROM name_sets WHERE until < $1 ORDER BY until LIMIT $2)") \
X(ORDER_CHARGED, \
	"SELECT charged FROM finalize_requests WHERE order_id = $1") \
X(KEY_BLOCK, \
	"INSERT INTO blocked_keys (thumbprint, created) VALUES ($1, $2) ON CONFLICT (thumbprint) DO NOTHING") \
X(KEY_BLOCKED, \
	"SELECT created FROM blocked_keys WHERE thumbprint = $1") \
X(AUTHORIZATION_HELD, \
	"SELECT id FROM authorizations WHERE account_id = $1 AND identifier = $2 AND state = 3 AND expires > $3 " \
	"AND wildcard >= $4 LIMIT 1") \
X(ISSUER_PUT, \
	"INSERT INTO issuers (fingerprint, der) VALUES ($1, $2) ON CONFLICT (fingerprint) DO NOTHING") \
X(ISSUER_GET, \
	"SELECT der FROM issuers WHERE fingerprint = $1") \
X(EXPIRED_CERTIFICATES_LEAVE_ORDERS, \
	"UPDATE orders SET due = expires WHERE id IN (SELECT order_id FROM certificates " \
	"WHERE not_after < $1 ORDER BY not_after, id LIMIT $2)") \
X(EXPIRED_CERTIFICATES_DELETE, \
	"DELETE FROM certificates WHERE id IN (SELECT id FROM certificates " \
	"WHERE not_after < $1 ORDER BY not_after, id LIMIT $2)") \
X(EXPIRED_ORDERS, \
	"SELECT id FROM orders WHERE state IN (1, 3, 4, 5) AND due < $1 LIMIT $2") \
X(ORDER_DELETE, \
	"DELETE FROM orders WHERE id = $1") \
X(EXPIRED_AUTHORIZATIONS_DELETE, \
	"DELETE FROM authorizations WHERE id IN (SELECT id FROM authorizations " \
	"WHERE orders = -1 AND expires < $1 ORDER BY expires LIMIT $2)")
/* clang-format on */

/* What a test's reset empties, and its snapshot keeps (state.c). */
#define STATE_TABLES(X)                                                                                                \
	X(accounts) X(authorizations) X(orders) X(finalize_requests) X(stars) X(certificates) X(key_changes) X(revocations)     \
	X(blocked_keys) X(external_keys) X(account_bounds) X(buckets) X(pauses) X(limit_overrides) X(name_sets)

enum statement {
#define X(name, sql) STATEMENT_##name,
	STATEMENTS(X)
#undef X
	/* From here on those that are about whole tables. */
	STATEMENT_WHOLE_TABLES,
	STATEMENT_BEFORE_WHOLE_TABLES = STATEMENT_WHOLE_TABLES - 1,
#define X(table) STATEMENT_RESET_##table, STATEMENT_FORGET_##table, STATEMENT_KEEP_##table, STATEMENT_RESTORE_##table,
	STATE_TABLES(X)
#undef X
	STATEMENT_COUNT
};

struct statement_text {
	const char	*name;
	const char	*sql;
};

extern const struct statement_text statements[STATEMENT_COUNT];

#endif
