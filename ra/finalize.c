#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "ra/finalize.h"
#include "ra/key_change.h"
#include "ra/layers.h"
#include "ra/order_view.h"
#include "ra/request.h"
#include "ra/star.h"
#include "x509/csr.h"
#include "x509/key.h"

/* ca takes no CAA outcome that is older than 8 hours; there is an hour for what comes between. */
#define CAA_AGE (7 * 3600)

static bool
is_stale(const struct ra *ra, const struct authorization *authorization)
{
	return ra->config->va.caa != CAA_OFF && authorization->caa_checked < clock_now() - CAA_AGE;
}

bool
finalize_stale(const struct ra *ra, const struct authorization *authorizations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_stale(ra, &authorizations[i]))
			return true;
	return false;
}

void
finalize_proof(struct msg_issue *issue, const struct order *order, struct slice jws, const char *jwk,
    const struct authorization *authorizations, size_t count)
{
	*issue = (struct msg_issue){ .order = order->id, .not_before = order->not_before, .not_after = order->not_after };
	strncpy(issue->profile, order->profile, sizeof(issue->profile) - 1);
	issue->jwk = slice_str(jwk);
	issue->jws = jws;
	for (; issue->evidence_count < count; issue->evidence_count++)
		issue->evidence[issue->evidence_count] = buf_slice(&authorizations[issue->evidence_count].evidence);
}

/* --- the request (RFC 8555, 7.4) ----------------------------------------------------------------- */

static bool
check_ready(struct request *request, enum order_status status)
{
	if (status == ORDER_STATUS_READY)
		return true;
	problem_set(&request->problem, PROBLEM_ORDER_NOT_READY,
	    "the order is \"%s\", and only a \"ready\" one can be finalized%s (RFC 8555, 7.4)",
	    order_status_text(status),
	    status == ORDER_STATUS_PENDING ? ": complete the authorizations that are still pending" : "");
	return problem_said(&request->problem, SAID_ORDER_NOT_READY, order_status_text(status));
}

/* RFC 8555, 11.1: the certificate's key is no account's key. */
static bool
check_foreign_key(struct request *request, const struct csr *csr)
{
	struct storage_tx *tx = request_tx(request);
	struct account	   account = { 0 };
	char		   thumbprint[JWK_THUMBPRINT_SIZE];
	enum err	   err;

	if (tx == NULL)
		return false;
	if ((err = jwk_thumbprint_of(csr->key, thumbprint)) == ERR_OK)
		err = account_by_thumbprint(tx, thumbprint, &account);
	account_free(&account);
	if (err == ERR_NOT_FOUND)
		return key_unblocked(request, thumbprint, PROBLEM_BAD_CSR, "the CSR's key");
	if (err != ERR_OK)
		return request_broken(request, "check_foreign_key", err);
	problem_set(&request->problem, PROBLEM_BAD_CSR,
	    "the CSR's key is the key of an account; make one for the certificate alone (RFC 8555, 11.1)");
	return problem_said(&request->problem, SAID_CSR_KEY, "");
}

/* What the profile asks of a CSR; ca judges by its own copy again. */
static bool
check_profile(struct request *request, const struct csr *csr, const struct order *order)
{
	const struct profile_config *profile = config_profile(&request->ra->config->ca, order->profile);
	const char		    *type = key_type_name(key_type_of(csr->key));

	if (!config_profile_takes(profile, type))
		return problem_set(&request->problem, PROBLEM_BAD_CSR,
		    "the CSR: its key is %s, which certificates of profile \"%s\" can't have", type, profile->name);
	if (csr->must_staple && !profile->must_staple)
		return problem_set(&request->problem, PROBLEM_BAD_CSR,
		    "the CSR: it asks for must-staple (RFC 7633), which profile \"%s\" doesn't give", profile->name);
	return check_foreign_key(request, csr);
}

bool
finalize_policy(const struct ra *ra, struct storage_tx *tx, const struct account *account, const struct order *order,
    struct problem *problem)
{
	const struct profile_config *profile = config_profile(&ra->config->ca, order->profile);
	struct reason reason = { "" };
	struct layers layers;
	bool good;

	if (profile == NULL) /* draft-ietf-acme-profiles, 4 */
		return problem_set(problem, PROBLEM_INVALID_PROFILE,
		    "the order's profile \"%s\" is not served any more; make a new order", order->profile);
	good = layers_read(ra, tx, account->id, account->external_key, &layers) == ERR_OK;
	if (!good)
		problem_set(problem, PROBLEM_SERVER_INTERNAL, "the account's rules can't be read; try again");
	else if (!(good = policy_allows_profile(&layers.policy, profile, &reason)))
		problem_set(problem, PROBLEM_INVALID_PROFILE, "%s", reason.text);
	else if (!(good = policy_judge(&layers.policy, profile, order->identifiers, order->identifier_count, problem)))
		problem_sum_up(problem, "the order can't be finalized any more");
	layers_free(&layers);
	return good;
}

static size_t
count_of(const struct identifier *names, size_t count, enum identifier_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += names[i].type == type;
	return n;
}

/* How the names differ, for surfaces that tell the kinds of difference apart. */
static void
say_names(struct request *request, const struct csr *csr, const struct identifier *sorted, size_t count)
{
	char about[IDENTIFIER_VALUE_SIZE + 16] = "";

	for (enum identifier_type type = IDENTIFIER_DNS; type < IDENTIFIER_TYPE_COUNT; type++)
		if (count_of(csr->names, csr->count, type) + (type == IDENTIFIER_DNS ? csr->strange : 0) !=
		    count_of(sorted, count, type)) {
			(void)problem_said(&request->problem, SAID_CSR_COUNT,
			    type == IDENTIFIER_DNS ? "DNSnames" : "IP address");
			return;
		}
	for (size_t i = 0; i < count && about[0] == '\0'; i++)
		if (i >= csr->count || !identifier_eq(&sorted[i], &csr->names[i]))
			snprintf(about, sizeof(about), "%s \"%s\"", sorted[i].type == IDENTIFIER_DNS ? "domain" : "IP",
			    sorted[i].value);
	(void)problem_said(&request->problem, SAID_CSR_NAME, about);
}

static bool
check_csr(struct request *request, const struct csr *csr, const struct order *order)
{
	struct identifier *sorted = calloc(order->identifier_count, sizeof(*sorted));
	struct reason	   reason = { "" };
	bool		   match;

	if (sorted == NULL)
		return request_broken(request, "check_csr", ERR_MEMORY);
	memcpy(sorted, order->identifiers, order->identifier_count * sizeof(*sorted));
	qsort(sorted, order->identifier_count, sizeof(*sorted), identifier_compare);
	match = csr_names_match(csr, sorted, order->identifier_count, &reason);
	if (!match) {
		problem_set(&request->problem, PROBLEM_BAD_CSR, "the CSR: %s", reason.text);
		say_names(request, csr, sorted, order->identifier_count);
	}
	free(sorted);
	if (!match)
		return false;
	return finalize_policy(request->ra, request_tx(request), &request->account, order, &request->problem) &&
	    check_profile(request, csr, order);
}

/* Where the answer doesn't wait for ca's word, the signature is verified here too. */
static unsigned
csr_rules(const struct config *config)
{
	return (config->ra.finalize_wait_ms > 0 ? CSR_UNVERIFIED : 0) |
	    (config->ca.names_as_asked ? CSR_NAMES_ONLY : 0);
}

/* The payload's csr, decoded and judged. ca judges it again from the signed bytes, and verifies its signature: what
 * it refuses reaches the client too (order_show()). */
static bool
read_csr(struct request *request, const struct order *order)
{
	const char   *text = json_member_str(request->payload, "csr");
	struct buf    der = { 0 };
	struct csr   *csr = NULL;
	struct reason reason = { "" };
	enum err      err;
	bool	      good;

	if (text == NULL)
		return problem_set(&request->problem, PROBLEM_MALFORMED,
		    "the payload has no string \"csr\" (RFC 8555, 7.4)");
	if ((err = base64url_get(slice_str(text), &der)) != ERR_OK || der.failed) {
		buf_free(&der);
		return problem_set(&request->problem, PROBLEM_BAD_CSR,
		    "\"csr\" is not base64url without padding; send the DER so, not PEM (RFC 8555, 7.4)");
	}
	err = csr_parse_by(buf_slice(&der), csr_rules(request->ra->config), &csr, &reason);
	buf_free(&der);
	if (err == ERR_MEMORY)
		return request_broken(request, "csr_parse", err);
	if (err != ERR_OK)
		return problem_set(&request->problem, PROBLEM_BAD_CSR, "the CSR: %s", reason.text);
	good = check_csr(request, csr, order);
	csr_free(csr);
	return good;
}

static enum err
write_begin(struct storage_tx *tx, void *arg)
{
	struct request *request = arg;
	enum err	err;

	err = order_begin_finalize(tx, request->target.id, request->msg.body, request->charged);
	if (err != ERR_OK)	/* it is under way: that is the answer, whatever the limits say by now */
		return err;
	if (request->star_number != 0 && (err = star_begin(tx, request->target.id, request->key->text,
		buf_slice(&request->star_changes), request->star_number)) != ERR_OK)
		return err;
	return buckets_take(tx, request->charges.buckets, request->charges.count, clock_now_ms());
}

void
finalize_issue(struct ra *ra, struct id order, const struct buf *issue)
{
	char	 text[ID_TEXT_SIZE];
	enum err err = channel_send(ra->ca, MSG_ISSUE, issue);

	if (err == ERR_OK)
		return;
	id_text(order, text);
	log_event(LOG_WARNING, "ISSUE could not be sent: it is sent again later", F_STR("order", text),
	    F_STR("error", err_text(err)));
}

static enum err
put_proof(struct request *request, const struct order *order, const struct key_changes *changes,
    const struct authorization *authorizations, size_t count)
{
	struct msg_issue issue;
	struct star	 star = { 0 };
	enum err	 err = ERR_OK;

	finalize_proof(&issue, order, request->msg.body, request->key->text, authorizations, count);
	key_changes_put(changes, request->key->thumbprint, &issue);
	if (order->auto_renewal.lifetime != 0)
		err = star_prove(request_tx(request), order, &issue, &star, &request->star_changes);
	request->star_number = issue.number;
	if (err == ERR_OK)
		put_issue(&request->wait.issue, &issue);
	star_free(&star);
	return request->wait.issue.failed ? ERR_MEMORY : err;
}

/* Makes the ISSUE. */
static bool
prove(struct request *request, const struct order *order, const struct authorization *authorizations,
    size_t count)
{
	struct key_changes changes = { 0 };
	enum err err =
	    key_changes_load(request_tx(request), request->ra->config, request->account.id, &changes);

	if (err == ERR_OK)
		err = put_proof(request, order, &changes, authorizations, count);
	key_changes_unload(&changes);
	return err == ERR_OK || request_broken(request, "prove", err);
}

static bool
finish_begin(struct request *request, enum err err)
{
	if (err == ERR_CONFLICT)
		return check_ready(request, ORDER_STATUS_PROCESSING);
	if (err == ERR_BUSY)
		return limits_refuse(request);
	if (err != ERR_OK)
		return request_broken(request, "order_begin_finalize", err);
	return request_wait(request, request->target.id, request->wait.stamp, order_show);
}

static bool
begun(struct request *request, void *arg, enum err err)
{
	(void)arg;
	return finish_begin(request, err);
}

/* CAA is looked up again first, and ISSUE follows. */
static bool
begun_stale(struct request *request, void *arg, enum err err)
{
	(void)arg;
	if (err == ERR_OK)
		(void)finalize_send(request->ra, request->target.id, true);	/* else recovery does */
	return finish_begin(request, err);
}

/* The certificate is counted from here on; when nothing comes of the order it is given back. */
static bool
charge(struct request *request, const struct order *order)
{
	bool renewal;

	if (!limits_active(request->ra->limits))
		return true;
	if (!limits_is_renewal(request, order, &renewal))
		return false;
	request->charged = charges_of(order, renewal);
	charges_certificate(request->ra->limits, order, request->charged, false, &request->charges);
	return !request->charges.failed || request_broken(request, "charges_certificate", ERR_MEMORY);
}

/* ca wants to see in the signed url which kind of order it is (ca/star.h). */
static bool
check_url(struct request *request, const struct order *order)
{
	if ((request->target.route == ROUTE_FINALIZE_STAR) == (order->auto_renewal.lifetime != 0))
		return true;
	return request_no_object(request, "this is not the order's finalize URL; its object has it in \"finalize\"");
}

bool
order_finalize(struct request *request)
{
	struct order	      order = { 0 };
	struct authorization *authorizations;
	size_t		      count;
	bool		      done, stale;

	request->wait.stamp = park_stamp(request->ra->park, request->target.id);

	done = order_load(request, request->target.id, &order, &authorizations, &count) &&
	    check_url(request, &order) &&
	    check_ready(request, order_status_at(&order, authorizations, count, clock_now())) &&
	    read_csr(request, &order) && charge(request, &order) && prove(request, &order, authorizations, count);
	stale = finalize_stale(request->ra, authorizations, count);
	if (stale)	/* it is sent when CAA was looked up again */
		buf_clear(&request->wait.issue);
	order_unload(&order, authorizations, count);
	return done && request_write(request, write_begin, stale ? begun_stale : begun, request);
}

/* --- ISSUE for an order in processing: after a restart, or after CAA was looked up again ----------- */

static enum err
send_issue(struct ra *ra, const struct order *order, const struct jwk *key, const struct key_changes *changes,
    const struct authorization *authorizations, size_t count)
{
	struct msg_issue issue;
	struct buf out = { 0 };
	enum err   err;

	finalize_proof(&issue, order, buf_slice(&order->finalize), key->text, authorizations, count);
	key_changes_put(changes, key->thumbprint, &issue);
	put_issue(&out, &issue);
	err = channel_send(ra->ca, MSG_ISSUE, &out);
	buf_free(&out);
	return err;
}

enum err
finalize_check(struct ra *ra, struct id order, const struct authorization *authorizations, size_t count)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < count && err == ERR_OK; i++)
		if (is_stale(ra, &authorizations[i]))
			err = validation_send_caa(ra, &authorizations[i], order);
	return err;
}

enum err
finalize_send(struct ra *ra, struct id id, bool ask)
{
	struct order	      order = { 0 };
	struct account	      account = { 0 };
	struct key_changes changes = { 0 };
	struct jwk *key = NULL;
	struct authorization *authorizations = NULL;
	size_t		      count = 0;
	struct storage_tx    *tx;
	bool		      renewed;
	enum err	      err;

	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	err = order_get_finalize(tx, id, &order);
	renewed = err == ERR_OK && order.auto_renewal.lifetime != 0;
	if (err == ERR_OK && (order.state != ORDER_PROCESSING || renewed))
		err = ERR_CONFLICT;
	if (err == ERR_OK)
		err = account_get(tx, order.account, &account);
	if (err == ERR_OK)
		err = key_changes_load(tx, ra->config, order.account, &changes);
	if (err == ERR_OK)
		err = order_authorizations(tx, id, &authorizations, &count);
	storage_read_end(tx);
	/* The account's key may have changed since. */
	if (err == ERR_OK)
		err = key_changes_signer(&changes, &account, buf_slice(&order.finalize), &key);
	if (err == ERR_OK && !finalize_stale(ra, authorizations, count))
		err = send_issue(ra, &order, key, &changes, authorizations, count);
	else if (err == ERR_OK && ask)
		err = finalize_check(ra, id, authorizations, count);
	jwk_free(key);
	key_changes_unload(&changes);
	account_free(&account);
	order_unload(&order, authorizations, count);
	return renewed ? star_send(ra, id, ask) : err;
}
