/* http-01 (RFC 8555, 8.3), with Boulder's numbers:
 *
 *   RESOLVING --addresses--> FETCHING --answer 200--> body compared: passed or failed
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
#include "va/method.h"
#include "va/record.h"

#define REDIRECTS_MAX 10
#define SHOWN 200 /* of a URL in a detail; RFC 1035 names can fill it alone */

enum state { RESOLVING, FETCHING };

struct http_01 {
	enum state state;
	struct url url;
	char *seen[REDIRECTS_MAX + 1]; /* for the loop check */
	size_t hops; /* in seen */
	struct lookup *lookup;
	struct fetch *fetch;
	struct address resolved[LOOKUP_ADDRESSES_MAX];
	size_t resolved_count;
	struct address choice[2]; /* IPv6, then IPv4 */
	size_t choices, chosen;
	char before[128]; /* what IPv6 came to, when IPv4 is tried */
};

/* "10.0.0.7 port 80 (nas.home.arpa)" */
static const char *
where(const struct http_01 *h, char *out, size_t size)
{
	char address[ADDRESS_TEXT_SIZE];

	address_text(&h->choice[h->chosen], address);
	snprintf(out, size, "%s port %u (%s)", address, h->url.port, h->url.host);
	return out;
}

#define WHERE_SIZE (ADDRESS_TEXT_SIZE + URL_HOST_MAX + 16)

static void http_01_fetched(void *, const struct fetch_answer *);

static void
http_01_fetch(struct check *c)
{
	struct http_01 *h = c->work;
	const struct address *address = &h->choice[h->chosen];

	h->state = FETCHING;
	check_used(c, address);
	record_add(c->record, &h->url, h->resolved, h->resolved_count, address);
	h->fetch = fetch_start(c->means->fetcher, &h->url, address, http_01_fetched, c);
	if (h->fetch == NULL)
		check_fail(
		    c, PROBLEM_SERVER_INTERNAL, "the CA could not start a connection: try again later");
}

/* Picks at most one allowed address of each family; false when there is none, after the check failed. */
static bool
http_01_choose(struct check *c)
{
	struct http_01 *h = c->work;
	const char *what, *denied = "";
	char text[ADDRESS_TEXT_SIZE] = "";
	size_t i;

	h->choices = h->chosen = 0;
	h->before[0] = '\0';
	for (i = 0; i < h->resolved_count; i++) {
		if (!targets_allow(c->means->targets, &h->resolved[i], &what)) {
			denied = what;
			address_text(&h->resolved[i], text);
		} else if (h->choices == 0 || h->resolved[i].family != h->choice[h->choices - 1].family) {
			h->choice[h->choices++] = h->resolved[i];
			if (h->choices == 2 || h->resolved[i].family == AF_INET)
				break;
		}
	}
	if (h->choices > 0)
		return true;
	record_add(c->record, &h->url, h->resolved, h->resolved_count, NULL);
	check_fail(c, PROBLEM_CONNECTION,
	    "%s has the address %s (%s), which is not an allowed target: the CA never connects there; give "
	    "the name another address, or let the administrator add it to va.targets.allow",
	    h->url.host, text, denied);
	return false;
}

static void
http_01_resolved(void *arg, const struct lookup_answer *answer)
{
	struct check *c = arg;
	struct http_01 *h = c->work;

	h->lookup = NULL;
	if (answer->count == 0) {
		record_add(c->record, &h->url, NULL, 0, NULL);
		check_fail(c, PROBLEM_DNS, "no A or AAAA record found for %s: resolver %.200s %s: %s",
		    h->url.host, answer->servers, answer->verdict, answer->advice);
		return;
	}
	memcpy(h->resolved, answer->addresses, answer->count * sizeof(h->resolved[0]));
	h->resolved_count = answer->count;
	if (http_01_choose(c))
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
	if (h->url.literal.family != 0) { /* url_redirect() let it through, and so did the allow list */
		h->resolved[0] = h->url.literal;
		h->resolved_count = 1;
		if (http_01_choose(c))
			http_01_fetch(c);
		return;
	}
	h->state = RESOLVING;
	lookup = resolver_lookup(c->means->resolver, h->url.host, http_01_resolved, c);
	if (lookup != NULL) /* else the check went on already, and may be gone */
		h->lookup = lookup;
}

static void
http_01_redirected(struct check *c, const struct fetch_answer *answer)
{
	struct http_01 *h = c->work;
	const struct va_config *config = c->means->config;
	char from[WHERE_SIZE];
	struct reason reason;
	struct url next;
	size_t i;

	where(h, from, sizeof(from));
	if (h->hops > REDIRECTS_MAX) {
		check_fail(c, PROBLEM_CONNECTION,
		    "%s redirected once more after %d redirects; only %d are followed", from, REDIRECTS_MAX,
		    REDIRECTS_MAX);
		return;
	}
	if (url_redirect(&h->url, answer->location, (uint16_t)config->http_port, (uint16_t)config->tls_port,
		&next, &reason) != ERR_OK) {
		check_fail(c, PROBLEM_CONNECTION, "%s %s", from, reason.text);
		return;
	}
	if (next.literal.family != 0 && !targets_list(c->means->targets, &next.literal)) {
		check_fail(c, PROBLEM_CONNECTION,
		    "%s redirected to the bare address %s; a redirect must name a host, unless "
		    "va.targets.allow lists the address",
		    from, next.host);
		return;
	}
	for (i = 0; i < h->hops; i++)
		if (strcmp(h->seen[i], next.text) == 0) {
			check_fail(c, PROBLEM_CONNECTION, "%s redirected in a loop, back to %.*s", from,
			    SHOWN, next.text);
			return;
		}
	h->url = next;
	http_01_hop(c);
}

static void
http_01_answered(struct check *c, const struct fetch_answer *answer)
{
	struct http_01 *h = c->work;
	char address[ADDRESS_TEXT_SIZE];
	struct reason reason;

	address_text(&h->choice[h->chosen], address);
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
		check_fail(c, PROBLEM_UNAUTHORIZED, "%.*s from %s answered status %u%s", SHOWN, h->url.text,
		    address, answer->status,
		    answer->status == 404 ? ": the file isn't there: does the client write into the folder "
					    "that this server serves?"
					  : "; it must be 200, with the key authorization as its body");
		return;
	}
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
	char from[WHERE_SIZE], address[ADDRESS_TEXT_SIZE];

	h->fetch = NULL;
	where(h, from, sizeof(from));
	switch (answer->outcome) {
	case FETCH_ANSWERED:
		http_01_answered(c, answer);
		return;
	case FETCH_UNREACHABLE:
		if (h->chosen + 1 < h->choices) {
			address_text(&h->choice[h->chosen], address);
			snprintf(h->before, sizeof(h->before), "; before that, %s %s", address, answer->why);
			h->chosen++;
			http_01_fetch(c);
			return;
		}
		break;
	case FETCH_TLS_FAILED:
	case FETCH_BROKEN:
		break;
	}
	check_fail(c, answer->outcome == FETCH_TLS_FAILED ? PROBLEM_TLS : PROBLEM_CONNECTION, "%s %s%s: %s",
	    from, answer->why, h->before, answer->advice);
}

static void
http_01_start(struct check *c)
{
	struct http_01 *h = calloc(1, sizeof(*h));

	if ((c->work = h) == NULL) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
		return;
	}
	url_challenge(
	    &h->url, c->asked.identifier.value, (uint16_t)c->means->config->http_port, c->asked.token);
	http_01_hop(c);
}

static void
http_01_late(struct check *c)
{
	const struct http_01 *h = c->work;
	char from[WHERE_SIZE];

	switch (h->state) {
	case RESOLVING:
		record_add(c->record, &h->url, NULL, 0, NULL);
		check_fail(c, PROBLEM_DNS,
		    "resolver %.200s has not answered for %s, and the %lld s for one validation "
		    "are over: check va.resolvers, and that the resolver is reachable from the CA",
		    lookup_servers(h->lookup), h->url.host, (long long)c->means->config->timeout);
		return;
	case FETCHING:
		check_fail(c, PROBLEM_CONNECTION,
		    "%s %s, and the %lld s for one validation are over%s: is there a "
		    "firewall that drops, or a server that is too slow?",
		    where(h, from, sizeof(from)), fetch_waits(h->fetch), (long long)c->means->config->timeout,
		    h->before);
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
