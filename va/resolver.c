#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/log.h"
#include "va/resolver.h"
#include "va/server_set.h"

struct resolver {
	const struct va_config *config;
	struct server_set **sets; /* one per zone, then the default */
	size_t closing; /* ticks of sets that libuv has not let go of */
};

struct lookup {
	struct server_set *set;
	lookup_done *done; /* NULL: cancelled, or over */
	void *arg;
	unsigned pending;
	bool asking; /* inside resolver_lookup() */
	int status[2]; /* ARES_*, of AAAA and A */
	struct address found[2][LOOKUP_ADDRESSES_MAX / 2];
	size_t count[2];
};

/* What c-ares says, worst first: the answer that explains the failure is the one to tell. */
static const struct {
	int status;
	const char *verdict, *advice;
} verdicts[] = {
	{ ARES_ECONNREFUSED, "could not be reached, or said SERVFAIL or REFUSED",
	    "check va.resolvers, and that the resolver runs and serves the CA" },
	{ ARES_ETIMEOUT, "did not answer in time",
	    "check va.resolvers, and that the resolver is reachable from the CA" },
	{ ARES_EREFUSED, "answered REFUSED",
	    "the resolver does not serve the CA for this name: check its access list, or set va.zones" },
	{ ARES_ESERVFAIL, "answered SERVFAIL",
	    "the resolver could not get an answer: check the zone's name servers and its DNSSEC signatures" },
	{ ARES_ENOTIMP, "answered NOTIMP", "that is no resolver: check va.resolvers" },
	{ ARES_EFORMERR, "answered FORMERR", "that is no resolver: check va.resolvers" },
	{ ARES_EBADRESP, "answered something that is not a DNS answer", "check va.resolvers" },
	{ ARES_EBADNAME, "can't be asked for this name", "check its spelling" },
	{ ARES_ENOMEM, "could not be asked: the CA is out of memory", "try again later" },
	{ ARES_ENOTFOUND, "answered NXDOMAIN: the name does not exist",
	    "add the record, or wait until it is visible there" },
	{ ARES_ENODATA, "answered that the name exists without an address", "add an A or AAAA record to it" },
};

size_t
resolver_zone(const struct va_config *config, const char *name)
{
	size_t i, best = config->zone_count, best_len = 0, len = strlen(name), zone_len;

	for (i = 0; i < config->zone_count; i++) {
		zone_len = strlen(config->zones[i].zone);
		if (zone_len > len || zone_len <= best_len ||
		    strcasecmp(name + len - zone_len, config->zones[i].zone) != 0 ||
		    (len > zone_len && name[len - zone_len - 1] != '.'))
			continue;
		best = i;
		best_len = zone_len;
	}
	return best;
}

bool
resolver_is_localhost(const char *name)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(name), want = sizeof(suffix) - 1;

	return strcasecmp(name, "localhost") == 0 ||
	       (len > want && strcasecmp(name + len - want, suffix) == 0);
}

struct resolver *
resolver_new(const struct va_config *config, const struct egress *egress)
{
	struct resolver *r = calloc(1, sizeof(*r));
	size_t i;

	if (r == NULL || (r->sets = calloc(config->zone_count + 1, sizeof(struct server_set *))) == NULL) {
		free(r);
		return NULL;
	}
	r->config = config;
	for (i = 0; i <= config->zone_count; i++) {
		r->sets[i] =
		    server_set_new(i < config->zone_count ? &config->zones[i].resolvers : &config->resolvers,
			egress);
		if (r->sets[i] == NULL) {
			log_event(LOG_ERROR, "a zone has no resolver",
			    F_STR("zone", i < config->zone_count ? config->zones[i].zone : "(default)"));
			resolver_free(r);
			return NULL;
		}
	}
	return r;
}

bool
resolver_start(struct resolver *r, uv_loop_t *loop)
{
	size_t i;

	for (i = 0; i <= r->config->zone_count; i++)
		if (!server_set_start(r->sets[i], loop))
			return false;
	return true;
}

static void
resolver_closed(void *arg)
{
	struct resolver *r = arg;

	if (--r->closing > 0)
		return;
	free(r->sets);
	free(r);
}

void
resolver_free(struct resolver *r)
{
	size_t i;

	if (r == NULL)
		return;
	r->closing = 1;
	for (i = 0; i <= r->config->zone_count; i++)
		if (r->sets[i] != NULL) {
			r->closing++;
			server_set_free(r->sets[i], resolver_closed, r);
		}
	resolver_closed(r);
}

/* Fills in the answer from both statuses. */
static void
answer_fill(const struct lookup *l, struct lookup_answer *a)
{
	size_t i;

	*a = (struct lookup_answer){ .servers = server_set_text(l->set),
		.verdict = "gave no answer that can be used",
		.advice = "check va.resolvers" };
	for (i = 0; i < 2; i++) {
		memcpy(&a->addresses[a->count], l->found[i], l->count[i] * sizeof(l->found[i][0]));
		a->count += l->count[i];
	}
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (l->status[0] == verdicts[i].status || l->status[1] == verdicts[i].status) {
			a->verdict = verdicts[i].verdict;
			a->advice = verdicts[i].advice;
			return;
		}
}

static void
lookup_end(struct lookup *l)
{
	struct lookup_answer answer;
	lookup_done *done = l->done;

	if (l->pending > 0 || l->asking)
		return;
	l->done = NULL;
	if (done != NULL) {
		answer_fill(l, &answer);
		done(l->arg, &answer);
	}
	free(l);
}

static void
lookup_read(struct lookup *l, int index, int status, struct slice reply)
{
	struct ares_addr6ttl v6[LOOKUP_ADDRESSES_MAX / 2];
	struct ares_addrttl v4[LOOKUP_ADDRESSES_MAX / 2];
	int i, count = LOOKUP_ADDRESSES_MAX / 2;

	if (status == ARES_SUCCESS)
		status = index == 0 ? ares_parse_aaaa_reply(reply.data, (int)reply.len, NULL, v6, &count)
				    : ares_parse_a_reply(reply.data, (int)reply.len, NULL, v4, &count);
	if (status == ARES_SUCCESS && count == 0)
		status = ARES_ENODATA;
	l->status[index] = status;
	for (i = 0; status == ARES_SUCCESS && i < count; i++)
		l->found[index][l->count[index]++] =
		    index == 0 ? address_of(AF_INET6, &v6[i].ip6addr) : address_of(AF_INET, &v4[i].ipaddr);
	l->pending--;
	lookup_end(l);
}

static void
lookup_aaaa(void *arg, int status, struct slice reply)
{
	lookup_read(arg, 0, status, reply);
}

static void
lookup_a(void *arg, int status, struct slice reply)
{
	lookup_read(arg, 1, status, reply);
}

/* Asks nobody. */
static struct lookup *
lookup_localhost(lookup_done *done, void *arg)
{
	struct lookup_answer answer = { .servers = "none, by RFC 6761", .count = 2 };

	answer.addresses[0] = address_of(AF_INET6, &in6addr_loopback);
	answer.addresses[1] = address_of(AF_INET, &(struct in_addr){ .s_addr = htonl(INADDR_LOOPBACK) });
	done(arg, &answer);
	return NULL;
}

struct lookup *
resolver_lookup(struct resolver *r, const char *name, lookup_done *done, void *arg)
{
	struct lookup_answer none = { .servers = "none",
		.verdict = "could not be asked: the CA is out of memory",
		.advice = "try again later" };
	struct lookup *l;

	if (resolver_is_localhost(name))
		return lookup_localhost(done, arg);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		done(arg, &none);
		return NULL;
	}
	l->set = r->sets[resolver_zone(r->config, name)];
	l->done = done;
	l->arg = arg;
	l->pending = 2;
	l->asking = true; /* c-ares may answer before it returns */
	server_set_ask(l->set, name, ns_t_aaaa, lookup_aaaa, l);
	server_set_ask(l->set, name, ns_t_a, lookup_a, l);
	l->asking = false;
	if (l->pending > 0)
		return l;
	lookup_end(l);
	return NULL;
}

void
lookup_cancel(struct lookup *l)
{
	if (l != NULL)
		l->done = NULL; /* freed when both queries are over */
}

const char *
lookup_servers(const struct lookup *l)
{
	return server_set_text(l->set);
}

/* --- records of one type ----------------------------------------------------------------------- */

struct ask {
	struct server_set *set;
	ask_done *done; /* NULL: cancelled */
	void *arg;
	bool asking; /* inside resolver_ask() */
	bool over;
};

static void
ask_fill(int status, struct slice reply, struct ask_answer *a)
{
	size_t i;

	a->reply = reply;
	a->status = status == ARES_SUCCESS  ? ASK_ANSWERED
		    : status == ARES_ENODATA ? ASK_NO_DATA
		    : status == ARES_ENOTFOUND ? ASK_NO_NAME
					       : ASK_FAILED;
	a->verdict = "gave no answer that can be used";
	a->advice = "check va.resolvers";
	for (i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (status == verdicts[i].status) {
			a->verdict = verdicts[i].verdict;
			a->advice = verdicts[i].advice;
		}
}

static void
ask_over(void *arg, int status, struct slice reply)
{
	struct ask *q = arg;
	struct ask_answer answer = { .servers = server_set_text(q->set) };
	ask_done *done = q->done;

	q->done = NULL;
	q->over = true;
	if (done != NULL) {
		ask_fill(status, reply, &answer);
		done(q->arg, &answer);
	}
	if (!q->asking)
		free(q);
}

struct ask *
resolver_ask(struct resolver *r, const char *name, uint16_t type, ask_done *done, void *arg)
{
	struct ask *q = calloc(1, sizeof(*q));
	struct ask_answer none = { .servers = resolver_servers(r, name) };

	if (q == NULL) {
		ask_fill(ARES_ENOMEM, slice_of(NULL, 0), &none);
		done(arg, &none);
		return NULL;
	}
	*q = (struct ask){
		.set = r->sets[resolver_zone(r->config, name)], .done = done, .arg = arg, .asking = true
	};
	server_set_ask(q->set, name, type, ask_over, q);
	q->asking = false;
	if (!q->over)
		return q;
	free(q);
	return NULL;
}

void
ask_cancel(struct ask *q)
{
	if (q != NULL)
		q->done = NULL; /* freed when the answer comes */
}

const char *
resolver_servers(const struct resolver *r, const char *name)
{
	return server_set_text(r->sets[resolver_zone(r->config, name)]);
}
