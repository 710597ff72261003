/* jws.c: flattened JWS as RFC 8555, 6.2 narrows it: what a request may look like. */
#include "jose/jws.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "jose/jws_internal.h"
#include "lib/base64url.h"
#include "lib/json.h"

/* RFC 7518, 3.1; RFC 8037, 3.1; RFC 9864, 2.2. The order is that of "algorithms" in a problem. */
static const struct jws_algorithm algorithms[] = {
	{ "ES256", EVP_PKEY_EC, 256, DIGEST_SHA256, 32 },
	{ "ES384", EVP_PKEY_EC, 384, DIGEST_SHA384, 48 },
	{ "ES512", EVP_PKEY_EC, 521, DIGEST_SHA512, 66 },
	{ "RS256", EVP_PKEY_RSA, 0, DIGEST_SHA256, 0 },
	{ "EdDSA", 0, 0, DIGEST_COUNT, 0 },
	{ "Ed25519", EVP_PKEY_ED25519, 0, DIGEST_COUNT, 0 },
	{ "Ed448", EVP_PKEY_ED448, 0, DIGEST_COUNT, 0 },
};

#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

/* RFC 7518, 3.2. */
static const struct jws_algorithm macs[] = {
	{ "HS256", EVP_PKEY_HMAC, 0, DIGEST_SHA256, 0 },
	{ "HS384", EVP_PKEY_HMAC, 0, DIGEST_SHA384, 0 },
	{ "HS512", EVP_PKEY_HMAC, 0, DIGEST_SHA512, 0 },
};

const char *const *
jws_algorithms(void)
{
	static const char *const names[] = {
		"ES256", "ES384", "ES512", "RS256", "EdDSA", "Ed25519", "Ed448", NULL
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == ALGORITHM_COUNT + 1, "one name per algorithm");
	return names;
}

/* The member as a string. *out is NULL when it is absent and may be. */
static enum err
header_str(const json_t *header, const char *name, bool required, const char **out, struct reason *reason)
{
	const json_t	*value = json_object_get(header, name);

	*out = json_string_value(value);
	if (*out != NULL || (value == NULL && !required))
		return ERR_OK;
	reason_set(reason, value == NULL ? "JWS protected header has no \"%s\" (RFC 8555, 6.2)"
	    : "JWS protected header: \"%s\" is not a string", name);
	return ERR_MALFORMED;
}

static enum err
header_mac(struct jws *jws, const char *alg, struct reason *reason)
{
	for (size_t i = 0; i < sizeof(macs) / sizeof(macs[0]); i++)
		if (strcmp(macs[i].name, alg) == 0) {
			jws->algorithm = &macs[i];
			return ERR_OK;
		}
	reason_set(reason, "JWS alg \"%s\" is no MAC; use HS256, HS384 or HS512 (RFC 8555, 7.3.4)", alg);
	return ERR_BAD_ALGORITHM;
}

static enum err
header_alg(struct jws *jws, bool mac, struct reason *reason)
{
	const char	*alg;
	enum err	 err;

	if ((err = header_str(jws->header, "alg", true, &alg, reason)) != ERR_OK)
		return err;
	if (mac)
		return header_mac(jws, alg, reason);
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (strcmp(algorithms[i].name, alg) == 0) {
			jws->algorithm = &algorithms[i];
			return ERR_OK;
		}
	if (strcmp(alg, "none") == 0)
		reason_set(reason, "JWS alg \"none\" leaves the request unsigned; RFC 8555, 6.2 forbids it");
	else if (strncmp(alg, "HS", 2) == 0)
		reason_set(reason, "JWS alg \"%s\" is a MAC, which proves no public key; RFC 8555, 6.2 "
		    "forbids it", alg);
	else
		reason_set(reason, "JWS alg \"%s\" is not supported; use one of ES256, ES384, ES512, RS256, "
		    "EdDSA, Ed25519, Ed448", alg);
	return ERR_BAD_ALGORITHM;
}

/* RFC 8555, 6.5.2: a nonce that is not base64url makes the request malformed; whether it is a good one
 * is for others to say. */
static enum err
header_nonce(struct jws *jws, struct reason *reason)
{
	struct buf	 bytes = { 0 };
	enum err	 err;

	if ((err = header_str(jws->header, "nonce", false, &jws->nonce, reason)) != ERR_OK ||
	    jws->nonce == NULL)
		return err;
	if ((err = base64url_get(slice_str(jws->nonce), &bytes)) == ERR_MALFORMED)
		reason_set(reason, "JWS protected header: \"nonce\" is not base64url without padding; repeat "
		    "the value of Replay-Nonce as it is (RFC 8555, 6.5.2)");
	buf_free(&bytes);
	return err;
}

/* RFC 8555, 6.2: exactly one of jwk and kid. */
static enum err
header_key(struct jws *jws, struct reason *reason)
{
	enum err	 err;

	jws->jwk = json_object_get(jws->header, "jwk");
	if ((err = header_str(jws->header, "kid", false, &jws->kid, reason)) != ERR_OK)
		return err;
	if (jws->jwk != NULL && jws->kid != NULL) {
		reason_set(reason, "JWS protected header has both \"jwk\" and \"kid\"; RFC 8555, 6.2 allows "
		    "exactly one");
		return ERR_MALFORMED;
	}
	if (jws->jwk == NULL && jws->kid == NULL) {
		reason_set(reason, "JWS protected header has neither \"jwk\" nor \"kid\"; RFC 8555, 6.2 asks "
		    "for exactly one");
		return ERR_MALFORMED;
	}
	if (jws->jwk != NULL && !json_is_object(jws->jwk)) {
		reason_set(reason, "JWS protected header: \"jwk\" is not an object");
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

static enum err
header_check(struct jws *jws, bool mac, struct reason *reason)
{
	enum err	 err;

	/* RFC 7515, 4.1.11: not understanding what is critical means refusing. We understand nothing. */
	if (json_object_get(jws->header, "crit") != NULL) {
		reason_set(reason, "JWS protected header has \"crit\", but this server knows no critical "
		    "extension");
		return ERR_MALFORMED;
	}
	if (json_object_get(jws->header, "b64") != NULL) {
		reason_set(reason, "JWS protected header has \"b64\"; RFC 8555, 6.2 forbids unencoded "
		    "payloads");
		return ERR_MALFORMED;
	}
	if ((err = header_alg(jws, mac, reason)) != ERR_OK ||
	    (err = header_nonce(jws, reason)) != ERR_OK ||
	    (err = header_str(jws->header, "url", true, &jws->url, reason)) != ERR_OK)
		return err;
	return header_key(jws, reason);
}

enum { PROTECTED, PAYLOAD, SIGNATURE, MEMBERS };

static const char *const member_names[MEMBERS] = { "protected", "payload", "signature" };

/* The outer object: its members' texts, in the body as received or in json. */
struct outer {
	struct slice	 text[MEMBERS];
	json_t		*json;		/* owned; NULL when the short way was enough */
};

static void
scan_space(struct slice *s)
{
	while (s->len > 0 && (*s->data == ' ' || *s->data == '\t' || *s->data == '\n' || *s->data == '\r')) {
		s->data++;
		s->len--;
	}
}

/* Takes that character, and white space around it. */
static bool
scan_char(struct slice *s, char c)
{
	scan_space(s);
	if (s->len == 0 || *s->data != (uint8_t)c)
		return false;
	s->data++;
	s->len--;
	scan_space(s);
	return true;
}

/* Takes a string without escapes, of letters and what else base64url has. */
static bool
scan_string(struct slice *s, struct slice *out)
{
	const uint8_t	*end;

	if (s->len == 0 || *s->data != '"' || (end = memchr(s->data + 1, '"', s->len - 1)) == NULL)
		return false;
	*out = slice_of(s->data + 1, (size_t)(end - s->data) - 1);
	for (size_t i = 0; i < out->len; i++)
		if (out->data[i] < '-' || out->data[i] > 'z' || out->data[i] == '\\')
			return false;
	s->len -= out->len + 2;
	s->data = end + 1;
	return true;
}

/* The short way, for the body that every well-behaved client sends: an object of just the three strings,
 * once each. It costs a tenth of the JSON parser. Anything else, good or bad, is the parser's to judge. */
static bool
outer_scan(struct slice s, struct outer *outer)
{
	struct slice	 name;
	int		 i;

	if (!scan_char(&s, '{'))
		return false;
	for (int count = 0; count < MEMBERS; count++) {
		if ((count > 0 && !scan_char(&s, ',')) || !scan_string(&s, &name))
			return false;
		for (i = 0; i < MEMBERS && !slice_eq_str(name, member_names[i]); i++)
			;
		if (i == MEMBERS || outer->text[i].data != NULL || !scan_char(&s, ':') ||
		    !scan_string(&s, &outer->text[i]))
			return false;
	}
	return scan_char(&s, '}') && s.len == 0;
}

/* Says which of the two texts the JSON parser's complaint is about. */
static enum err
parse_text(struct slice text, const char *what, json_t **out, struct reason *reason)
{
	struct reason	 cause = { "" };
	enum err	 err = json_object_parse(text, out, &cause);

	if (err == ERR_MALFORMED)
		reason_set(reason, "%s: %s", what, cause.text);
	return err;
}

static enum err
outer_load(struct slice body, struct outer *outer, struct reason *reason)
{
	const json_t	*value;
	enum err	 err;

	if ((err = parse_text(body, "JWS", &outer->json, reason)) != ERR_OK)
		return err;
	if (json_object_get(outer->json, "signatures") != NULL) {
		reason_set(reason, "JWS has \"signatures\"; RFC 8555, 6.2 asks for the flattened form with "
		    "one signature");
		return ERR_MALFORMED;
	}
	if (json_object_get(outer->json, "header") != NULL) {
		reason_set(reason, "JWS has an unprotected \"header\"; RFC 8555, 6.2 forbids it: everything "
		    "goes into \"protected\"");
		return ERR_MALFORMED;
	}
	/* RFC 8555, 6.2 forbids a detached payload: an absent one. POST-as-GET sends "" (6.3). */
	for (int i = 0; i < MEMBERS; i++) {
		value = json_object_get(outer->json, member_names[i]);
		if (!json_is_string(value)) {
			reason_set(reason, value == NULL ? "JWS has no \"%s\"; RFC 8555, 6.2 asks for the "
			    "flattened JSON form with protected, payload and signature"
			    : "JWS member \"%s\" is not a string", member_names[i]);
			return ERR_MALFORMED;
		}
		outer->text[i] = slice_of(json_string_value(value), json_string_length(value));
	}
	return ERR_OK;
}

/* Decodes the members and keeps the signing input: RFC 7515, 5.2 (8). */
static enum err
outer_decode(const struct outer *outer, struct jws *jws, struct buf *header, struct reason *reason)
{
	struct buf *const	 bytes[MEMBERS] = { header, &jws->payload, &jws->signature };
	enum err		 err;

	for (int i = 0; i < MEMBERS; i++) {
		if ((err = base64url_get(outer->text[i], bytes[i])) == ERR_MALFORMED)
			reason_set(reason, "JWS member \"%s\" is not base64url without padding (RFC 8555, "
			    "6.1)", member_names[i]);
		if (err != ERR_OK)
			return err;
		if (i != PAYLOAD && bytes[i]->len == 0) {
			reason_set(reason, "JWS member \"%s\" is empty", member_names[i]);
			return ERR_MALFORMED;
		}
	}
	buf_put(&jws->input, outer->text[PROTECTED].data, outer->text[PROTECTED].len);
	buf_put_byte(&jws->input, '.');
	buf_put(&jws->input, outer->text[PAYLOAD].data, outer->text[PAYLOAD].len);
	return jws->input.failed ? ERR_MEMORY : ERR_OK;
}

static enum err
parse(struct slice body, bool mac, struct jws **out, struct reason *reason)
{
	struct outer	 outer = { 0 };
	struct jws	*jws;
	struct buf	 header = { 0 };
	enum err	 err = ERR_OK;

	*out = NULL;
	if (body.len > JWS_BODY_MAX) {
		reason_set(reason, "JWS has %zu octets, over the limit of %d", body.len, JWS_BODY_MAX);
		return ERR_MALFORMED;
	}
	if ((jws = calloc(1, sizeof(*jws))) == NULL)
		return ERR_MEMORY;
	if ((!outer_scan(body, &outer) && (err = outer_load(body, &outer, reason)) != ERR_OK) ||
	    (err = outer_decode(&outer, jws, &header, reason)) != ERR_OK ||
	    (err = parse_text(buf_slice(&header), "JWS protected header", &jws->header, reason)) != ERR_OK ||
	    (err = header_check(jws, mac, reason)) != ERR_OK)
		goto out;
	*out = jws;
	jws = NULL;
 out:
	json_decref(outer.json);
	buf_free(&header);
	jws_free(jws);
	return err;
}

enum err
jws_parse(struct slice body, struct jws **out, struct reason *reason)
{
	return parse(body, false, out, reason);
}

enum err
jws_parse_mac(struct slice body, struct jws **out, struct reason *reason)
{
	return parse(body, true, out, reason);
}

enum err
jws_peek_nonce(struct slice body, struct buf *nonce)
{
	struct reason	 ignored = { "" };
	struct buf	 text = { 0 };
	json_t		*outer = NULL, *header = NULL;
	const json_t	*value;
	enum err	 err;

	if (body.len > JWS_BODY_MAX)
		return ERR_MALFORMED;
	if ((err = json_object_parse(body, &outer, &ignored)) != ERR_OK)
		goto out;
	value = json_object_get(outer, "protected");
	if ((err = base64url_get(slice_of(json_string_value(value), json_string_length(value)), &text)) != ERR_OK ||
	    (err = json_object_parse(buf_slice(&text), &header, &ignored)) != ERR_OK)
		goto out;
	value = json_object_get(header, "nonce");
	if (!json_is_string(value)) {
		err = ERR_MALFORMED;
		goto out;
	}
	buf_put(nonce, json_string_value(value), json_string_length(value) + 1);
	err = nonce->failed ? ERR_MEMORY : ERR_OK;
 out:
	json_decref(outer);
	json_decref(header);
	buf_free(&text);
	return err;
}

void
jws_free(struct jws *jws)
{
	if (jws == NULL)
		return;
	json_decref(jws->header);
	buf_free(&jws->input);
	buf_free(&jws->payload);
	buf_free(&jws->signature);
	free(jws);
}

const char *
jws_alg(const struct jws *jws)
{
	return jws->algorithm->name;
}

const char *
jws_url(const struct jws *jws)
{
	return jws->url;
}

const char *
jws_nonce(const struct jws *jws)
{
	return jws->nonce;
}

const char *
jws_kid(const struct jws *jws)
{
	return jws->kid;
}

const json_t *
jws_jwk(const struct jws *jws)
{
	return jws->jwk;
}

struct slice
jws_payload(const struct jws *jws)
{
	return buf_slice(&jws->payload);
}
