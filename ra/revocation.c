#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "acme/revocation.h"
#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "ra/request.h"
#include "ra/revocation.h"
#include "x509/certificate.h"

/* By which of the three rights of RFC 8555, 7.6 a certificate is revoked. */
enum right { RIGHT_NONE, RIGHT_SUBSCRIBER, RIGHT_AUTHORIZED, RIGHT_KEY };

static const char *const right_names[] = { "none", "subscriber", "authorizations", "certificate key" };

struct revoke {
	struct request *request;
	struct certificate certificate; /* as it is stored */
	X509 *cert;
	enum right right;
};

/* --- the payload --------------------------------------------------------------------------------- */

static bool
reason_allowed(const struct config *config, int reason)
{
	const char *name = revocation_reason_name(reason);

	if (config->ra.any_reason)
		return name != NULL;
	for (size_t i = 0; name != NULL && i < config->ra.revocation_reasons.count; i++)
		if (strcmp(config->ra.revocation_reasons.items[i], name) == 0)
			return true;
	return false;
}

/* RFC 8555, 7.6: the problem says which are allowed. */
static bool
refuse_reason(struct request *request, long long reason)
{
	const struct strings *names = &request->ra->config->ra.revocation_reasons;
	struct buf list = { 0 };
	enum revocation_reason known;
	char *text, number[24];

	for (size_t i = 0; i < names->count; i++)
		if (revocation_reason_by_name(names->items[i], &known))
			buf_printf(&list, "%s%d (%s)", i == 0 ? "" : ", ", (int)known, names->items[i]);
	text = buf_take_str(&list);
	problem_set(&request->problem, PROBLEM_BAD_REVOCATION_REASON,
	    "reason %lld is not accepted here; leave it out, or give one of %s (RFC 8555, 7.6; RFC 5280, "
	    "5.3.1)",
	    reason, text != NULL ? text : "");
	free(text);
	snprintf(number, sizeof(number), "%lld", reason);
	return problem_said(&request->problem, SAID_REASON, number);
}

/* RFC 8555, 7.6: without a reason there is none. */
static bool
read_reason(struct request *request, enum revocation_reason *out)
{
	const json_t *reason = json_object_get(request->payload, "reason");
	json_int_t value = json_integer_value(reason);

	*out = REVOCATION_NONE;
	if (reason == NULL)
		return true;
	if (!json_is_integer(reason))
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"reason\" is a number, one of RFC 5280, 5.3.1; or it is left out (RFC 8555, 7.6)");
	if (value < 0 || value > INT_MAX || !reason_allowed(request->ra->config, (int)value))
		return refuse_reason(request, (long long)value);
	*out = (enum revocation_reason)value;
	return true;
}

static bool
refuse_unknown(struct request *request)
{
	request->problem.status = 404;
	return problem_set(&request->problem, PROBLEM_MALFORMED,
	    "this certificate was not issued here, or it ended long ago");
}

/* The certificate of ours that has exactly these bytes. */
static bool
find_certificate(struct request *request, struct slice der, struct revoke *revoke)
{
	struct storage_tx *tx = request_tx(request);
	struct reason reason = { "" };
	uint8_t serial[20];
	size_t len;
	enum err err;

	if (tx == NULL)
		return false;
	if (certificate_parse(der, &revoke->cert, &reason) != ERR_OK)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"certificate\" is none: %s (RFC 8555, 7.6)", reason.text);
	if (certificate_serial(revoke->cert, serial, &len) != ERR_OK)
		return refuse_unknown(request);
	err = certificate_by_serial(tx, slice_of(serial, len), &revoke->certificate);
	if (err == ERR_NOT_FOUND || (err == ERR_OK && !slice_eq(der, buf_slice(&revoke->certificate.der))))
		return refuse_unknown(request);
	if (err != ERR_OK)
		return request_broken(request, "certificate_by_serial", err);
	if (revoke->certificate.not_after < clock_now())
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the certificate has ended, so there is nothing to revoke");
	return true;
}

static bool
read_certificate(struct request *request, struct revoke *revoke)
{
	const char *text = json_member_str(request->payload, "certificate");
	struct buf der = { 0 };
	bool done;

	if (text == NULL)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the payload has no string \"certificate\" (RFC 8555, 7.6)");
	if (base64url_get(slice_str(text), &der) != ERR_OK)
		done = problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"certificate\" is not base64url without padding; send the DER so, not PEM (RFC 8555, "
		    "7.6)");
	else
		done = find_certificate(request, buf_slice(&der), revoke);
	buf_free(&der);
	return done;
}

/* --- the right ----------------------------------------------------------------------------------- */

/* The key that signed must be the certificate's own, not just any. */
static bool
check_key(struct request *request, struct revoke *revoke)
{
	EVP_PKEY *key = X509_get0_pubkey(revoke->cert);

	if (key == NULL || EVP_PKEY_eq(key, request->key->key) != 1)
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "\"jwk\" is not the certificate's key; sign with that, or with an account's (RFC 8555, "
		    "7.6)");
	revoke->right = RIGHT_KEY;
	return true;
}

/* RFC 8555, 7.6: "an account that holds authorizations for all of the identifiers in the certificate". */
static bool
check_authorizations(struct request *request, struct revoke *revoke)
{
	struct storage_tx *tx = request_tx(request);
	struct order order = { 0 };
	enum err err;
	size_t i;

	if (tx == NULL)
		return false;
	err = order_get(tx, revoke->certificate.order, &order);
	for (i = 0; err == ERR_OK && i < order.identifier_count; i++)
		err = authorization_held(tx, request->account.id, &order.identifiers[i], clock_now());
	if (err == ERR_NOT_FOUND)
		problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the certificate is another account's, and this one has no valid authorization for "
		    "%s%s%s "
		    "(RFC 8555, 7.6)",
		    i > 0 ? "\"" : "its names", i > 0 ? order.identifiers[i - 1].value : "",
		    i > 0 ? "\"" : "");
	else if (err != ERR_OK)
		request_broken(request, "check_authorizations", err);
	else
		revoke->right = RIGHT_AUTHORIZED;
	order_free(&order);
	return err == ERR_OK;
}

static bool
check_right(struct request *request, struct revoke *revoke)
{
	if (request->known == NULL)
		return check_key(request, revoke);
	if (!id_eq(revoke->certificate.account, request->account.id))
		return check_authorizations(request, revoke);
	revoke->right = RIGHT_SUBSCRIBER;
	return true;
}

/* RFC 8739, 3.1.2: those of an auto-renewal order end by themselves, and no more come once it is canceled. */
static bool
check_kind(struct request *request, const struct revoke *revoke)
{
	struct order order = { 0 };
	bool renewed;
	enum err err = order_get(request_tx(request), revoke->certificate.order, &order);

	renewed = order.auto_renewal.lifetime != 0;
	order_free(&order);
	if (err != ERR_OK && err != ERR_NOT_FOUND)
		return request_broken(request, "order_get", err);
	return !renewed ||
	       problem_set(&request->problem, PROBLEM_AUTO_RENEWAL_REVOCATION_NOT_SUPPORTED,
		   "a certificate of an auto-renewal order can't be revoked; cancel the order, and it is over in a short while "
		   "(RFC 8739, 3.1.2)");
}

/* --- the deed ------------------------------------------------------------------------------------ */

/* What Boulder does: whoever shows the key compromised it, whatever it says; who has the names now says that the
 * certificate's time is over. */
static enum revocation_reason
reason_for(enum right right, enum revocation_reason asked)
{
	if (right == RIGHT_KEY)
		return REVOCATION_KEY_COMPROMISE;
	return right == RIGHT_AUTHORIZED ? REVOCATION_CESSATION_OF_OPERATION : asked;
}

static bool
write_it(struct request *request, struct revoke *revoke, enum revocation_reason asked)
{
	bool by_key = revoke->right == RIGHT_KEY;
	enum err err;

	request_tx_end(request);
	err = revocation_write(request->ra, &revoke->certificate, revoke->cert, reason_for(revoke->right, asked),
	    by_key ? request->key->thumbprint : NULL, right_names[revoke->right]);
	if (err == ERR_EXISTS)
		return problem_set(&request->problem, PROBLEM_ALREADY_REVOKED,
		    "the certificate is revoked already (RFC 8555, 7.6)") ||
		    problem_said(&request->problem, SAID_ALREADY_REVOKED, "");
	if (err != ERR_OK)
		return request_broken(request, "certificate_revoke", err);
	request->reply.status = 200;
	return true;
}

/* RFC 8555, 7.6. */
bool
certificate_revoke(struct request *request)
{
	struct revoke revoke = { .request = request };
	enum revocation_reason asked;
	bool done;

	done = read_certificate(request, &revoke) && check_right(request, &revoke) &&
	       check_kind(request, &revoke) && read_reason(request, &asked);
	if (done)
		done = write_it(request, &revoke, asked);
	certificate_free(&revoke.certificate);
	X509_free(revoke.cert);
	return done;
}
