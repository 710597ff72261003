#include "jose/key_change.h"

#include <string.h>

#include "lib/json.h"

/* What went wrong in a part, told with the part's name and the step. */
static enum err
told(enum err err, struct reason *reason, const char *what, const char *step, const struct reason *cause)
{
	if (err != ERR_OK && err != ERR_MEMORY)
		reason_set(reason, "%s: %s (RFC 8555, 7.3.5 %s)", what, cause->text, step);
	return err;
}

/* RFC 8555, 7.3.5 (2) to (4). */
static enum err
inner_read(struct slice payload, struct jws **inner, struct key_change *out, struct reason *reason)
{
	struct reason cause = { "" };
	enum err err;

	if ((err = jws_parse(payload, inner, &cause)) != ERR_OK)
		return told(err, reason, "the inner JWS", "(2)", &cause);
	if (jws_jwk(*inner) == NULL) {
		reason_set(reason,
		    "the inner JWS has \"kid\" in its protected header; it is signed by the new key, "
		    "which stands in \"jwk\" (RFC 8555, 7.3.5 (3))");
		return ERR_MALFORMED;
	}
	if ((err = jwk_parse(jws_jwk(*inner), &out->new, &cause)) != ERR_OK)
		return told(err, reason, "\"jwk\" of the inner JWS", "(3)", &cause);
	err = jws_verify(*inner, out->new, &cause);
	return told(err, reason, "the inner JWS, checked with the new key in its \"jwk\"", "(4)", &cause);
}

/* RFC 8555, 7.3.5 (5). The account's URL is borrowed from object. */
static enum err
object_read(const json_t *object, struct key_change *out, const char **account, struct reason *reason)
{
	const json_t *old = json_object_get(object, "oldKey");
	struct reason cause = { "" };
	enum err err;

	if ((*account = json_member_str(object, "account")) == NULL || !json_is_object(old)) {
		reason_set(reason,
		    "the inner JWS's payload has no %s; it is {\"account\": the account's URL, "
		    "\"oldKey\": the JWK that is to go} (RFC 8555, 7.3.5 (5))",
		    *account == NULL ? "string \"account\"" : "object \"oldKey\"");
		return ERR_MALFORMED;
	}
	err = jwk_parse(old, &out->old, &cause);
	/* Not a key that we would refuse to serve: one that can't be the account's. */
	if (err == ERR_UNSUPPORTED || err == ERR_BAD_KEY)
		err = ERR_MALFORMED;
	return told(err, reason, "\"oldKey\" in the inner JWS's payload", "(5)", &cause);
}

/* RFC 8555, 7.3.5 (6) and (7). */
static enum err
compare(const struct jws *outer, const struct jws *inner, const char *account, struct reason *reason)
{
	if (strcmp(jws_url(inner), jws_url(outer)) != 0) {
		reason_set(reason,
		    "the inner JWS's \"url\" is \"%.120s\", and must be the outer one's, \"%.120s\" "
		    "(RFC 8555, 7.3.5 (6))",
		    jws_url(inner), jws_url(outer));
		return ERR_MALFORMED;
	}
	if (jws_kid(outer) != NULL && strcmp(account, jws_kid(outer)) == 0)
		return ERR_OK;
	reason_set(reason,
	    "\"account\" in the inner JWS's payload is \"%.120s\", and must be the outer JWS's \"kid\", "
	    "\"%.120s\" (RFC 8555, 7.3.5 (7))",
	    account, jws_kid(outer) != NULL ? jws_kid(outer) : "");
	return ERR_MALFORMED;
}

enum err
key_change_read(const struct jws *outer, struct key_change *out, struct reason *reason)
{
	struct jws *inner = NULL;
	json_t *object = NULL;
	const char *account;
	struct reason cause = { "" };
	enum err err;

	memset(out, 0, sizeof(*out));
	if ((err = inner_read(jws_payload(outer), &inner, out, reason)) != ERR_OK)
		goto out;
	err = told(json_object_parse(jws_payload(inner), &object, &cause), reason, "the inner JWS's payload",
	    "(5)", &cause);
	if (err == ERR_OK && (err = object_read(object, out, &account, reason)) == ERR_OK)
		err = compare(outer, inner, account, reason);
out:
	json_decref(object);
	jws_free(inner);
	if (err != ERR_OK)
		key_change_free(out);
	return err;
}

void
key_change_free(struct key_change *change)
{
	jwk_free(change->old);
	jwk_free(change->new);
	change->old = change->new = NULL;
}
