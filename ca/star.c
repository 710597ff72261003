#include "ca/star.h"

#include <stdlib.h>
#include <string.h>

#include "ca/proof.h"
#include "lib/json.h"
#include "lib/memory.h"

#define FUTURE_MAX 300 /* s: as in issue.c */
#define CANCELED_FILE "canceled"

enum err
ca_star_open(struct ca *ca, int64_t now, struct reason *reason)
{
	if (ca->config->ca.auto_renewal.max_duration == 0 || !ca->config->ca.revocations_kept)
		return ERR_OK;
	return revoked_open(ca->folder, CANCELED_FILE, now, &ca->canceled, reason);
}

/* --- what the subscriber asked for ---------------------------------------------------------------------- */

/* RFC 8555, 6.4 and 7.4; and who signed the one signed the other. */
static bool
check_request(struct ca *ca, const struct msg_issue *issue, const struct jws *new_order, const struct jws *finalize,
    struct problem *problem)
{
	struct site site = ca_site(ca);
	struct target target;

	if (!route_parse_url(&site, jws_url(new_order), &target) || target.route != ROUTE_NEW_ORDER)
		return problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the request that asked for auto-renewal was signed for another url than newOrder's (RFC 8555, 6.4)");
	if (jws_kid(new_order) == NULL || !proof_same_account(ca, jws_kid(new_order), jws_kid(finalize)))
		return problem_set(
		    problem, PROBLEM_UNAUTHORIZED, "the newOrder request is another account's than the finalize request");
	if (!auto_renewal_is_order(issue->order, issue->new_order))
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "the newOrder request is another order's");
	return true;
}

static bool
check_signature(struct ca *ca, const struct msg_issue *issue, const struct jws *new_order, struct ca_star *star,
    struct problem *problem)
{
	struct reason cause = { "" };
	struct jwk *jwk;
	bool ok = false;

	if (memory_checked(proof_key(ca, issue->new_order_jwk, &jwk, &cause)) != ERR_OK)
		return problem_set(
		    problem, PROBLEM_BAD_PUBLIC_KEY, "the newOrder request's key is not acceptable: %s", cause.text);
	if (jws_verify(new_order, jwk, &cause) != ERR_OK)
		problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the newOrder request's signature doesn't verify with its key: %s", cause.text);
	else
		ok = true;
	memcpy(star->thumbprint, jwk->thumbprint, sizeof(star->thumbprint));
	jwk_free(jwk);
	return ok;
}

static bool
read_terms(const struct ca *ca, const struct profile_config *profile, struct ca_star *star, struct problem *problem)
{
	const char *named = json_member_str(star->payload, "profile");
	struct reason cause = { "" };

	if (named != NULL && named[0] != '\0' && strcmp(named, profile->name) != 0)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "the order asked for profile \"%.63s\", not for \"%s\"",
		    named, profile->name);
	if (!auto_renewal_parse(json_object_get(star->payload, "auto-renewal"), &star->terms, &cause) ||
	    !auto_renewal_settle(&star->terms, &ca->config->ca.auto_renewal, star->made, ca->config->ra.order_lifetime,
		profile->lifetime, &cause))
		return problem_set(problem, PROBLEM_MALFORMED, "the order's auto-renewal: %s", cause.text);
	return true;
}

static bool
find_certificate(const struct msg_issue *issue, struct ca_star *star, struct problem *problem)
{
	if (issue->number > auto_renewal_count(&star->terms))
		return problem_set(problem, PROBLEM_UNAUTHORIZED,
		    "the order asked for %u certificates, and this would be the %uth", auto_renewal_count(&star->terms),
		    issue->number);
	auto_renewal_dates(&star->terms, issue->number, &star->not_before, &star->not_after);
	star->certificate = auto_renewal_certificate(&star->terms, issue->order, issue->number);
	return true;
}

bool
ca_star_read(struct ca *ca, const struct msg_issue *issue, const struct jws *finalize, const struct profile_config *profile,
    struct ca_star *star, struct problem *problem)
{
	struct reason cause = { "" };
	struct jws *new_order;
	bool ok;

	*star = (struct ca_star){ .made = id_time_ms(issue->order) / 1000 };
	if (memory_checked(jws_parse(issue->new_order, &new_order, &cause)) != ERR_OK)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "the newOrder request is broken: %s", cause.text);
	ok = check_request(ca, issue, new_order, finalize, problem) &&
	    check_signature(ca, issue, new_order, star, problem);
	if (ok && memory_checked(json_object_parse(jws_payload(new_order), &star->payload, &cause)) != ERR_OK)
		ok = problem_set(problem, PROBLEM_MALFORMED, "the newOrder payload is not an object: %s", cause.text);
	jws_free(new_order);
	return ok && read_terms(ca, profile, star, problem) && find_certificate(issue, star, problem);
}

void
ca_star_free(struct ca_star *star)
{
	json_decref(star->payload);
	star->payload = NULL;
}

/* --- what may be signed now ------------------------------------------------------------------------------ */

/* Named twice, it was ordered once. */
static bool
add_name(const json_t *item, struct identifier *names, size_t *count, struct reason *cause)
{
	if (*count == IDENTIFIERS_MAX || identifier_parse(item, &names[*count], cause) != ERR_OK)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (identifier_eq(&names[i], &names[*count]))
			return true;
	(*count)++;
	return true;
}

static bool
check_names(const struct ca_star *star, const struct csr *csr, struct problem *problem)
{
	const json_t *list = json_object_get(star->payload, "identifiers"), *item;
	struct identifier *names;
	struct reason cause = { "they are more than an order has" };
	size_t count = 0, i;
	bool ok = true;

	if ((names = calloc(IDENTIFIERS_MAX, sizeof(*names))) == NULL)
		memory_out();
	json_array_foreach(list, i, item)
		ok = ok && add_name(item, names, &count, &cause);
	qsort(names, count, sizeof(*names), identifier_compare);
	ok = ok && csr_names_match(csr, names, count, &cause);
	free(names);
	return ok || problem_set(problem, PROBLEM_UNAUTHORIZED, "the names that were ordered are not the CSR's: %s", cause.text);
}

bool
ca_star_due(const struct ca *ca, const struct msg_issue *issue, const struct csr *csr, int64_t now, struct ca_star *star,
    struct problem *problem)
{
	if (ca->canceled != NULL && revoked_find(ca->canceled, slice_of(issue->order.bytes, ID_SIZE)) != NULL)
		return problem_set(problem, PROBLEM_AUTO_RENEWAL_CANCELED, "the order was canceled (RFC 8739, 3.1.2)");
	if (star->made > now + FUTURE_MAX)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "this order was made in the future");
	if (issue->number > 1 && star->not_before > now)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "this certificate of the order is not due yet");
	if (star->not_after <= now)
		return problem_set(problem, PROBLEM_UNAUTHORIZED, "this certificate of the order would be over already");
	/* One that comes late doesn't say that it was there before. */
	if (star->not_before < now - ISSUER_BACKDATE_MAX)
		star->not_before = now - ISSUER_BACKDATE_MAX;
	return check_names(star, csr, problem);
}

enum err
ca_star_cancel(struct ca *ca, struct id order, int64_t now)
{
	/* As long as any order that is made before now can last. */
	struct revoked_entry entry = { .serial_len = ID_SIZE, .revoked = now, .reason = REVOCATION_NONE,
		.not_after = now + ca->config->ra.order_lifetime + ca->config->ca.auto_renewal.max_duration };
	enum err err;

	if (ca->canceled == NULL)
		return ERR_OK;
	memcpy(entry.serial, order.bytes, ID_SIZE);
	if ((err = revoked_add(ca->canceled, &entry)) == ERR_OK)
		err = revoked_sync(ca->canceled);
	return err;
}
