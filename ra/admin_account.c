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

static void
add_policy(json_t *json, const struct bounds *bounds)
{
	json_t *policy = json_object();

	admin_bounds_show(policy, bounds);
	json_object_set_new(json, "policy", policy);
}

/* What is shown of one account. */
struct loaded {
	struct account account;
	struct bounds bounds;
	bool bound;
	size_t orders;
};

static void
unload(struct loaded *loaded)
{
	account_free(&loaded->account);
	bounds_free(&loaded->bounds);
}

static enum err
read_bounds(struct storage_tx *tx, struct loaded *out)
{
	enum err err = account_bounds_get(tx, out->account.id, &out->bounds);

	out->bound = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static json_t *
loaded_row(const struct loaded *loaded)
{
	json_t *json = account_row(&loaded->account);

	if (json != NULL && loaded->bound)
		add_policy(json, &loaded->bounds);
	return json;
}

/* --- list ------------------------------------------------------------------------------------------ */

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

/* Takes the account over. */
static void
list_one(struct admin_call *call, struct account *account)
{
	struct loaded one = { .account = *account };
	struct storage_tx *tx;
	enum err err = ERR_OK;

	if (!admin_enough(call) && fits(call->request, account) &&
	    (err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		if ((err = read_bounds(tx, &one)) == ERR_OK)
			admin_row(call, loaded_row(&one));
		storage_read_end(tx);
	}
	if (err != ERR_OK)
		admin_broken(call, "account_bounds_get", err);
	call->last = account->id;
	unload(&one);
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
	for (size_t i = 0; i < count; i++)
		list_one(call, &page[i]);
	call->more = count == PAGE && !admin_enough(call);
}

/* --- show ------------------------------------------------------------------------------------------ */

static enum err
read_one(struct storage_tx *tx, struct id id, struct loaded *out)
{
	struct id ids[ORDERS_COUNTED];
	enum err err;

	if ((err = account_get(tx, id, &out->account)) != ERR_OK ||
	    (err = orders_newest(tx, id, ids, ORDERS_COUNTED, &out->orders)) != ERR_OK)
		return err;
	return read_bounds(tx, out);
}

/* False: the command has failed. On true unload(). */
static bool
load(struct admin_call *call, struct loaded *out)
{
	const struct admin_value *id = admin_value(call->request, "id");
	struct storage_tx *tx;
	enum err err;

	*out = (struct loaded){ .orders = 0 };
	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		err = read_one(tx, id->id, out);
		storage_read_end(tx);
	}
	if (err == ERR_OK)
		return true;
	unload(out);
	if (err == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "there is no account %s", id->text);
	else
		admin_broken(call, "account_get", err);
	return false;
}

static void
show(struct admin_call *call)
{
	struct loaded loaded;
	json_t *json;

	if (!load(call, &loaded))
		return;
	if ((json = loaded_row(&loaded)) != NULL) {
		json_object_set_new(json, "key", json_loads(loaded.account.jwk, 0, NULL));
		/* More are not counted: each is a row to read. */
		json_object_set_new(json, loaded.orders < ORDERS_COUNTED ? "orders" : "ordersAtLeast",
		    json_integer((json_int_t)loaded.orders));
	}
	admin_row(call, json);
	unload(&loaded);
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
	struct loaded loaded;
	enum err err;

	if (!load(call, &loaded))
		return;
	unload(&loaded);
	err = account_end(call->ra, id->id, "the account was deactivated by the CA's administrator");
	if (err == ERR_CONFLICT)
		admin_fail(call, ADMIN_CONFLICT, "the account %s is deactivated already", id->text);
	else if (err != ERR_OK)
		admin_broken(call, "account_deactivate", err);
	else
		show(call);
}

/* --- policy ---------------------------------------------------------------------------------------- */

struct change {
	struct id account;
	struct bounds bounds;
};

static enum err
put_bounds(struct storage_tx *tx, void *arg)
{
	const struct change *change = arg;

	return account_bounds_put(tx, change->account, &change->bounds);
}

static enum err
remove_bounds(struct storage_tx *tx, void *arg)
{
	const struct change *change = arg;

	return account_bounds_remove(tx, change->account);
}

/* Whether the command says anything that an account could be held to. */
static bool
says_bounds(const struct admin_request *request)
{
	static const char *const bounds[] = { "name", "deny", "profile", "no-wildcards", "max-names" };

	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
		if (admin_value(request, bounds[i])->given)
			return true;
	return false;
}

static void
change_policy(struct admin_call *call, const struct admin_value *id, bool remove)
{
	struct change change = { .account = id->id };
	enum err err;

	if (!remove && !admin_bounds_read(call, &change.bounds)) {
		bounds_free(&change.bounds);
		return;
	}
	err = storage_write(call->ra->storage, remove ? remove_bounds : put_bounds, &change);
	bounds_free(&change.bounds);
	if (err == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "the account %s has no policy of its own", id->text);
	else if (err != ERR_OK)
		admin_broken(call, "account_bounds_put", err);
	else
		show(call);
}

void
admin_account_policy(struct admin_call *call)
{
	const struct admin_value *id = admin_value(call->request, "id");
	bool remove = admin_value(call->request, "remove")->number != 0;
	struct loaded loaded;

	if (remove == says_bounds(call->request)) {
		admin_fail(call, ADMIN_MALFORMED,
		    "say what the account is held to (--name, --deny, --profile, --no-wildcards, --max-names), or --remove alone");
		return;
	}
	if (!load(call, &loaded))
		return;
	unload(&loaded);
	change_policy(call, id, remove);
}
