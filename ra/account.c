#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/json.h"
#include "config/account_key.h"
#include "ra/contact.h"
#include "ra/external.h"
#include "ra/request.h"
#include "ra/star.h"
#include "ra/terms.h"
#include "x509/key.h"

static json_t *
account_json(const struct request *request, const struct account *account)
{
	json_t	  *object = json_object();
	struct buf orders = { 0 };
	char	  *url;

	route_url(&orders, &request->site, ROUTE_ORDERS, &account->id, NULL);
	url = buf_take_str(&orders);
	if (object == NULL || url == NULL ||
	    (json_object_set_new(object, "status", json_string(account_status_text(account->status))) |
		json_object_set_new(object, "contact", json_loads(account->contact, 0, NULL)) |
		json_object_set_new(object, "orders", json_string(url))) != 0) {
		json_decref(object);
		object = NULL;
	}
	if (object != NULL && request->site.surface->shows_key)
		json_object_set_new(object, "key", json_loads(account->jwk, 0, NULL));
	if (request->site.surface->sparse_account && json_array_size(json_object_get(object, "contact")) == 0)
		json_object_del(object, "contact");
	if (object != NULL && account->terms_agreed != 0 && !request->site.surface->sparse_account &&
	    (request->ra->config->ra.terms_of_service[0] == '\0' || terms_agreed(request->ra, account)))
		json_object_set_new(object, "termsOfServiceAgreed", json_true());
	if (object != NULL && account->binding != NULL)
		json_object_set_new(object, "externalAccountBinding", json_loads(account->binding, 0, NULL));
	free(url);
	return object;
}

bool
account_answer(struct request *request, const struct account *account)
{
	return reply_json(request, 200, account_json(request, account));
}

/* RFC 8555, 7.3.1: the key has an account: show it as it is stored; the request's fields are ignored. */
static bool
show_existing(struct request *request)
{
	if (request->account.status != ACCOUNT_VALID) {
		request->problem.status = 401;
		problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "this key's account is %s; its key is not used again (RFC 8555, 7.3.6 and 11.1)",
		    account_status_text(request->account.status));
		return problem_said(&request->problem, SAID_KEY_DEACTIVATED, "");
	}
	reply_location(request, ROUTE_ACCOUNT, &request->account.id);
	return account_answer(request, &request->account);
}

/* ERR_NOT_FOUND when the key has no account yet. */
static enum err
find_by_key(struct request *request)
{
	struct storage_tx *tx = request_tx(request);

	if (tx == NULL)
		return ERR_IO;
	return account_by_thumbprint(tx, request->key->thumbprint, &request->account);
}

/* A member that is absent, or a JSON boolean; anything else is the client's mistake. */
static bool
read_flag(struct request *request, const char *name, bool *out)
{
	const json_t *member = json_object_get(request->payload, name);

	*out = json_is_true(member);
	if (member == NULL || json_is_boolean(member))
		return true;
	return problem_set(&request->problem, PROBLEM_MALFORMED, "\"%s\" is not true or false (RFC 8555, 7.3)",
	    name);
}

bool
key_unblocked(struct request *request, const char *thumbprint, enum problem_type type, const char *what)
{
	struct storage_tx *tx = request_tx(request);
	enum err err;

	if (request->ra->config->ra.forgives_keys)
		return true;
	if (tx == NULL)
		return false;
	if ((err = key_blocked(tx, thumbprint)) == ERR_NOT_FOUND)
		return true;
	if (err != ERR_OK)
		return request_broken(request, "key_blocked", err);
	return problem_set(&request->problem, type,
	    "%s is known to be compromised: a certificate was revoked with it; make another one", what);
}

static bool
check_new(struct request *request, bool agreed)
{
	const char   *terms = request->ra->config->ra.terms_of_service;
	struct reason reason = { "" };

	if (terms[0] != '\0' && !agreed)
		return terms_refuse(request, "an account has to agree to the terms of service");
	if (!external_bind(request))
		return false;
	if (account_key_check(request->ra->config, request->key->key, &reason) != ERR_OK ||
	    blocklist_check(request->ra->blocked, request->key->key, &reason) != ERR_OK)
		return problem_set(&request->problem, PROBLEM_BAD_PUBLIC_KEY, "the account key: %s",
		    reason.text);
	if (!key_unblocked(request, request->key->thumbprint, PROBLEM_BAD_PUBLIC_KEY, "the account key"))
		return false;
	return contact_check(json_object_get(request->payload, "contact"),
	    (size_t)request->ra->config->ra.contacts, &request->account.contact,
	    &request->problem);
}

static enum err
insert(struct storage_tx *tx, void *arg)
{
	struct request *request = arg;
	struct account *account = &request->account;
	enum err	err;

	err = buckets_take(tx, request->charges.buckets, request->charges.count, clock_now_ms());
	if (err == ERR_OK && !id_is_zero(account->external_key))
		err = external_key_use(tx, account->external_key, account->created);
	return err != ERR_OK ? err : account_insert(tx, account);
}

/* Two requests with one key at once: the second finds the first one's account. */
static bool
show_winner(struct request *request)
{
	enum err err;

	account_free(&request->account);
	if ((err = find_by_key(request)) != ERR_OK)
		return request_broken(request, "account_insert", err);
	return show_existing(request);
}

static bool
inserted(struct request *request, void *arg, enum err err)
{
	(void)arg;
	if (err == ERR_EXISTS)
		return show_winner(request);
	if (err == ERR_BUSY)
		return limits_refuse(request);
	if (err == ERR_CONFLICT)
		return external_lost(request);
	if (err != ERR_OK)
		return request_broken(request, "account_insert", err);
	reply_location(request, ROUTE_ACCOUNT, &request->account.id);
	return reply_json(request, 201, account_json(request, &request->account));
}

static bool
create(struct request *request, bool agreed)
{
	const char     *terms = request->ra->config->ra.terms_of_service;
	struct account *account = &request->account;

	if (!check_new(request, agreed))
		return false;
	account->id = request->site.surface->short_ids ? id_short() : id_new();
	account->created = clock_now();
	account->status = ACCOUNT_VALID;
	account->terms_agreed = agreed ? account->created : 0;
	if (agreed && terms[0] != '\0' && (account->terms = strdup(terms)) == NULL)
		return request_broken(request, "account_new", ERR_MEMORY);
	memcpy(account->thumbprint, request->key->thumbprint, sizeof(account->thumbprint));
	charges_account(request->ra->limits, request->msg.remote, &request->charges);
	if (request->charges.failed || (account->jwk = strdup(request->key->text)) == NULL)
		return request_broken(request, "account_new", ERR_MEMORY);
	return request_write(request, insert, inserted, request);
}

/* RFC 8555, 7.3. */
bool
account_new(struct request *request)
{
	bool	 existing_only, agreed;
	enum err err;

	if (!read_flag(request, "onlyReturnExisting", &existing_only) ||
	    !read_flag(request, "termsOfServiceAgreed", &agreed))
		return false;
	err = find_by_key(request);
	if (err == ERR_OK)
		return show_existing(request);
	if (err != ERR_NOT_FOUND)
		return request_broken(request, "account_by_thumbprint", err);
	if (existing_only)
		return problem_set(&request->problem, PROBLEM_ACCOUNT_DOES_NOT_EXIST,
		    "no account has this key, and \"onlyReturnExisting\" asks not to create one "
		    "(RFC 8555, 7.3.1)") || problem_said(&request->problem, SAID_ACCOUNT_UNKNOWN, "");
	return create(request, agreed);
}

struct change {
	struct id id;
	char	 *contact;
	char	 *order_error;
};

static enum err
write_contact(struct storage_tx *tx, void *arg)
{
	struct change *change = arg;

	return account_set_contact(tx, change->id, change->contact);
}

static enum err
write_deactivation(struct storage_tx *tx, void *arg)
{
	struct change *change = arg;
	enum err err = account_deactivate(tx, change->id, change->order_error);

	return err != ERR_OK ? err : account_cancel_orders(tx, change->id, clock_now());
}

enum err
account_end(struct ra *ra, struct id id, const char *why)
{
	struct problem cause = { 0 };
	struct change  change = { .id = id };
	json_t	      *json;
	enum err       err = ERR_MEMORY;

	problem_set(&cause, PROBLEM_UNAUTHORIZED, "%s", why);
	json = problem_json(&cause);
	change.order_error = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (change.order_error != NULL)
		err = storage_write(ra->storage, write_deactivation, &change);
	if (err == ERR_OK)
		star_tell(ra, &id);
	free(change.order_error);
	accounts_forget(ra->accounts, id);
	return err;
}

/* RFC 8555, 7.3.6: the account ends, and its open orders with it. */
static bool
deactivate(struct request *request)
{
	enum err err =
	    account_end(request->ra, request->account.id, "the account was deactivated (RFC 8555, 7.3.6)");

	/* Two deactivations at once: the account is what both asked for. */
	if (err != ERR_OK && err != ERR_CONFLICT)
		return request_broken(request, "account_deactivate", err);
	request->account.status = ACCOUNT_DEACTIVATED;
	return account_answer(request, &request->account);
}

static bool
set_contact(struct request *request, const json_t *contact)
{
	struct change change = { .id = request->account.id };
	enum err      err;

	if (!contact_check(contact, (size_t)request->ra->config->ra.contacts, &change.contact, &request->problem))
		return false;
	err = storage_write(request->ra->storage, write_contact, &change);
	accounts_forget(request->ra->accounts, request->account.id);
	free(change.contact);
	return err == ERR_OK || request_broken(request, "account_set_contact", err);
}

bool
account_is_own(struct request *request)
{
	if (id_eq(request->target.id, request->account.id))
		return true;
	return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
	    "this is not the account that signed the request");
}

/* RFC 8555, 7.3.3: an agreement, where one is missing. Otherwise the member is ignored (7.3.2), and nothing but the
 * agreement changes an account that lacks it. */
static bool
agree(struct request *request, bool changes, bool *changed)
{
	const char *terms = request->ra->config->ra.terms_of_service;
	bool	    agreed;

	if (terms[0] == '\0' || terms_agreed(request->ra, &request->account))
		return true;
	if (!read_flag(request, "termsOfServiceAgreed", &agreed))
		return false;
	if (!agreed)
		return !changes || terms_refuse(request, "the account has not agreed to the terms of service of now");
	*changed = true;
	return terms_agree(request);
}

/* The account as it is stored by now. */
static bool
show_changed(struct request *request)
{
	struct account account;
	struct storage_tx *tx = request_tx(request);
	bool	       done;
	enum err       err;

	if (tx == NULL)
		return false;
	if ((err = account_get(tx, request->account.id, &account)) != ERR_OK)
		return request_broken(request, "account_get", err);
	done = account_answer(request, &account);
	account_free(&account);
	return done;
}

/* RFC 8555, 7.3.2, 7.3.3 and 7.3.6: contact, agreement and deactivation, nothing else changes. */
bool
account_update(struct request *request)
{
	const json_t *status = json_object_get(request->payload, "status");
	const json_t *contact = json_object_get(request->payload, "contact");
	const char   *text = json_string_value(status);
	bool	      changed = contact != NULL;

	if (!account_is_own(request))
		return false;
	request_tx_end(request);
	if (status != NULL && (text == NULL ||
		(strcmp(text, "deactivated") != 0 && strcmp(text, "valid") != 0)))
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"status\" of an account can only be set to \"deactivated\" (RFC 8555, 7.3.6)");
	if (text != NULL && strcmp(text, "deactivated") == 0)
		return deactivate(request);
	if (contact == NULL && request->payload != NULL && request->site.surface->refuses_empty_update) {
		problem_set(&request->problem, PROBLEM_MALFORMED, "the update changes nothing");
		return problem_said(&request->problem, SAID_EMPTY_UPDATE, "");
	}
	if (!agree(request, contact != NULL, &changed) || (contact != NULL && !set_contact(request, contact)))
		return false;
	return changed ? show_changed(request) : account_answer(request, &request->account);
}
