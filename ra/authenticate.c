#include <stdio.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/chance.h"
#include "lib/log.h"
#include "ra/request.h"
#include "ra/terms.h"

/* RFC 8555, 6.5: used up even when the request fails later on. */
static bool
check_nonce(struct request *request)
{
	const char *nonce = jws_nonce(request->jws);

	if (nonce == NULL)
		return problem_set(&request->problem, PROBLEM_BAD_NONCE,
		    "the JWS protected header has no \"nonce\" (RFC 8555, 6.5)") ||
		    problem_said(&request->problem, SAID_NONCE_MISSING, "");
	switch (nonce_redeem(request->ra->nonces, nonce)) {
	case ERR_OK:
		if (!chance_percent(CHANCE_NONCE, request->ra->config->ra.nonce_rejection))
			return true;
		request->nonce_is_ours_to_blame = true;
		problem_set(&request->problem, PROBLEM_BAD_NONCE,
		    "the nonce was good, and is refused by chance (ra.nonce_rejection); take the one in this answer's "
		    "Replay-Nonce and try again (RFC 8555, 6.5)");
		break;
	case ERR_MALFORMED:
		problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"nonce\" in the JWS protected header is not base64url (RFC 8555, 6.5.2)");
		break;
	default:
		problem_set(&request->problem, PROBLEM_BAD_NONCE,
		    "the nonce is not one of ours, or was used before, or is too old; take the one in this "
		    "answer's Replay-Nonce and try again (RFC 8555, 6.5)");
	}
	return problem_said(&request->problem, SAID_NONCE_BAD, nonce);
}

/* RFC 8555, 6.5: a nonce that appeared in a request is used up, also when nothing else of it makes sense. */
static void
spend_nonce(struct request *request)
{
	struct buf nonce = { 0 };

	if (jws_peek_nonce(request->msg.body, &nonce) == ERR_OK)
		(void)nonce_redeem(request->ra->nonces, (const char *)nonce.data);
	buf_free(&nonce);
}

/* RFC 8555, 6.5.2 has them malformed; clients' tests of badNonce send any word to servers that don't look. */
static bool
refuse_odd_nonce(struct request *request)
{
	struct buf nonce = { 0 }, bytes = { 0 };
	bool	   odd = jws_peek_nonce(request->msg.body, &nonce) == ERR_OK &&
	    base64url_get(slice_str((const char *)nonce.data), &bytes) == ERR_MALFORMED;

	if (odd) {
		problem_set(&request->problem, PROBLEM_BAD_NONCE, "the nonce is no base64url (RFC 8555, 6.5.2)");
		(void)problem_said(&request->problem, SAID_NONCE_BAD, (const char *)nonce.data);
	}
	buf_free(&nonce);
	buf_free(&bytes);
	return odd;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t t = strlen(text), e = strlen(end);

	return e > 0 && t >= e && strcmp(text + t - e, end) == 0;
}

/* RFC 8555, 6.4: the signed url routes the request; what wfe saw must only agree with it. */
static bool
check_url(struct request *request)
{
	const char *url = jws_url(request->jws);
	char	    expected[BASE_MAX + URL_PATH_MAX + 1], https[BASE_MAX + 8];
	struct site signed_for = { request->site.surface, https };
	const char *host = strstr(request->site.base, "://");

	/* RFC 8555, 6.1: URLs are https, whatever a proxy in front says of its own listener. */
	snprintf(https, sizeof(https), "https%s", host);
	if (!request->ra->config->wfe.url_from_host)
		signed_for.base = request->site.base;
	if (!ends_with(url, request->msg.path))
		problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the JWS was signed for the url \"%.120s\" but sent to the path \"%.80s\" (RFC 8555, 6.4)",
		    url, request->msg.path);
	else if (route_parse_url(&signed_for, url, &request->target))
		return true;
	else
		problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the JWS was signed for the url \"%.120s\", which is no URL that this server gave out (they begin "
		    "with \"%.100s/\"; RFC 8555, 6.4)", url, signed_for.base);
	snprintf(expected, sizeof(expected), "%s%s", signed_for.base, request->msg.path);
	return problem_said(&request->problem, SAID_URL, expected);
}

/* RFC 8555, 6.2: jwk for newAccount, kid everywhere else; revokeCert takes both (7.6). */
static bool
check_key_form(struct request *request)
{
	if (request->target.route == ROUTE_REVOKE_CERT)
		return true;
	if (request->target.route == ROUTE_NEW_ACCOUNT && jws_jwk(request->jws) == NULL)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "newAccount is signed with \"jwk\" in the protected header, not \"kid\" (RFC 8555, 6.2)") ||
		    problem_said(&request->problem, SAID_KEY_FORM, "");
	if (request->target.route != ROUTE_NEW_ACCOUNT && jws_kid(request->jws) == NULL)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "%s is signed with \"kid\", the account URL, in the protected header, not \"jwk\" "
		    "(RFC 8555, 6.2)", route_name(request->target.route)) ||
		    problem_said(&request->problem, SAID_KEY_FORM, "");
	return true;
}

static bool
key_from_request(struct request *request)
{
	struct reason reason = { "" };
	enum err      err = jwk_parse(jws_jwk(request->jws), &request->key, &reason);

	switch (err) {
	case ERR_OK:
		return true;
	case ERR_MALFORMED:
		return problem_set(&request->problem, PROBLEM_MALFORMED, "\"jwk\": %s", reason.text);
	case ERR_UNSUPPORTED:
	case ERR_BAD_KEY:
		return problem_set(&request->problem, PROBLEM_BAD_PUBLIC_KEY, "\"jwk\": %s", reason.text);
	default:
		return request_broken(request, "jwk_parse", err);
	}
}

static bool
key_from_account(struct request *request)
{
	const char   *kid = jws_kid(request->jws);
	/* Where the account has several URLs, any of them names it. */
	struct site   kids = { request->site.surface,
		  request->ra->config->wfe.url_from_host ? NULL : request->site.base };
	struct target target;
	enum err      err;

	if (!route_parse_url(&kids, kid, &target) || target.route != ROUTE_ACCOUNT || target.nowhere)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"kid\" is \"%.120s\", not an account URL of this server as newAccount gave it in Location "
		    "(RFC 8555, 6.2)", kid) || problem_said(&request->problem, SAID_KID, "");
	err = accounts_get(request->ra->accounts, request->ra->storage, target.id, &request->known);
	if (err == ERR_NOT_FOUND)
		return problem_set(&request->problem, PROBLEM_ACCOUNT_DOES_NOT_EXIST,
		    "there is no account \"%.120s\"; create one by newAccount (RFC 8555, 7.3)", kid) ||
		    problem_said(&request->problem, SAID_KID_UNKNOWN, kid);
	if (err != ERR_OK)
		return request_broken(request, "accounts_get", err);
	request->account = request->known->account;
	request->key = jwk_up(request->known->key);
	return true;
}

static bool
check_signature(struct request *request)
{
	struct reason reason = { "" };
	enum err      err = jws_verify(request->jws, request->key, &reason);

	switch (err) {
	case ERR_OK:
		return true;
	case ERR_BAD_ALGORITHM:
		return problem_set(&request->problem, PROBLEM_BAD_SIGNATURE_ALGORITHM, "%s", reason.text) ||
		    problem_said(&request->problem, SAID_ALGORITHM_OF_KEY, "");
	case ERR_BAD_SIGNATURE:
		return problem_set(&request->problem, PROBLEM_MALFORMED, "the JWS signature: %s", reason.text) ||
		    problem_said(&request->problem, SAID_SIGNATURE, "");
	default:
		return request_broken(request, "jws_verify", err);
	}
}

/* Only after the signature, so that nobody else learns an account's status (RFC 8555, 7.3.6). */
static bool
check_account(struct request *request)
{
	if (request->known == NULL || request->account.status == ACCOUNT_VALID)
		return true;
	request->problem.status = 401;
	problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
	    "the account is %s, and stays so; create another with a new key (RFC 8555, 7.3.6)",
	    account_status_text(request->account.status));
	return problem_said(&request->problem, SAID_ACCOUNT_DEACTIVATED, "");
}

static bool
is_classic(const char *alg)
{
	return strcmp(alg, "RS256") == 0 || strncmp(alg, "ES", 2) == 0;
}

bool
authenticate(struct request *request)
{
	struct reason reason = { "" };
	enum err      err = jws_parse(request->msg.body, &request->jws, &reason);

	if (err == ERR_BAD_ALGORITHM || err == ERR_MALFORMED)
		spend_nonce(request);
	if (err == ERR_MALFORMED && request->site.surface->odd_nonces && refuse_odd_nonce(request))
		return false;
	if (err == ERR_BAD_ALGORITHM)
		return problem_set(&request->problem, PROBLEM_BAD_SIGNATURE_ALGORITHM, "%s", reason.text);
	if (err == ERR_MEMORY)
		return request_broken(request, "jws_parse", err);
	if (err != ERR_OK)
		return problem_set(&request->problem, PROBLEM_MALFORMED, "%s", reason.text);
	if (request->site.surface->classic_algorithms && !is_classic(jws_alg(request->jws))) {
		spend_nonce(request);
		return problem_set(&request->problem, PROBLEM_BAD_SIGNATURE_ALGORITHM,
		    "JWS signature header contains unsupported algorithm \"%.20s\", expected one of [RS256 ES256 ES384 ES512]",
		    jws_alg(request->jws));
	}
	if (!check_nonce(request) || !check_url(request) || !check_key_form(request))
		return false;
	if (!(jws_jwk(request->jws) != NULL ? key_from_request(request) : key_from_account(request)))
		return false;
	if (!check_signature(request)) {
		request->account.id = (struct id){ { 0 } };	/* the log names only who did sign */
		return false;
	}
	return check_account(request) && terms_check(request);
}
