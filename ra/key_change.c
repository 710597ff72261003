#include "jose/key_change.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "config/account_key.h"
#include "ra/key_change.h"
#include "ra/request.h"
#include "x509/key.h"

/* A validation that was under way when the key changed ends a little later. */
#define UNDER_WAY 3600

/* --- the keys before ----------------------------------------------------------------------------- */

static int64_t
since(const struct config *config)
{
	return clock_now() - config->ra.valid_authorization_lifetime - UNDER_WAY;
}

int64_t
key_changes_since(const struct config *config)
{
	return config->ra.issuer_domain_names.count > 0 ? 0 : since(config);
}

enum err
key_changes_load(
    struct storage_tx *tx, const struct config *config, struct id account, struct key_changes *out)
{
	return account_key_changes(tx, account, key_changes_since(config), KEY_CHANGES_MAX, &out->rows, &out->count);
}

void
key_changes_unload(struct key_changes *changes)
{
	key_changes_free(changes->rows, changes->count);
	changes->rows = NULL;
	changes->count = 0;
}

void
key_changes_put(const struct key_changes *changes, const char *thumbprint, struct msg_issue *issue)
{
	size_t count = changes->count;

	/* What came after that key is none of its business. */
	while (count > 0 && strcmp(changes->rows[count - 1].next, thumbprint) != 0)
		count--;
	for (issue->key_change_count = 0; issue->key_change_count < count; issue->key_change_count++)
		issue->key_changes[issue->key_change_count] =
		    buf_slice(&changes->rows[issue->key_change_count].jws);
}

enum err
key_changes_signer(
    const struct key_changes *changes, const struct account *account, struct slice text, struct jwk **out)
{
	struct jws *jws;
	enum err err = jws_parse(text, &jws, NULL);

	*out = NULL;
	if (err != ERR_OK)
		return err;
	for (size_t i = changes->count + 1; i > 0; i--) {
		const char *jwk = i > changes->count ? account->jwk : changes->rows[i - 1].jwk;

		if ((err = jwk_parse_text(slice_str(jwk), out, NULL)) != ERR_OK)
			break;
		if (jws_verify(jws, *out, NULL) == ERR_OK)
			break;
		jwk_free(*out);
		*out = NULL;
		err = ERR_NOT_FOUND;
	}
	jws_free(jws);
	return err;
}

/* --- the request (RFC 8555, 7.3.5) --------------------------------------------------------------- */

struct change {
	struct request *request;
	struct key_change_row row; /* its strings are borrowed, but for jws */
	const char *new_jwk;
	int64_t since;
	int64_t oldest; /* made: when the first of the changes that count was */
};

static enum err
write_change(struct storage_tx *tx, void *arg)
{
	struct change *change = arg;
	struct id id = change->request->account.id;
	struct key_change_row *rows;
	size_t count;
	enum err err;

	if ((err = account_key_changes(tx, id, change->since, KEY_CHANGES_MAX, &rows, &count)) != ERR_OK)
		return err;
	if (count == KEY_CHANGES_MAX) {
		change->oldest = rows[0].created;
		err = ERR_BUSY;
	}
	key_changes_free(rows, count);
	return err != ERR_OK ? err : account_change_key_to(tx, id, &change->row, change->new_jwk);
}

/* (9): 409 with the URL of the account that has the key. */
static bool
refuse_taken(struct request *request, const struct jwk *key)
{
	struct storage_tx *tx = request_tx(request);
	struct account other = { 0 };
	enum err err;

	if (tx == NULL)
		return false;
	if ((err = account_by_thumbprint(tx, key->thumbprint, &other)) != ERR_OK)
		return request_broken(request, "key_change", err);
	reply_location(request, ROUTE_ACCOUNT, &other.id);
	account_free(&other);
	request->problem.status = 409;
	problem_set(&request->problem, PROBLEM_MALFORMED,
	    "an account has the new key already; its URL is in Location (RFC 8555, 7.3.5 (9))");
	return problem_said(&request->problem, SAID_KEY_TAKEN, "");
}

static bool
refuse_many(struct request *request, const struct change *change)
{
	int64_t left = change->oldest - change->since;

	request->reply.retry_after = left > 0 ? (uint32_t)left + 1 : 1;
	return problem_set(&request->problem, PROBLEM_RATE_LIMITED,
	    "the account's key was changed %d times while authorizations made under the first of those keys "
	    "are "
	    "still good; wait %lld s, or make a new account",
	    KEY_CHANGES_MAX, (long long)left + 1);
}

static bool
commit(struct request *request, struct change *change, const struct key_change *keys)
{
	struct account account = request->account;

	request_tx_end(request);
	switch (storage_write(request->ra->storage, write_change, change)) {
	case ERR_OK:
		accounts_forget(request->ra->accounts, account.id);
		log_event(LOG_INFO, "account key changed", F_STR("old", keys->old->thumbprint),
		    F_STR("new", keys->new->thumbprint));
		return account_answer(request, &account);
	case ERR_EXISTS:
		return refuse_taken(request, keys->new);
	case ERR_BUSY:
		return refuse_many(request, change);
	case ERR_CONFLICT:
		/* Authenticated with what was the account's key a moment ago. */
		accounts_forget(request->ra->accounts, account.id);
		request->problem.status = 409;
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"oldKey\" is the account's key no more: another request changed it meanwhile (RFC "
		    "8555, 7.3.5 "
		    "(8))");
	default:
		return request_broken(request, "account_change_key", ERR_IO);
	}
}

static bool
change_to(struct request *request, const struct key_change *keys)
{
	struct change change = { .request = request, .new_jwk = keys->new->text };
	struct reason reason = { "" };
	bool done;

	/* (8): the outer signature was verified with the account's key. */
	if (strcmp(keys->old->thumbprint, request->key->thumbprint) != 0)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"oldKey\" in the inner JWS's payload is not the account's present key (RFC 8555, 7.3.5 "
		    "(8))");
	if (account_key_check(request->ra->config, keys->new->key, &reason) != ERR_OK ||
	    blocklist_check(request->ra->blocked, keys->new->key, &reason) != ERR_OK)
		return problem_set(&request->problem, PROBLEM_BAD_PUBLIC_KEY, "the new key: %s", reason.text);
	if (!key_unblocked(request, keys->new->thumbprint, PROBLEM_BAD_PUBLIC_KEY, "the new key"))
		return false;
	if (strcmp(keys->new->thumbprint, request->key->thumbprint) == 0)
		return refuse_taken(request, keys->new);
	change.since = since(request->ra->config);
	change.row.created = clock_now();
	change.row.jwk = request->account.jwk;
	memcpy(change.row.thumbprint, keys->old->thumbprint, sizeof(change.row.thumbprint));
	memcpy(change.row.next, keys->new->thumbprint, sizeof(change.row.next));
	buf_put(&change.row.jws, request->msg.body.data, request->msg.body.len);
	done = change.row.jws.failed ? request_broken(request, "key_change", ERR_MEMORY)
				     : commit(request, &change, keys);
	buf_free(&change.row.jws);
	return done;
}

bool
account_change_key(struct request *request)
{
	struct key_change keys;
	struct reason reason = { "" };
	bool done;

	/* It is kept, and goes to ca with each issuance. */
	if (request->msg.body.len > KEY_CHANGE_MAX)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the keyChange request has %zu octets; with the members of RFC 8555, 7.3.5 and no more "
		    "it stays "
		    "under %d",
		    request->msg.body.len, KEY_CHANGE_MAX);
	switch (key_change_read(request->jws, &keys, &reason)) {
	case ERR_OK:
		done = change_to(request, &keys);
		key_change_free(&keys);
		return done;
	case ERR_BAD_ALGORITHM:
		return problem_set(&request->problem, PROBLEM_BAD_SIGNATURE_ALGORITHM, "%s", reason.text);
	case ERR_UNSUPPORTED:
	case ERR_BAD_KEY:
		return problem_set(&request->problem, PROBLEM_BAD_PUBLIC_KEY, "%s", reason.text);
	case ERR_MALFORMED:
	case ERR_BAD_SIGNATURE:
		return problem_set(&request->problem, PROBLEM_MALFORMED, "%s", reason.text);
	default:
		return request_broken(request, "key_change_read", ERR_CRYPTO);
	}
}
