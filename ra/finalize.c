#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "ra/key_change.h"
#include "ra/layers.h"
#include "ra/order_view.h"
#include "ra/request.h"
#include "x509/csr.h"
#include "x509/key.h"

/* ca takes no CAA outcome that is older than 8 hours; there is an hour for what comes between. */
#define CAA_AGE (7 * 3600)

static bool
is_stale(const struct ra *ra, const struct authorization *authorization)
{
	return ra->config->va.caa != CAA_OFF && authorization->caa_checked < clock_now() - CAA_AGE;
}

static bool
any_stale(const struct ra *ra, const struct authorization *authorizations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_stale(ra, &authorizations[i]))
			return true;
	return false;
}

/* The proof that ca wants (DESIGN: rule 3): what the subscriber signed, its key and those before it, and what va
 * saw. */
static void
put_proof(struct buf *out, const struct order *order, struct slice jws, const struct jwk *key,
    const struct key_changes *changes, const struct authorization *authorizations, size_t count)
{
	struct msg_issue issue = { .order = order->id };

	strncpy(issue.profile, order->profile, sizeof(issue.profile) - 1);
	issue.not_before = order->not_before;
	issue.not_after = order->not_after;
	issue.jwk = slice_str(key->text);
	key_changes_put(changes, key->thumbprint, &issue);
	issue.jws = jws;
	for (; issue.evidence_count < count; issue.evidence_count++)
		issue.evidence[issue.evidence_count] = buf_slice(&authorizations[issue.evidence_count].evidence);
	put_issue(out, &issue);
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

/* The order was judged when it was made; since then the rules may have changed, and a command is to have its effect. */
static bool
check_policy(struct request *request, const struct order *order)
{
	const struct profile_config *profile = config_profile(&request->ra->config->ca, order->profile);
	struct reason reason = { "" };
	struct layers layers;
	bool good;

	if (profile == NULL) /* draft-ietf-acme-profiles, 4 */
		return problem_set(&request->problem, PROBLEM_INVALID_PROFILE,
		    "the order's profile \"%s\" is not served any more; make a new order", order->profile);
	good = layers_load(request, &layers);
	if (good && !(good = policy_allows_profile(&layers.policy, profile, &reason)))
		problem_set(&request->problem, PROBLEM_INVALID_PROFILE, "%s", reason.text);
	if (good && !(good = policy_judge(&layers.policy, profile, order->identifiers, order->identifier_count,
			  &request->problem)))
		problem_sum_up(&request->problem, "the order can't be finalized any more");
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
		if (count_of(csr->names, csr->count, type) != count_of(sorted, count, type)) {
			(void)problem_said(&request->problem, SAID_CSR_COUNT,
			    type == IDENTIFIER_DNS ? "DNSnames" : "IP address");
			return;
		}
	for (size_t i = 0; i < count && about[0] == '\0'; i++)
		if (!identifier_eq(&sorted[i], &csr->names[i]))
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
	return check_policy(request, order) && check_profile(request, csr, order);
}

/* Where the answer doesn't wait for ca's word, the signature is verified here too. */
static unsigned
csr_rules(const struct config *config)
{
	return (config->ra.finalize_wait_ms > 0 ? CSR_UNVERIFIED : 0) |
	    (config->ca.names_as_asked ? CSR_SAN_ONLY : 0);
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

/* Makes the ISSUE. */
static bool
prove(struct request *request, const struct order *order, const struct authorization *authorizations,
    size_t count)
{
	struct buf *issue = &request->wait.issue;
	struct key_changes changes = { 0 };
	enum err err =
	    key_changes_load(request_tx(request), request->ra->config, request->account.id, &changes);

	if (err != ERR_OK)
		return request_broken(request, "key_changes_load", err);
	put_proof(issue, order, request->msg.body, request->key, &changes, authorizations, count);
	key_changes_unload(&changes);
	if (issue->failed)
		return request_broken(request, "put_proof", ERR_MEMORY);
	return true;
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

bool
order_finalize(struct request *request)
{
	struct order	      order = { 0 };
	struct authorization *authorizations;
	size_t		      count;
	bool		      done, stale;

	request->wait.stamp = park_stamp(request->ra->park, request->target.id);

	done = order_load(request, request->target.id, &order, &authorizations, &count) &&
	    check_ready(request, order_status_at(&order, authorizations, count, clock_now())) &&
	    read_csr(request, &order) && charge(request, &order) && prove(request, &order, authorizations, count);
	stale = any_stale(request->ra, authorizations, count);
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
	struct buf issue = { 0 };
	enum err   err;

	put_proof(&issue, order, buf_slice(&order->finalize), key, changes, authorizations, count);
	err = channel_send(ra->ca, MSG_ISSUE, &issue);
	buf_free(&issue);
	return err;
}

static enum err
send_checks(struct ra *ra, struct id order, const struct authorization *authorizations, size_t count)
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
	enum err	      err;

	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	err = order_get_finalize(tx, id, &order);
	if (err == ERR_OK && order.state != ORDER_PROCESSING)
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
	if (err == ERR_OK && !any_stale(ra, authorizations, count))
		err = send_issue(ra, &order, key, &changes, authorizations, count);
	else if (err == ERR_OK && ask)
		err = send_checks(ra, id, authorizations, count);
	jwk_free(key);
	key_changes_unload(&changes);
	account_free(&account);
	order_unload(&order, authorizations, count);
	return err;
}

/* --- the answers --------------------------------------------------------------------------------- */

struct issued {
	struct storage_write write;	/* first: the one is the other's address */
	struct ra	    *ra;
	struct certificate   certificate;
};

static enum err
write_certificate(struct storage_tx *tx, void *arg)
{
	struct issued	   *issued = arg;
	struct certificate *certificate = &issued->certificate;
	struct order	    order = { 0 };
	enum err	    err;

	err = order_get(tx, certificate->order, &order);
	certificate->account = order.account;
	if (err == ERR_OK)
		err = certificate_insert(tx, certificate);
	/* What was signed is kept whatever became of the order meanwhile. */
	if (err == ERR_OK && order.state == ORDER_PROCESSING)
		err = order_set_valid(tx, certificate->order, certificate->id);
	if (err == ERR_OK)
		err = limits_issued(tx, issued->ra->limits, &order, certificate->not_after);
	order_free(&order);
	return err;
}

static void
issued_free(struct issued *issued)
{
	certificate_free(&issued->certificate);
	free(issued);
}

static void
certificate_stored(struct storage_write *write)
{
	struct issued *issued = (struct issued *)write;
	struct id      id = issued->certificate.order;
	struct park   *park = issued->ra->park;
	char	       order[ID_TEXT_SIZE];

	if (retry_take(issued->ra->retry, write))
		return;
	id_text(id, order);
	/* ISSUE was sent twice, after a restart, and the first answer is stored and logged. */
	if (write->err == ERR_EXISTS)
		log_event(LOG_DEBUG, "a certificate came twice", F_STR("order", order));
	else if (write->err != ERR_OK)
		log_event(LOG_ERROR, "a certificate could not be stored: ca is asked again later",
		    F_STR("order", order), F_STR("error", err_text(write->err)));
	else
		log_event(LOG_INFO, "certificate issued", F_STR("order", order));
	issued_free(issued);
	park_wake(park, id);
}

/* One certificate an order: they share their id, so that a second one can't be stored. Where certificates are called by
 * their serial number, that is unique too. */
static struct id
certificate_id(const struct ra *ra, const struct msg_certificate *msg)
{
	struct id id = { { 0 } };

	if (!ra->surface->short_ids || msg->serial.len > ID_SIZE / 2)
		return msg->order;
	memcpy(id.bytes + ID_SIZE - msg->serial.len, msg->serial.data, msg->serial.len);
	return id;
}

void
finalize_certificate(struct ra *ra, const struct msg_certificate *msg)
{
	struct issued	   *issued = calloc(1, sizeof(*issued));
	struct certificate *certificate;

	if (issued == NULL)
		return;		/* recovery asks ca again */
	issued->write = (struct storage_write){ .fn = write_certificate, .arg = issued, .done = certificate_stored };
	issued->ra = ra;
	certificate = &issued->certificate;
	certificate->id = certificate_id(ra, msg);
	certificate->order = msg->order;
	certificate->not_before = msg->not_before;
	certificate->not_after = msg->not_after;
	memcpy(certificate->issuer, msg->issuer, sizeof(certificate->issuer));
	buf_put(&certificate->serial, msg->serial.data, msg->serial.len);
	buf_put(&certificate->der, msg->der.data, msg->der.len);
	if (!certificate->serial.failed && !certificate->der.failed)
		storage_write_start(ra->storage, &issued->write);
	else
		issued_free(issued);	/* likewise */
}

/* What ends an order without a certificate, or opens it again. */
struct refusal {
	struct storage_write write;	/* first */
	struct ra	    *ra;
	struct id	     order;
	bool		     reopen;
	char		    *error;
};

static enum err
write_refusal(struct storage_tx *tx, void *arg)
{
	struct refusal *refusal = arg;
	enum err	err;

	if ((err = limits_give_back(tx, refusal->ra->limits, refusal->order, clock_now_ms())) != ERR_OK)
		return err;
	if (refusal->reopen)
		return order_reopen(tx, refusal->order, refusal->error);
	return order_set_invalid(tx, refusal->order, refusal->error);
}

static void
refusal_stored(struct storage_write *write)
{
	struct refusal *refusal = (struct refusal *)write;
	struct id	order = refusal->order;
	struct park    *park = refusal->ra->park;
	char		text[ID_TEXT_SIZE];

	if (retry_take(refusal->ra->retry, write))
		return;
	if (write->err != ERR_OK) {
		id_text(order, text);
		log_event(LOG_ERROR, "a refusal could not be stored", F_STR("order", text),
		    F_STR("error", err_text(write->err)));
	}
	free(refusal->error);
	free(refusal);
	park_wake(park, order);
}

/* Takes json over. Out of memory: the order stays in processing, and recovery drives it on. */
static void
store_refusal(struct ra *ra, struct id order, bool reopen, json_t *json)
{
	struct refusal *refusal = calloc(1, sizeof(*refusal));

	if (refusal != NULL) {
		refusal->write = (struct storage_write){ .fn = write_refusal, .arg = refusal, .done = refusal_stored };
		refusal->ra = ra;
		refusal->order = order;
		refusal->reopen = reopen;
		refusal->error = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	}
	json_decref(json);
	if (refusal != NULL && refusal->error != NULL)
		storage_write_start(ra->storage, &refusal->write);
	else
		free(refusal);
}

void
finalize_refused(struct ra *ra, const struct msg_refused *msg)
{
	struct problem problem = { .type = msg->problem, .detail = msg->detail };
	char	       order[ID_TEXT_SIZE];

	id_text(msg->order, order);
	log_event(LOG_WARNING, "ca refused to issue", F_STR("order", order),
	    F_STR("problem", problem_name(msg->problem)), F_STR("detail", msg->detail.text));
	/* PROTOCOL.md A 36: badCSR leaves the order ready. */
	store_refusal(ra, msg->order, msg->problem == PROBLEM_BAD_CSR, problem_json(&problem));
}

void
finalize_forbidden(struct ra *ra, struct id id, const struct identifier *identifier, enum problem_type type,
    const char *detail)
{
	struct problem problem = { 0 };
	json_t	      *json;
	char	       order[ID_TEXT_SIZE];

	id_text(id, order);
	log_event(LOG_INFO, "an order can't be finalized", F_STR("order", order),
	    F_STR("identifier", identifier->value), F_STR("problem", problem_name(type)), F_STR("detail", detail));
	problem_add(&problem, type, identifier, "%s", detail);
	problem_sum_up(&problem, "the order can't be finalized");
	if ((json = problem_json(&problem)) != NULL)
		(void)json_object_set_new(json, "detail", json_string(detail));	/* whole */
	problem_free(&problem);
	store_refusal(ra, id, false, json);
}
