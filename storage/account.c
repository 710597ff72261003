#include <stdlib.h>

#include "storage/order.h"

void
account_free(struct account *account)
{
	if (account == NULL)
		return;
	free(account->jwk);
	free(account->contact);
	free(account->binding);
	free(account->terms);
	account->jwk = account->contact = account->binding = account->terms = NULL;
}

enum err
account_insert(struct storage_tx *tx, const struct account *account)
{
	return query_run(tx, STATEMENT_ACCOUNT_INSERT,
	    VALUES(value_id(&account->id), value_text(account->thumbprint), value_text(account->jwk),
		value_integer(account->status), value_text(account->contact),
		value_integer(account->terms_agreed), value_integer(account->created),
		value_id(&account->external_key), value_text(account->binding),
		value_text(account->terms)),
	    NULL);
}

/* ACCOUNT_COLUMNS */
static void
account_read(struct query *query, struct account *out)
{
	out->id = query_id(query);
	query_chars(query, out->thumbprint, sizeof(out->thumbprint));
	out->jwk = query_text(query);
	out->status = (enum account_status)query_integer(query);
	out->contact = query_text(query);
	out->terms_agreed = query_integer(query);
	out->created = query_integer(query);
	out->external_key = query_id(query);
	out->binding = query_text(query);
	out->terms = query_text(query);
}

static enum err
account_find(struct storage_tx *tx, enum statement statement, struct value key, struct account *out)
{
	struct query query;
	enum err err, end;

	*out = (struct account){ .jwk = NULL };
	query_start(&query, tx, statement, VALUES(key));
	if ((err = query_next(&query)) == ERR_OK)
		account_read(&query, out);
	if ((end = query_end(&query)) != ERR_OK)
		err = end;
	if (err != ERR_OK)
		account_free(out);
	return err;
}

enum err
account_get(struct storage_tx *tx, struct id id, struct account *out)
{
	return account_find(tx, STATEMENT_ACCOUNT_GET, value_id(&id), out);
}

enum err
account_by_thumbprint(struct storage_tx *tx, const char *thumbprint, struct account *out)
{
	return account_find(tx, STATEMENT_ACCOUNT_BY_THUMBPRINT, value_text(thumbprint), out);
}

enum err
accounts_before(struct storage_tx *tx, struct id before, struct account *out, size_t max, size_t *count)
{
	struct query query;
	enum err err;

	*count = 0;
	if (id_is_zero(before))
		before = id_last();
	query_start(&query, tx, STATEMENT_ACCOUNTS_PAGE,
	    VALUES(value_id(&before), value_integer((int64_t)max)));
	while (*count < max && query_next(&query) == ERR_OK) {
		out[*count] = (struct account){ .jwk = NULL };
		account_read(&query, &out[(*count)++]);
	}
	err = query_end(&query);
	for (size_t i = 0; err != ERR_OK && i < *count; i++)
		account_free(&out[i]);
	return err;
}

enum err
account_set_contact(struct storage_tx *tx, struct id id, const char *contact)
{
	return query_set(
	    tx, STATEMENT_ACCOUNT_SET_CONTACT, VALUES(value_text(contact), value_id(&id)), ERR_NOT_FOUND);
}

enum err
account_agree(struct storage_tx *tx, struct id id, const char *terms, int64_t now)
{
	return query_set(tx, STATEMENT_ACCOUNT_AGREE, VALUES(value_text(terms), value_integer(now), value_id(&id)),
	    ERR_NOT_FOUND);
}

/* Its pending authorizations are those of its open orders. */
static enum err
account_deactivate_authorizations(struct storage_tx *tx, const struct id *account)
{
	struct query query;
	struct id ids[IDENTIFIERS_MAX];
	size_t count = 0;
	enum err err = ERR_OK, end;

	query_start(&query, tx, STATEMENT_ACCOUNT_OPEN_ORDERS, VALUES(value_id(account)));
	while (err == ERR_OK && query_next(&query) == ERR_OK) {
		query_packed(&query, ids, IDENTIFIERS_MAX, &count);
		for (size_t i = 0; i < count && query.err == ERR_OK && err == ERR_OK; i++)
			err = query_run(
			    tx, STATEMENT_AUTHORIZATION_DEACTIVATE_PENDING, VALUES(value_id(&ids[i])), NULL);
	}
	end = query_end(&query);
	return err != ERR_OK ? err : end;
}

enum err
account_deactivate(struct storage_tx *tx, struct id id, const char *order_error)
{
	enum err err;

	if ((err = query_set(tx, STATEMENT_ACCOUNT_DEACTIVATE, VALUES(value_id(&id)), ERR_CONFLICT)) !=
		ERR_OK ||
	    (err = account_deactivate_authorizations(tx, &id)) != ERR_OK)
		return err;
	return query_run(
	    tx, STATEMENT_ACCOUNT_INVALIDATE_ORDERS, VALUES(value_text(order_error), value_id(&id)), NULL);
}
