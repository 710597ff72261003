#include <ares.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/log.h"
#include "lib/address.h"
#include "va/server_set.h"
#include "va/sockets.h"

#define TRY_MS 1500 /* the first wait for one server; c-ares doubles it each round */
#define TRIES 3 /* 1.5 + 3 + 6 s for one server: half of the default va.timeout */
#define TICK_MS 250 /* how often waiting queries are looked at */
#define RESOLV_CONF "/etc/resolv.conf"
#define RESOLV_CONF_MAX 65536

struct server_set {
	ares_channel channel;
	char *servers; /* "10.0.0.53:53, [2001:db8::53]:53" */
	uv_timer_t tick; /* runs while pending > 0 */
	size_t pending;
	struct sockets *sockets; /* when started */
	void (*closed)(void *arg);
	void *closed_arg;
};

/* One question under way. */
struct question {
	struct server_set *set;
	server_set_done *done;
	void *arg;
};

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

static void
set_source(ares_channel channel, const struct address *source)
{
	uint32_t v4;

	memcpy(&v4, source->bytes, sizeof(v4));
	if (source->family == AF_INET)
		ares_set_local_ip4(channel, ntohl(v4));
	else if (source->family == AF_INET6)
		ares_set_local_ip6(channel, source->bytes);
}

static enum err
set_prepare(struct server_set *set, const struct strings *words, const struct egress *egress)
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
	if (egress != NULL && egress->tcp)
		options.flags |= ARES_FLAG_USEVC;
	if (ares_init_options(&set->channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		    ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS)
		return ERR_IO;
	set_source(set->channel, &egress->source);
	return ares_set_servers_ports_csv(set->channel, set->servers) == ARES_SUCCESS ? ERR_OK : ERR_CONFIG;
}
struct server_set *
server_set_new(const struct strings *words, const struct egress *egress)
{
	struct server_set *set = calloc(1, sizeof(*set));

	if (set == NULL || set_prepare(set, words, egress) == ERR_OK)
		return set;
	log_event(LOG_ERROR, "resolvers refused", F_STR("servers", set->servers),
	    F_STR("advice", "write \"system\" or addresses like 10.0.0.53:53 in va.resolvers and va.zones"));
	server_set_free(set, NULL, NULL);
	return NULL;
}

bool
server_set_start(struct server_set *set, uv_loop_t *loop)
{
	if ((set->sockets = sockets_new(loop, set_ready, set)) == NULL)
		return false;
	uv_timer_init(loop, &set->tick);
	set->tick.data = set;
	return true;
}

static void
set_closed(uv_handle_t *handle)
{
	struct server_set *set = handle->data;

	if (set->closed != NULL)
		set->closed(set->closed_arg);
	free(set);
}

void
server_set_free(struct server_set *set, void (*closed)(void *), void *arg)
{
	if (set->channel != NULL)
		ares_destroy(set->channel); /* ends every query: questions go here */
	free(set->servers);
	set->closed = closed;
	set->closed_arg = arg;
	if (set->sockets == NULL) {
		set_closed(&(uv_handle_t){ .data = set });
		return;
	}
	sockets_free(set->sockets);
	uv_close((uv_handle_t *)&set->tick, set_closed);
}

const char *
server_set_text(const struct server_set *set)
{
	return set->servers;
}

static void
question_over(void *arg, int status, int timeouts, unsigned char *reply, int len)
{
	struct question *q = arg;
	struct server_set *set = q->set;
	server_set_done *done = q->done;
	void *done_arg = q->arg;

	(void)timeouts;
	free(q);
	if (--set->pending == 0 && set->sockets != NULL)
		uv_timer_stop(&set->tick);
	done(done_arg, status, slice_of(reply, reply != NULL && len > 0 ? (size_t)len : 0));
}

void
server_set_ask(struct server_set *set, const char *name, uint16_t type, server_set_done *done, void *arg)
{
	struct question *q = calloc(1, sizeof(*q));
	char absolute[260];

	if (q == NULL) {
		done(arg, ARES_ENOMEM, slice_of(NULL, 0));
		return;
	}
	*q = (struct question){ .set = set, .done = done, .arg = arg };
	snprintf(absolute, sizeof(absolute), "%.255s.", name);
	if (set->pending++ == 0)
		uv_timer_start(&set->tick, set_tick, TICK_MS, TICK_MS);
	ares_query(set->channel, absolute, ns_c_in, type, question_over, q);
}
