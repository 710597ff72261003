#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/file.h"
#include "lib/log.h"
#include "va/resolver.h"
#include "va/dns_answer.h"
#include "va/dns_message.h"
#include "va/dns_verdict.h"
#include "va/hosts.h"
#include "va/server_set.h"

#define HOSTS_FILE "/etc/hosts"
#define HOSTS_FILE_MAX (4 << 20)	/* lists of advertisers' names are that long */

struct resolver {
	const struct va_config *config;
	const struct targets *targets;
	struct server_set **sets; /* one per zone, then the default */
	struct hosts *hosts; /* or NULL */
	size_t closing; /* sets that libuv has not let go of */
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

static enum dnssec_mode
zone_dnssec(const struct va_config *config, const struct zone_config *zone)
{
	if (zone == NULL || zone->dnssec == ZONE_DNSSEC_DEFAULT)
		return config->dnssec;
	return (enum dnssec_mode)(zone->dnssec - 1);
}

/* No file is an empty one. */
static bool
read_hosts(struct resolver *r)
{
	struct buf text = { 0 };
	enum err err = file_read(HOSTS_FILE, HOSTS_FILE_MAX, &text);

	if (err == ERR_OK && (r->hosts = hosts_read(buf_slice(&text))) == NULL)
		err = ERR_MEMORY;
	buf_free(&text);
	if (err == ERR_OK || err == ERR_NOT_FOUND)
		return true;
	log_event(LOG_ERROR, "va.hosts: the file can't be read", F_STR("file", HOSTS_FILE), F_STR("cause", err_text(err)));
	return false;
}

struct resolver *
resolver_new(const struct va_config *config, const struct egress *egress, const struct targets *targets)
{
	struct resolver *r = calloc(1, sizeof(*r));
	size_t i;

	if (r == NULL || (r->sets = calloc(config->zone_count + 1, sizeof(struct server_set *))) == NULL) {
		free(r);
		return NULL;
	}
	r->config = config;
	r->targets = targets;
	if (config->hosts && !read_hosts(r)) {
		resolver_free(r);
		return NULL;
	}
	for (i = 0; i <= config->zone_count; i++) {
		const struct zone_config *zone = i < config->zone_count ? &config->zones[i] : NULL;

		r->sets[i] = server_set_new(zone != NULL ? &zone->resolvers : &config->resolvers,
		    zone_dnssec(config, zone), egress);
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
	hosts_free(r->hosts);
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

/* --- one name and type ---------------------------------------------------------------------------- */

#define ALIASES_MAX 8 /* followed by ourselves, in zones that are asked directly */
#define NAME_SERVERS_MAX 4 /* of a zone, whose addresses are looked for */
#define VERDICT_MAX 320

/*  resolvers: asking --> over
 *  direct:    the zone's name servers --> their addresses --> asking them --alias--> again, for what it names
 *                                                                        --> over */
struct query {
	struct resolver *resolver;
	char name[DNS_TEXT_SIZE];
	uint16_t type;
	size_t zone;
	unsigned aliases, pending;
	struct address at[SERVERS_MAX];
	size_t count; /* 0: its resolvers are asked, or none was found */
	size_t name_servers;
	struct denial denied; /* the last of them that is no target; rule NULL: all are */
	char servers[240], verdict[VERDICT_MAX], advice[VERDICT_MAX];
	void (*done)(void *arg, const struct ask_answer *);
	void *arg;
};

/* Verdict and advice; the verdict with RFC 8914's words, when the resolver gave some. */
static void
verdict_fill(struct query *q, const struct server_answer *said, struct ask_answer *a)
{
	const char *error = dns_error_name(said->error);

	a->verdict = dns_verdict(said->status, &a->advice);
	if (q->count > 0 && said->status >= DNS_REFUSED && said->status <= DNS_TIMEOUT && said->status != DNS_REFERRED &&
	    said->status != DNS_NO_TCP) {
		snprintf(q->advice, sizeof(q->advice), "it is a name server of %.200s, asked directly (va.zones): check that it "
		    "runs, is reachable from the CA and serves it", q->resolver->config->zones[q->zone].zone);
		a->advice = q->advice;
	}
	if (said->error < 0)
		return;
	snprintf(q->verdict, sizeof(q->verdict), "%s (%s, extended error %d%s%s)", a->verdict,
	    error != NULL ? error : "unknown", said->error, said->extra[0] != '\0' ? ": " : "", said->extra);
	a->verdict = q->verdict;
}

static void
query_end(struct query *q, const struct server_answer *said)
{
	struct ask_answer answer = { .status = ASK_FAILED, .reply = said->reply, .servers = q->servers,
		.bogus = said->status == DNS_BOGUS };

	if (said->status <= DNS_NO_NAME)
		answer.status = (enum ask_status)said->status;
	verdict_fill(q, said, &answer);
	q->done(q->arg, &answer);
	free(q);
}

_Static_assert((int)ASK_ANSWERED == (int)DNS_ANSWERED && (int)ASK_NO_DATA == (int)DNS_NO_DATA &&
	(int)ASK_NO_NAME == (int)DNS_NO_NAME, "query_end() takes one for the other");

static void
query_fail(struct query *q, enum dns_status status)
{
	query_end(q, &(struct server_answer){ .status = status, .error = -1, .extra = "" });
}

static void query_begin(struct query *);

/* Whether the answer is an alias alone: then the query goes on for what it names. */
static bool
query_follow(struct query *q, struct slice reply)
{
	struct dns_records records;

	if (dns_records_read(reply, q->type, &records) && records.count > 0)
		return false;
	if (!dns_records_read(reply, ns_t_cname, &records) || records.count == 0)
		return false;
	if (++q->aliases > ALIASES_MAX || !dns_name_read(reply, records.rdata[records.count - 1], q->name))
		query_fail(q, DNS_MALFORMED);
	else
		query_begin(q);
	return true;
}

static void
query_answered(void *arg, const struct server_answer *said)
{
	struct query *q = arg;

	if (said->status != DNS_ANSWERED || q->zone == q->resolver->config->zone_count ||
	    !q->resolver->config->zones[q->zone].direct || !query_follow(q, said->reply))
		query_end(q, said);
}

/* None of the zone's own name servers can be asked. */
static void
query_lost(struct query *q)
{
	struct ask_answer answer = { .status = ASK_FAILED, .servers = q->servers, .verdict = q->verdict,
		.advice = q->advice };
	const char *zone = q->resolver->config->zones[q->zone].zone;
	char text[ADDRESS_TEXT_SIZE];

	address_text(&q->denied.address, text);
	if (q->name_servers == 0) {
		snprintf(q->verdict, sizeof(q->verdict), "has no NS records of %.200s", zone);
		answer.advice = "a zone that is asked directly needs them: name the one that has them in va.zones, or leave "
		    "direct out";
	} else if (q->denied.rule == NULL) {
		snprintf(q->verdict, sizeof(q->verdict), "gave no address of the name servers of %.200s", zone);
		answer.advice = "check that the names in its NS records have A or AAAA records, and that those are answered";
	} else {
		snprintf(q->verdict, sizeof(q->verdict),
		    "has %s as a name server of %.150s (%.60s), which is not an allowed target", text, zone, q->denied.rule);
		snprintf(q->advice, sizeof(q->advice),
		    "the CA asks it directly only when the administrator adds %s to va.targets.allow", text);
	}
	q->done(q->arg, &answer);
	free(q);
}

/* The name servers' addresses are there. */
static void
query_ask_directly(struct query *q)
{
	size_t len = 0;
	char text[ADDRESS_TEXT_SIZE];

	if (q->count == 0) {
		query_lost(q);
		return;
	}
	for (size_t i = 0; i < q->count && len < sizeof(q->servers); i++) {
		address_text(&q->at[i], text);
		len += (size_t)snprintf(q->servers + len, sizeof(q->servers) - len, "%s%s", i == 0 ? "" : ",", text);
	}
	server_set_ask_at(q->resolver->sets[q->zone], q->at, q->count, q->name, q->type, query_answered, q);
}

/* One name server's addresses, of one family; those that are no targets are not asked. */
static void
query_located(void *arg, const struct server_answer *said)
{
	struct query *q = arg;
	struct dns_records records;
	struct address address;
	struct denial why;

	for (int v6 = 0; v6 < 2 && said->status == DNS_ANSWERED; v6++) {
		if (!dns_records_read(said->reply, v6 ? ns_t_aaaa : ns_t_a, &records))
			break;
		for (size_t i = 0; i < records.count && q->count < SERVERS_MAX; i++) {
			if (records.rdata[i].len != (v6 ? 16 : 4))
				continue;
			address = address_of(v6 ? AF_INET6 : AF_INET, records.rdata[i].data);
			if (targets_allow(q->resolver->targets, &address, &why))
				q->at[q->count++] = address;
			else
				q->denied = why;
		}
	}
	if (--q->pending == 0)
		query_ask_directly(q);
}

/* The zone's NS records. */
static void
query_delegated(void *arg, const struct server_answer *said)
{
	struct query *q = arg;
	struct resolver *r = q->resolver;
	struct dns_records records;
	char name[DNS_TEXT_SIZE];

	if (said->status > DNS_NO_NAME) {
		query_end(q, said);
		return;
	}
	if (said->status != DNS_ANSWERED || !dns_records_read(said->reply, ns_t_ns, &records))
		records.count = 0;
	q->pending = 1; /* so that no answer ends it before all were asked */
	for (size_t i = 0; i < records.count && i < NAME_SERVERS_MAX; i++) {
		if (!dns_name_read(said->reply, records.rdata[i], name))
			continue;
		q->pending += 2;
		q->name_servers++;
		server_set_ask(r->sets[resolver_zone(r->config, name)], name, ns_t_a, query_located, q);
		server_set_ask(r->sets[resolver_zone(r->config, name)], name, ns_t_aaaa, query_located, q);
	}
	if (--q->pending == 0)
		query_ask_directly(q);
}

static void
query_begin(struct query *q)
{
	struct resolver *r = q->resolver;
	const struct va_config *config = r->config;

	q->zone = resolver_zone(config, q->name);
	q->count = q->name_servers = 0;
	q->denied.rule = NULL;
	snprintf(q->servers, sizeof(q->servers), "%s", server_set_text(r->sets[q->zone]));
	if (q->zone < config->zone_count && config->zones[q->zone].direct)
		server_set_ask(r->sets[q->zone], config->zones[q->zone].zone, ns_t_ns, query_delegated, q);
	else
		server_set_ask(r->sets[q->zone], q->name, q->type, query_answered, q);
}

/* done is called once, perhaps before this returns; its answer lives for the call. */
static void
query_start(struct resolver *r, const char *name, uint16_t type, void (*done)(void *, const struct ask_answer *),
    void *arg)
{
	const struct ask_answer none = { .status = ASK_FAILED, .servers = "none",
		.verdict = "could not be asked: the CA is out of memory", .advice = "try again later" };
	struct query *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		done(arg, &none);
		return;
	}
	q->resolver = r;
	q->type = type;
	q->done = done;
	q->arg = arg;
	snprintf(q->name, sizeof(q->name), "%s", name);
	query_begin(q);
}

/* --- addresses ------------------------------------------------------------------------------------ */

struct lookup {
	const char *servers; /* the set's */
	lookup_done *done; /* NULL: cancelled, or over */
	void *arg;
	unsigned pending;
	bool asking; /* inside resolver_lookup() */
	struct address found[2][LOOKUP_ADDRESSES_MAX / 2]; /* by AAAA and A */
	size_t count[2];
	/* Of the answer that explains best why there is none. */
	enum ask_status status;
	bool bogus;
	char asked[240], verdict[VERDICT_MAX], advice[VERDICT_MAX];
};

static void
lookup_end(struct lookup *l)
{
	struct lookup_answer answer = { .servers = l->asked, .verdict = l->verdict, .advice = l->advice };
	lookup_done *done = l->done;

	if (l->pending > 0 || l->asking)
		return;
	l->done = NULL;
	/* Where the one family's answer was forged, the other's may be, too. */
	for (size_t i = 0; i < 2 && !l->bogus; i++) {
		memcpy(&answer.addresses[answer.count], l->found[i], l->count[i] * sizeof(l->found[i][0]));
		answer.count += l->count[i];
	}
	if (done != NULL)
		done(l->arg, &answer);
	free(l);
}

static void
lookup_read(struct lookup *l, int index, const struct ask_answer *said)
{
	static const uint16_t types[2] = { ns_t_aaaa, ns_t_a };
	struct dns_records records;

	if (said->status == ASK_ANSWERED && dns_records_read(said->reply, types[index], &records))
		for (size_t i = 0; i < records.count && l->count[index] < LOOKUP_ADDRESSES_MAX / 2; i++)
			if (records.rdata[i].len == (index == 0 ? 16u : 4u))
				l->found[index][l->count[index]++] =
				    address_of(index == 0 ? AF_INET6 : AF_INET, records.rdata[i].data);
	/* A failure says more than an absence; an alias that leads to no address is one. */
	if (said->status >= l->status || said->bogus) {
		l->status = said->status;
		snprintf(l->advice, sizeof(l->advice), "%s", said->advice);
		snprintf(l->asked, sizeof(l->asked), "%s", said->servers);
		snprintf(l->verdict, sizeof(l->verdict), "%s",
		    said->status == ASK_ANSWERED ? "answered with an alias, and no address" : said->verdict);
	}
	l->bogus = l->bogus || said->bogus;
	l->pending--;
	lookup_end(l);
}

static void
lookup_aaaa(void *arg, const struct ask_answer *said)
{
	lookup_read(arg, 0, said);
}

static void
lookup_a(void *arg, const struct ask_answer *said)
{
	lookup_read(arg, 1, said);
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

/* The same. False: the file doesn't have it. */
static bool
lookup_hosts(struct resolver *r, const char *name, lookup_done *done, void *arg)
{
	struct lookup_answer answer = { .servers = HOSTS_FILE };

	answer.count = hosts_find(r->hosts, name, answer.addresses, LOOKUP_ADDRESSES_MAX);
	if (answer.count > 0)
		done(arg, &answer);
	return answer.count > 0;
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
	if (lookup_hosts(r, name, done, arg))
		return NULL;
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		done(arg, &none);
		return NULL;
	}
	l->servers = resolver_servers(r, name);
	l->done = done;
	l->arg = arg;
	l->pending = 2;
	l->asking = true; /* an answer may come before it returns */
	query_start(r, name, ns_t_aaaa, lookup_aaaa, l);
	query_start(r, name, ns_t_a, lookup_a, l);
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
	return l->servers;
}

/* --- records of one type ----------------------------------------------------------------------- */

struct ask {
	ask_done *done; /* NULL: cancelled */
	void *arg;
	bool asking; /* inside resolver_ask() */
	bool over;
};

static void
ask_over(void *arg, const struct ask_answer *answer)
{
	struct ask *q = arg;
	ask_done *done = q->done;

	q->done = NULL;
	q->over = true;
	if (done != NULL)
		done(q->arg, answer);
	if (!q->asking)
		free(q);
}

struct ask *
resolver_ask(struct resolver *r, const char *name, uint16_t type, ask_done *done, void *arg)
{
	const struct ask_answer none = { .status = ASK_FAILED, .servers = resolver_servers(r, name),
		.verdict = "could not be asked: the CA is out of memory", .advice = "try again later" };
	struct ask *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		done(arg, &none);
		return NULL;
	}
	*q = (struct ask){ .done = done, .arg = arg, .asking = true };
	query_start(r, name, type, ask_over, q);
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
