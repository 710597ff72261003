#include "pebble-compat/bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX 253		/* RFC 1035, 3.1, as text */
#define PORT_MAX 32		/* the longest name of a service is far shorter */
#define BACKLOG 1024

struct parts {
	char	host[HOST_MAX + 1];
	char	port[PORT_MAX + 1];
};

/* As Go's net.SplitHostPort. */
static enum err
parts_read(const char *address, struct parts *parts, struct reason *reason)
{
	const char	*colon = strrchr(address, ':'), *host = address;
	size_t		 len;

	if (colon == NULL || (address[0] == '[' && strchr(address, ']') != colon - 1)) {
		reason_set(reason, "address %s: missing port in address", address);
		return ERR_MALFORMED;
	}
	len = (size_t)(colon - address);
	if (address[0] == '[') {
		host++;
		len -= 2;
	} else if (memchr(address, ':', len) != NULL) {
		reason_set(reason, "address %s: too many colons in address", address);
		return ERR_MALFORMED;
	}
	if (len > HOST_MAX || strlen(colon + 1) > PORT_MAX) {
		reason_set(reason, "address %s: it is too long", address);
		return ERR_MALFORMED;
	}
	memcpy(parts->host, host, len);
	parts->host[len] = '\0';
	snprintf(parts->port, sizeof(parts->port), "%s", colon[1] == '\0' ? "0" : colon + 1);
	return ERR_OK;
}

static bool
is_everywhere(const char *host)
{
	return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* -1 with errno. */
static int
socket_bind(const struct sockaddr *address, socklen_t len, int type)
{
	int	fd = socket(address->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int	on = 1, off = 0, failed;

	if (fd == -1)
		return -1;
	failed = (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0) ||
	    (address->sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0) ||
	    bind(fd, address, len) != 0 || (type == SOCK_STREAM && listen(fd, BACKLOG) != 0);
	if (failed) {
		failed = errno;
		close(fd);
		errno = failed;
		return -1;
	}
	return fd;
}

const struct addrinfo *
bind_choose(const struct addrinfo *found, int family)
{
	for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		if (a->ai_family == family)
			return a;
	}
	return found;
}

enum err
bind_address(const char *address, int type, int *fd, struct reason *reason)
{
	struct addrinfo		 hints = { .ai_flags = AI_PASSIVE, .ai_socktype = type }, *found = NULL;
	const struct addrinfo	*a;
	struct parts		 parts;
	bool			 everywhere;
	enum err		 err;
	int			 code;

	*fd = -1;
	if ((err = parts_read(address, &parts, reason)) != ERR_OK)
		return err;
	everywhere = is_everywhere(parts.host);
	code = getaddrinfo(everywhere ? NULL : parts.host, parts.port, &hints, &found);
	if (code != 0) {
		reason_set(reason, "address %s: %s", address, gai_strerror(code));
		return ERR_NOT_FOUND;
	}
	a = bind_choose(found, everywhere ? AF_INET6 : AF_INET);
	*fd = socket_bind(a->ai_addr, a->ai_addrlen, type);
	/* A kernel without IPv6. */
	if (*fd == -1 && everywhere && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		a = bind_choose(found, AF_INET);
		*fd = socket_bind(a->ai_addr, a->ai_addrlen, type);
	}
	if (*fd == -1) {
		reason_set(reason, "listen %s %s: %s", type == SOCK_STREAM ? "tcp" : "udp", address, strerror(errno));
		err = ERR_IO;
	}
	freeaddrinfo(found);
	return err;
}

void
bind_text(int fd, char out[BIND_TEXT_SIZE])
{
	struct sockaddr_storage	 address = { 0 };
	const struct sockaddr_in6 *in6 = (const void *)&address;
	const struct sockaddr_in *in = (const void *)&address;
	socklen_t		 len = sizeof(address);
	char			 host[INET6_ADDRSTRLEN];

	out[0] = '\0';
	if (getsockname(fd, (void *)&address, &len) != 0)
		return;
	if (address.ss_family == AF_INET6 && inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host)) != NULL)
		snprintf(out, BIND_TEXT_SIZE, "[%s]:%u", host, ntohs(in6->sin6_port));
	else if (address.ss_family == AF_INET && inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host)) != NULL)
		snprintf(out, BIND_TEXT_SIZE, "%s:%u", host, ntohs(in->sin_port));
}
