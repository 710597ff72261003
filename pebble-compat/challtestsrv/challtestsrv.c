/* The challenge test server answers validations as a client's test suite tells it to, by a management interface that
 * asks nobody who he is: it is for tests, holds no secret, and runs as whoever starts it. DNS and tls-alpn-01 are on
 * one event loop, this thread's; each HTTP listener has a thread of its own; what they share is in one store. */
#include "pebble-compat/challtestsrv/challtestsrv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "lib/file.h"
#include "pebble-compat/bind.h"
#include "pebble-compat/challtestsrv/alpn.h"
#include "pebble-compat/challtestsrv/dns.h"
#include "pebble-compat/challtestsrv/manage.h"
#include "pebble-compat/challtestsrv/self_signed.h"
#include "pebble-compat/challtestsrv/web.h"
#include "pebble-compat/flags.h"
#include "pebble-compat/golog.h"

#define HTTP_MAX 64		/* listeners by HTTP, of all kinds together */
#define PEM_MAX 262144
#define DNS_TRIES 16		/* until a free TCP port is free by UDP too */

struct options {
	const char	*http01, *https01, *tlsalpn01, *dns, *doh, *management;
	const char	*doh_cert, *doh_key;
	const char	*ipv4, *ipv6;
};

struct server {
	struct options		 options;
	struct store		*store;
	EVP_PKEY		*key;		/* of the self-signed certificates */
	struct buf		 cert_pem, key_pem, doh_cert, doh_key;
	struct alpn		*alpn;
	uv_loop_t		 loop;
	uv_signal_t		 signals[3];
	struct http_service	 http01, https01, doh, management;
	struct http		*http[HTTP_MAX];
	size_t			 http_count;
};

/* Opens one listener; false: it was told why not. */
typedef bool opener(struct server *, const char *address);

static bool
stream_bind(const char *address, int *fd, char text[BIND_TEXT_SIZE])
{
	struct reason reason;

	if (bind_address(address, SOCK_STREAM, fd, &reason) != ERR_OK) {
		golog("%s", reason.text);
		return false;
	}
	bind_text(*fd, text);
	return true;
}

/* What the log calls it: as it was given, which suites look for, unless that leaves the port open. */
static const char *
name_of(const char *address, const char *bound)
{
	size_t len = strlen(address);

	return len > 1 && strcmp(address + len - 2, ":0") == 0 ? bound : address;
}

static bool
open_http(struct server *server, const char *address, const struct http_service *service, const char *what)
{
	char	bound[BIND_TEXT_SIZE];
	int	fd;

	if (server->http_count == HTTP_MAX) {
		golog("%s: there are %d listeners by HTTP already", address, HTTP_MAX);
		return false;
	}
	if (!stream_bind(address, &fd, bound))
		return false;
	server->http[server->http_count] = http_start(fd, service, server->store);
	if (server->http[server->http_count] == NULL) {
		golog("%s: the HTTP server can't be started%s", address,
		    service->certificate != NULL ? "; perhaps the certificate and key are no good" : "");
		return false;
	}
	server->http_count++;
	golog("%s on %s", what, name_of(address, bound));
	return true;
}

static bool
open_http01(struct server *server, const char *address)
{
	return open_http(server, address, &server->http01, "Creating HTTP-01 challenge server");
}

static bool
open_https01(struct server *server, const char *address)
{
	return open_http(server, address, &server->https01, "Creating HTTPS HTTP-01 challenge server");
}

static bool
open_management(struct server *server, const char *address)
{
	return open_http(server, address, &server->management, "Starting management server");
}

static bool
pem_read(const char *flag, const char *path, struct buf *out)
{
	enum err err;

	if (out->len > 0)
		return true;
	if ((err = file_read(path, PEM_MAX, out)) == ERR_OK) {
		buf_put_byte(out, '\0');
		return true;
	}
	golog("-%s \"%s\": %s", flag, path, path[0] == '\0' ? "DNS by HTTPS needs it" : err_text(err));
	return false;
}

static bool
open_doh(struct server *server, const char *address)
{
	if (!pem_read("doh-cert", server->options.doh_cert, &server->doh_cert) ||
	    !pem_read("doh-cert-key", server->options.doh_key, &server->doh_key))
		return false;
	server->doh.certificate = (const char *)server->doh_cert.data;
	server->doh.key = (const char *)server->doh_key.data;
	return open_http(server, address, &server->doh, "Creating DoH server");
}

static bool
open_tlsalpn01(struct server *server, const char *address)
{
	char	bound[BIND_TEXT_SIZE];
	int	fd;

	if (!stream_bind(address, &fd, bound) || alpn_serve(server->alpn, &server->loop, fd) != ERR_OK)
		return false;
	golog("Creating TLS-ALPN-01 challenge server on %s", name_of(address, bound));
	return true;
}

/* Both sockets on one port. */
static bool
dns_bind(const char *address, int *tcp, int *udp, char bound[BIND_TEXT_SIZE])
{
	struct reason	reason = { "" };
	bool		any;

	for (int i = 0; i < DNS_TRIES; i++) {
		if (!stream_bind(address, tcp, bound))
			return false;
		any = name_of(address, bound) == bound;
		if (bind_address(any ? bound : address, SOCK_DGRAM, udp, &reason) == ERR_OK)
			return true;
		close(*tcp);
		if (!any)
			break;
	}
	golog("%s", reason.text);
	return false;
}

static bool
open_dns(struct server *server, const char *address)
{
	char	bound[BIND_TEXT_SIZE];
	int	tcp, udp;

	if (!dns_bind(address, &tcp, &udp, bound) || dns_serve(&server->loop, server->store, udp, tcp) != ERR_OK)
		return false;
	golog("Creating TCP and UDP DNS-01 challenge server on %s", name_of(address, bound));
	return true;
}

/* Calls open for each address of a comma list, blanks around them and empty ones left out. How many there were;
 * no open: only that. */
static size_t
each_address(struct server *server, const char *list, opener *open)
{
	size_t count = 0;

	while (*list != '\0') {
		size_t	 skip = strspn(list, ", \t"), len = strcspn(list + skip, ",");
		char	*address = strndup(list + skip, len);

		list += skip + len;
		while (address != NULL && len > 0 && (address[len - 1] == ' ' || address[len - 1] == '\t'))
			address[--len] = '\0';
		if (address != NULL && len > 0) {
			count++;
			if (open != NULL)
				(void)open(server, address);
		}
		free(address);
	}
	return count;
}

static void
on_signal(uv_signal_t *handle, int number)
{
	golog("Caught %s. Shutting down", strsignal(number));
	uv_stop(handle->loop);
}

static bool
defaults_set(struct server *server)
{
	const struct {
		const char *key, *text, *type;
	} defaults[] = { { "ipv4", server->options.ipv4, "A" }, { "ipv6", server->options.ipv6, "AAAA" } };

	for (int i = 0; i < 2; i++) {
		if (defaults[i].text[0] == '\0')
			continue;
		if (!store_set(server->store, TABLE_DEFAULT, defaults[i].key, json_pack("[s]", defaults[i].text)))
			return false;
		if (server->options.dns[0] != '\0')
			golog("Answering %s queries with %s by default", defaults[i].type, defaults[i].text);
	}
	return true;
}

static bool
prepare(struct server *server)
{
	server->http01 = (struct http_service){ .serve = web_http01, .close = true, .idle = 5 };
	server->https01 = server->http01;
	server->management = (struct http_service){ .serve = manage_serve, .idle = 30 };
	server->doh = (struct http_service){ .serve = web_doh, .idle = 5, .may_wait = true };
	if (uv_loop_init(&server->loop) != 0 || (server->store = store_new()) == NULL ||
	    (server->key = EVP_EC_gen("P-256")) == NULL ||
	    !self_signed_https(server->key, &server->cert_pem, &server->key_pem) ||
	    (server->alpn = alpn_new(server->store, server->key)) == NULL || !defaults_set(server))
		return false;
	buf_put_byte(&server->cert_pem, '\0');
	buf_put_byte(&server->key_pem, '\0');
	server->https01.certificate = (const char *)server->cert_pem.data;
	server->https01.key = (const char *)server->key_pem.data;
	return !server->cert_pem.failed && !server->key_pem.failed;
}

static void
open_all(struct server *server)
{
	static const int	 numbers[] = { SIGTERM, SIGINT, SIGHUP };
	const struct options	*o = &server->options;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)uv_signal_init(&server->loop, &server->signals[i]);
		(void)uv_signal_start(&server->signals[i], on_signal, numbers[i]);
	}
	manage_open((o->http01[0] != '\0' || o->https01[0] != '\0' ? MANAGE_HTTP : 0) |
	    (o->dns[0] != '\0' ? MANAGE_DNS : 0) | (o->tlsalpn01[0] != '\0' ? MANAGE_TLSALPN : 0));
	each_address(server, o->http01, open_http01);
	each_address(server, o->https01, open_https01);
	each_address(server, o->dns, open_dns);
	each_address(server, o->doh, open_doh);
	each_address(server, o->tlsalpn01, open_tlsalpn01);
	/* Last: who reads its line may use all of them. */
	if (o->management[0] != '\0')
		(void)open_management(server, o->management);
}

static int
serve(const struct options *options)
{
	struct server	*server = calloc(1, sizeof(*server));

	(void)signal(SIGPIPE, SIG_IGN);
	if (server == NULL)
		return 1;
	server->options = *options;
	if (!prepare(server)) {
		fputs("Unable to construct challenge server: out of memory, or OpenSSL failed\n", stderr);
		return 1;
	}
	open_all(server);
	(void)uv_run(&server->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < server->http_count; i++)
		http_stop(server->http[i]);
	golog("Goodbye!");
	return 0;
}

int
challtestsrv_command(int argc, char **argv)
{
	struct options		 o = { .http01 = ":5002", .https01 = ":5003", .tlsalpn01 = ":5001", .dns = ":8053",
		.doh = ":8443", .management = ":8055", .doh_cert = "", .doh_key = "", .ipv4 = "127.0.0.1",
		.ipv6 = "::1" };
	const struct flag	 flags[] = {
#define LISTENER(what) "Comma separated bind addresses/ports for " what ". Set empty to disable."
		{ "defaultIPv4", &o.ipv4, NULL, "Default IPv4 address, or host name, for responses to A queries" },
		{ "defaultIPv6", &o.ipv6, NULL, "Default IPv6 address, or host name, for responses to AAAA queries" },
		{ "dns01", &o.dns, NULL, "The former name of -dnsserver" },
		{ "dnsserver", &o.dns, NULL, LISTENER("fake DNS data, DNS-01 challenges among it, by UDP and TCP") },
		{ "doh", &o.doh, NULL, LISTENER("DNS queries by HTTPS") },
		{ "doh-cert", &o.doh_cert, NULL, "Path to certificate file for the DoH server" },
		{ "doh-cert-key", &o.doh_key, NULL, "Path to certificate key file for the DoH server" },
		{ "http01", &o.http01, NULL, LISTENER("HTTP-01 challenges") },
		{ "https01", &o.https01, NULL, LISTENER("HTTPS HTTP-01 challenges") },
		{ "management", &o.management, NULL, "Bind address/port for the management HTTP interface" },
		{ "tlsalpn01", &o.tlsalpn01, NULL, LISTENER("TLS-ALPN-01 challenges") },
	};
	size_t			 count = sizeof(flags) / sizeof(flags[0]);
	int			 rest, status;

	golog_open("pebble-challtestsrv - ");
	if ((status = flags_parse(flags, count, argc, argv, stderr, &rest)) != FLAGS_GO)
		return status;
	if (rest < argc) {
		fprintf(stderr, "invalid command line arguments: %s\n", argv[rest]);
		flags_usage(flags, count, argv[0], stderr);
		return 1;
	}
	if (each_address(NULL, o.http01, NULL) + each_address(NULL, o.https01, NULL) +
	    each_address(NULL, o.dns, NULL) + each_address(NULL, o.tlsalpn01, NULL) == 0) {
		fputs("Unable to construct challenge server: one of -http01, -https01, -dnsserver and -tlsalpn01 must "
		    "have an address\n", stderr);
		return 1;
	}
	return serve(&o);
}
