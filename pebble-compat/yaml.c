#include "pebble-compat/yaml.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/evidence.h"
#include "acme/identifier.h"
#include "config/config.h"
#include "lib/file.h"
#include "pebble-compat/bind.h"
#include "x509/certificate.h"

#define CHAIN_TYPE "application/pem-certificate-chain; charset=utf-8"
#define KEY_TYPE "application/x-pem-file; charset=utf-8"
#define LIFETIME_NORMAL 7776000		/* Pebble's 90 days */
#define LIFETIME_WRAPS INT64_C(9223372038)	/* from here on Go's durations overflow, and Pebble takes its normal */
#define LIFETIME_MAX INT64_C(315360000)	/* ca.profiles takes no more */

/* What is being written. */
struct writing {
	const struct settings	*settings;
	const struct wishes	*wishes;
	const struct hierarchy	*hierarchy;
	const char		*folder;
	struct buf		*yaml;
	struct reason		*reason;
};

/* --- files ------------------------------------------------------------------------------------------- */

static enum err
file_put(struct writing *w, const char *name, struct slice bytes)
{
	char	*path = file_join(w->folder, name);
	enum err err = path == NULL ? ERR_MEMORY : file_create(path, 0600, bytes);

	if (err != ERR_OK)
		reason_set(w->reason, "%s can't be written: %s", path != NULL ? path : name, err_text(err));
	free(path);
	return err;
}

static enum err
pem_put(X509 *cert, struct buf *out)
{
	struct buf der = { 0 };
	enum err   err = certificate_der(cert, &der);

	if (err == ERR_OK)
		err = certificate_pem(buf_slice(&der), out);
	buf_free(&der);
	return err;
}

static enum err
certificate_file(struct writing *w, const char *name, X509 *cert)
{
	struct buf pem = { 0 };
	enum err   err = pem_put(cert, &pem);

	if (err == ERR_OK)
		err = file_put(w, name, buf_slice(&pem));
	buf_free(&pem);
	return err;
}

/* traditional: PKCS #1, as Pebble shows RSA keys. */
static enum err
key_file(struct writing *w, const char *name, EVP_PKEY *key, bool traditional)
{
	BIO	*bio = BIO_new(BIO_s_secmem());
	char	*text;
	long	 len = 0;
	enum err err = ERR_CRYPTO;

	if (bio != NULL &&
	    (traditional ? PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL)
			 : PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) == 1 &&
	    (len = BIO_get_mem_data(bio, &text)) > 0)
		err = file_put(w, name, slice_of(text, (size_t)len));
	BIO_free(bio);
	return err;
}

/* The issuer's certificate in this chain and those above, without the root. */
static enum err
chain_file(struct writing *w, const char *name, const struct chain_made *chain)
{
	struct buf pem = { 0 };
	enum err   err = ERR_OK;

	for (size_t i = 0; i < w->hierarchy->length && err == ERR_OK; i++)
		err = pem_put(chain->intermediates[i].cert, &pem);
	if (err == ERR_OK)
		err = file_put(w, name, buf_slice(&pem));
	buf_free(&pem);
	return err;
}

static enum err
evidence_file(struct writing *w)
{
	uint8_t	 key[EVIDENCE_KEY_SIZE];
	enum err err;

	if (RAND_bytes(key, sizeof(key)) != 1)
		return ERR_CRYPTO;
	err = file_put(w, "keys/evidence.key", slice_of(key, sizeof(key)));
	explicit_bzero(key, sizeof(key));
	return err;
}

static enum err
folders_make(struct writing *w)
{
	static const char *const names[] = { "pki", "keys", "data", "ledger" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = file_join(w->folder, names[i]);
		bool  made = path != NULL && mkdir(path, 0700) == 0;

		free(path);
		if (!made) {
			reason_set(w->reason, "%s/%s can't be made", w->folder, names[i]);
			return ERR_IO;
		}
	}
	return ERR_OK;
}

static enum err
hierarchy_files(struct writing *w)
{
	const struct hierarchy *h = w->hierarchy;
	char			name[64];
	enum err		err = key_file(w, "keys/intermediate.pem", h->chains[0].intermediates[0].key, false);

	for (size_t i = 0; i < h->count && err == ERR_OK; i++) {
		const struct chain_made *chain = &h->chains[i];

		snprintf(name, sizeof(name), "pki/chain-%zu.pem", i);
		err = chain_file(w, name, chain);
		snprintf(name, sizeof(name), "pki/root-%zu.pem", i);
		if (err == ERR_OK)
			err = certificate_file(w, name, chain->root.cert);
		snprintf(name, sizeof(name), "pki/intermediate-%zu.pem", i);
		if (err == ERR_OK)
			err = certificate_file(w, name, chain->intermediates[0].cert);
		snprintf(name, sizeof(name), "keys/root-key-%zu.pem", i);
		if (err == ERR_OK && !w->settings->ecdsa)
			err = key_file(w, name, chain->root.key, true);
	}
	if (err == ERR_OK && !w->settings->ecdsa)
		err = key_file(w, "keys/intermediate-key.pem", h->chains[0].intermediates[0].key, true);
	return err;
}

/* --- the text ------------------------------------------------------------------------------------------ */

/* JSON's strings are YAML's. */
static void
put_text(struct buf *out, const char *text)
{
	json_t *json = json_string(text);
	char   *quoted = json != NULL ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

	buf_put_str(out, quoted != NULL ? quoted : "\"\"");
	free(quoted);
	json_decref(json);
}

/* A file that was named from the working directory; "" stays. */
static void
put_path(struct buf *out, const char *name)
{
	char *full = name[0] != '\0' ? realpath(name, NULL) : NULL;

	put_text(out, full != NULL ? full : name);
	free(full);
}

static void
put_list(struct buf *out, const json_t *list, const char *otherwise)
{
	const json_t *item;
	size_t	      i;

	if (list == NULL) {
		buf_put_str(out, otherwise);
		return;
	}
	buf_put_str(out, "[");
	json_array_foreach((json_t *)(uintptr_t)list, i, item) {
		buf_put_str(out, i > 0 ? ", " : "");
		put_text(out, json_string_value(item));
	}
	buf_put_str(out, "]");
}

bool
yaml_address(const char *text, const char *wildcard, char *out, size_t size, struct reason *reason)
{
	struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	const struct addrinfo *chosen;
	char		 host[256], numeric[INET6_ADDRSTRLEN];
	uint16_t	 port;
	bool		 six;

	if (!config_listen_address(text, host, sizeof(host), &port)) {
		reason_set(reason, "\"%.120s\" is no address with a port", text);
		return false;
	}
	if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0) {
		snprintf(out, size, "%s:%u", wildcard, port);
		return true;
	}
	if (getaddrinfo(host, NULL, &hints, &found) != 0) {
		reason_set(reason, "the host of \"%.120s\" is not known", text);
		return false;
	}
	chosen = bind_choose(found, AF_INET);
	six = chosen->ai_family == AF_INET6;
	if (getnameinfo(chosen->ai_addr, chosen->ai_addrlen, numeric, sizeof(numeric), NULL, 0, NI_NUMERICHOST) != 0)
		numeric[0] = '\0';
	freeaddrinfo(found);
	snprintf(out, size, six ? "[%s]:%u" : "%s:%u", numeric, port);
	return true;
}

/* One that nobody has now, in either family; 0: none. */
static unsigned
port_free(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	socklen_t	    len = sizeof(any);
	int		    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	unsigned	    port = 0;

	if (fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 &&
	    getsockname(fd, (struct sockaddr *)&any, &len) == 0)
		port = ntohs(any.sin6_port);
	if (fd >= 0)
		close(fd);
	return port;
}

static enum err
put_listener(struct writing *w, const char *key, const char *text)
{
	char address[300];

	if (text[0] == '\0') {
		buf_printf(w->yaml, "  %s: []\n", key);
		return ERR_OK;
	}
	if (!yaml_address(text, "[::]", address, sizeof(address), w->reason))
		return ERR_CONFIG;
	buf_printf(w->yaml, "  %s: [\"%s\"]\n", key, address);
	return ERR_OK;
}

static void
put_page(struct buf *out, const char *what, size_t i, size_t count, const char *file, const char *type)
{
	buf_printf(out, "    - {path: \"/%s/%zu\", file: %s, media_type: \"%s\", alternates: [", what, i, file, type);
	for (size_t j = 0, n = 0; j < count; j++)
		if (j != i)
			buf_printf(out, "%s\"/%s/%zu\"", n++ > 0 ? ", " : "", what, j);
	buf_put_str(out, "]}\n");
}

static void
put_pages(struct writing *w, bool own_root)
{
	size_t count = w->hierarchy->count;
	char   file[64];

	buf_put_str(w->yaml, "  pages:\n");
	for (size_t i = 0; i < count; i++) {
		snprintf(file, sizeof(file), "pki/root-%zu.pem", i);
		put_page(w->yaml, "roots", i, count, file, CHAIN_TYPE);
		snprintf(file, sizeof(file), "pki/intermediate-%zu.pem", i);
		put_page(w->yaml, "intermediates", i, count, file, CHAIN_TYPE);
		if (w->settings->ecdsa)
			continue;
		snprintf(file, sizeof(file), "keys/root-key-%zu.pem", i);
		put_page(w->yaml, "root-keys", i, count, file, KEY_TYPE);
		put_page(w->yaml, "intermediate-keys", i, count, "keys/intermediate-key.pem", KEY_TYPE);
	}
	if (own_root)
		buf_put_str(w->yaml, "    - {path: /tls-root, file: pki/tls-root.pem, media_type: \"" CHAIN_TYPE "\"}\n");
}

/* The configured pair, or one of our own whose root tests can download. */
static enum err
put_tls(struct writing *w, bool *own)
{
	EVP_PKEY *key = NULL;
	X509	 *cert = NULL, *root = NULL;
	char	 *folder;
	enum err  err = ERR_OK;

	*own = w->settings->certificate[0] == '\0' || w->settings->private_key[0] == '\0';
	if (!*own) {
		if ((folder = realpath(".", NULL)) == NULL)
			return ERR_IO;
		buf_put_str(w->yaml, "  tls: {certificate: ");
		for (int i = 0; i < 2; i++) {
			char *path = file_join(folder, i == 0 ? w->settings->certificate : w->settings->private_key);

			put_text(w->yaml, path != NULL ? path : "");
			buf_put_str(w->yaml, i == 0 ? ", key: " : "}\n");
			free(path);
		}
		free(folder);
		return ERR_OK;
	}
	buf_put_str(w->yaml, "  tls: {certificate: pki/tls.pem, key: keys/tls.pem}\n");
	if ((err = server_make(&key, &cert, &root)) == ERR_OK &&
	    (err = certificate_file(w, "pki/tls.pem", cert)) == ERR_OK &&
	    (err = certificate_file(w, "pki/tls-root.pem", root)) == ERR_OK)
		err = key_file(w, "keys/tls.pem", key, false);
	EVP_PKEY_free(key);
	X509_free(cert);
	X509_free(root);
	return err;
}

/* Where certificates say that CRLs and OCSP are, which has to be known before anything listens: so a free port is
 * looked for here when it is 0. */
static enum err
put_plain(struct writing *w)
{
	char	 address[300];
	unsigned port;
	char	*colon;

	if (w->wishes->plain[0] == '\0') {
		buf_put_str(w->yaml, "  plain_listen: []\n");
		return ERR_OK;
	}
	if (!yaml_address(w->wishes->plain, "[::]", address, sizeof(address), w->reason))
		return ERR_CONFIG;
	colon = strrchr(address, ':');
	port = (unsigned)strtoul(colon + 1, NULL, 10);
	*colon = '\0';
	if (port == 0 && (port = port_free()) == 0) {
		reason_set(w->reason, "-plain: there is no free port");
		return ERR_IO;
	}
	buf_printf(w->yaml, "  plain_listen: [\"%s:%u\"]\n  plain_url: \"http://%s:%u\"\n", address, port,
	    strcmp(address, "[::]") == 0 ? "localhost" : address, port);
	return ERR_OK;
}

/* Go's servers take no address at all for the port of https. */
static const char *
listen_address(const struct settings *s)
{
	return s->listen[0] != '\0' ? s->listen : ":443";
}

/* For the log and the page for people: replies take their URLs from the Host header. */
static unsigned
own_port(const struct settings *s)
{
	char	 host[256];
	uint16_t port;

	return config_listen_address(listen_address(s), host, sizeof(host), &port) && port != 0 ? port : 14000;
}

static enum err
put_wfe(struct writing *w)
{
	bool	 own;
	enum err err;

	buf_printf(w->yaml, "wfe:\n  url: \"https://localhost:%u\"\n  names: [localhost]\n", own_port(w->settings));
	if ((err = put_plain(w)) == ERR_OK && (err = put_listener(w, "listen", listen_address(w->settings))) == ERR_OK &&
	    (err = put_listener(w, "management_listen", w->settings->management)) == ERR_OK &&
	    (err = put_tls(w, &own)) == ERR_OK)
		put_pages(w, own);
	return err;
}

/* A blocked name stands for itself and all below. Pebble takes any text; what is no name of a host blocks nothing. */
static void
put_blocked(struct writing *w)
{
	const char   *before = "";
	const json_t *item;
	size_t	      i;

	buf_put_str(w->yaml, "  policy: {deny: [");
	json_array_foreach((json_t *)(uintptr_t)w->settings->blocked, i, item) {
		struct identifier name;
		struct reason	  reason;
		char		  below[sizeof("*.") + IDENTIFIER_VALUE_SIZE];

		if (identifier_check(IDENTIFIER_DNS, json_string_value(item), &name, &reason) != ERR_OK ||
		    identifier_is_wildcard(&name))
			continue;
		snprintf(below, sizeof(below), "*.%s", name.value);
		buf_put_str(w->yaml, before);
		put_text(w->yaml, name.value);
		buf_put_str(w->yaml, ", ");
		put_text(w->yaml, below);
		before = ", ";
	}
	buf_put_str(w->yaml, "]}\n");
}

static void
put_ra(struct writing *w, bool strict, const char *faults)
{
	const struct settings *s = w->settings;
	const json_t	      *value;
	const char	      *key;

	buf_printf(w->yaml, "ra:\n  external_account_required: %s\n  strict: %s\n",
	    s->external_account_required ? "true" : "false", strict ? "true" : "false");
	buf_put_str(w->yaml, "  faults: ");
	put_path(w->yaml, faults);
	buf_put_str(w->yaml, "\n  external_account_keys:");
	if (json_object_size(s->mac_keys) == 0)
		buf_put_str(w->yaml, " []");
	buf_put_str(w->yaml, "\n");
	json_object_foreach((json_t *)(uintptr_t)s->mac_keys, key, value) {
		buf_put_str(w->yaml, "    - {kid: ");
		put_text(w->yaml, key);
		buf_put_str(w->yaml, ", key: ");
		put_text(w->yaml, json_string_value(value));
		buf_put_str(w->yaml, "}\n");
	}
	buf_put_str(w->yaml, "  caa_identities: ");
	put_list(w->yaml, s->caa_identities, "[pebble.letsencrypt.org]");
	buf_put_str(w->yaml, "\n  dns_persist: {issuer_domain_names: ");
	put_list(w->yaml, s->caa_identities, "[pebble.letsencrypt.org]");
	buf_put_str(w->yaml, "}\n");
	buf_printf(w->yaml, "  challenges: [%s]\n", s->challenges);
	put_blocked(w);
	buf_printf(w->yaml, "  retry_after: {order: %lld, authorization: %lld}\n",
	    (long long)(s->retry_order > 0 ? s->retry_order : 0),
	    (long long)(s->retry_authorization > 0 ? s->retry_authorization : 0));
	buf_printf(w->yaml, "  nonce_rejection: %lld\n  reuse_chance: %lld\n  reuse_authorizations: %s\n"
	    "  orders_per_page: %lld\n  show_revoked: %s\n", (long long)s->nonce_reject, (long long)s->authz_reuse,
	    s->authz_reuse > 0 ? "true" : "false", (long long)s->orders_per_page, s->show_revoked ? "true" : "false");
}

static enum err
put_va(struct writing *w, const char *resolver)
{
	const struct settings *s = w->settings;
	char		       address[300];

	buf_printf(w->yaml,
	    "va:\n  caa: \"%s\"\n  http_port: %lld\n  tls_port: %lld\n  sleep: %lld\n  always_valid: %s\n",
	    w->wishes->caa, (long long)(s->http_port > 0 ? s->http_port : 5002),
	    (long long)(s->tls_port > 0 ? s->tls_port : 5001), (long long)s->sleep,
	    s->always_valid ? "true" : "false");
	/* Three attempts at once, which must all succeed. */
	buf_put_str(w->yaml, "  perspectives: [{name: second, region: here}, {name: third, region: here}]\n"
			     "  quorum: {failures: 0}\n");
	/* What Go's resolver does, which Pebble then asks: by UDP, and after /etc/hosts. */
	if (resolver[0] == '\0') {
		buf_put_str(w->yaml, "  hosts: true\n  dns_tcp: false\n");
		return ERR_OK;
	}
	if (!yaml_address(resolver, "127.0.0.1", address, sizeof(address), w->reason))
		return ERR_CONFIG;
	buf_printf(w->yaml, "  resolvers: [\"%s\"]\n", address);
	return ERR_OK;
}

static enum err
put_profile(struct writing *w, const char *name, const json_t *profile)
{
	const json_t *promote = settings_member(profile, "promoteCommonName");
	const json_t *period = settings_member(profile, "validityPeriod");
	const json_t *description = settings_member(profile, "description");
	const char   *plain = w->wishes->plain[0] != '\0' ? "true" : "false";
	int64_t	      lifetime = json_integer_value(period);

	if ((profile != NULL && !json_is_null(profile) && !json_is_object(profile)) ||
	    (promote != NULL && !json_is_boolean(promote)) ||
	    (period != NULL && (!json_is_integer(period) || lifetime < 0)) ||
	    (description != NULL && !json_is_string(description))) {
		reason_set(w->reason, "pebble.profiles: \"%.60s\" has a member of a wrong type", name);
		return ERR_CONFIG;
	}
	if (lifetime == 0 || lifetime >= LIFETIME_WRAPS)
		lifetime = LIFETIME_NORMAL;
	if (lifetime > LIFETIME_MAX)
		lifetime = LIFETIME_MAX;
	buf_put_str(w->yaml, "    ");
	put_text(w->yaml, name);
	buf_put_str(w->yaml, ": {description: ");
	put_text(w->yaml, description != NULL ? json_string_value(description) : profile == NULL ? "The default profile" : "");
	buf_printf(w->yaml,
	    ", lifetime: %llds, common_name: %s, key_encipherment: false, issuer_pointer: %s, "
	    "crl_pointer: %s, ocsp_pointer: %s, must_staple: true}\n",
	    (long long)lifetime, json_is_true(promote) ? "true" : "false", plain, plain,
	    w->settings->ocsp_url[0] != '\0' ? "true" : plain);
	return ERR_OK;
}

static enum err
put_ca(struct writing *w)
{
	const json_t *profile;
	const char   *name;
	enum err      err = ERR_OK;

	buf_put_str(w->yaml, "ca:\n  issuers:\n    - {certificate: pki/chain-0.pem, key: keys/intermediate.pem, chains: [");
	for (size_t i = 1; i < w->hierarchy->count; i++)
		buf_printf(w->yaml, "%spki/chain-%zu.pem", i > 1 ? ", " : "", i);
	buf_put_str(w->yaml, "]}\n");
	buf_printf(w->yaml, "  auto_renewal: {told: %s}\n", w->wishes->auto_renewal ? "true" : "false");
	if (w->settings->ocsp_url[0] != '\0') {
		buf_put_str(w->yaml, "  ocsp_url: ");
		put_text(w->yaml, w->settings->ocsp_url);
		buf_put_str(w->yaml, "\n");
	}
	buf_put_str(w->yaml, "  profiles:\n");
	if (json_object_size(w->settings->profiles) == 0)
		return put_profile(w, "default", NULL);
	json_object_foreach((json_t *)(uintptr_t)w->settings->profiles, name, profile)
		if (err == ERR_OK)
			err = put_profile(w, name, profile);
	return err;
}

enum err
yaml_write(const struct settings *settings, const struct wishes *wishes, const struct hierarchy *hierarchy,
    const char *folder, struct buf *out, struct reason *reason)
{
	struct writing w = { settings, wishes, hierarchy, folder, out, reason };
	enum err       err;

	buf_printf(out, "preset: pebble\nsurface: %s\nname: Pebble\nseed: %llu\nlog: {format: pebble}\n",
	    settings->moved_paths ? "pebble-moved" : "pebble", (unsigned long long)wishes->seed);
	if ((err = folders_make(&w)) == ERR_OK && (err = evidence_file(&w)) == ERR_OK &&
	    (err = hierarchy_files(&w)) == ERR_OK && (err = put_wfe(&w)) == ERR_OK) {
		put_ra(&w, wishes->strict, wishes->faults);
		if ((err = put_va(&w, wishes->resolver)) == ERR_OK)
			err = put_ca(&w);
	}
	return err == ERR_OK && out->failed ? ERR_MEMORY : err;
}
