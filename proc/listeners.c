#include "proc/listeners.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"

/* The kernel bounds it by net.core.somaxconn, 4096 since Linux 5.4. */
#define BACKLOG 4096
#define TRY_AGAIN_MS 20

struct wanted {
	const char		*option;
	const char		*address;
	enum listener_kind	 kind;
};

static const char *
remedy_for(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another program has this port (`ss -ltnp` names it); stop it or choose another port";
	case EACCES:
	case EPERM:
		return "ports below 1024 need root or CAP_NET_BIND_SERVICE; start as root or choose a higher "
		       "port";
	case EADDRNOTAVAIL:
		return "no interface of this machine has this address; use one it has, or \"[::]\" for all";
	case EAFNOSUPPORT:
		return "this kernel lacks this address family; use the other one";
	case EMFILE:
	case ENFILE:
		return "too many descriptors are open; raise the limit";
	default:
		return "see socket(7)";
	}
}

/* Numeric only: a name would make the set of sockets depend on the resolver of the day. */
static struct addrinfo *
resolve(const char *host, uint16_t port)
{
	struct addrinfo	 hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo	*found = NULL;
	char		 service[8];

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	if (getaddrinfo(host, service, &hints, &found) != 0)
		return NULL;
	return found;
}

static int
open_address(const struct addrinfo *ai)
{
	const int	on = 1, off = 0;
	int		saved;
	int		fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		goto failed;
	/* "[::]" serves IPv4 as well, whatever net.ipv6.bindv6only says. */
	if (ai->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		goto failed;
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		goto failed;
	return fd;
 failed:
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* -1 with errno; EINVAL: not an address. */
static int
open_listener(const char *text)
{
	char		 host[256];
	uint16_t	 port;
	struct addrinfo	*ai;
	int		 fd;
	bool		 any;

	if (!config_listen_address(text, host, sizeof(host), &port)) {
		errno = EINVAL;
		return -1;
	}
	any = host[0] == '\0' || strcmp(host, "::") == 0;
	if ((ai = resolve(any ? "::" : host, port)) == NULL) {
		errno = EINVAL;
		return -1;
	}
	fd = open_address(ai);
	freeaddrinfo(ai);
	/* IPv6 switched off: all addresses are then all of IPv4's. */
	if (fd < 0 && any && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) &&
	    (ai = resolve("0.0.0.0", port)) != NULL) {
		fd = open_address(ai);
		freeaddrinfo(ai);
	}
	return fd;
}

static void
want(struct wanted *list, size_t *count, struct wanted one)
{
	if (*count < LISTENERS_MAX)
		list[*count] = one;
	(*count)++;
}

static size_t
collect(const struct config *config, struct wanted list[LISTENERS_MAX])
{
	const struct wfe_config *wfe = &config->wfe;
	size_t			 count = 0;

	for (size_t i = 0; i < config->perspective.listen.count; i++)
		want(list, &count, (struct wanted){ "perspective.listen", config->perspective.listen.items[i],
			LISTENER_PERSPECTIVE });
	if (config_is_perspective(config))
		return count;
	for (size_t i = 0; i < wfe->listen.count; i++)
		want(list, &count, (struct wanted){ "wfe.listen", wfe->listen.items[i], LISTENER_ACME });
	for (size_t i = 0; i < wfe->plain_listen.count; i++)
		want(list, &count,
		    (struct wanted){ "wfe.plain_listen", wfe->plain_listen.items[i], LISTENER_PLAIN });
	for (size_t i = 0; i < wfe->management_listen.count; i++)
		want(list, &count,
		    (struct wanted){ "wfe.management_listen", wfe->management_listen.items[i], LISTENER_MANAGEMENT });
	if (wfe->metrics_listen != NULL && wfe->metrics_listen[0] != '\0')
		want(list, &count,
		    (struct wanted){ "wfe.metrics_listen", wfe->metrics_listen, LISTENER_METRICS });
	return count;
}

static struct held_listener *
find(struct listeners *listeners, const struct wanted *w)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct held_listener *held = &listeners->held[i];

		if (held->socket.kind == w->kind && strcmp(held->address, w->address) == 0)
			return held;
	}
	return NULL;
}

static int
open_listener_by(const char *text, int64_t until)
{
	static const struct timespec pause = { .tv_nsec = TRY_AGAIN_MS * 1000000L };
	int fd;

	while ((fd = open_listener(text)) < 0 && errno == EADDRINUSE && clock_monotonic_ms() < until)
		nanosleep(&pause, NULL);
	return fd;
}

static bool
add(struct listeners *listeners, const struct wanted *w, const struct config *config, int64_t until, FILE *complaints)
{
	struct held_listener one = { .socket = { .fd = open_listener_by(w->address, until), .kind = w->kind } };

	if (one.socket.fd < 0) {
		if (errno == EINVAL)
			fprintf(complaints, "%s: %s: %s: not an IP address and port; write \"[::]:9443\" for "
			    "all addresses, or \"192.0.2.1:9443\"\n", config->file, w->option, w->address);
		else
			fprintf(complaints, "%s: %s: %s: can't listen: %s; %s\n", config->file, w->option,
			    w->address, strerror(errno), remedy_for(errno));
		return false;
	}
	if (listeners->count == 2 * LISTENERS_MAX || (one.address = strdup(w->address)) == NULL) {
		fprintf(complaints, "%s: %s: %s: no room for another listener\n", config->file, w->option,
		    w->address);
		close(one.socket.fd);
		return false;
	}
	listeners->held[listeners->count++] = one;
	return true;
}

static void
truncate_to(struct listeners *listeners, size_t count)
{
	while (listeners->count > count) {
		struct held_listener *last = &listeners->held[--listeners->count];

		close(last->socket.fd);
		free(last->address);
	}
}

enum err
listeners_sync(struct listeners *listeners, const struct config *config, int64_t until, FILE *complaints)
{
	struct wanted	wanted[LISTENERS_MAX];
	size_t		before = listeners->count, count = collect(config, wanted);
	bool		ok = true;

	if (count > LISTENERS_MAX) {
		fprintf(complaints, "%s: wfe.listen: %zu addresses in all wfe.*listen options; at most %d\n",
		    config->file, count, LISTENERS_MAX);
		return ERR_CONFIG;
	}
	for (size_t i = 0; i < count; i++) {
		if (find(listeners, &wanted[i]) == NULL)
			ok = add(listeners, &wanted[i], config, until, complaints) && ok;
	}
	if (!ok) {
		truncate_to(listeners, before);
		return ERR_CONFIG;
	}
	for (size_t i = 0; i < listeners->count; i++)
		listeners->held[i].wanted = false;
	for (size_t i = 0; i < count; i++)
		find(listeners, &wanted[i])->wanted = true;
	return ERR_OK;
}

void
listeners_prune(struct listeners *listeners)
{
	size_t kept = 0;

	for (size_t i = 0; i < listeners->count; i++) {
		if (listeners->held[i].wanted) {
			listeners->held[kept++] = listeners->held[i];
			continue;
		}
		close(listeners->held[i].socket.fd);
		free(listeners->held[i].address);
	}
	listeners->count = kept;
}

void
listeners_close(struct listeners *listeners)
{
	truncate_to(listeners, 0);
}
