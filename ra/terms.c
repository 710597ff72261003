#include "ra/terms.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "ra/request.h"

bool
terms_agreed(const struct ra *ra, const struct account *account)
{
	return account->terms != NULL && strcmp(account->terms, ra->config->ra.terms_of_service) == 0;
}

/* The account's own resource says itself what it takes (account.c); a certificate is revoked whatever its subscriber
 * thinks of the terms. */
static bool
is_free(enum route route)
{
	return route == ROUTE_ACCOUNT || route == ROUTE_NEW_ACCOUNT || route == ROUTE_REVOKE_CERT ||
	    route == ROUTE_DIRECTORY || route == ROUTE_NEW_NONCE;
}

bool
terms_check(struct request *request)
{
	if (request->known == NULL || request->ra->config->ra.terms_of_service[0] == '\0' ||
	    is_free(request->target.route) || terms_agreed(request->ra, &request->account))
		return true;
	return terms_refuse(request,
	    request->account.terms != NULL ? "the terms of service have changed; agree to those of now" :
					     "this CA has terms of service by now; agree to them");
}

bool
terms_refuse(struct request *request, const char *what)
{
	const char *terms = request->ra->config->ra.terms_of_service;

	reply_link(request, terms, "terms-of-service");
	request->problem.instance = strdup(terms);
	problem_set(&request->problem, PROBLEM_USER_ACTION_REQUIRED,
	    "%s: read %.120s, then send \"termsOfServiceAgreed\": true to %s (RFC 8555, 7.3.3)", what, terms,
	    request->target.route == ROUTE_NEW_ACCOUNT ? "newAccount" : "the account's URL");
	return problem_said(&request->problem, SAID_TERMS, "");
}

struct agreement {
	struct id id;
	const char *terms;
	int64_t now;
};

static enum err
write_agreement(struct storage_tx *tx, void *arg)
{
	struct agreement *agreement = arg;

	return account_agree(tx, agreement->id, agreement->terms, agreement->now);
}

bool
terms_agree(struct request *request)
{
	struct agreement agreement = { request->account.id, request->ra->config->ra.terms_of_service, clock_now() };
	char id[ID_TEXT_SIZE];
	enum err err = storage_write(request->ra->storage, write_agreement, &agreement);

	accounts_forget(request->ra->accounts, agreement.id);
	if (err != ERR_OK)
		return request_broken(request, "account_agree", err);
	id_text(agreement.id, id);
	log_event(LOG_INFO, "terms of service agreed to", F_STR("account", id), F_STR("terms", agreement.terms));
	return true;
}
