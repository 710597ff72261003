#include "wfe/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "wfe/check.h"
#include "wfe/hops.h"
#include "wfe/request.h"

/* For each connection's request line, headers, and the piece of body being read: it bounds the headers (431
 * beyond it). Browsers send 1 to 2 KiB, ACME clients less. Bodies are collected elsewhere. */
#define CONNECTION_MEMORY 16384
#define CONNECTION_MEMORY_STEP 4096
#define METRICS_CONNECTIONS 16	/* a few collectors */
#define PLAIN_SHARE 4		/* plain listeners get a quarter of the connections, ACME the rest */

static bool
is_secure(const struct server *server)
{
	return (server->kind == LISTENER_ACME || server->kind == LISTENER_MANAGEMENT) && server->wfe->tls != NULL;
}

static void
remote_text(const struct sockaddr *sa, char out[REMOTE_MAX + 1])
{
	const struct sockaddr_in	*in = (const void *)sa;
	const struct sockaddr_in6	*in6 = (const void *)sa;

	out[0] = '\0';
	if (sa == NULL)
		return;
	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, out, REMOTE_MAX + 1);
	else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, REMOTE_MAX + 1);
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, out, REMOTE_MAX + 1);
}

/* Whose handshakes are for everybody. */
static bool
is_proxy(const struct wfe *wfe, const char *remote)
{
	const struct strings	*trusted = &wfe->config->wfe.trusted_proxies;
	struct address		 address;

	return trusted->count > 0 && address_parse(remote, &address) && hops_trusted(trusted, &address);
}

static void
opened(struct server *server, struct MHD_Connection *c, void **context)
{
	const union MHD_ConnectionInfo	*fd, *address, *session;
	char				 remote[REMOTE_MAX + 1];

	fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	address = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	remote_text(address != NULL ? address->client_addr : NULL, remote);
	if (fd == NULL)
		return;
	*context = connection_opened(server->wfe->connections, server->crowd, fd->connect_fd, remote,
	    clock_monotonic_ms());
	if (!is_secure(server))
		return;
	session = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (session == NULL || *context == NULL)
		return;
	tls_session(server->wfe->tls, session->tls_session);
	*connection_handshake(*context) = handshake_new(server->wfe->watcher, c, fd->connect_fd, session->tls_session,
	    *context, is_proxy(server->wfe, remote) ? "" : connection_remote(*context));
}

static void
on_connection(void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode code)
{
	struct server *server = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		opened(server, c, context);
	} else {
		if (*context != NULL)
			handshake_free(*connection_handshake(*context));
		connection_closed(server->wfe->connections, *context);
		*context = NULL;
	}
}

/* What the library complains about is what clients do: bad handshakes, broken requests. */
static void __attribute__((format(printf, 2, 0)))
on_log(void *cls, const char *format, va_list args)
{
	char text[256], clean[256];

	(void)cls;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\r\n")] = '\0';
	text_clean(text, clean, sizeof(clean));
	log_event(LOG_DEBUG, "http library", F_STR("message", clean));
}

/* Paths are compared as they were sent: no resource of ours needs an escape. */
static size_t
keep_escapes(void *cls, struct MHD_Connection *c, char *text)
{
	(void)cls;
	(void)c;
	return strlen(text);
}

static unsigned
connection_limit(const struct wfe *wfe, enum listener_kind kind, const struct listener *all, size_t count)
{
	int64_t	total = wfe->config->wfe.connections;
	int64_t	same = 0, plain = 0;

	for (size_t i = 0; i < count; i++) {
		same += all[i].kind == kind;
		plain += all[i].kind == LISTENER_PLAIN;
	}
	if (kind == LISTENER_METRICS || kind == LISTENER_MANAGEMENT)
		return METRICS_CONNECTIONS;
	if (kind == LISTENER_PLAIN)
		total /= PLAIN_SHARE;
	else if (plain > 0)
		total -= total / PLAIN_SHARE;
	return total / same > 0 ? (unsigned)(total / same) : 1;
}

static bool
start(struct server *server, int fd, unsigned limit)
{
	const struct wfe	*wfe = server->wfe;
	bool			 tls = is_secure(server);
	/* A pool of one is no pool. */
	unsigned		 pool = server->kind == LISTENER_ACME && wfe->threads > 1 ? wfe->threads : 0;
	unsigned		 flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
	    MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
	struct MHD_OptionItem	 secure[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES },
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)tls_retrieve },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem	 none[] = { { MHD_OPTION_END, 0, NULL } };

	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, request_serve, server,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
	    MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_THREAD_POOL_SIZE, pool,
	    MHD_OPTION_CONNECTION_LIMIT, limit > pool ? limit : pool + 1,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)CONNECTION_MEMORY_STEP,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)wfe->config->wfe.idle_time,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
	    MHD_OPTION_URI_LOG_CALLBACK, request_begin, server,
	    MHD_OPTION_NOTIFY_COMPLETED, request_end, server,
	    MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_ARRAY, tls ? secure : none,
	    MHD_OPTION_END);
	return server->daemon != NULL;
}

bool
listen_start(struct wfe *wfe, const struct listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct server *server = &wfe->servers[wfe->server_count];
		unsigned limit = connection_limit(wfe, listeners[i].kind, listeners, count);

		server->wfe = wfe;
		server->kind = listeners[i].kind;
		server->crowd = connections_crowd(wfe->connections, limit);
		if (!start(server, listeners[i].fd, limit)) {
			log_event(LOG_ERROR, "a listener can't be started", F_INT("fd", listeners[i].fd),
			    F_INT("kind", server->kind));
			return false;
		}
		wfe->server_count++;
	}
	return true;
}

void
listen_quiesce(struct wfe *wfe)
{
	for (size_t i = 0; i < wfe->server_count; i++)
		(void)MHD_quiesce_daemon(wfe->servers[i].daemon);
}

void
listen_stop(struct wfe *wfe)
{
	for (size_t i = 0; i < wfe->server_count; i++)
		MHD_stop_daemon(wfe->servers[i].daemon);
	wfe->server_count = 0;
}
