#include <stdlib.h>
#include <string.h>

#include "acme/route.h"
#include "lib/log.h"
#include "ra/ra.h"

/* For CAA alone: va takes the account from the evidence, which it made itself. */
#define NO_THUMBPRINT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_Static_assert(sizeof(NO_THUMBPRINT) == THUMBPRINT_SIZE, "one of that form");

enum err
validation_send(struct ra *ra, const struct authorization *authorization, const struct account *account)
{
	struct msg_check check = { .authorization = authorization->id };
	struct buf	 out = { 0 }, url = { 0 };
	enum err	 err;

	check.method = authorization->tried;
	check.wildcard = authorization->wildcard;
	check.identifier = authorization->identifier;
	memcpy(check.token, authorization->token, sizeof(check.token));
	memcpy(check.thumbprint, account->thumbprint, sizeof(check.thumbprint));
	route_url(&url, ra->base, ROUTE_ACCOUNT, &account->id, NULL);
	if (!url.failed && url.len < sizeof(check.account_url))
		memcpy(check.account_url, url.data, url.len);
	put_check(&out, &check);
	err = channel_send(ra->va, MSG_CHECK, &out);
	buf_free(&url);
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

struct outcome {
	const struct msg_result *result;
	int64_t			 expires;
	char			*error;
};

static enum err
write_outcome(struct storage_tx *tx, void *arg)
{
	struct outcome		*outcome = arg;
	const struct msg_result *result = outcome->result;

	if (result->ok)
		return authorization_set_valid(tx, result->authorization, result->validated,
		    outcome->expires, result->record, result->evidence, result->caa_checked);
	if (result->next_try != 0)
		return authorization_set_retrying(tx, result->authorization, result->record, outcome->error,
		    result->next_try);
	return authorization_set_invalid(tx, result->authorization, result->record, outcome->error);
}

static char *
error_text(const struct msg_result *result)
{
	struct problem problem = { 0 };
	json_t	      *json;
	char	      *text = NULL;

	problem_set(&problem, result->problem, "%s", result->detail);
	/* The detail of a validation is longer than a struct reason holds. One that is not UTF-8 stays as
	 * problem_set() cleaned it: refused, it would leave the authorization in processing for ever. */
	if ((json = problem_json(&problem)) != NULL) {
		(void)json_object_set_new(json, "detail", json_string(result->detail));
		text = json_dumps(json, JSON_COMPACT);
	}
	json_decref(json);
	return text;
}

/* --- CAA once more, while an order is finalized --------------------------------------------------- */

static enum err
write_caa(struct storage_tx *tx, void *arg)
{
	const struct msg_result *result = arg;

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
caa_result(struct ra *ra, const struct msg_result *result)
{
	struct identifier identifier;
	struct msg_result copy = *result;
	enum err	  err = result->ok ? ra_write(ra, write_caa, &copy) : ERR_OK;

	if (result->ok && err == ERR_OK) {
		(void)finalize_send(ra, result->order, false);	/* else recovery does */
		return;
	}
	if (err != ERR_OK && err != ERR_CONFLICT)
		return;						/* and here */
	identifier = identifier_of(ra, result->authorization);
	if (err == ERR_CONFLICT)
		finalize_forbidden(ra, result->order, &identifier, PROBLEM_UNAUTHORIZED,
		    "the authorization was deactivated while the order was finalized (RFC 8555, 7.5.2)");
	else
		finalize_forbidden(ra, result->order, &identifier, result->problem, result->detail);
}

void
validation_result(struct ra *ra, const struct msg_result *result)
{
	struct outcome outcome = { .result = result };
	char	       id[ID_TEXT_SIZE];
	enum err       err = ERR_MEMORY;

	if (!id_is_zero(result->order)) {
		caa_result(ra, result);
		return;
	}
	id_text(result->authorization, id);
	outcome.expires = result->validated + ra->config->ra.valid_authorization_lifetime;
	outcome.error = result->ok ? NULL : error_text(result);
	if (result->ok || outcome.error != NULL)
		err = ra_write(ra, write_outcome, &outcome);
	free(outcome.error);
	/* A conflict: its owner deactivated it meanwhile, and that stands. */
	if (err != ERR_OK && err != ERR_CONFLICT)
		log_event(LOG_ERROR, "a validation's outcome could not be stored", F_STR("authorization", id),
		    F_STR("error", err_text(err)));
	log_event(result->ok ? LOG_DEBUG : LOG_INFO, "validation", F_STR("authorization", id),
	    F_STR("outcome", result->ok ? "valid" : problem_name(result->problem)),
	    F_STR("detail", result->detail));
	if (result->next_try == 0)
		park_wake(ra->park, result->authorization);
}
