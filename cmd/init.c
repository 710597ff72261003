#include "cmd/init.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/evidence.h"
#include "acme/identifier.h"
#include "config/config.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "x509/certificate.h"
#include "x509/key.h"
#include "x509/lint.h"

#define NAMES_MAX 100 /* of wfe.names */
#define NAME_MAX_CHARS 55 /* " Root CA" behind it still fits a common name's 64 (RFC 5280, A.1) */
#define YEAR (INT64_C(31556952))
#define ROOT_LIFE (20 * YEAR)
#define INTERMEDIATE_LIFE (10 * YEAR)
#define BACKDATE 3600 /* the clocks of those who will trust it */

static const char usage[] =
    "usage: signet init [OPTION]...\n"
    "\n"
    "Makes a new CA: a root, an intermediate that issues, their keys, and signet.yaml. Never overwrites.\n"
    "\n"
    "  --dir DIR        where (default: the folder you are in); made when it is missing\n"
    "  --name TEXT      what the CA is called (default: the host's name and \"CA\")\n"
    "  --dns NAME       a DNS name or address of this server; repeat for more. The first one stands in the\n"
    "                   directory URL (default: the host's name)\n"
    "  --port N         HTTPS port (default: 9443)\n"
    "  --key-type TYPE  p256, p384, rsa3072, rsa4096 or ed25519 (default: p256)\n"
    "  --preset NAME    private, pebble or webpki (default: private)\n"
    "  --demo           a CA for a look around on this machine only: localhost, names below .localhost\n"
    "  --help           this text\n"
    "\n"
    "Exit codes: 0 made, 1 could not (and nothing was changed), 2 wrong usage.\n";

struct init {
	const char *dir, *name;
	char name_text[80];
	char *names[NAMES_MAX]; /* borrowed */
	size_t name_count;
	long port, plain_port;
	enum key_type key_type;
	enum preset preset;
	bool demo;
	char host[IDENTIFIER_VALUE_SIZE];
	char url[IDENTIFIER_VALUE_SIZE + 32];
	/* Made by keys_make() and certificates_make(). */
	EVP_PKEY *root_key, *intermediate_key;
	X509 *root, *intermediate;
	uint8_t fingerprint[SHA256_DIGEST_LENGTH];
};

/* Everything that init makes, folders before what is in them. */
enum target_kind { FOLDER, PUBLIC, SECRET };
static struct new_ca {
	const char *path;
	enum target_kind kind;
	struct buf bytes;
	bool made;
} targets[] = {
	{ .path = "pki", .kind = FOLDER },
	{ .path = "keys", .kind = FOLDER },
	{ .path = "data", .kind = FOLDER },
	{ .path = "ledger", .kind = FOLDER },
#define FIRST_FILE 4
	{ .path = "pki/root.pem", .kind = PUBLIC },
	{ .path = "pki/intermediate.pem", .kind = PUBLIC },
	{ .path = "keys/root.pem", .kind = SECRET },
	{ .path = "keys/intermediate.pem", .kind = SECRET },
	{ .path = "keys/evidence.key", .kind = SECRET },
	{ .path = "signet.yaml", .kind = PUBLIC },
};
enum { ROOT_PEM = FIRST_FILE, INTERMEDIATE_PEM, ROOT_KEY, INTERMEDIATE_KEY, EVIDENCE_KEY, YAML, TARGETS };

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "signet init: %s: %s\n", what, why);
	return 1;
}

/* --- making things --------------------------------------------------------------------------------- */
static bool
key_put(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text;
	long len;
	bool ok = false;

	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    (len = BIO_get_mem_data(bio, &text)) > 0) {
		buf_put(out, text, (size_t)len);
		ok = !out->failed;
	}
	BIO_free(bio);
	return ok;
}

static bool
certificate_put(X509 *cert, struct buf *out, uint8_t *fingerprint)
{
	struct buf der = { 0 };
	bool ok = certificate_der(cert, &der) == ERR_OK && certificate_pem(buf_slice(&der), out) == ERR_OK;

	if (ok && fingerprint != NULL)
		SHA256(der.data, der.len, fingerprint);
	buf_free(&der);
	return ok;
}

static bool
certificate_make(const struct init *init, bool root, X509 **out, struct reason *reason)
{
	char name[80];
	uint8_t serial[SERIAL_SIZE];
	int64_t now = clock_now();
	struct ca_certificate ca = { .common_name = name,
		.key = root ? init->root_key : init->intermediate_key,
		.not_before = now - BACKDATE,
		.not_after = now - BACKDATE + (root ? ROOT_LIFE : INTERMEDIATE_LIFE) - 1,
		.path_length = root ? 1 : 0,
		.serial = serial };
	struct lint_context context = { .now = now,
		.lifetime_max = root ? ROOT_LIFE : INTERMEDIATE_LIFE,
		.backdate_max = BACKDATE + 60,
		.kind = LINT_CA };

	snprintf(name, sizeof(name), "%s %s", init->name, root ? "Root" : "Issuing");
	if (RAND_bytes(serial, sizeof(serial)) != 1)
		return false;
	serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, and of full length */
	if (ca_certificate_build(&ca, root ? NULL : init->root, out, reason) != ERR_OK ||
	    certificate_sign(*out, init->root_key) != ERR_OK)
		return false;
	context.issuer = root ? *out : init->root;
	return lint_check(*out, &context, reason) == ERR_OK;
}

static void
yaml_make(const struct init *init, struct buf *out)
{
	static char *demo_allow[] = { (char *)"localhost", (char *)"*.localhost" };
	char listen[64], plain[64];
	struct sample sample = { .name = init->name,
		.url = init->url,
		.preset = init->preset,
		.names = { (char **)init->names, init->name_count },
		.listen = listen,
		.plain_listen = plain,
		.demo = init->demo };

	snprintf(listen, sizeof(listen), "%s:%ld", init->demo ? "127.0.0.1" : "[::]", init->port);
	snprintf(plain, sizeof(plain), "%s:%ld", init->demo ? "127.0.0.1" : "[::]", init->plain_port);
	if (init->demo)
		sample.allow = (struct strings){ demo_allow, 2 };
	config_sample(&sample, out);
}

static int
contents_make(struct init *init)
{
	struct reason reason = { "OpenSSL failed" };
	uint8_t evidence[EVIDENCE_KEY_SIZE];
	bool ok;

	init->root_key = key_generate(init->key_type);
	init->intermediate_key = key_generate(init->key_type);
	ok = init->root_key != NULL && init->intermediate_key != NULL &&
	     certificate_make(init, true, &init->root, &reason) &&
	     certificate_make(init, false, &init->intermediate, &reason) &&
	     certificate_put(init->root, &targets[ROOT_PEM].bytes, init->fingerprint) &&
	     certificate_put(init->intermediate, &targets[INTERMEDIATE_PEM].bytes, NULL) &&
	     key_put(init->root_key, &targets[ROOT_KEY].bytes) &&
	     key_put(init->intermediate_key, &targets[INTERMEDIATE_KEY].bytes) &&
	     RAND_bytes(evidence, sizeof(evidence)) == 1;
	if (!ok)
		return fail("can't make the keys and certificates", reason.text);
	buf_put(&targets[EVIDENCE_KEY].bytes, evidence, sizeof(evidence));
	OPENSSL_cleanse(evidence, sizeof(evidence));
	yaml_make(init, &targets[YAML].bytes);
	if (targets[EVIDENCE_KEY].bytes.failed || targets[YAML].bytes.failed)
		return fail("can't make the files", "out of memory");
	return 0;
}

/* Reads back what is about to be written, so that a bad option never leaves a CA that can't start. */
static int
yaml_check(const struct init *init)
{
	struct config *config = NULL;
	enum err err =
	    config_parse(buf_slice(&targets[YAML].bytes), "signet.yaml", init->dir, &config, stderr);

	config_free(config);
	return err == ERR_OK ? 0 : fail("these options don't make a configuration", err_text(err));
}

/* --- writing them ---------------------------------------------------------------------------------- */
static void
targets_remove(const char *dir, bool dir_made)
{
	int i;

	for (i = TARGETS - 1; i >= 0; i--) {
		char *path = targets[i].made ? file_join(dir, targets[i].path) : NULL;

		if (path != NULL)
			remove(path);
		free(path);
	}
	if (dir_made)
		rmdir(dir);
}

static bool
target_make(const char *dir, struct new_ca *target)
{
	char *path = file_join(dir, target->path);

	errno = ENOMEM;
	if (path == NULL)
		return false;
	if (target->kind == FOLDER)
		target->made = mkdir(path, strcmp(target->path, "pki") == 0 ? 0755 : 0700) == 0;
	else
		target->made = file_create(path, target->kind == SECRET ? 0600 : 0644,
				   buf_slice(&target->bytes)) == ERR_OK;
	free(path);
	return target->made;
}

/* 1 when something is in the way; it says what. */
static int
targets_look(const char *dir)
{
	struct stat st;
	int i, found = 0;

	for (i = 0; i < TARGETS; i++) {
		char *path = file_join(dir, targets[i].path);

		if (path == NULL)
			return fail(dir, "out of memory");
		if (lstat(path, &st) == 0) {
			fail(path, "it exists; init never overwrites: take it away or choose another --dir");
			found = 1;
		}
		free(path);
	}
	return found;
}

static int
targets_make(const char *dir)
{
	bool dir_made = mkdir(dir, 0755) == 0;
	int i;

	if (!dir_made && errno != EEXIST)
		return fail(dir, strerror(errno));
	for (i = 0; i < TARGETS; i++)
		if (!target_make(dir, &targets[i])) {
			int error = errno;

			fprintf(stderr, "signet init: %s/", dir);
			fprintf(stderr, "%s: %s; nothing was kept\n", targets[i].path, strerror(error));
			targets_remove(dir, dir_made);
			return 1;
		}
	return 0;
}

static void
report(const struct init *init)
{
	int i;

	printf("Made %s in %s.\n\n  root SHA-256  ", init->name, init->dir);
	for (i = 0; i < SHA256_DIGEST_LENGTH; i++)
		printf("%s%02X", i == 0 ? "" : ":", init->fingerprint[i]);
	printf("\n  root file     %s/pki/root.pem\n  directory     %s%s\n\nNext:\n", init->dir, init->url,
	    "/directory");
	printf("  signet run --dir %s\n", init->dir);
	printf("  sudo cp %s/pki/root.pem /usr/local/share/ca-certificates/signet-root.crt && "
	       "sudo update-ca-certificates\n",
	    init->dir);
	if (init->demo)
		printf("  REQUESTS_CA_BUNDLE=%s/pki/root.pem certbot certonly --standalone --http-01-port "
		       "5002 \\\n"
		       "    --server %s/directory --register-unsafely-without-email --agree-tos \\\n"
		       "    --config-dir /tmp/certbot --work-dir /tmp/certbot --logs-dir /tmp/certbot "
		       "-d test.localhost\n",
		    init->dir, init->url);
	else
		printf("  REQUESTS_CA_BUNDLE=%s/pki/root.pem certbot certonly --standalone --server "
		       "%s/directory "
		       "-d NAME\n",
		    init->dir, init->url);
	printf(
	    "\nThe server doesn't need %s/keys/root.pem: move it to a place that is offline.\n", init->dir);
}

/* --- the command line ------------------------------------------------------------------------------ */
static bool
is_address(const char *text)
{
	uint8_t bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool
names_check(const struct init *init)
{
	struct reason reason;
	size_t i;

	for (i = 0; i < init->name_count; i++) {
		char lower[IDENTIFIER_VALUE_SIZE] = "";
		size_t n;

		if (is_address(init->names[i]))
			continue;
		for (n = 0; init->names[i][n] != '\0' && n < sizeof(lower) - 1; n++)
			lower[n] = (char)tolower((unsigned char)init->names[i][n]);
		if (init->names[i][n] == '\0' && dns_name_check(lower, &reason) == ERR_OK) {
			memcpy(init->names[i], lower, n); /* argv is ours to change */
			continue;
		}
		if (init->names[i][n] != '\0')
			reason_set(&reason, "it is longer than %d bytes", IDENTIFIER_VALUE_MAX);
		fprintf(stderr, "signet init: --dns %s: %s\n", init->names[i], reason.text);
		return false;
	}
	return true;
}

static bool
option_take(struct init *init, int c)
{
	char *end;

	switch (c) {
	case 'd':
		init->dir = optarg;
		return true;
	case 'n':
		init->name = optarg;
		return true;
	case 's':
		if (init->name_count == NAMES_MAX)
			return false;
		init->names[init->name_count++] = optarg;
		return true;
	case 'p':
		init->port = strtol(optarg, &end, 10);
		if (*optarg != '\0' && *end == '\0' && init->port >= 1 && init->port <= 65535)
			return true;
		fprintf(stderr, "signet init: --port %s: a number from 1 to 65535\n", optarg);
		return false;
	case 'k':
		init->key_type = key_type_by_name(optarg);
		if (init->key_type == KEY_P256 || init->key_type == KEY_P384 ||
		    init->key_type == KEY_RSA3072 || init->key_type == KEY_RSA4096 ||
		    init->key_type == KEY_ED25519)
			return true;
		fprintf(
		    stderr, "signet init: --key-type %s: p256, p384, rsa3072, rsa4096 or ed25519\n", optarg);
		return false;
	case 'r':
		init->preset = strcmp(optarg, "webpki") == 0   ? PRESET_WEBPKI
			       : strcmp(optarg, "pebble") == 0 ? PRESET_PEBBLE
							       : PRESET_PRIVATE;
		if (init->preset != PRESET_PRIVATE || strcmp(optarg, "private") == 0)
			return true;
		fprintf(stderr, "signet init: --preset %s: private, pebble or webpki\n", optarg);
		return false;
	case 'D':
		init->demo = true;
		return true;
	default:
		return false;
	}
}

/* What was not said. */
static bool
defaults_fill(struct init *init)
{
	static char *demo_names[] = { (char *)"localhost", (char *)"127.0.0.1", (char *)"::1" };

	if (gethostname(init->host, sizeof(init->host) - 1) != 0 || init->host[0] == '\0')
		strcpy(init->host, "localhost");
	if (init->demo && init->name_count == 0) {
		memcpy(init->names, demo_names, sizeof(demo_names));
		init->name_count = 3;
	} else if (init->name_count == 0)
		init->names[init->name_count++] = init->host;
	if (!(init->demo && init->names[0] == demo_names[0]) && !names_check(init))
		return false;
	if (init->name == NULL) {
		snprintf(init->name_text, sizeof(init->name_text), "%.50s CA",
		    init->demo ? "signet demo" : init->host);
		init->name = init->name_text;
	}
	if (init->name[0] == '\0' || strlen(init->name) > NAME_MAX_CHARS) {
		fprintf(stderr, "signet init: --name: from 1 to %d bytes\n", NAME_MAX_CHARS);
		return false;
	}
	if (init->port == 0)
		init->port = init->preset == PRESET_PEBBLE ? 14000 : 9443;
	init->plain_port = init->port == 9080 ? 9081 : 9080;
	snprintf(init->url, sizeof(init->url),
	    strchr(init->names[0], ':') ? "https://[%s]:%ld" : "https://%s:%ld", init->names[0], init->port);
	return true;
}

int
init_command(int argc, char **argv)
{
	static const struct option options[] = { { "dir", required_argument, NULL, 'd' },
		{ "name", required_argument, NULL, 'n' }, { "dns", required_argument, NULL, 's' },
		{ "port", required_argument, NULL, 'p' }, { "key-type", required_argument, NULL, 'k' },
		{ "preset", required_argument, NULL, 'r' }, { "demo", no_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	struct init init = { .dir = ".", .key_type = KEY_P256, .preset = PRESET_PRIVATE };
	int c, code, i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!option_take(&init, c)) {
			fputs("Try `signet init --help`.\n", stderr);
			return 2;
		}
	}
	if (optind != argc || !defaults_fill(&init)) {
		fputs("Try `signet init --help`.\n", stderr);
		return 2;
	}
	if ((code = targets_look(init.dir)) == 0 && (code = contents_make(&init)) == 0 &&
	    (code = yaml_check(&init)) == 0 && (code = targets_make(init.dir)) == 0)
		report(&init);
	for (i = 0; i < TARGETS; i++)
		buf_cleanse(&targets[i].bytes);
	X509_free(init.root);
	X509_free(init.intermediate);
	EVP_PKEY_free(init.root_key);
	EVP_PKEY_free(init.intermediate_key);
	return code;
}
