#include "jose/binding.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"

#define RULE "(RFC 8555, 7.3.4)"

/* "The JWS protected header MUST meet the following criteria." */
static enum err
check_header(const struct jws *jws, const char *url, struct reason *reason)
{
	if (jws_kid(jws) == NULL)
		reason_set(reason, "its protected header has \"jwk\" instead of \"kid\", the key identifier that this CA "
		    "gave out " RULE);
	else if (jws_nonce(jws) != NULL)
		reason_set(reason, "its protected header has a \"nonce\"; only the outer JWS has one " RULE);
	else if (strcmp(jws_url(jws), url) != 0)
		reason_set(reason, "its \"url\" is \"%.100s\", and must be the outer one's, \"%.100s\" " RULE,
		    jws_url(jws), url);
	else
		return ERR_OK;
	return ERR_MALFORMED;
}

/* "The payload of the JWS is the same public key that is in the outer JWS." */
static enum err
check_key(const struct jws *jws, const struct jwk *key, struct reason *reason)
{
	struct jwk *bound = NULL;
	struct reason cause = { "" };
	enum err err = jwk_parse_text(jws_payload(jws), &bound, &cause);

	if (err == ERR_MEMORY)
		return err;
	if (err != ERR_OK) {
		reason_set(reason, "its payload is no public key: %s " RULE, cause.text);
		return ERR_MALFORMED;
	}
	if (strcmp(bound->text, key->text) != 0) {
		reason_set(reason, "its payload is another key than the outer JWS's \"jwk\": the thumbprints are %s and "
		    "%s " RULE, bound->thumbprint, key->thumbprint);
		err = ERR_MALFORMED;
	}
	jwk_free(bound);
	return err;
}

enum err
binding_read(const json_t *json, const char *url, const struct jwk *key, struct binding *out, struct reason *reason)
{
	enum err err;

	*out = (struct binding){ .jws = NULL };
	if (!json_is_object(json)) {
		reason_set(reason, "it is not a JWS in the flattened JSON form " RULE);
		return ERR_MALFORMED;
	}
	if ((out->text = json_dumps(json, JSON_COMPACT)) == NULL)
		return ERR_MEMORY;
	if ((err = jws_parse_mac(slice_str(out->text), &out->jws, reason)) != ERR_OK ||
	    (err = check_header(out->jws, url, reason)) != ERR_OK ||
	    (err = check_key(out->jws, key, reason)) != ERR_OK)
		binding_free(out);
	return err;
}

const char *
binding_kid(const struct binding *binding)
{
	return jws_kid(binding->jws);
}

enum err
binding_verify(const struct binding *binding, struct slice mac_key, struct reason *reason)
{
	return jws_verify_mac(binding->jws, mac_key, reason);
}

void
binding_free(struct binding *binding)
{
	jws_free(binding->jws);
	free(binding->text);
	*binding = (struct binding){ .jws = NULL };
}
