#include "va/dial.h"

#include <stdio.h>
#include <string.h>

#include "va/record.h"

const char *
dial_where(const struct dial *d, const struct url *url, char out[WHERE_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];

	address_text(&d->choice[d->chosen], address);
	if (url->literal.family != 0)
		snprintf(out, WHERE_SIZE, "%s port %u", address, url->port);
	else
		snprintf(out, WHERE_SIZE, "%s port %u (%s)", address, url->port, url->host);
	return out;
}

/* What is wrong when no address may be connected to: the last one's rule. */
static bool
dial_denied(struct check *c, const struct dial *d, const struct url *url, const struct address *last,
    const struct denial *why)
{
	char text[ADDRESS_TEXT_SIZE], judged[ADDRESS_TEXT_SIZE], leads[ADDRESS_TEXT_SIZE + 32] = "";

	record_add(c->record, url, d->resolved, d->resolved_count, NULL, d->servers);
	address_text(last, text);
	address_text(&why->address, judged);
	if (!address_eq(last, &why->address))
		snprintf(leads, sizeof(leads), ", which leads to %s", judged);
	if (url->literal.family != 0)
		check_fail(c, PROBLEM_CONNECTION,
		    "%s%s (%s) is not an allowed target: the CA never connects there, unless the administrator "
		    "adds %s to va.targets.allow",
		    text, leads, why->rule, judged);
	else
		check_fail(c, PROBLEM_CONNECTION,
		    "%s has the address %s%s (%s), which is not an allowed target: the CA never connects "
		    "there; "
		    "give the name another address, or let the administrator add %s to va.targets.allow",
		    url->host, text, leads, why->rule, judged);
	return false;
}

static bool
dial_choose(struct check *c, struct dial *d, const struct url *url)
{
	size_t i, count = c->means->config->first_address ? 1 : d->resolved_count;
	struct denial why = { "", { 0 } };

	d->choices = d->chosen = 0;
	d->before[0] = '\0';
	for (i = 0; i < count; i++)
		if (targets_allow(c->means->targets, &d->resolved[i], &why) &&
		    (d->choices == 0 || d->resolved[i].family != d->choice[d->choices - 1].family)) {
			d->choice[d->choices++] = d->resolved[i];
			if (d->choices == 2 || d->resolved[i].family == AF_INET)
				break;
		}
	return d->choices > 0 || dial_denied(c, d, url, &d->resolved[count - 1], &why);
}

bool
dial_literal(struct check *c, struct dial *d, const struct url *url)
{
	d->resolved[0] = url->literal;
	d->resolved_count = 1;
	d->servers[0] = '\0';
	return dial_choose(c, d, url);
}

bool
dial_resolved(struct check *c, struct dial *d, const struct url *url, const struct lookup_answer *answer)
{
	if (answer->count == 0) {
		record_add(c->record, url, NULL, 0, NULL, answer->servers);
		check_fail(c, PROBLEM_DNS, "no A or AAAA record found for %s: resolver %.200s %s: %s",
		    url->host, answer->servers, answer->verdict, answer->advice);
		return false;
	}
	memcpy(d->resolved, answer->addresses, answer->count * sizeof(d->resolved[0]));
	d->resolved_count = answer->count;
	snprintf(d->servers, sizeof(d->servers), "%s", answer->servers);
	return dial_choose(c, d, url);
}

void
dial_unresolved(struct check *c, const struct url *url, const struct lookup *lookup)
{
	record_add(c->record, url, NULL, 0, NULL, lookup_servers(lookup));
	check_fail(c, PROBLEM_DNS,
	    "resolver %.200s has not answered for %s, and the %lld s for one validation are over: check "
	    "va.resolvers, and that the resolver is reachable from the CA",
	    lookup_servers(lookup), url->host, (long long)c->means->config->timeout);
}

bool
dial_enter(struct check *c, const struct dial *d, void (*go)(void *check))
{
	return gate_enter(c->means->gates, &c->turn, &d->choice[d->chosen], go, c);
}

void
dial_crowded(struct check *c, const struct dial *d, const struct url *url)
{
	char where[WHERE_SIZE];

	record_add(c->record, url, d->resolved, d->resolved_count, NULL, d->servers);
	check_fail(c, PROBLEM_RATE_LIMITED,
	    "%s was not asked: this CA has %lld validations under way at that address, which is as many as it allows at "
	    "once (va.limits.target), and there was no room within %lld s: is the server there too slow to answer them?",
	    dial_where(d, url, where), (long long)c->means->config->target_limit, (long long)c->means->config->timeout);
}

const struct address *
dial_now(struct check *c, const struct dial *d, const struct url *url)
{
	const struct address *address = &d->choice[d->chosen];

	check_used(c, address);
	record_add(c->record, url, d->resolved, d->resolved_count, address, d->servers);
	return address;
}

bool
dial_next(struct dial *d, const char *why)
{
	char address[ADDRESS_TEXT_SIZE];

	if (d->chosen + 1 == d->choices)
		return false;
	address_text(&d->choice[d->chosen], address);
	snprintf(d->before, sizeof(d->before), "; before that, %s %s", address, why);
	d->chosen++;
	return true;
}
