#include "ra/star.h"

#include <stdlib.h>
#include <string.h>

#include "ipc/wire.h"
#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "ra/finalize.h"
#include "ra/request.h"
#include "x509/csr.h"

#define BATCH 64

/* Until it is asked for again, or tried again: a thirty-second of the lifetime, which is half of what is left then until
 * the middle of the certificate before (acme/auto_renewal.c); an hour at the most. */
static int64_t
again(const struct order *order, int64_t now)
{
	int64_t wait = order->auto_renewal.lifetime / 32;

	return now + (wait < 1 ? 1 : wait > 3600 ? 3600 : wait);
}

/* When the certificate after that number is out; 0: it was the last. */
static int64_t
due_after(const struct order *order, uint32_t number)
{
	int64_t begin, end;

	if (number >= auto_renewal_count(&order->auto_renewal))
		return 0;
	auto_renewal_dates(&order->auto_renewal, number + 1, &begin, &end);
	return begin;
}

/* Whether nothing can be signed any more under that number; what was signed can be asked for all the same. */
static bool
is_over(const struct order *order, uint32_t number, int64_t now)
{
	int64_t begin, end;

	auto_renewal_dates(&order->auto_renewal, number, &begin, &end);
	return order->state == ORDER_CANCELED || end <= now;
}

/* --- the proof --------------------------------------------------------------------------------------------- */

static void
changes_put(struct buf *out, const struct msg_issue *issue)
{
	for (uint32_t i = 0; i < issue->key_change_count; i++)
		put_bytes(out, issue->key_changes[i]);
}

static enum err
changes_get(struct slice bytes, struct msg_issue *issue)
{
	struct wire in = wire_of(bytes);

	while (in.next != in.end && !in.bad && issue->key_change_count < KEY_CHANGES_MAX)
		issue->key_changes[issue->key_change_count++] = get_bytes(&in, KEY_CHANGE_MAX);
	return wire_done(&in) ? ERR_OK : ERR_IO;
}

static void
put_star(struct msg_issue *issue, const struct star *star, uint32_t number)
{
	issue->number = number;
	issue->new_order = buf_slice(&star->new_order);
	issue->new_order_jwk = slice_str(star->new_order_jwk);
}

enum err
star_prove(struct storage_tx *tx, const struct order *order, struct msg_issue *issue, struct star *star,
    struct buf *changes)
{
	enum err err = star_get(tx, order->id, star);

	if (err != ERR_OK)
		return err;
	put_star(issue, star, auto_renewal_current(&order->auto_renewal, clock_now()));
	changes_put(changes, issue);
	return changes->failed ? ERR_MEMORY : ERR_OK;
}

static enum err
send_issue(struct ra *ra, const struct order *order, const struct star *star,
    const struct authorization *authorizations, size_t count)
{
	struct msg_issue issue;
	struct buf	 out = { 0 };
	enum err	 err;

	finalize_proof(&issue, order, buf_slice(&order->finalize), star->jwk, authorizations, count);
	put_star(&issue, star, star->asked);
	if ((err = changes_get(buf_slice(&star->key_changes), &issue)) != ERR_OK)
		return err;
	put_issue(&out, &issue);
	err = channel_send(ra->ca, MSG_ISSUE, &out);
	buf_free(&out);
	return err;
}

enum err
star_send(struct ra *ra, struct id id, bool ask)
{
	struct order	      order = { 0 };
	struct star	      star = { 0 };
	struct authorization *authorizations = NULL;
	struct storage_tx    *tx;
	size_t		      count = 0;
	enum err	      err;

	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	if ((err = order_get_finalize(tx, id, &order)) == ERR_OK && (err = star_get(tx, id, &star)) == ERR_OK)
		err = order_authorizations(tx, id, &authorizations, &count);
	storage_read_end(tx);
	if (err == ERR_OK && (order.state == ORDER_OPEN || order.state == ORDER_INVALID || star.asked <= star.number))
		err = ERR_CONFLICT;
	if (err == ERR_OK &&
	    (is_over(&order, star.asked, clock_now()) || !finalize_stale(ra, authorizations, count)))
		err = send_issue(ra, &order, &star, authorizations, count);
	else if (err == ERR_OK && ask)
		err = finalize_check(ra, id, authorizations, count);
	star_free(&star);
	order_unload(&order, authorizations, count);
	return err;
}

/* --- what is due --------------------------------------------------------------------------------------------- */

/* What happens to one order now. */
struct step {
	struct id order;
	uint32_t  asked;
	int64_t	  due;
	bool	  send;
	char	 *error; /* why there is no certificate, or NULL; owned */
};

/* The certificates' key, which the CSR in the finalize request has. */
static enum err
key_thumbprint(const struct ra *ra, struct slice finalize, char thumbprint[JWK_THUMBPRINT_SIZE])
{
	struct jws *jws = NULL;
	json_t	   *payload = NULL;
	const char *text;
	struct buf  der = { 0 };
	struct csr *csr = NULL;
	enum err    err = ERR_IO; /* it was read before */

	if (jws_parse(finalize, &jws, NULL) == ERR_OK &&
	    json_object_parse(jws_payload(jws), &payload, NULL) == ERR_OK &&
	    (text = json_member_str(payload, "csr")) != NULL && base64url_get(slice_str(text), &der) == ERR_OK &&
	    csr_parse_by(buf_slice(&der), CSR_UNVERIFIED | (ra->config->ca.names_as_asked ? CSR_NAMES_ONLY : 0), &csr,
		NULL) == ERR_OK)
		err = jwk_thumbprint_of(csr->key, thumbprint);
	csr_free(csr);
	buf_free(&der);
	json_decref(payload);
	jws_free(jws);
	return err;
}

static bool
check_key(const struct ra *ra, struct storage_tx *tx, const struct order *order, struct problem *problem)
{
	char thumbprint[JWK_THUMBPRINT_SIZE];

	if (ra->config->ra.forgives_keys)
		return true;
	if (key_thumbprint(ra, buf_slice(&order->finalize), thumbprint) != ERR_OK ||
	    key_blocked(tx, thumbprint) != ERR_NOT_FOUND)
		return problem_set(problem, PROBLEM_BAD_CSR,
		    "the certificates' key is known to be compromised; cancel the order and make another one");
	return true;
}

/* RFC 8555, 7.5.2: who deactivates an authorization gives the right up. */
static bool
check_authorizations(struct storage_tx *tx, const struct order *order, struct problem *problem)
{
	struct authorization *authorizations;
	size_t		      count;

	if (order_authorizations(tx, order->id, &authorizations, &count) != ERR_OK)
		return problem_set(problem, PROBLEM_SERVER_INTERNAL, "the authorizations can't be read");
	for (size_t i = 0; i < count; i++)
		if (authorizations[i].state != AUTHORIZATION_VALID)
			problem_add(problem, PROBLEM_UNAUTHORIZED, &authorizations[i].identifier,
			    "the authorization was deactivated (RFC 8555, 7.5.2)");
	order_unload(NULL, authorizations, count);
	problem_sum_up(problem, "the certificate is not renewed");
	return problem->type == PROBLEM_NONE;
}

/* What finalize asked then, as things are now: an administrator's command, and the subscriber's, is to have its effect. */
static bool
may_renew(const struct ra *ra, struct storage_tx *tx, const struct order *order, struct problem *problem)
{
	struct account account = { 0 };
	bool	       may = false;

	if (account_get(tx, order->account, &account) != ERR_OK)
		return problem_set(problem, PROBLEM_SERVER_INTERNAL, "the account can't be read");
	if (account.status != ACCOUNT_VALID)
		problem_set(problem, PROBLEM_UNAUTHORIZED, "the account is not valid any more");
	else
		may = finalize_policy(ra, tx, &account, order, problem) && check_authorizations(tx, order, problem) &&
		    check_key(ra, tx, order, problem);
	account_free(&account);
	return may;
}

static char *
error_text(const struct problem *problem)
{
	json_t *json = problem_json(problem);
	char   *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

/* What ca was asked for and has not answered is asked for until it does: it may have signed it, and then it shall be known,
 * whatever became of the order. */
static enum err
plan(const struct ra *ra, struct storage_tx *tx, const struct order *order, const struct star *star, int64_t now,
    struct step *step)
{
	bool	       answered = star->asked <= star->number;
	uint32_t       wanted = answered ? auto_renewal_current(&order->auto_renewal, now) : star->asked;
	struct problem problem = { 0 };
	bool	       over = is_over(order, wanted, now);

	*step = (struct step){ .order = order->id, .asked = star->asked };
	if (answered && over)
		return ERR_OK;
	step->due = due_after(order, star->number);
	if (wanted <= star->number)
		return ERR_OK;
	step->due = again(order, now);
	if (over || may_renew(ra, tx, order, &problem)) {
		step->asked = wanted;
		step->send = true;
	} else if ((step->error = error_text(&problem)) == NULL) {
		problem_free(&problem);
		return ERR_MEMORY;
	}
	problem_free(&problem);
	return ERR_OK;
}

static enum err
read_plan(struct ra *ra, struct id id, int64_t now, struct step *step)
{
	struct order	   order = { 0 };
	struct star	   star = { 0 };
	struct storage_tx *tx;
	enum err	   err;

	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	if ((err = order_get_finalize(tx, id, &order)) == ERR_OK && (err = star_get(tx, id, &star)) == ERR_OK)
		err = plan(ra, tx, &order, &star, now, step);
	storage_read_end(tx);
	star_free(&star);
	order_free(&order);
	return err;
}

static enum err
write_step(struct storage_tx *tx, void *arg)
{
	const struct step *step = arg;
	enum err	   err = star_ask(tx, step->order, step->asked, step->due);

	/* It may have been canceled since. */
	if (err == ERR_OK && step->error != NULL &&
	    (err = order_set_not_renewed(tx, step->order, step->error)) == ERR_CONFLICT)
		err = ERR_OK;
	return err;
}

static void
renew(struct ra *ra, struct id id, int64_t now)
{
	struct step step = { .send = false };
	char	    text[ID_TEXT_SIZE];
	enum err    err = read_plan(ra, id, now, &step);

	if (err == ERR_OK)
		err = storage_write(ra->storage, write_step, &step);
	if (err == ERR_OK && step.send)
		err = star_send(ra, id, true);
	id_text(id, text);
	/* A conflict: canceled between the two. */
	if (err != ERR_OK && err != ERR_CONFLICT)
		log_event(LOG_ERROR, "an order could not be renewed: it is tried again", F_STR("order", text),
		    F_STR("error", err_text(err)));
	else if (step.error != NULL)
		log_event(LOG_WARNING, "an order is not renewed", F_STR("order", text), F_STR("problem", step.error));
	free(step.error);
}

void
star_run(struct ra *ra)
{
	struct id	   due[BATCH];
	size_t		   count = 0;
	int64_t		   now = clock_now();
	struct storage_tx *tx;

	if (ra->config->ca.auto_renewal.max_duration == 0 || storage_read(ra->storage, &tx) != ERR_OK)
		return;
	if (stars_due(tx, now, due, BATCH, &count) != ERR_OK)
		count = 0;
	storage_read_end(tx);
	/* What is more than that waits for the next run. */
	for (size_t i = 0; i < count && !atomic_load(&ra->stopping); i++)
		renew(ra, due[i], now);
}

/* --- what came of it ----------------------------------------------------------------------------------------- */

enum err
star_came(struct storage_tx *tx, const struct order *order, struct id certificate, uint32_t number)
{
	bool	 first = order->state == ORDER_PROCESSING, shown = first || order->state == ORDER_VALID;
	enum err err = first ? order_set_valid(tx, order->id, certificate) : ERR_OK;

	if (err == ERR_OK)
		err = star_issued(tx, order->id, number, due_after(order, number));
	if (err == ERR_CONFLICT)
		return ERR_OK;
	return err != ERR_OK || !shown ? err : order_set_renewed(tx, order->id, certificate, order->auto_renewal.end);
}

enum err
star_refused(struct storage_tx *tx, const struct order *order, uint32_t number, const char *error,
    enum star_refusal *out)
{
	int64_t	    now = clock_now();
	uint32_t    current = auto_renewal_current(&order->auto_renewal, now);
	bool	    late = number != 0 && number < current;
	struct star star;
	enum err    err = star_get(tx, order->id, &star);

	if (err != ERR_OK)
		return err;
	*out = STAR_KEPT;
	if (order->state == ORDER_PROCESSING) {
		*out = late ? STAR_LATE : STAR_FIRST;
		err = late ? star_ask(tx, order->id, current, 0) : ERR_OK;
	} else {
		/* Where ca was not asked, it has not said either that it hadn't signed before. */
		err = star_ask(tx, order->id, number != 0 ? star.number : star.asked, late ? now : again(order, now));
		if (err == ERR_OK && !late && order->state == ORDER_VALID)
			err = order_set_not_renewed(tx, order->id, error);
	}
	star_free(&star);
	return err;
}

/* --- orders that were canceled ------------------------------------------------------------------------------- */

static void
tell(struct ra *ra, struct id order)
{
	struct buf out = { 0 };

	put_canceled(&out, &(struct msg_canceled){ .order = order });
	if (channel_send(ra->ca, MSG_CANCELED, &out) != ERR_OK)
		log_event(LOG_WARNING, "CANCELED could not be sent: the next start does it");
	buf_free(&out);
}

void
star_tell(struct ra *ra, const struct id *account)
{
	struct id	   ids[BATCH], after = { { 0 } };
	size_t		   count = BATCH;
	struct storage_tx *tx;

	while (ra->config->ca.auto_renewal.max_duration != 0 && count == BATCH &&
	    storage_read(ra->storage, &tx) == ERR_OK) {
		if (orders_canceled(tx, account, after, clock_now(), ids, BATCH, &count) != ERR_OK)
			count = 0;
		storage_read_end(tx);
		for (size_t i = 0; i < count; i++)
			tell(ra, ids[i]);
		if (count > 0)
			after = ids[count - 1];
	}
}

static enum err
write_end(struct storage_tx *tx, void *arg)
{
	const struct id *order = arg;

	return order_cancel(tx, *order, clock_now());
}

enum err
star_end(struct ra *ra, struct id order)
{
	enum err err = storage_write(ra->storage, write_end, &order);

	if (err != ERR_OK)
		return err;
	tell(ra, order);
	park_wake(ra->park, order);
	return ERR_OK;
}
