#include "pebble-compat/command.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include "config/config.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "pebble-compat/flags.h"
#include "pebble-compat/folder.h"
#include "pebble-compat/keep.h"
#include "pebble-compat/relay.h"
#include "pebble-compat/yaml.h"
#include "proc/supervisor.h"

/* Clients parse it, and some want 2.10 at least. */
#define VERSION "Pebble version: 2.10.1"

struct pebble {
	const char	*file, *resolver, *ready_file, *faults, *keep, *plain, *caa;
	bool		 strict, auto_renewal, version;
	bool		 served;		/* it got as far as that */
	struct settings	 settings;
	char		 relay[RELAY_TEXT_SIZE];	/* asked in place of the resolver; "": it is asked itself */
	char		 folder[FOLDER_SIZE];	/* "": not made yet */
};

/* --- what it says ------------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 1, 2)))
say(const char *format, ...)
{
	char	text[CLOCK_RFC3339_SIZE];
	va_list args;

	clock_rfc3339(clock_now(), text);
	printf("Pebble %.4s/%.2s/%.2s %.8s ", text, text + 5, text + 8, text + 11);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "[!] %s - %s\n", what, why);
	return 1;
}

/* --- from its settings to a configuration ---------------------------------------------------------------- */

/* A CA of this run alone, or the one that the folder keeps. */
static enum err
hierarchy_get(struct hierarchy *h, const struct pebble *p, struct reason *reason)
{
	size_t chains = 1 + (size_t)p->settings.alternate_roots, length = (size_t)p->settings.chain_length;

	if (p->keep[0] == '\0')
		return hierarchy_make(h, chains, length, p->settings.ecdsa);
	return hierarchy_keep(h, p->keep, chains, length, p->settings.ecdsa, reason);
}

static enum err
configure(struct pebble *p, uint64_t seed, struct config **out, struct reason *reason)
{
	struct wishes	  wishes = { p->relay[0] != '\0' ? p->relay : p->resolver, p->strict, seed, p->faults, p->plain, p->caa,
		p->auto_renewal };
	struct hierarchy *h = calloc(1, sizeof(*h));
	struct buf	  yaml = { 0 };
	enum err	  err = ERR_MEMORY;

	*out = NULL;
	if (h != NULL && (err = hierarchy_get(h, p, reason)) == ERR_OK)
		err = yaml_write(&p->settings, &wishes, h, p->folder, &yaml, reason);
	if (err == ERR_OK) {
		for (size_t i = 0; i < h->count; i++)
			say("Generated issuance chain: %s -> %s", h->chains[i].root.name, h->chains[i].intermediates[0].name);
		err = config_parse(buf_slice(&yaml), p->file, p->folder, out, stderr);
	}
	if (h != NULL)
		hierarchy_free(h);
	free(h);
	buf_free(&yaml);
	return err;
}

/* 63 bits, for YAML and for people's eyes. */
static uint64_t
seed_of(void)
{
	const char *text = getenv("PEBBLE_SEED");
	uint64_t    seed = text != NULL ? strtoull(text, NULL, 10) & INT64_MAX : 0;

	while (seed == 0) {
		if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
			abort();
		seed >>= 33;
	}
	return seed;
}

/* --- ready ---------------------------------------------------------------------------------------------- */

static unsigned
port_of(const struct listeners *listeners, enum listener_kind kind)
{
	struct sockaddr_storage address;
	socklen_t		len = sizeof(address);

	for (size_t i = 0; i < listeners->count; i++) {
		if (listeners->held[i].socket.kind != kind ||
		    getsockname(listeners->held[i].socket.fd, (struct sockaddr *)&address, &len) != 0)
			continue;
		return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
							   : ((struct sockaddr_in *)&address)->sin_port);
	}
	return 0;
}

/* The address as configured, with the port that it got. */
static void
address_text(const char *configured, unsigned port, char *out, size_t size)
{
	const char *colon = strrchr(configured, ':');

	snprintf(out, size, "%.*s:%u", (int)(colon != NULL ? colon - configured : 0), configured, port);
}

/* Written beside and renamed, so that who waits for it reads it whole. */
static void
ready_file_write(const char *file, unsigned acme, unsigned management, unsigned plain)
{
	char  name[4096];
	FILE *out;

	if (snprintf(name, sizeof(name), "%s.new", file) >= (int)sizeof(name) || (out = fopen(name, "we")) == NULL) {
		say("ready file %s can't be written", file);
		return;
	}
	fprintf(out, "{\"acme\": %u, \"management\": %u, \"plain\": %u, \"directory\": \"https://localhost:%u/dir\", "
	    "\"pid\": %d}\n", acme, management, plain, acme, (int)getpid());
	if (fclose(out) != 0 || rename(name, file) != 0)
		say("ready file %s can't be written", file);
}

static void
say_management(const struct settings *s, unsigned port)
{
	char address[300];

	if (port == 0) {
		say("Management interface is disabled");
		return;
	}
	address_text(s->management, port, address, sizeof(address));
	say("Management interface listening on: %s", address);
	say("Root CA certificate available at: https://%s/roots/0", address);
	for (int64_t i = 1; i <= s->alternate_roots; i++)
		say("Alternate (%lld) root CA certificate available at: https://%s/roots/%lld", (long long)i, address,
		    (long long)i);
}

static void
ready(void *arg, const struct listeners *listeners)
{
	struct pebble *p = arg;
	unsigned       acme = port_of(listeners, LISTENER_ACME), management = port_of(listeners, LISTENER_MANAGEMENT);
	char	       address[300];

	p->served = true;
	say_management(&p->settings, management);
	address_text(p->settings.listen, acme, address, sizeof(address));
	say("Listening on: %s", address);
	say("ACME directory available at: https://%s/dir", address);
	if (p->ready_file != NULL && p->ready_file[0] != '\0')
		ready_file_write(p->ready_file, acme, management, port_of(listeners, LISTENER_PLAIN));
}

/* --- the command ------------------------------------------------------------------------------------------ */

/* As Pebble says them: suites of those who run it look for some. */
static void
say_settings(const struct pebble *p)
{
	const struct settings *s = &p->settings;

	if (p->resolver[0] != '\0')
		say("Using custom DNS resolver for ACME challenges: %s", p->resolver);
	else
		say("Using system DNS resolver for ACME challenges");
	if (p->relay[0] != '\0')
		say("The host of -dnsserver is not known yet; it is looked up for each question, by way of %s", p->relay);
	if (s->no_sleep)
		say("Disabling random VA sleeps");
	else
		say("Setting maximum random VA sleep time to %lld seconds", (long long)s->sleep);
	if (s->always_valid)
		say("Disabling VA challenge requests. VA always returns valid");
	say("Configured to reject %lld%% of good nonces", (long long)s->nonce_reject);
	say("Configured to attempt authz reuse for each identifier %lld%% of the time", (long long)s->authz_reuse);
	say("Configured to show %lld orders per page", (long long)s->orders_per_page);
}

/* The log of the processes is on standard output, where Pebble's users look for it; they look for this here. */
static int
serve_logged(struct pebble *p, struct config *config)
{
	int err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0), code;

	if (err < 0 || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return fail("Log", "standard output can't be used");
	code = supervisor_run_for(config, ready, p);
	if (code != 0 && !p->served)
		dprintf(err, "[!] Start - it could not serve; the last lines of the log say why\n");
	close(err);
	return code;
}

static int
serve(struct pebble *p)
{
	struct config *config;
	struct reason  reason = { "" };
	uint64_t       seed = seed_of();
	enum err       err;

	if (relay_start(p->resolver, p->relay) != ERR_OK)
		return fail("DNS server", "its host isn't known, and nothing can wait for it");
	if (!folder_make(p->folder))
		return fail("Making a folder for the CA's state", "neither /dev/shm nor /tmp can be written");
	if (p->strict)
		puts("Running in strict mode");
	say("Starting Pebble ACME server");
	say("Seed: %llu", (unsigned long long)seed);
	if ((err = configure(p, seed, &config, &reason)) != ERR_OK)
		return fail("Configuration", reason.text[0] != '\0' ? reason.text : err_text(err));
	say_settings(p);
	return serve_logged(p, config);
}

static int
run(struct pebble *p)
{
	struct reason reason = { "" };
	int	      code;

	if (settings_read(p->file, &p->settings, &reason) != ERR_OK)
		return fail("Reading JSON config file into config structure", reason.text);
	code = serve(p);
	if (p->folder[0] != '\0')
		folder_remove(p->folder);
	settings_free(&p->settings);
	return code;
}

static void
puts_rest(char *const *words)
{
	fputs("invalid command line arguments:", stdout);
	for (; *words != NULL; words++)
		printf(" %s", *words);
	putchar('\n');
}

int
pebble_command(int argc, char **argv)
{
	struct pebble	  p = { .file = "test/config/pebble-config.json", .resolver = "", .ready_file = "", .faults = "",
		.keep = "", .plain = "", .caa = "off" };
	const struct flag flags[] = {
		{ "auto-renewal", NULL, &p.auto_renewal, "Have the directory tell of auto-renewal orders (RFC 8739)" },
		{ "config", &p.file, NULL, "File path to the Pebble configuration file" },
		{ "dnsserver", &p.resolver, NULL,
		    "Define a custom DNS server address (ex: 192.168.0.56:5053 or 8.8.8.8:53)." },
		{ "caa", &p.caa, NULL, "Whether CAA records decide: off, if-present, enforce" },
		{ "ca-dir", &p.keep, NULL,
		    "Folder with roots, intermediates and their keys: made when it has none, else used again" },
		{ "faults", &p.faults, NULL, "File with a script of faults" },
		{ "plain", &p.plain, NULL,
		    "Address of plain HTTP for CRLs, OCSP and issuers, which certificates then name (ex: localhost:4002)" },
		{ "ready-file", &p.ready_file, NULL, "Written when the server serves: its ports, as JSON" },
		{ "strict", NULL, &p.strict, "Enable strict mode to test upcoming API breaking changes" },
		{ "version", NULL, &p.version, "Print the software version" },
	};
	int		  rest, code;

	if ((code = flags_parse(flags, sizeof(flags) / sizeof(flags[0]), argc, argv, stderr, &rest)) != FLAGS_GO)
		return code;
	if (p.version) {
		puts(VERSION);
		return 0;
	}
	if (rest < argc)
		puts_rest(argv + rest);
	if (rest < argc || p.file[0] == '\0') {
		flags_usage(flags, sizeof(flags) / sizeof(flags[0]), argv[0], stderr);
		return 1;
	}
	if (p.ready_file[0] != '\0')
		unlink(p.ready_file);		/* an earlier run's would be believed */
	return run(&p);
}
