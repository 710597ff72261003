#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "acme/route.h"
#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "ra/external.h"
#include "ra/ra.h"

#define PAGE 100
#define ACCOUNTS_AT_ONCE 20	/* each is a commit */
#define BASE64URL_DASH 62	/* the value of "-" (RFC 4648, 5) */

static const char *
state_of(const struct external_key *key, int64_t now)
{
	if (key->revoked != 0)
		return "revoked";
	if (key->expires != 0 && key->expires <= now)
		return "expired";
	return key->uses != 0 && key->used >= key->uses ? "used" : "valid";
}

static void
set_time(json_t *json, const char *member, int64_t time)
{
	char text[CLOCK_RFC3339_SIZE];

	if (json == NULL || time == 0)
		return;
	clock_rfc3339(time, text);
	json_object_set_new(json, member, json_string(text));
}

static json_t *
key_json(const struct external_key *key, int64_t now)
{
	char kid[ID_TEXT_SIZE];
	json_t *json;

	id_text(key->id, kid);
	json = json_pack("{s:s, s:s, s:s, s:I}", "kid", kid, "state", state_of(key, now), "comment", key->comment, "used",
	    (json_int_t)key->used);
	admin_bounds_show(json, &key->bounds);
	if (json != NULL && key->uses != 0)
		json_object_set_new(json, "uses", json_integer((json_int_t)key->uses));
	set_time(json, "expires", key->expires);
	set_time(json, "created", key->created);
	set_time(json, "revoked", key->revoked);
	return json;
}

/* --- create -------------------------------------------------------------------------------------- */

static bool
fill(struct admin_call *call, struct external_key *key)
{
	const struct admin_value *comment = admin_value(call->request, "comment");
	uint8_t secret[EXTERNAL_KEY_SIZE];

	/* Not one whose text begins with "-": on a command line that is an option. */
	do {
		if (RAND_priv_bytes(secret, sizeof(secret)) != 1)
			abort();
	} while (secret[0] >> 2 == BASE64URL_DASH);
	key->id = id_new();
	key->created = clock_now();
	key->expires = admin_value(call->request, "expires")->number;
	key->uses = admin_value(call->request, "uses")->number;
	key->comment = strdup(comment->given ? comment->text : "");
	buf_put(&key->mac_key, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
	if (!admin_bounds_read(call, &key->bounds))
		return false;
	if (key->comment == NULL || key->mac_key.failed)
		admin_broken(call, "eab create", ERR_MEMORY);
	return !call->failed;
}

static enum err
insert(struct storage_tx *tx, void *arg)
{
	return external_key_insert(tx, arg);
}

/* The one time that the secret is shown: base64url, which is what clients take. */
static void
show_new(struct admin_call *call, const struct external_key *key)
{
	struct site site = { call->ra->surface, call->ra->config->wfe.url };
	char secret[BASE64URL_LEN(EXTERNAL_KEY_SIZE) + 1], kid[ID_TEXT_SIZE];
	struct buf directory = { 0 };
	json_t *json = key_json(key, clock_now());
	char *url;

	route_url(&directory, &site, ROUTE_DIRECTORY, NULL, NULL);
	url = buf_take_str(&directory);
	base64url_text(key->mac_key.data, key->mac_key.len, secret);
	if (json != NULL && url != NULL) {
		json_object_set_new(json, "hmacKey", json_string(secret));
		json_object_set_new(json, "directory", json_string(url));
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	free(url);
	admin_row(call, json);
	id_text(key->id, kid);
	log_event(LOG_INFO, "external account key made", F_STR("kid", kid), F_INT("uid", call->uid));
}

void
admin_eab_create(struct admin_call *call)
{
	struct external_key key = { .uses = 0 };
	enum err err;

	if (admin_value(call->request, "expires")->given &&
	    admin_value(call->request, "expires")->number <= clock_now())
		admin_fail(call, ADMIN_MALFORMED, "\"expires\" is in the past");
	else if (fill(call, &key)) {
		if ((err = storage_write(call->ra->storage, insert, &key)) != ERR_OK)
			admin_broken(call, "external_key_insert", err);
		else
			show_new(call, &key);
	}
	external_key_free(&key);
}

/* --- list ---------------------------------------------------------------------------------------- */

static enum err
read_page(struct admin_call *call, struct external_key *page, size_t *count)
{
	struct storage_tx *tx;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) != ERR_OK)
		return err;
	err = external_keys_before(tx, call->last, page, PAGE, count);
	storage_read_end(tx);
	return err;
}

void
admin_eab_list(struct admin_call *call)
{
	const struct admin_value *state = admin_value(call->request, "state");
	struct external_key page[PAGE];
	int64_t now = clock_now();
	size_t count = 0;
	enum err err;

	if ((err = read_page(call, page, &count)) != ERR_OK) {
		admin_broken(call, "external_keys_before", err);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!admin_enough(call) && (!state->given || strcmp(state->text, state_of(&page[i], now)) == 0))
			admin_row(call, key_json(&page[i], now));
		call->last = page[i].id;
		external_key_free(&page[i]);
	}
	call->more = count == PAGE && !admin_enough(call);
}

/* --- revoke -------------------------------------------------------------------------------------- */

struct revoke {
	struct id id;
	int64_t now;
};

static enum err
write_revocation(struct storage_tx *tx, void *arg)
{
	struct revoke *revoke = arg;

	return external_key_revoke(tx, revoke->id, revoke->now);
}

static enum err
read_key(struct admin_call *call, struct id id, struct external_key *key)
{
	struct storage_tx *tx;
	enum err err;

	*key = (struct external_key){ .uses = 0 };
	if ((err = storage_read(call->ra->storage, &tx)) != ERR_OK)
		return err;
	err = external_key_get(tx, id, key);
	storage_read_end(tx);
	return err;
}

/* False: the command has failed. */
static bool
revoke(struct admin_call *call, const struct admin_value *kid)
{
	struct revoke job = { kid->id, clock_now() };
	struct external_key key;
	enum err err;

	if ((err = read_key(call, kid->id, &key)) == ERR_NOT_FOUND)
		admin_fail(call, ADMIN_NOT_FOUND, "there is no key %s", kid->text);
	else if (err != ERR_OK)
		admin_broken(call, "external_key_get", err);
	else if ((err = storage_write(call->ra->storage, write_revocation, &job)) == ERR_CONFLICT &&
	    !admin_value(call->request, "accounts")->given)
		admin_fail(call, ADMIN_CONFLICT, "the key %s is revoked already", kid->text);
	else if (err != ERR_OK && err != ERR_CONFLICT)
		admin_broken(call, "external_key_revoke", err);
	external_key_free(&key);
	return !call->failed;
}

/* A few at a time; those that are deactivated already stay so. */
static bool
end_accounts(struct admin_call *call, struct id kid)
{
	struct id ids[ACCOUNTS_AT_ONCE];
	struct storage_tx *tx;
	size_t count = 0;
	enum err err;

	if ((err = storage_read(call->ra->storage, &tx)) == ERR_OK) {
		err = external_key_accounts(tx, kid, call->last, ids, ACCOUNTS_AT_ONCE, &count);
		storage_read_end(tx);
	}
	for (size_t i = 0; i < count && (err == ERR_OK || err == ERR_CONFLICT); i++) {
		err = account_end(call->ra, ids[i], "the external key that the account was made with was revoked");
		call->last = ids[i];
	}
	if (err != ERR_OK && err != ERR_CONFLICT)
		admin_broken(call, "account_deactivate", err);
	call->more = !call->failed && count == ACCOUNTS_AT_ONCE;
	return !call->failed;
}

void
admin_eab_revoke(struct admin_call *call)
{
	const struct admin_value *kid = admin_value(call->request, "kid");
	struct external_key key;
	enum err err;

	if (id_is_zero(call->last) && !revoke(call, kid))
		return;
	if (admin_value(call->request, "accounts")->number != 0 && (!end_accounts(call, kid->id) || call->more))
		return;
	if ((err = read_key(call, kid->id, &key)) != ERR_OK)
		admin_broken(call, "external_key_get", err);
	else
		admin_row(call, key_json(&key, clock_now()));
	external_key_free(&key);
}
