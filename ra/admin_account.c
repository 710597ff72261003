#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "ra/ra.h"

#define PAGE 100	/* a contact is at most a few hundred bytes, a key 1.5 KiB */
#define ORDERS_COUNTED 1000

static json_t *
account_row(const struct account *account)
{
	char id[ID_TEXT_SIZE], created[CLOCK_RFC3339_SIZE], agreed[CLOCK_RFC3339_SIZE];
	json_t *json;

	id_text(account->id, id);
	clock_rfc3339(account->created, created);
	json = json_pack("{s:s, s:s, s:o, s:s, s:s}", "id", id, "status", account_status_text(account->status),
	    "contact", json_loads(account->contact, 0, NULL), "created", created, "thumbprint", account->thumbprint);
	if (json != NULL && account->terms_agreed != 0) {
		clock_rfc3339(account->terms_agreed, agreed);
		json_object_set_new(json, "termsAgreed", json_string(agreed));
	}
	if (json != NULL && !id_is_zero(account->external_key)) {
		id_text(account->external_key, id);
		json_object_set_new(json, "externalKey", json_string(id));
	}
	return json;
}

static bool
fits(const struct admin_request *request, const struct account *account)
{
	const struct admin_value *state = admin_value(request, "state"), *contact = admin_value(request, "contact");

	return (!state->given || strcmp(state->text, account_status_text(account->status)) == 0) &&
	    (!contact->given || strcasestr(account->contact, contact->text) != NULL);
}

static enum err
read_page(struct admin_call *call, struct account *page, size_t *count)
{
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) != ERR_OK)
		return err;
	err = accounts_before(tx, call->last, page, PAGE, count);
	storage_read_end(tx);
	return err;
}

void
admin_account_list(struct admin_call *call)
{
	struct account page[PAGE];
	size_t count = 0;
	enum err err;

	if ((err = read_page(call, page, &count)) != ERR_OK) {
		admin_broken(call, "accounts_before", err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!admin_enough(call) && fits(call->request, &page[i]))
			admin_row(call, account_row(&page[i]));
		call->last = page[i].id;
		account_free(&page[i]);
	}
	call->more = count == PAGE && !admin_enough(call);
}

/* False: the command has failed. On true the caller frees it. */
static bool
load(struct admin_call *call, struct account *account, size_t *orders)
{
	const struct admin_value *id = admin_value(call->request, "id");
	struct id ids[ORDERS_COUNTED];
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		if ((err = account_get(tx, id->id, account)) == ERR_OK &&
		    (err = orders_newest(tx, id->id, ids, ORDERS_COUNTED, orders)) != ERR_OK)
			account_free(account);
		storage_read_end(tx);
	}
	if (err == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "there is no account %s", id->text);
	else if (err != ERR_OK)
		admin_broken(call, "account_get", err);
	return err == ERR_OK;
}

static void
show(struct admin_call *call)
{
	struct account account;
	size_t orders;
	json_t *json;

	if (!load(call, &account, &orders))
		return;
	if ((json = account_row(&account)) != NULL) {
		json_object_set_new(json, "key", json_loads(account.jwk, 0, NULL));
		/* More are not counted: each is a row to read. */
		json_object_set_new(json, orders < ORDERS_COUNTED ? "orders" : "ordersAtLeast",
		    json_integer((json_int_t)orders));
	}
	admin_row(call, json);
	account_free(&account);
}

void
admin_account_show(struct admin_call *call)
{
	show(call);
}

void
admin_account_deactivate(struct admin_call *call)
{
	const struct admin_value *id = admin_value(call->request, "id");
	struct account account;
	size_t orders;
	enum err err;

	if (!load(call, &account, &orders))
		return;
	account_free(&account);
	err = account_end(call->ra, id->id, "the account was deactivated by the CA's administrator");
	if (err == ERR_CONFLICT)
		admin_fail(call, ADMIN_CONFLICT, "the account %s is deactivated already", id->text);
	else if (err != ERR_OK)
		admin_broken(call, "account_deactivate", err);
	else
		show(call);
}
