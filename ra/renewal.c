/* renewal.c: ACME Renewal Information (RFC 9773): when to renew a certificate, and orders that replace one. */
#include "ra/renewal.h"

#include <stdlib.h>

#include "acme/certid.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "ra/manage.h"
#include "ra/request.h"
#include "ra/star.h"
#include "x509/certificate.h"

#define HOUR 3600
#define DAY 86400
#define ASK_AGAIN 21600 /* s; Boulder's six hours */

void
renewal_window(int64_t not_before, int64_t not_after, int64_t half, int64_t *start, int64_t *end)
{
	int64_t life = not_after - not_before + 1; /* the last second counts (RFC 5280, 4.1.2.5) */
	int64_t left = life < 10 * DAY ? life / 2 : life / 3;
	int64_t margin = half > 0 ? half : life / 50 > 0 ? life / 50 : 1;

	*start = not_after - left - margin;
	*end = not_after - left + margin; /* later than start: RFC 9773, 4.2 */
}

/* The certificate of that name. ERR_NOT_FOUND. */
static enum err
find(struct storage_tx *tx, const struct certid *id, struct certificate *out)
{
	enum err err = certificate_by_serial(tx, slice_of(id->serial, id->serial_len), out);

	if (err != ERR_OK ||
	    certificate_has_authority(buf_slice(&out->der), slice_of(id->key_id, id->key_id_len)))
		return err;
	certificate_free(out);
	return ERR_NOT_FOUND;
}

/* For a revoked certificate it is over already: RFC 9773, 4.2 has the client renew at once. What the server renews by itself
 * (RFC 8739) is there to be fetched. */
static enum err
window_find(struct storage_tx *tx, int64_t half, const struct certificate *certificate, int64_t *start, int64_t *end)
{
	struct revocation revocation;
	enum err err = revocation_get(tx, buf_slice(&certificate->serial), &revocation);

	if (err == ERR_OK) {
		*start = revocation.revoked - HOUR;
		*end = revocation.revoked;
	} else if (err == ERR_NOT_FOUND && (err = star_next(tx, certificate, clock_now(), start, end)) == ERR_NOT_FOUND) {
		renewal_window(certificate->not_before, certificate->not_after, half, start, end);
		err = ERR_OK;
	}
	return err;
}

static json_t *
window_json(int64_t start, int64_t end)
{
	char start_text[CLOCK_RFC3339_SIZE], end_text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(start, start_text);
	clock_rfc3339(end, end_text);
	return json_pack("{s:{s:s,s:s}}", "suggestedWindow", "start", start_text, "end", end_text);
}

bool
renewal_show(struct request *request)
{
	struct storage_tx *tx;
	struct certificate certificate = { .not_before = 0 };
	struct certid id;
	int64_t start, end;
	enum err err;

	if (!certid_parse(request->target.tail, &id))
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the path doesn't end in a certificate's identifier: the base64url of its authority key "
		    "identifier, "
		    "a period, and the base64url of its serial number's DER value (RFC 9773, 4.1)");
	if ((tx = request_tx(request)) == NULL)
		return false;
	err = find(tx, &id, &certificate);
	if (err == ERR_NOT_FOUND) {
		request->problem.status = 404;
		problem_set(&request->problem, PROBLEM_MALFORMED,
		    "this CA has no such certificate, or it is long over (RFC 9773, 4.1)");
		return problem_said(&request->problem, SAID_NO_CERTIFICATE, "");
	}
	if (err != ERR_OK)
		return request_broken(request, "certificate_by_serial", err);
	if (renewal_override(request->ra->overrides, buf_slice(&certificate.serial), &request->reply_body)) {
		certificate_free(&certificate);
		request->reply.retry_after = ASK_AGAIN;
		request->reply.status = 200;
		request->reply.media = MEDIA_JSON;
		return true;
	}
	err = window_find(tx, request->ra->config->ra.renewal_margin, &certificate, &start, &end);
	certificate_free(&certificate);
	if (err != ERR_OK)
		return request_broken(request, "revocation_get", err);
	request->reply.retry_after = ASK_AGAIN;
	return reply_json(request, 200, window_json(start, end));
}

static bool
shares_name(const struct order *a, const struct order *b)
{
	for (size_t i = 0; i < a->identifier_count; i++)
		for (size_t j = 0; j < b->identifier_count; j++)
			if (identifier_eq(&a->identifiers[i], &b->identifiers[j]))
				return true;
	return false;
}

/* RFC 9773, 5: of the same account, and for at least one of its names. */
static bool
check_predecessor(struct request *request, const struct certificate *predecessor, const struct order *order)
{
	struct order earlier = { .profile = NULL };
	bool shares;
	enum err err;

	if (!id_eq(predecessor->account, request->account.id))
		return problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "\"replaces\" names a certificate of another account (RFC 9773, 5)");
	if ((err = order_get(request_tx(request), predecessor->order, &earlier)) != ERR_OK)
		return request_broken(request, "check_predecessor", err);
	shares = shares_name(order, &earlier);
	order_free(&earlier);
	return shares ||
	       problem_set(&request->problem, PROBLEM_MALFORMED,
		   "\"replaces\" names a certificate that has none of the order's identifiers (RFC 9773, 5)");
}

bool
renewal_check(struct request *request, const struct order *order)
{
	struct certificate predecessor = { .not_before = 0 };
	struct certid id;
	bool good;
	enum err err;

	if (order->replaces == NULL)
		return true;
	if (!certid_parse(order->replaces, &id) || request_tx(request) == NULL)
		return request_broken(request, "renewal_check", ERR_MALFORMED);
	err = find(request_tx(request), &id, &predecessor);
	if (err == ERR_NOT_FOUND)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "\"replaces\" names no certificate of this CA, or one that is long over (RFC 9773, 5)");
	if (err != ERR_OK)
		return request_broken(request, "certificate_by_serial", err);
	good = check_predecessor(request, &predecessor, order);
	certificate_free(&predecessor);
	return good;
}
