#include "cmd/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/findings.h"
#include "config/config.h"
#include "config/manual.h"
#include "lib/file.h"

static const char usage[] =
	"usage: signet check [--dir DIR | --config FILE]\n"
	"\n"
	"Tells all that is wrong with the configuration, the keys and certificates, the database and the ports.\n"
	"Changes nothing; the server may run meanwhile.\n"
	"\n"
	"  --dir DIR      the folder that `signet init` made, with signet.yaml in it (default: .)\n"
	"  --config FILE  another configuration file\n"
	"\n"
	"Exit codes: 0 sound, 1 problems found, 2 wrong usage.\n";

void
finding(struct findings *f, enum finding kind, const char *key, const char *format, ...)
{
	static const char *const words[] = { "ok", "note", "problem" };
	va_list	ap;

	f->problems += kind == FINDING_PROBLEM;
	f->notes += kind == FINDING_NOTE;
	printf("%-8s %s: ", words[kind], key);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

/* 0, or errno of the socket or the bind. */
static int
try_bind(int family, const struct sockaddr *address, socklen_t len)
{
	int	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, err = 0;

	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 || bind(fd, address, len) != 0 ||
	    listen(fd, 1) != 0)
		err = errno;
	close(fd);
	return err;
}

static int
try_listen(const char *host, uint16_t port)
{
	struct sockaddr_in	v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6	v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		return try_bind(AF_INET, (const struct sockaddr *)&v4, sizeof(v4));
	if (host[0] != '\0' && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return EINVAL;
	return try_bind(AF_INET6, (const struct sockaddr *)&v6, sizeof(v6));
}

static void
check_address(struct findings *f, const char *key, const char *text)
{
	char		host[256];
	uint16_t	port;
	int		err;

	if (text == NULL || text[0] == '\0' || !config_address(text, host, sizeof(host), &port))
		return;
	err = try_listen(host, port);
	if (err == 0)
		finding(f, FINDING_OK, key, "%s is free", text);
	else if (err == EADDRINUSE)
		finding(f, FINDING_NOTE, key, "%s is in use (is signet running?)", text);
	else if (err == EACCES)
		finding(f, FINDING_PROBLEM, key,
		    "%s: no permission for a port below 1024; start signet as root (it drops "
		    "that again) or choose a higher port",
		    text);
	else if (err == EADDRNOTAVAIL)
		finding(f, FINDING_PROBLEM, key,
		    "%s: this host has no such address; write one it has, or \"[::]:%u\"", text, port);
	else
		finding(f, FINDING_PROBLEM, key, "%s: can't listen there (%s)", text, strerror(err));
}

static void
check_addresses(struct findings *f, const char *key, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		check_address(f, key, list->items[i]);
}

/* A running resolver is not asked: check needs no network. */
static void
check_resolvers(struct findings *f, const struct va_config *va)
{
	struct buf	conf = { 0 };
	bool		 system = strcmp(va->resolvers.items[0], "system") == 0;

	if (!system) {
		finding(f, FINDING_OK, "va.resolvers", "%zu, %zu zones of their own", va->resolvers.count,
		    va->zone_count);
		return;
	}
	/* resolv.conf(5) files are small; a megabyte is none. */
	if (file_read("/etc/resolv.conf", 1 << 20, &conf) != ERR_OK || conf.len == 0 ||
	    memmem(conf.data, conf.len, "nameserver", 10) == NULL)
		finding(f, FINDING_NOTE, "va.resolvers",
		    "system, but /etc/resolv.conf names no nameserver; add one, or list addresses here");
	else
		finding(f, FINDING_OK, "va.resolvers", "system, as /etc/resolv.conf has them");
	buf_free(&conf);
}

static void
check_policy(struct findings *f, const struct ra_config *ra)
{
	for (size_t i = 0; i < ra->allow.count; i++)
		if (strcmp(ra->allow.items[i], "*") == 0) {
			finding(f, FINDING_NOTE, "ra.policy.allow",
			    "any name that a client proves may get a certificate (\"*\")");
			return;
		}
	if (ra->allow.count == 0)
		finding(f, FINDING_NOTE, "ra.policy.allow", "is empty: no name may get a certificate");
	else
		finding(f, FINDING_OK, "ra.policy.allow", "%zu patterns", ra->allow.count);
}

/* The exit code. */
static int
conclude(const struct findings *f, struct config *config)
{
	config_free(config);
	printf("%s: %u problem%s, %u note%s\n", f->problems == 0 ? "sound" : "not sound", f->problems,
	    f->problems == 1 ? "" : "s", f->notes, f->notes == 1 ? "" : "s");
	return f->problems == 0 ? 0 : 1;
}

static int
check_all(const char *file)
{
	struct findings	 f = { 0 };
	struct config	*config;

	/* Complaints are the product here, so they go where the rest goes. */
	if (config_read(file, &config, stdout) != ERR_OK) {
		printf("problem  %s: not usable; keys, database and ports are checked when it is\n", file);
		return 1;
	}
	finding(&f, FINDING_OK, config_is_perspective(config) ? "perspective" : "signet.yaml", "%s", file);
	if (config_is_perspective(config)) {
		findings_own_perspective(&f, config, file);
		check_addresses(&f, "perspective.listen", &config->perspective.listen);
		check_resolvers(&f, &config->va);
		return conclude(&f, config);
	}
	check_policy(&f, &config->ra);
	findings_files(&f, config);
	findings_profiles(&f, config);
	findings_perspectives(&f, config);
	check_addresses(&f, "wfe.listen", &config->wfe.listen);
	check_addresses(&f, "wfe.plain_listen", &config->wfe.plain_listen);
	check_address(&f, "wfe.metrics_listen", config->wfe.metrics_listen);
	check_resolvers(&f, &config->va);
	return conclude(&f, config);
}

/* *file on the heap; otherwise NULL, and the exit code. */
static int
parse_arguments(int argc, char **argv, char **file)
{
	static const struct option known[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "config", required_argument, NULL, 'c' },
		{ "options", no_argument, NULL, 'o' },	/* not for people: makes man/signet.yaml.5 */
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char	*dir = NULL, *config = NULL;
	int		 c;

	*file = NULL;
	while ((c = getopt_long(argc, argv, "h", known, NULL)) != -1)
		switch (c) {
		case 'd':
			dir = optarg;
			break;
		case 'c':
			config = optarg;
			break;
		case 'o':
			options_print(stdout);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (optind != argc || (dir != NULL && config != NULL)) {
		fputs("signet check: takes --dir or --config, and nothing else\n", stderr);
		fputs(usage, stderr);
		return 2;
	}
	*file = config != NULL ? strdup(config) : file_join(dir != NULL ? dir : ".", "signet.yaml");
	if (*file == NULL)
		abort();
	return 0;
}

int
check_command(int argc, char **argv)
{
	char	*file;
	int	 code = parse_arguments(argc, argv, &file);

	if (file == NULL)
		return code;
	code = check_all(file);
	free(file);
	return code;
}
