#include "tests/bench/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_DIRECTORY = 1,
	OPT_CACERT,
	OPT_CLIENTS,
	OPT_ISSUANCES,
	OPT_ACCOUNTS,
	OPT_NAMES,
	OPT_KEY_TYPE,
	OPT_ACCOUNT_KEY,
	OPT_FRESH,
	OPT_DURATION,
	OPT_HTTP_PORT,
	OPT_DNS_PORT,
	OPT_TLS_PORT,
	OPT_CHALLENGE,
	OPT_DOMAIN,
	OPT_RETRY,
	OPT_RECORDS,
	OPT_PIDS,
	OPT_TREE,
	OPT_JSON,
	OPT_TIMEOUT,
	OPT_RATE,
	OPT_IDLE,
	OPT_HELP
};

static const struct option table[] = {
	{ "directory", required_argument, NULL, OPT_DIRECTORY },
	{ "cacert", required_argument, NULL, OPT_CACERT },
	{ "clients", required_argument, NULL, OPT_CLIENTS },
	{ "issuances", required_argument, NULL, OPT_ISSUANCES },
	{ "accounts", required_argument, NULL, OPT_ACCOUNTS },
	{ "names", required_argument, NULL, OPT_NAMES },
	{ "key-type", required_argument, NULL, OPT_KEY_TYPE },
	{ "account-key", required_argument, NULL, OPT_ACCOUNT_KEY },
	{ "fresh-connections", no_argument, NULL, OPT_FRESH },
	{ "duration", required_argument, NULL, OPT_DURATION },
	{ "http-port", required_argument, NULL, OPT_HTTP_PORT },
	{ "dns-port", required_argument, NULL, OPT_DNS_PORT },
	{ "tls-port", required_argument, NULL, OPT_TLS_PORT },
	{ "challenge", required_argument, NULL, OPT_CHALLENGE },
	{ "domain", required_argument, NULL, OPT_DOMAIN },
	{ "retry", no_argument, NULL, OPT_RETRY },
	{ "records", required_argument, NULL, OPT_RECORDS },
	{ "pids", required_argument, NULL, OPT_PIDS },
	{ "tree", required_argument, NULL, OPT_TREE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
    "usage: load --directory URL --cacert FILE [options]\n"
    "  --clients N          concurrent clients, a connection each (1)\n"
    "  --issuances N        certificates to obtain in all (100)\n"
    "  --duration S         goes on for so long, asking for the same names again when it has to\n"
    "  --rate N             begins so many a second, each on its time while a client is free, and counts from\n"
    "                       that time on (as fast as they go)\n"
    "  --idle N             so many connections more, which are open all the time and do nothing (0)\n"
    "  --accounts N         accounts, made before the clock starts (as many as clients)\n"
    "  --names N            names in each certificate (1)\n"
    "  --key-type TYPE      p256, p384, rsa2048, rsa3072, rsa4096, ed25519 (p256)\n"
    "  --account-key TYPE   es256 or rs256 (es256)\n"
    "  --fresh-connections  a TLS handshake for each request\n"
    "  --challenge TYPE     http-01, dns-01 or tls-alpn-01 (http-01)\n"
    "  --http-port N        where its http-01 responder listens on 127.0.0.1 (5002)\n"
    "  --dns-port N         where its DNS responder listens on 127.0.0.1 (8053)\n"
    "  --tls-port N         where its tls-alpn-01 responder listens on 127.0.0.1 (5001)\n"
    "  --domain SUFFIX      names are random labels under it (load.test)\n"
    "  --retry              repeat after connection errors and 5xx until the time-out\n"
    "  --timeout S          for one issuance (60)\n"
    "  --records FILE       append everything the server said to FILE, as JSON lines\n"
    "  --pids PID,...       report CPU time and memory of these processes\n"
    "  --tree PID           and of this one with all its descendants\n"
    "  --json               the summary as one JSON object\n"
    "Exits 0 only when every issuance succeeded.\n";

static _Noreturn void
wrong(const char *name, const char *value, const char *right)
{
	fprintf(stderr, "load: --%s %s: give %s\n", name, value, right);
	exit(2);
}

static unsigned
number(const char *name, const char *value, unsigned min, unsigned max)
{
	char range[64];
	char *end;
	long n = strtol(value, &end, 10);

	if (*value == '\0' || *end != '\0' || n < (long)min || n > (long)max) {
		snprintf(range, sizeof(range), "a number from %u to %u", min, max);
		wrong(name, value, range);
	}
	return (unsigned)n;
}

static void
read_pids(struct options *o, const char *value)
{
	const char *at = value;

	while (*at != '\0') {
		char *end;
		long n = strtol(at, &end, 10);

		if (end == at || n <= 0 || (*end != ',' && *end != '\0') || o->pid_count == PIDS_MAX)
			wrong("pids", value, "at most 64 process ids with commas between");
		o->pids[o->pid_count++] = (pid_t)n;
		at = *end == ',' ? end + 1 : end;
	}
}

static const char *
one_of(const char *name, const char *value, const char *const *choices, const char *right)
{
	for (; *choices != NULL; choices++)
		if (strcmp(*choices, value) == 0)
			return *choices;
	wrong(name, value, right);
}

static void
apply_number(struct options *o, int option, const char *name, const char *value)
{
	switch (option) {
	case OPT_CLIENTS:
		o->clients = number(name, value, 1, 10000);
		break;
	case OPT_ISSUANCES:
		o->issuances = number(name, value, 1, 10000000);
		break;
	case OPT_ACCOUNTS:
		o->accounts = number(name, value, 1, 1000000);
		break;
	case OPT_NAMES:
		o->names = number(name, value, 1, NAMES_MAX);
		break;
	case OPT_HTTP_PORT:
		o->http_port = (uint16_t)number(name, value, 1, 65535);
		break;
	case OPT_DNS_PORT:
		o->dns_port = (uint16_t)number(name, value, 1, 65535);
		break;
	case OPT_TLS_PORT:
		o->tls_port = (uint16_t)number(name, value, 1, 65535);
		break;
	case OPT_TREE:
		o->tree = (pid_t)number(name, value, 1, 1u << 22);
		break;
	case OPT_DURATION:
		o->duration = number(name, value, 1, 86400);
		break;
	case OPT_RATE:
		o->rate = number(name, value, 1, 1000000);
		break;
	case OPT_IDLE:
		o->idle = number(name, value, 1, 60000);
		break;
	case OPT_TIMEOUT:
		o->timeout = number(name, value, 1, 3600);
		break;
	default:
		abort();
	}
}

static void
apply(struct options *o, int option, const char *name, const char *value)
{
	static const char *const types[] = { "p256", "p384", "rsa2048", "rsa3072", "rsa4096", "ed25519",
		NULL };
	static const char *const algs[] = { "es256", "rs256", NULL };
	static const char *const challenges[] = { "http-01", "dns-01", "tls-alpn-01", NULL };

	switch (option) {
	case OPT_DIRECTORY:
		o->directory = value;
		break;
	case OPT_CACERT:
		o->cacert = value;
		break;
	case OPT_DOMAIN:
		o->domain = value;
		break;
	case OPT_RECORDS:
		o->records = value;
		break;
	case OPT_KEY_TYPE:
		o->key_type = one_of(name, value, types, "p256, p384, rsa2048, rsa3072, rsa4096 or ed25519");
		break;
	case OPT_ACCOUNT_KEY:
		o->account_key = one_of(name, value, algs, "es256 or rs256");
		break;
	case OPT_CHALLENGE:
		o->challenge = one_of(name, value, challenges, "http-01, dns-01 or tls-alpn-01");
		break;
	case OPT_PIDS:
		read_pids(o, value);
		break;
	case OPT_FRESH:
		o->fresh = true;
		break;
	case OPT_RETRY:
		o->retry = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	default:
		apply_number(o, option, name, value);
	}
}

void
options_read(struct options *o, int argc, char **argv)
{
	int option, index = 0;

	*o = (struct options){ .clients = 1,
		.issuances = 100,
		.names = 1,
		.timeout = 60,
		.http_port = 5002,
		.dns_port = 8053,
		.tls_port = 5001,
		.challenge = "http-01",
		.domain = "load.test",
		.key_type = "p256",
		.account_key = "es256" };
	while ((option = getopt_long(argc, argv, "", table, &index)) != -1) {
		if (option == OPT_HELP) {
			fputs(usage, stdout);
			exit(0);
		}
		if (option == '?')
			exit(2);
		apply(o, option, table[index].name, optarg);
	}
	if (o->directory == NULL || o->cacert == NULL || optind != argc) {
		fputs(usage, stderr);
		exit(2);
	}
	if (o->accounts == 0)
		o->accounts = o->clients;
}
