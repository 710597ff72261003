#include <stdlib.h>

#include "storage/query.h"
#include "storage/storage.h"

void
certificate_free(struct certificate *certificate)
{
	if (certificate == NULL)
		return;
	buf_free(&certificate->serial);
	buf_free(&certificate->der);
}

enum err
certificate_insert(struct storage_tx *tx, const struct certificate *c)
{
	struct slice issuer = { c->issuer, sizeof(c->issuer) };

	return query_run(tx, STATEMENT_CERTIFICATE_INSERT,
	    VALUES(value_id(&c->id), value_id(&c->order), value_id(&c->account), value_bytes(issuer),
		value_bytes(buf_slice(&c->serial)), value_integer(c->not_before), value_integer(c->not_after),
		value_bytes(buf_slice(&c->der))),
	    NULL);
}

static void
certificate_read(struct query *query, struct certificate *out)
{
	out->id = query_id(query);
	out->order = query_id(query);
	out->account = query_id(query);
	query_fixed(query, out->issuer, sizeof(out->issuer));
	query_buf(query, &out->serial);
	out->not_before = query_integer(query);
	out->not_after = query_integer(query);
	query_buf(query, &out->der);
}

static enum err
certificate_find(struct storage_tx *tx, enum statement statement, struct value key, struct certificate *out)
{
	struct query query;
	enum err err, end;

	*out = (struct certificate){ .not_before = 0 };
	query_start(&query, tx, statement, VALUES(key));
	if ((err = query_next(&query)) == ERR_OK)
		certificate_read(&query, out);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		certificate_free(out);
	return err;
}

enum err
certificate_get(struct storage_tx *tx, struct id id, struct certificate *out)
{
	return certificate_find(tx, STATEMENT_CERTIFICATE_GET, value_id(&id), out);
}

enum err
certificate_by_serial(struct storage_tx *tx, struct slice serial, struct certificate *out)
{
	return certificate_find(tx, STATEMENT_CERTIFICATE_BY_SERIAL, value_bytes(serial), out);
}

enum err
issuer_put(struct storage_tx *tx, const uint8_t fingerprint[32], struct slice der)
{
	return query_run(tx, STATEMENT_ISSUER_PUT,
	    VALUES(value_bytes((struct slice){ fingerprint, 32 }), value_bytes(der)), NULL);
}

enum err
issuer_get(struct storage_tx *tx, const uint8_t fingerprint[32], struct buf *der)
{
	struct query query;
	enum err err, end;

	query_start(&query, tx, STATEMENT_ISSUER_GET, VALUES(value_bytes((struct slice){ fingerprint, 32 })));
	if ((err = query_next(&query)) == ERR_OK)
		query_buf(&query, der);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	return err;
}
