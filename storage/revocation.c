#include <string.h>

#include "storage/query.h"
#include "storage/storage.h"

static struct slice
issuer_slice(const uint8_t issuer[32])
{
	return slice_of(issuer, 32);
}

enum err
revocation_insert(struct storage_tx *tx, const struct revocation *r)
{
	return query_run(tx, STATEMENT_REVOCATION_INSERT,
	    VALUES(value_bytes(slice_of(r->serial, r->serial_len)), value_id(&r->certificate),
		value_bytes(issuer_slice(r->issuer)), value_integer(r->shard), value_integer(r->revoked),
		value_integer(r->reason), value_integer(r->not_after)),
	    NULL);
}

static void
revocation_read(struct query *query, struct revocation *out)
{
	struct buf serial = { 0 };

	query_buf(query, &serial);
	if (serial.len > sizeof(out->serial))
		query->err = ERR_IO;
	else if (serial.len > 0)
		memcpy(out->serial, serial.data, serial.len);
	out->serial_len = serial.len;
	buf_free(&serial);
	out->certificate = query_id(query);
	query_fixed(query, out->issuer, sizeof(out->issuer));
	out->shard = (unsigned)query_integer(query);
	out->revoked = query_integer(query);
	out->reason = (enum revocation_reason)query_integer(query);
	out->not_after = query_integer(query);
}

enum err
revocation_get(struct storage_tx *tx, struct slice serial, struct revocation *out)
{
	struct query query;
	enum err err, end;

	query_start(&query, tx, STATEMENT_REVOCATION_GET, VALUES(value_bytes(serial)));
	if ((err = query_next(&query)) == ERR_OK)
		revocation_read(&query, out);
	end = query_end(&query);
	return end != ERR_OK ? end : err;
}

enum err
revocation_compromise(struct storage_tx *tx, struct slice serial)
{
	return query_set(tx, STATEMENT_REVOCATION_COMPROMISE, VALUES(value_bytes(serial)), ERR_CONFLICT);
}

enum err
revocations_of_shard(struct storage_tx *tx, const uint8_t issuer[32], unsigned shard, struct slice after,
    struct revocation *out, size_t max, size_t *count)
{
	/* Every serial begins with something. */
	struct slice from = after.len > 0 ? after : slice_of("", 1);
	struct query query;

	*count = 0;
	query_start(&query, tx, STATEMENT_REVOCATIONS_OF_SHARD,
	    VALUES(value_bytes(issuer_slice(issuer)), value_integer(shard), value_bytes(from),
		value_integer((int64_t)max)));
	while (*count < max && query_next(&query) == ERR_OK)
		revocation_read(&query, &out[(*count)++]);
	return query_end(&query);
}

enum err
revocations_expire(struct storage_tx *tx, int64_t cutoff, unsigned limit, unsigned *deleted)
{
	return query_run(
	    tx, STATEMENT_REVOCATIONS_EXPIRE, VALUES(value_integer(cutoff), value_integer(limit)), deleted);
}

/* The first column of the first row. ERR_NOT_FOUND: there is no row. */
static enum err
one_integer(
    struct storage_tx *tx, enum statement statement, const struct value *values, size_t count, int64_t *out)
{
	struct query query;
	enum err err, end;

	query_start(&query, tx, statement, values, count);
	if ((err = query_next(&query)) == ERR_OK)
		*out = query_integer(&query);
	end = query_end(&query);
	return end != ERR_OK ? end : err;
}

enum err
crl_number_get(struct storage_tx *tx, const uint8_t issuer[32], unsigned shard, uint64_t *number)
{
	int64_t value = 0;
	enum err err = one_integer(tx, STATEMENT_CRL_NUMBER_GET,
	    VALUES(value_bytes(issuer_slice(issuer)), value_integer(shard)), &value);

	*number = (uint64_t)value;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err
crl_number_put(struct storage_tx *tx, const uint8_t issuer[32], unsigned shard, uint64_t number)
{
	return query_run(tx, STATEMENT_CRL_NUMBER_PUT,
	    VALUES(value_bytes(issuer_slice(issuer)), value_integer(shard), value_integer((int64_t)number)),
	    NULL);
}

enum err
crl_shards_known(struct storage_tx *tx, const uint8_t issuer[32], unsigned *shards)
{
	int64_t value = 0;
	enum err err =
	    one_integer(tx, STATEMENT_CRL_SHARDS, VALUES(value_bytes(issuer_slice(issuer))), &value);

	*shards = (unsigned)value;
	return err;
}

enum err
key_block(struct storage_tx *tx, const char *thumbprint, int64_t now)
{
	return query_run(tx, STATEMENT_KEY_BLOCK, VALUES(value_text(thumbprint), value_integer(now)), NULL);
}

enum err
key_blocked(struct storage_tx *tx, const char *thumbprint)
{
	int64_t since;

	return one_integer(tx, STATEMENT_KEY_BLOCKED, VALUES(value_text(thumbprint)), &since);
}

enum err
authorization_held(struct storage_tx *tx, struct id account, const struct identifier *identifier, int64_t now)
{
	struct identifier base = identifier_base(identifier);
	struct buf text = { 0 };
	struct id id;
	size_t count = 0;
	enum err err = ERR_MEMORY;

	identifiers_put(&text, &base, 1);
	if (!text.failed)
		err = query_ids(tx, STATEMENT_AUTHORIZATION_HELD,
		    VALUES(value_id(&account),
			(struct value){ .kind = VALUE_TEXT, .bytes = buf_slice(&text) }, value_integer(now),
			value_integer(identifier_is_wildcard(identifier))),
		    &id, 1, &count);
	buf_free(&text);
	return err != ERR_OK ? err : count > 0 ? ERR_OK : ERR_NOT_FOUND;
}
