#include <stdlib.h>
#include <string.h>

#include "acme/route.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "ra/key_change.h"
#include "ra/conduct.h"
#include "ra/later.h"
#include "ra/ra.h"
#include "ra/trial.h"

/* For CAA alone: va takes the account from the evidence, which it made itself. */
#define NO_THUMBPRINT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_Static_assert(sizeof(NO_THUMBPRINT) == THUMBPRINT_SIZE, "one of that form");

enum err
validation_former(const struct ra *ra, struct storage_tx *tx, struct id account, struct msg_check *check)
{
	struct key_changes changes = { 0 };
	enum err	   err;

	if ((err = key_changes_load(tx, ra->config, account, &changes)) == ERR_OK)
		for (size_t i = 0; i < changes.count; i++)
			memcpy(check->former[check->former_count++], changes.rows[i].thumbprint, THUMBPRINT_SIZE);
	key_changes_unload(&changes);
	return err;
}

static enum err
put_former(struct ra *ra, const struct account *account, struct msg_check *check)
{
	struct storage_tx *tx;
	enum err	   err;

	if (!challenge_persists(check->method))
		return ERR_OK;
	if ((err = storage_read(ra->storage, &tx)) != ERR_OK)
		return err;
	err = validation_former(ra, tx, account->id, check);
	storage_read_end(tx);
	return err;
}

/* Appends the CHECK. */
static enum err
put_whole_check(struct ra *ra, const struct site *site, const struct authorization *authorization,
    const struct account *account, struct buf *out)
{
	struct msg_check check = { .authorization = authorization->id };
	struct buf	 url = { 0 };
	enum err	 err;

	check.method = authorization->tried;
	check.wildcard = authorization->wildcard;
	check.identifier = authorization->identifier;
	memcpy(check.token, authorization->token, sizeof(check.token));
	memcpy(check.thumbprint, account->thumbprint, sizeof(check.thumbprint));
	route_url(&url, site, ROUTE_ACCOUNT, &account->id, NULL);
	if (!url.failed && url.len < sizeof(check.account_url))
		memcpy(check.account_url, url.data, url.len);
	if ((err = put_former(ra, account, &check)) == ERR_OK)
		put_check(out, &check);
	buf_free(&url);
	return err;
}

enum err
validation_send(struct ra *ra, const struct site *site, const struct authorization *authorization,
    const struct account *account, int64_t delay)
{
	struct buf out = { 0 };
	enum err   err = put_whole_check(ra, site, authorization, account, &out);

	if (err == ERR_OK && delay > 0)
		later_send(ra, ra->va, MSG_CHECK, &out, delay);
	else if (err == ERR_OK)
		err = channel_send(ra->va, MSG_CHECK, &out);
	buf_free(&out);
	return err;
}

enum err
validation_send_caa(struct ra *ra, const struct authorization *authorization, struct id order)
{
	struct msg_check check = { .authorization = authorization->id, .order = order };
	struct buf	 out = { 0 };
	enum err	 err;

	check.method = authorization->tried;
	check.wildcard = authorization->wildcard;
	check.identifier = authorization->identifier;
	memcpy(check.token, authorization->token, sizeof(check.token));
	memcpy(check.thumbprint, NO_THUMBPRINT, sizeof(check.thumbprint));
	check.evidence = buf_slice(&authorization->evidence);
	put_check(&out, &check);
	err = channel_send(ra->va, MSG_CHECK, &out);
	buf_free(&out);
	return err;
}

/* --- what came of it ------------------------------------------------------------------------------ */

/* A RESULT on its way to the disk. */
struct outcome {
	struct storage_write write;	/* first: the one is the other's address */
	struct ra	    *ra;
	struct msg_result    result;	/* its evidence is owned through evidence */
	struct buf	     evidence;
	int64_t		     expires;
	char		    *error, *votes;
	bool		     paused;	/* the account and the name are, from now on */
};

static void
outcome_free(struct outcome *outcome)
{
	buf_free(&outcome->evidence);
	free(outcome->error);
	free(outcome->votes);
	free(outcome);
}

/* NULL: out of memory. */
static struct outcome *
outcome_new(struct ra *ra, const struct msg_result *result, enum err (*fn)(struct storage_tx *, void *),
    void (*done)(struct storage_write *))
{
	struct outcome *outcome = calloc(1, sizeof(*outcome));

	if (outcome == NULL)
		return NULL;
	outcome->write = (struct storage_write){ .fn = fn, .arg = outcome, .done = done };
	outcome->ra = ra;
	outcome->result = *result;
	buf_put(&outcome->evidence, result->evidence.data, result->evidence.len);
	outcome->result.evidence = buf_slice(&outcome->evidence);
	outcome->result.votes = slice_of(NULL, 0);
	if (result->votes.len > 0)
		outcome->votes = slice_dup(result->votes);
	if (!outcome->evidence.failed && (result->votes.len == 0 || outcome->votes != NULL))
		return outcome;
	outcome_free(outcome);
	return NULL;
}

/* What the CA itself was at a loss for is no failure of the client's. */
static bool
is_ours(enum problem_type problem)
{
	return problem == PROBLEM_SERVER_INTERNAL || problem == PROBLEM_RATE_LIMITED;
}

static enum err
write_state(struct storage_tx *tx, struct outcome *outcome)
{
	const struct msg_result *result = &outcome->result;
	struct limits		*limits = outcome->ra->limits;
	enum err		 err;

	if (result->ok) {
		err = authorization_set_valid(tx, result->authorization, result->validated, outcome->expires,
		    result->record, result->evidence, result->caa_checked);
		return err != ERR_OK ? err : limits_validated(tx, limits, result->authorization);
	}
	if (result->next_try != 0)
		return authorization_set_retrying(tx, result->authorization, result->record, outcome->error,
		    result->next_try);
	err = authorization_set_invalid(tx, result->authorization, result->record, outcome->error);
	if (err != ERR_OK || is_ours(result->problem))
		return err;
	return limits_failed(tx, limits, result->authorization, clock_now_ms(), &outcome->paused);
}

static enum err
write_outcome(struct storage_tx *tx, void *arg)
{
	struct outcome *outcome = arg;
	enum err err = write_state(tx, outcome);

	if (err == ERR_OK && outcome->votes != NULL)
		err = authorization_set_votes(tx, outcome->result.authorization, outcome->votes);
	return err;
}

static void
outcome_stored(struct storage_write *write)
{
	struct outcome		*outcome = (struct outcome *)write;
	const struct msg_result *result = &outcome->result;
	char			 id[ID_TEXT_SIZE];

	if (retry_take(outcome->ra->retry, write))
		return;
	id_text(result->authorization, id);
	/* A conflict: its owner deactivated it meanwhile, and that stands. */
	if (write->err != ERR_OK && write->err != ERR_CONFLICT)
		log_event(LOG_ERROR, "a validation's outcome could not be stored", F_STR("authorization", id),
		    F_STR("error", err_text(write->err)));
	log_event(result->ok ? LOG_DEBUG : LOG_INFO, "validation", F_STR("authorization", id),
	    F_STR("outcome", result->ok ? "valid" : problem_name(result->problem)),
	    F_STR("detail", result->detail));
	if (write->err == ERR_OK && outcome->paused)
		log_event(LOG_WARNING, "a name is paused for an account: it failed too often", F_STR("authorization", id),
		    F_STR("remedy", "signet limit paused, signet limit unpause"));
	if (result->next_try == 0)
		park_wake(outcome->ra->park, result->authorization);
	outcome_free(outcome);
}

static char *
error_text(const struct surface *surface, const struct msg_result *result)
{
	bool	       mismatch = result->problem == PROBLEM_INCORRECT_RESPONSE;
	const char    *words = mismatch ? surface->mismatch[result->method] : NULL;
	struct problem problem = { 0 };
	json_t	      *json;
	char	      *text = NULL;

	problem_set(&problem, mismatch && surface->mismatch_unauthorized ? PROBLEM_UNAUTHORIZED : result->problem, "%s",
	    result->detail);
	/* The detail of a validation is longer than a struct reason holds. One that is not UTF-8 stays as
	 * problem_set() cleaned it: refused, it would leave the authorization in processing for ever. */
	if ((json = problem_json(&problem)) != NULL) {
		(void)json_object_set_new(json, "detail", json_string(words != NULL ? words : result->detail));
		text = json_dumps(json, JSON_COMPACT);
	}
	json_decref(json);
	return text;
}

/* --- CAA once more, while an order is finalized --------------------------------------------------- */

static enum err
write_caa(struct storage_tx *tx, void *arg)
{
	const struct msg_result *result = &((struct outcome *)arg)->result;

	return authorization_set_caa(tx, result->authorization, result->evidence, result->caa_checked);
}

static struct identifier
identifier_of(struct ra *ra, struct id id)
{
	struct authorization authorization = { 0 };
	struct identifier    identifier = { .type = IDENTIFIER_DNS };
	struct storage_tx   *tx;

	if (storage_read(ra->storage, &tx) != ERR_OK)
		return identifier;
	if (authorization_get(tx, id, &authorization) == ERR_OK) {
		identifier = authorization.identifier;
		authorization_free(&authorization);
	}
	storage_read_end(tx);
	return identifier;
}

static void
forbid(struct ra *ra, const struct msg_result *result, enum problem_type type, const char *detail)
{
	struct identifier identifier = identifier_of(ra, result->authorization);

	finalize_forbidden(ra, result->order, &identifier, type, detail);
}

static void
caa_stored(struct storage_write *write)
{
	struct outcome		*outcome = (struct outcome *)write;
	const struct msg_result *result = &outcome->result;

	if (retry_take(outcome->ra->retry, write))
		return;
	if (write->err == ERR_OK)
		(void)finalize_send(outcome->ra, result->order, false);	/* else recovery does; so for other errors */
	else if (write->err == ERR_CONFLICT)
		forbid(outcome->ra, result, PROBLEM_UNAUTHORIZED,
		    "the authorization was deactivated while the order was finalized (RFC 8555, 7.5.2)");
	outcome_free(outcome);
}

void
validation_result(struct ra *ra, const struct msg_result *result)
{
	bool		caa = !id_is_zero(result->order);
	struct outcome *outcome;

	if (conduct_validation(ra, result) || trial_result(ra->trials, result))
		return;
	if (caa && !result->ok) {
		forbid(ra, result, result->problem, result->detail);
		return;
	}
	outcome = outcome_new(ra, result, caa ? write_caa : write_outcome, caa ? caa_stored : outcome_stored);
	if (outcome != NULL && !result->ok && (outcome->error = error_text(ra->surface, result)) == NULL) {
		outcome_free(outcome);
		outcome = NULL;
	}
	if (outcome == NULL) {		/* it stays in processing, and recovery has it validated again */
		log_event(LOG_ERROR, "a validation's outcome was lost: out of memory");
		return;
	}
	outcome->expires = result->validated + ra->config->ra.valid_authorization_lifetime;
	if (result->until != 0 && result->until < outcome->expires)
		outcome->expires = result->until;
	storage_write_start(ra->storage, &outcome->write);
}
