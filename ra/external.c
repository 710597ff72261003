#include "ra/external.h"

#include <stdlib.h>
#include <string.h>

#include "jose/binding.h"
#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "ra/request.h"

static bool
refuse_missing(struct request *request)
{
	return problem_set(&request->problem, PROBLEM_EXTERNAL_ACCOUNT_REQUIRED,
	    "this CA takes new accounts only with an external account binding: ask its administrator for a key, and give "
	    "the key to the client, as certbot's --eab-kid and --eab-hmac-key (RFC 8555, 7.3.4)");
}

static bool
refuse(struct request *request, enum problem_type type, const char *why)
{
	return problem_set(&request->problem, type, "\"externalAccountBinding\": %s", why);
}

/* Whether the key may make one more account. */
static bool
check_key(struct request *request, const struct external_key *key, int64_t now)
{
	if (key->revoked != 0)
		return refuse(request, PROBLEM_UNAUTHORIZED, "the key of its \"kid\" was revoked (RFC 8555, 7.3.4)");
	if (key->expires != 0 && key->expires <= now)
		return refuse(request, PROBLEM_UNAUTHORIZED, "the key of its \"kid\" has expired (RFC 8555, 7.3.4)");
	if (key->uses != 0 && key->used >= key->uses)
		return refuse(request, PROBLEM_UNAUTHORIZED,
		    "the key of its \"kid\" has made as many accounts as it may (RFC 8555, 7.3.4)");
	return true;
}

/* One that the configuration has makes any number of accounts, for any names. */
static bool
configured_key(const struct ra_config *config, const char *kid, struct external_key *key)
{
	for (size_t i = 0; i < config->external_key_count; i++)
		if (strcmp(config->external_keys[i].kid, kid) == 0)
			return base64url_get(slice_str(config->external_keys[i].key), &key->mac_key) == ERR_OK;
	return false;
}

static bool
find_key(struct request *request, const char *kid, struct external_key *key)
{
	struct storage_tx *tx = request_tx(request);
	struct id id;
	enum err err = ERR_NOT_FOUND;

	*key = (struct external_key){ .id = { { 0 } } };
	if (tx == NULL)
		return false;
	if (configured_key(&request->ra->config->ra, kid, key))
		return true;
	if (id_parse(kid, strlen(kid), &id))
		err = external_key_get(tx, id, key);
	if (err == ERR_NOT_FOUND)
		return refuse(request, PROBLEM_UNAUTHORIZED,
		    "its \"kid\" is none that this CA gave out (RFC 8555, 7.3.4)");
	return err == ERR_OK || request_broken(request, "external_key_get", err);
}

/* The MAC first: who doesn't have the key learns nothing of it. */
static bool
check_binding(struct request *request, const struct binding *binding)
{
	struct external_key key;
	struct reason reason = { "" };
	bool done = false;
	enum err err;

	if (!find_key(request, binding_kid(binding), &key))
		return false;
	if ((err = binding_verify(binding, buf_slice(&key.mac_key), &reason)) == ERR_BAD_SIGNATURE)
		refuse(request, PROBLEM_UNAUTHORIZED, reason.text);
	else if (err != ERR_OK)
		request_broken(request, "binding_verify", err);
	else
		done = check_key(request, &key, clock_now());
	if (done)
		request->account.external_key = key.id;
	external_key_free(&key);
	return done;
}

bool
external_bind(struct request *request)
{
	const json_t *member = json_object_get(request->payload, "externalAccountBinding");
	struct binding binding;
	struct reason reason = { "" };
	bool done;
	enum err err;

	if (member == NULL)
		return !request->ra->config->ra.external_account_required || refuse_missing(request);
	if ((err = binding_read(member, jws_url(request->jws), request->key, &binding, &reason)) == ERR_MEMORY)
		return request_broken(request, "binding_read", err);
	if (err != ERR_OK)
		return refuse(request, PROBLEM_MALFORMED, reason.text);
	if ((done = check_binding(request, &binding))) {
		request->account.binding = binding.text;
		binding.text = NULL;
	}
	binding_free(&binding);
	return done;
}

bool
external_lost(struct request *request)
{
	return refuse(request, PROBLEM_UNAUTHORIZED,
	    "the key of its \"kid\" was used up, revoked or expired at this moment (RFC 8555, 7.3.4)");
}
