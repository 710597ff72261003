#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/file.h"
#include "lib/log.h"
#include "va/resolver.h"
#include "va/sockets.h"

#define TRY_MS 1500 /* the first wait for one server; c-ares doubles it each round */
#define TRIES 3 /* 1.5 + 3 + 6 s for one server: half of the default va.timeout */
#define TICK_MS 250 /* how often waiting queries are looked at */
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536

/* One set of servers. */
struct server_set {
	ares_channel channel;
	char *servers; /* "10.0.0.53:53, [2001:db8::53]:53" */
	uv_timer_t tick; /* runs while pending > 0 */
	size_t pending;
	struct sockets *sockets; /* when started */
};

struct resolver {
	const struct va_config *config;
	struct server_set *sets; /* one per zone, then the default */
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

static void
set_ready(void *arg, int fd, bool readable, bool writable)
{
	const struct server_set *set = arg;

	ares_process_fd(set->channel, readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
}

/* c-ares opened, changed or is about to close a socket. A socket that can't be watched times out. */
static void
set_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	const struct server_set *set = arg;

	(void)sockets_watch(set->sockets, fd, readable != 0, writable != 0);
}

static void
set_tick(uv_timer_t *timer)
{
	struct server_set *set = timer->data;

	ares_process_fd(set->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/* The servers that the system names, as text. */
static void
servers_put_system(struct buf *text)
{
	struct ares_addr_port_node *list = NULL, *n;
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH };
	struct buf file = { 0 };
	char address[ADDRESS_TEXT_SIZE];
	ares_channel channel;

	if (file_read(RESOLV_CONF, RESOLV_CONF_MAX, &file) != ERR_OK ||
	    memmem(file.data, file.len, "nameserver", sizeof("nameserver") - 1) == NULL) {
		log_event(LOG_WARNING, "no system resolver", F_STR("file", RESOLV_CONF),
		    F_STR("instead", "127.0.0.1:53"), F_STR("advice", "set va.resolvers"));
		buf_put_str(text, "127.0.0.1:53");
	} else if (ares_init_options(&channel, &options, ARES_OPT_FLAGS) == ARES_SUCCESS) {
		if (ares_get_servers_ports(channel, &list) == ARES_SUCCESS)
			for (n = list; n != NULL; n = n->next) {
				ares_inet_ntop(n->family, &n->addr, address, sizeof(address));
				buf_printf(text, n->family == AF_INET6 ? "%s[%s]:%d" : "%s%s:%d",
				    n == list ? "" : ",", address, n->udp_port != 0 ? n->udp_port : 53);
			}
		ares_free_data(list);
		ares_destroy(channel);
	}
	buf_free(&file);
}

static bool
servers_put(struct buf *text, const struct strings *words)
{
	char host[ADDRESS_TEXT_SIZE];
	struct address address;
	uint16_t port;
	size_t i;

	for (i = 0; i < words->count; i++) {
		if (i > 0)
			buf_put_str(text, ",");
		if (strcmp(words->items[i], "system") == 0) {
			servers_put_system(text);
			continue;
		}
		if (address_parse(words->items[i], &address)) {
			snprintf(host, sizeof(host), "%s", words->items[i]);
			port = 53;
		} else if (!config_address(words->items[i], host, sizeof(host), &port) ||
			   !address_parse(host, &address))
			return false;
		buf_printf(text, address.family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
	}
	if (words->count == 0)
		servers_put_system(text);
	return true;
}

static enum err
set_open(struct server_set *set, const struct strings *words)
{
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = TRY_MS,
		.tries = TRIES,
		.lookups = (char[]){ "b" }, /* DNS only, no /etc/hosts; copied */
		.sock_state_cb = set_socket,
		.sock_state_cb_data = set,
	};
	struct buf text = { 0 };

	if (!servers_put(&text, words) || (set->servers = buf_take_str(&text)) == NULL) {
		buf_free(&text);
		return ERR_CONFIG;
	}
	/* With more servers than one, SERVFAIL and REFUSED move c-ares 1.18 on to the next, and it forgets what they
	 * said. With one there is no next, and the answer itself explains the failure. */
	if (strchr(set->servers, ',') == NULL)
		options.flags |= ARES_FLAG_NOCHECKRESP;
	if (ares_init_options(&set->channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		    ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
		return ERR_IO;
	return ares_set_servers_ports_csv(set->channel, set->servers) == ARES_SUCCESS ? ERR_OK : ERR_CONFIG;
}

struct resolver *
resolver_new(const struct va_config *config)
{
	struct resolver *r = calloc(1, sizeof(*r));
	const struct strings *words;
	size_t i;

	if (r == NULL || (r->sets = calloc(config->zone_count + 1, sizeof(*r->sets))) == NULL) {
		free(r);
		return NULL;
	}
	r->config = config;
	for (i = 0; i <= config->zone_count; i++) {
		words = i < config->zone_count ? &config->zones[i].resolvers : &config->resolvers;
		if (set_open(&r->sets[i], words) != ERR_OK) {
			log_event(LOG_ERROR, "resolvers refused",
			    F_STR("zone", i < config->zone_count ? config->zones[i].zone : "(default)"),
			    F_STR("servers", r->sets[i].servers),
			    F_STR("advice", "write \"system\" or addresses like 10.0.0.53:53 in va.resolvers "
					    "and va.zones"));
			resolver_free(r);
			return NULL;
		}
	}
	return r;
}

bool
resolver_start(struct resolver *r, uv_loop_t *loop)
{
	struct server_set *set;
	size_t i;

	for (i = 0; i <= r->config->zone_count; i++) {
		set = &r->sets[i];
		if ((set->sockets = sockets_new(loop, set_ready, set)) == NULL)
			return false;
		uv_timer_init(loop, &set->tick);
		set->tick.data = set;
	}
	return true;
}

static void
resolver_closed(uv_handle_t *handle)
{
	struct resolver *r = handle->data;

	if (--r->closing > 0)
		return;
	free(r->sets);
	free(r);
}

void
resolver_free(struct resolver *r)
{
	struct server_set *set;
	size_t i;

	if (r == NULL)
		return;
	r->closing = 1;
	for (i = 0; i <= r->config->zone_count; i++) {
		set = &r->sets[i];
		if (set->channel != NULL)
			ares_destroy(set->channel); /* ends every query: lookups go here */
		free(set->servers);
		if (set->sockets == NULL)
			continue;
		sockets_free(set->sockets);
		r->closing++;
		set->tick.data = r;
		uv_close((uv_handle_t *)&set->tick, resolver_closed);
	}
	resolver_closed(&(uv_handle_t){ .data = r });
}

/* Fills in the answer from both statuses. */
static void
answer_fill(const struct lookup *l, struct lookup_answer *a)
{
	size_t i;

	*a = (struct lookup_answer){ .servers = l->set->servers,
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
lookup_read(struct lookup *l, int index, int status, const uint8_t *reply, int len)
{
	struct ares_addr6ttl v6[LOOKUP_ADDRESSES_MAX / 2];
	struct ares_addrttl v4[LOOKUP_ADDRESSES_MAX / 2];
	int i, count = LOOKUP_ADDRESSES_MAX / 2;

	if (status == ARES_SUCCESS)
		status = index == 0 ? ares_parse_aaaa_reply(reply, len, NULL, v6, &count)
				    : ares_parse_a_reply(reply, len, NULL, v4, &count);
	if (status == ARES_SUCCESS && count == 0)
		status = ARES_ENODATA;
	l->status[index] = status;
	for (i = 0; status == ARES_SUCCESS && i < count; i++)
		l->found[index][l->count[index]++] =
		    index == 0 ? address_of(AF_INET6, &v6[i].ip6addr) : address_of(AF_INET, &v4[i].ipaddr);
}

static void
lookup_over(struct lookup *l, int index, int status, const uint8_t *reply, int len)
{
	struct server_set *set = l->set;

	lookup_read(l, index, status, reply, len);
	l->pending--;
	if (--set->pending == 0 && set->sockets != NULL)
		uv_timer_stop(&set->tick);
	lookup_end(l);
}

static void
lookup_aaaa(void *arg, int status, int timeouts, unsigned char *reply, int len)
{
	(void)timeouts;
	lookup_over(arg, 0, status, reply, len);
}

static void
lookup_a(void *arg, int status, int timeouts, unsigned char *reply, int len)
{
	(void)timeouts;
	lookup_over(arg, 1, status, reply, len);
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
	char absolute[260];
	struct lookup *l;

	if (resolver_is_localhost(name))
		return lookup_localhost(done, arg);
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		done(arg, &none);
		return NULL;
	}
	snprintf(absolute, sizeof(absolute), "%.255s.", name);
	l->set = &r->sets[resolver_zone(r->config, name)];
	l->done = done;
	l->arg = arg;
	l->pending = 2;
	l->asking = true; /* c-ares may answer before it returns */
	if (l->set->pending == 0)
		uv_timer_start(&l->set->tick, set_tick, TICK_MS, TICK_MS);
	l->set->pending += 2;
	ares_query(l->set->channel, absolute, ns_c_in, ns_t_aaaa, lookup_aaaa, l);
	ares_query(l->set->channel, absolute, ns_c_in, ns_t_a, lookup_a, l);
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
	return l->set->servers;
}
