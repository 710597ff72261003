#include "cmd/perspective.h"

#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/evidence.h"
#include "config/config.h"
#include "lib/base64url.h"
#include "lib/file.h"

#define KEY_TEXT_SIZE (BASE64URL_LEN(EVIDENCE_KEY_SIZE) + 1)

static const char usage[] =
    "usage: signet perspective create NAME [OPTION]...\n"
    "\n"
    "Makes a perspective: a validation authority on another machine, which must agree with this CA's own on each\n"
    "validation. Writes the one file that its machine needs, and prints what to add to signet.yaml.\n"
    "\n"
    "  --dir DIR       the folder that `signet init` made, with signet.yaml in it (default: .)\n"
    "  --config FILE   another configuration file\n"
    "  --address A:P   where it will be reached, an address or name and a port (default: to be filled in)\n"
    "  --region NAME   where it is; perspectives of one provider or network share a region (default: its name)\n"
    "  --listen A:P    what it listens on (default: all addresses, the port of --address or 9444)\n"
    "  --output FILE   where to write its file (default: NAME.yaml)\n"
    "\n"
    "Exit codes: 0 made, 1 could not, 2 wrong usage.\n";

struct creation {
	const char *dir, *file, *name, *address, *region, *listen, *output;
	char listen_text[32], output_text[PERSPECTIVE_MAX + 8];
	char tls_secret[KEY_TEXT_SIZE], tls_public[KEY_TEXT_SIZE];
	char evidence_secret[KEY_TEXT_SIZE], evidence_public[KEY_TEXT_SIZE];
	char primary_public[KEY_TEXT_SIZE];
};

static int
fail(const char *what, const char *why)
{
	fprintf(stderr, "signet perspective: %s: %s\n", what, why);
	return 1;
}

/* The public half of a raw Ed25519 key. */
static bool
public_of(const uint8_t secret[EVIDENCE_KEY_SIZE], char out[KEY_TEXT_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, secret, EVIDENCE_KEY_SIZE);
	uint8_t raw[EVIDENCE_KEY_SIZE];
	size_t len = sizeof(raw);
	bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, raw, &len) == 1;

	if (ok)
		base64url_text(raw, len, out);
	EVP_PKEY_free(key);
	return ok;
}

static bool
pair_make(char secret[KEY_TEXT_SIZE], char public[KEY_TEXT_SIZE])
{
	uint8_t raw[EVIDENCE_KEY_SIZE];
	bool ok = RAND_priv_bytes(raw, sizeof(raw)) == 1 && public_of(raw, public);

	base64url_text(raw, sizeof(raw), secret);
	OPENSSL_cleanse(raw, sizeof(raw));
	return ok;
}

/* The server's own key for all its perspectives; made with the first of them. */
static int
primary_key(const struct config *config, char public[KEY_TEXT_SIZE])
{
	char *path = file_join(config->dir, config->va.perspective_key);
	uint8_t raw[EVIDENCE_KEY_SIZE];
	struct buf key = { 0 };
	enum err err = path == NULL ? ERR_MEMORY : file_read(path, EVIDENCE_KEY_SIZE, &key);
	int code = 0;

	if (err == ERR_NOT_FOUND && RAND_priv_bytes(raw, sizeof(raw)) == 1) {
		buf_put(&key, raw, sizeof(raw));
		if ((err = file_create(path, 0600, slice_of(raw, sizeof(raw)))) == ERR_OK)
			printf("Made %s, by which perspectives know this CA.\n", path);
	}
	OPENSSL_cleanse(raw, sizeof(raw));
	if (err != ERR_OK)
		code = fail(path != NULL ? path : "va.perspective_key", errno != 0 ? strerror(errno) : err_text(err));
	else if (key.len != EVIDENCE_KEY_SIZE || !public_of(key.data, public))
		code = fail(path, "it must hold 32 bytes; take it away, and create all perspectives anew");
	buf_cleanse(&key);
	free(path);
	return code;
}

static int
file_write(const struct creation *c, const struct config *config)
{
	struct perspective_sample sample = { .name = c->name, .listen = c->listen, .tls_key = c->tls_secret,
		.evidence_key = c->evidence_secret, .primary_key = c->primary_public };
	struct config *own = NULL;
	struct buf yaml = { 0 };
	enum err err;
	int code = 0;

	config_perspective_sample(config, &sample, &yaml);
	/* Read back, so that a bad option never leaves a file that can't be run. */
	if (yaml.failed || (err = config_parse(buf_slice(&yaml), c->output, config->dir, &own, stderr)) != ERR_OK)
		code = fail(c->output, "these options don't make a configuration; nothing was written");
	else if ((err = file_create(c->output, 0600, buf_slice(&yaml))) != ERR_OK)
		code = fail(c->output, err == ERR_EXISTS ? "it exists; nothing is ever overwritten: take it away or choose "
							   "another --output" : strerror(errno));
	config_free(own);
	buf_cleanse(&yaml);
	return code;
}

static void
report(const struct creation *c)
{
	printf("Made %s, which holds the secrets of the perspective %s.\n\n"
	       "Add to signet.yaml, below va, and reload (SIGHUP):\n\n"
	       "  perspectives:\n"
	       "    - name: %s\n      region: %s\n      address: \"%s\"\n      tls_key: \"%s\"\n      evidence_key: \"%s\"\n\n"
	       "On its machine, with signet installed, only root or its user reading the file:\n\n"
	       "  signet check --config %s.yaml\n  signet va --config %s.yaml\n\n"
	       "Then remove %s here.\n",
	    c->output, c->name, c->name, c->region, c->address, c->tls_public, c->evidence_public, c->name, c->name,
	    c->output);
}

static int
create(struct creation *c)
{
	char *path = c->file != NULL ? strdup(c->file) : file_join(c->dir, "signet.yaml");
	struct config *config = NULL;
	enum err err = path == NULL ? ERR_MEMORY : config_read(path, &config, stderr);
	int code;

	if (err != ERR_OK)
		code = fail(path != NULL ? path : "signet.yaml", err_text(err));
	else if (config_is_perspective(config))
		code = fail(path, "this is a perspective's file; name the server's");
	else if ((code = primary_key(config, c->primary_public)) == 0) {
		if (!pair_make(c->tls_secret, c->tls_public) || !pair_make(c->evidence_secret, c->evidence_public))
			code = fail("keys", "OpenSSL can't make them");
		else if ((code = file_write(c, config)) == 0)
			report(c);
	}
	OPENSSL_cleanse(c->tls_secret, sizeof(c->tls_secret));
	OPENSSL_cleanse(c->evidence_secret, sizeof(c->evidence_secret));
	config_free(config);
	free(path);
	return code;
}

static bool
option_take(struct creation *c, int option)
{
	switch (option) {
	case 'd':
		c->dir = optarg;
		return true;
	case 'c':
		c->file = optarg;
		return true;
	case 'a':
		c->address = optarg;
		return true;
	case 'r':
		c->region = optarg;
		return true;
	case 'l':
		c->listen = optarg;
		return true;
	case 'o':
		c->output = optarg;
		return true;
	default:
		return false;
	}
}

static bool
is_name(const char *what, const char *text, struct reason *why)
{
	struct reason cause = { "" };

	if (text[0] == '\0' || strlen(text) > PERSPECTIVE_MAX)
		reason_set(why, "%s has 1 to %d characters", what, PERSPECTIVE_MAX);
	else if (!config_word(text, &cause))
		reason_set(why, "%s: %s", what, cause.text);
	else
		return true;
	return false;
}

/* What was not said. False with what was said wrong. */
static bool
defaults_fill(struct creation *c, struct reason *why)
{
	char host[256];
	uint16_t port = 9444;

	if (!is_name("the name", c->name, why) || (c->region != NULL && !is_name("--region", c->region, why)))
		return false;
	if (strcmp(c->name, PERSPECTIVE_PRIMARY) == 0) {
		reason_set(why, "\"%s\" is what the server calls its own; choose another name", PERSPECTIVE_PRIMARY);
		return false;
	}
	if (c->address != NULL && !config_address(c->address, host, sizeof(host), &port)) {
		reason_set(why, "--address: \"%s\" is no address with a port; write it like 203.0.113.5:9444", c->address);
		return false;
	}
	snprintf(c->listen_text, sizeof(c->listen_text), "[::]:%u", port);
	snprintf(c->output_text, sizeof(c->output_text), "%s.yaml", c->name);
	c->address = c->address != NULL ? c->address : "ADDRESS:9444";
	c->region = c->region != NULL ? c->region : c->name;
	c->listen = c->listen != NULL ? c->listen : c->listen_text;
	c->output = c->output != NULL ? c->output : c->output_text;
	return true;
}

int
perspective_command(int argc, char **argv)
{
	static const struct option options[] = { { "dir", required_argument, NULL, 'd' },
		{ "config", required_argument, NULL, 'c' }, { "address", required_argument, NULL, 'a' },
		{ "region", required_argument, NULL, 'r' }, { "listen", required_argument, NULL, 'l' },
		{ "output", required_argument, NULL, 'o' }, { "help", no_argument, NULL, 'h' }, { 0 } };
	struct creation c = { .dir = "." };
	struct reason why = { "" };
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!option_take(&c, option)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 2 != argc || strcmp(argv[optind], "create") != 0) {
		fputs(usage, stderr);
		return 2;
	}
	c.name = argv[optind + 1];
	if (!defaults_fill(&c, &why)) {
		fprintf(stderr, "signet perspective: %s\n", why.text);
		return 2;
	}
	return create(&c);
}
