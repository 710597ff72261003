/* http-01 (RFC 8555, 8.3), with Boulder's numbers:
 *
 *   RESOLVING --addresses, room there--> FETCHING --answer 200--> body compared: passed or failed
 *    ^     ^                  |    |
 *    |     |                  |    +--not connected, IPv4 left--> FETCHING by IPv4, once
 *    |     +-----redirect-----+
 *    +-- start                +--anything else--> failed
 *
 * Every hop is resolved, checked against va.targets, and pinned to the address that was checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/reason.h"
#include "va/dial.h"
#include "va/method.h"

#define REDIRECTS_MAX 10
#define SHOWN 200 /* of a URL in a detail; RFC 1035 names can fill it alone */

enum state { RESOLVING, QUEUEING, FETCHING };

struct http_01 {
	enum state state;
	struct url url;
	char *seen[REDIRECTS_MAX + 1]; /* for the loop check */
	size_t hops; /* in seen */
	struct lookup *lookup;
	struct fetch *fetch;
	struct dial dial;
};

static void http_01_fetched(void *, const struct fetch_answer *);

/* There is room at the address. */
static void
http_01_connect(void *arg)
{
	struct check *c = arg;
	struct http_01 *h = c->work;
	const struct address *address = dial_now(c, &h->dial, &h->url);

	h->state = FETCHING;
	h->fetch = fetch_start(c->means->fetcher, &h->url, address, http_01_fetched, c);
	if (h->fetch == NULL)
		check_fail(
		    c, PROBLEM_SERVER_INTERNAL, "the CA could not start a connection: try again later");
}

static void
http_01_fetch(struct check *c)
{
	struct http_01 *h = c->work;

	h->state = QUEUEING;
	if (dial_enter(c, &h->dial, http_01_connect))
		http_01_connect(c);
}

static void
http_01_resolved(void *arg, const struct lookup_answer *answer)
{
	struct check *c = arg;
	struct http_01 *h = c->work;

	h->lookup = NULL;
	if (dial_resolved(c, &h->dial, &h->url, answer))
		http_01_fetch(c);
}

/* Visits h->url. */
static void
http_01_hop(struct check *c)
{
	struct http_01 *h = c->work;
	struct lookup *lookup;

	if ((h->seen[h->hops++] = strdup(h->url.text)) == NULL) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
		return;
	}
	if (h->url.literal.family != 0) { /* the identifier itself, or where a redirect was allowed to lead */
		if (dial_literal(c, &h->dial, &h->url))
			http_01_fetch(c);
		return;
	}
	h->state = RESOLVING;
	lookup = resolver_lookup(c->means->resolver, h->url.host, http_01_resolved, c);
	if (lookup != NULL) /* else the check went on already, and may be gone */
		h->lookup = lookup;
}

/* A redirect may name an address that the administrator listed, and the one that is validated: from http to
 * https on one machine (RFC 8738). */
static bool
may_be_named(const struct check *c, const struct address *address)
{
	struct address own;

	return targets_list(c->means->targets, address) ||
	       (c->asked.identifier.type == IDENTIFIER_IP &&
		   address_parse(c->asked.identifier.value, &own) && address_eq(&own, address));
}

#define REDIRECT_ADVICE "see to that server's redirects, or answer the challenge without one"

static void
http_01_redirected(struct check *c, const struct fetch_answer *answer)
{
	struct http_01 *h = c->work;
	const struct va_config *config = c->means->config;
	char from[WHERE_SIZE];
	struct reason reason;
	struct url next;
	size_t i;

	dial_where(&h->dial, &h->url, from);
	if (h->hops > REDIRECTS_MAX) {
		check_fail(c, PROBLEM_CONNECTION,
		    "%s redirected once more after %d redirects; only %d are followed; " REDIRECT_ADVICE, from, REDIRECTS_MAX,
		    REDIRECTS_MAX);
		return;
	}
	if (url_redirect(&h->url, answer->location, config->any_port ? 0 : (uint16_t)config->http_port, (uint16_t)config->tls_port,
		&next, &reason) != ERR_OK) {
		check_fail(c, PROBLEM_CONNECTION, "%s %s; " REDIRECT_ADVICE, from, reason.text);
		return;
	}
	if (next.literal.family != 0 && !may_be_named(c, &next.literal)) {
		check_fail(c, PROBLEM_CONNECTION,
		    "%s redirected to the bare address %s; a redirect must name a host, unless "
		    "va.targets.allow lists the address",
		    from, next.host);
		return;
	}
	for (i = 0; i < h->hops; i++)
		if (strcmp(h->seen[i], next.text) == 0) {
			check_fail(c, PROBLEM_CONNECTION, "%s redirected in a loop, back to %.*s; " REDIRECT_ADVICE, from,
			    SHOWN, next.text);
			return;
		}
	h->url = next;
	c->redirected = true;
	http_01_hop(c);
}

static void
http_01_answered(struct check *c, const struct fetch_answer *answer)
{
	struct http_01 *h = c->work;
	char address[ADDRESS_TEXT_SIZE];
	struct reason reason;

	address_text(&h->dial.choice[h->dial.chosen], address);
	switch (answer->status) {
	case 200:
		break;
	case 301:
	case 302:
	case 307:
	case 308:
		http_01_redirected(c, answer);
		return;
	default:
		check_reached(c);
		check_fail(c, PROBLEM_UNAUTHORIZED, "%.*s from %s answered status %u%s", SHOWN, h->url.text,
		    address, answer->status,
		    answer->status == 404 ? ": the file isn't there: does the client write into the folder "
					    "that this server serves?"
					  : "; it must be 200, with the key authorization as its body");
		return;
	}
	check_reached(c);
	if (body_check(answer->body, answer->body_cut, c->asked.token, c->asked.thumbprint, &reason))
		check_pass(c);
	else
		check_fail(c, PROBLEM_INCORRECT_RESPONSE,
		    "%.*s from %s did not answer with the key authorization: the body is %s", SHOWN,
		    h->url.text, address, reason.text);
}

static void
http_01_fetched(void *arg, const struct fetch_answer *answer)
{
	struct check *c = arg;
	struct http_01 *h = c->work;
	char from[WHERE_SIZE];

	h->fetch = NULL;
	dial_where(&h->dial, &h->url, from);
	switch (answer->outcome) {
	case FETCH_ANSWERED:
		http_01_answered(c, answer);
		return;
	case FETCH_UNREACHABLE:
		if (dial_next(&h->dial, answer->why)) {
			http_01_fetch(c);
			return;
		}
		break;
	case FETCH_NO_WAY:
	case FETCH_TLS_FAILED:
	case FETCH_BROKEN:
		break;
	}
	check_fail(c, answer->outcome == FETCH_NO_WAY ? PROBLEM_SERVER_INTERNAL :
	    answer->outcome == FETCH_TLS_FAILED ? PROBLEM_TLS : PROBLEM_CONNECTION, "%s %s%s: %s",
	    from, answer->why, h->dial.before, answer->advice);
}

static void
http_01_start(struct check *c)
{
	struct http_01 *h = calloc(1, sizeof(*h));

	c->work = h;
	if (h == NULL) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
		return;
	}
	url_challenge(&h->url, &c->asked.identifier, (uint16_t)c->means->config->http_port, c->asked.token);
	http_01_hop(c);
}

static void
http_01_late(struct check *c)
{
	const struct http_01 *h = c->work;
	char from[WHERE_SIZE];

	switch (h->state) {
	case RESOLVING:
		dial_unresolved(c, &h->url, h->lookup);
		return;
	case QUEUEING:
		dial_crowded(c, &h->dial, &h->url);
		return;
	case FETCHING:
		check_fail(c, PROBLEM_CONNECTION,
		    "%s %s, and the %lld s for one validation are over%s: is there a "
		    "firewall that drops, or a server that is too slow?",
		    dial_where(&h->dial, &h->url, from), fetch_waits(h->fetch),
		    (long long)c->means->config->timeout, h->dial.before);
		return;
	}
}

static void
http_01_end(struct check *c)
{
	struct http_01 *h = c->work;
	size_t i;

	if (h == NULL)
		return;
	lookup_cancel(h->lookup);
	fetch_cancel(h->fetch);
	for (i = 0; i < h->hops; i++)
		free(h->seen[i]);
	free(h);
	c->work = NULL;
}

const struct method http_01_method = { CHALLENGE_HTTP_01, http_01_start, http_01_late, http_01_end };
