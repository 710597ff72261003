#include "wfe/plain.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "acme/surface.h"
#include "lib/file.h"
#include "lib/log.h"
#include "x509/certificate.h"

#define ROOT_FILE "pki/root.pem"
#define FILE_MAX 1048576	/* a chain of RSA certificates is under 20 KiB; who keeps a bundle may */
#define PKIX_CERT "application/pkix-cert"	/* RFC 2585, 4.1 */

struct plain {
	struct page	*pages;
	size_t		 count;
};

static const char about_limits[] =
    "<p>This CA limits how often clients may ask, so that a client in a loop harms nobody. A request over a limit is\n"
    "refused with the status 429 and the problem <code>rateLimited</code>, which names the limit; nothing is spent by\n"
    "it. The header <code>Retry-After</code> says when it will be served.</p>\n"
    "<p>Orders that renew a certificate and say so by <code>replaces</code> (RFC 9773) are not counted. A name whose\n"
    "validation failed again and again for an account is paused for it: mend the cause first.</p>\n"
    "<p>The administrator of this CA can raise a limit for an account or a domain, forget what was spent, and end a\n"
    "pause: <code>signet limit --help</code>.</p>\n";

static const char style[] =
    "body{font:16px/1.5 sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
    "code,pre{background:#eee;padding:.1em .3em}pre{padding:.7em;overflow:auto}";

static const char about[] =
    "</h1>\n<p>This is a certificate authority. It gives TLS certificates to the machines of this network\n"
    "by the ACME protocol (RFC 8555). Any ACME client works with its directory:</p>\n<pre>";

static const char steps[] =
    "<h2>Trust it</h2>\n"
    "<p>Compare the fingerprint with one you got another way, for instance from the administrator: this\n"
    "page came without encryption.</p>\n"
    "<h3>Debian, Ubuntu</h3>\n"
    "<pre>curl -o root.crt %s/root.pem\n"
    "openssl x509 -in root.crt -noout -fingerprint -sha256\n"
    "sudo cp root.crt /usr/local/share/ca-certificates/signet-root.crt\n"
    "sudo update-ca-certificates</pre>\n"
    "<h3>macOS</h3>\n"
    "<pre>curl -o root.crt %s/root.pem\n"
    "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain root.crt</pre>\n"
    "<h3>Windows</h3>\n"
    "<p>Save <a href=\"/root.crt\">root.crt</a>; then, as administrator:</p>\n"
    "<pre>certutil -addstore -f ROOT root.crt</pre>\n"
    "<h3>Firefox</h3>\n"
    "<p>Settings, Privacy &amp; Security, View Certificates, Authorities, Import: choose\n"
    "<a href=\"/root.crt\">root.crt</a> and tick &ldquo;Trust this CA to identify websites&rdquo;.</p>\n";

static void
put_html(struct buf *out, const char *text)
{
	for (; text != NULL && *text != '\0'; text++) {
		switch (*text) {
		case '<':
			buf_put_str(out, "&lt;");
			break;
		case '>':
			buf_put_str(out, "&gt;");
			break;
		case '&':
			buf_put_str(out, "&amp;");
			break;
		case '"':
			buf_put_str(out, "&quot;");
			break;
		default:
			buf_put_byte(out, (uint8_t)*text);
		}
	}
}

/* Takes body's bytes over. */
static enum err
add_page(struct plain *plain, const char *path, const char *media_type, struct buf *body)
{
	struct page *page, *pages;

	if (body->failed || (pages = realloc(plain->pages, (plain->count + 1) * sizeof(*pages))) == NULL)
		return ERR_MEMORY;
	plain->pages = pages;
	page = &pages[plain->count];
	*page = (struct page){ .path = strdup(path), .media_type = media_type, .body = *body };
	if (page->path == NULL)
		return ERR_MEMORY;
	*body = (struct buf){ 0 };
	plain->count++;
	return ERR_OK;
}

static enum err
complain(const char *path, const char *cause)
{
	log_event(LOG_ERROR, "a certificate can't be served", F_STR("file", path), F_STR("cause", cause));
	return ERR_CONFIG;
}

/* The first certificate of a PEM file, as DER. ERR_NOT_FOUND when there is no such file. */
static enum err
read_certificate(const char *path, struct buf *der)
{
	STACK_OF(X509)	*chain = NULL;
	struct buf	 pem = { 0 };
	struct reason	 reason = { "" };
	enum err	 err;

	if ((err = file_read(path, FILE_MAX, &pem)) == ERR_NOT_FOUND)
		goto out;
	if (err != ERR_OK) {
		err = complain(path, err == ERR_IO ? strerror(errno) : err_text(err));
		goto out;
	}
	if (certificates_read(buf_slice(&pem), &chain, &reason) != ERR_OK) {
		err = complain(path, reason.text);
		goto out;
	}
	err = certificate_der(sk_X509_value(chain, 0), der);
 out:
	sk_X509_pop_free(chain, X509_free);
	buf_free(&pem);
	return err;
}

static enum err
add_issuer(struct plain *plain, const struct config *config, const char *file)
{
	struct buf	 der = { 0 };
	char		 path[CERTIFICATE_ISSUER_PATH_SIZE];
	char		*name = file_join(config->dir, file);
	enum err	 err = ERR_MEMORY;

	if (name != NULL && (err = read_certificate(name, &der)) == ERR_OK) {
		certificate_issuer_path(buf_slice(&der), path);
		err = add_page(plain, path, PKIX_CERT, &der);
	}
	if (err == ERR_NOT_FOUND)
		err = complain(name, "there is no such file");
	buf_free(&der);
	free(name);
	return err;
}

/* fingerprint stays "" when the root is not here. */
static enum err
add_root(struct plain *plain, const struct config *config, char fingerprint[96])
{
	uint8_t		 digest[SHA256_DIGEST_LENGTH];
	struct buf	 der = { 0 }, pem = { 0 };
	char		*name = file_join(config->dir, ROOT_FILE);
	enum err	 err = ERR_MEMORY;

	fingerprint[0] = '\0';
	if (name == NULL || (err = read_certificate(name, &der)) != ERR_OK) {
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
		goto out;
	}
	SHA256(der.data, der.len, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(fingerprint + 3 * i, 4, "%02X%s", digest[i], i + 1 < sizeof(digest) ? ":" : "");
	if ((err = certificate_pem(buf_slice(&der), &pem)) == ERR_OK &&
	    (err = add_page(plain, "/root.pem", "application/x-pem-file", &pem)) == ERR_OK)
		err = add_page(plain, "/root.crt", PKIX_CERT, &der);
 out:
	buf_free(&der);
	buf_free(&pem);
	free(name);
	return err;
}

static void
put_root_section(struct buf *out, const struct config *config, const char *fingerprint)
{
	struct buf	 url = { 0 };
	char		*text;

	put_html(&url, config->wfe.plain_url);
	text = buf_take_str(&url);
	if (text == NULL) {
		out->failed = true;
		return;
	}
	buf_printf(out,
	    "<h2>The root certificate</h2>\n<p><a href=\"/root.pem\">root.pem</a> &middot;\n"
	    "<a href=\"/root.crt\">root.crt</a> (DER). Its SHA-256 fingerprint:</p>\n<pre>%s</pre>\n",
	    fingerprint);
	buf_printf(out, steps, text, text);
	free(text);
}

static enum err
add_index(struct plain *plain, const struct config *config, const char *fingerprint)
{
	struct buf	out = { 0 };
	enum err	err;

	buf_put_str(&out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
	put_html(&out, config->name);
	buf_printf(&out, "</title><style>%s</style></head><body>\n<h1>", style);
	put_html(&out, config->name);
	buf_put_str(&out, about);
	put_html(&out, config->wfe.url);
	put_html(&out, surface_of(config->surface)->paths[ROUTE_DIRECTORY]);
	buf_put_str(&out, "</pre>\n");
	if (fingerprint[0] != '\0')
		put_root_section(&out, config, fingerprint);
	buf_put_str(&out, "</body></html>\n");
	err = add_page(plain, "/", "text/html; charset=utf-8", &out);
	buf_free(&out);
	return err;
}

/* What Link;rel="help" of a 429 points to (RFC 8555, 6.6), where the configuration names no website. */
static enum err
add_limits(struct plain *plain, const struct config *config)
{
	struct buf	out = { 0 };
	enum err	err;

	buf_put_str(&out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
	put_html(&out, config->name);
	buf_printf(&out, "</title><style>%s</style></head><body>\n<h1>", style);
	put_html(&out, config->name);
	buf_printf(&out, ": limits</h1>\n%s</body></html>\n", about_limits);
	err = add_page(plain, "/limits", "text/html; charset=utf-8", &out);
	buf_free(&out);
	return err;
}

enum err
plain_open(const struct config *config, struct plain **out)
{
	struct plain	*plain = calloc(1, sizeof(*plain));
	char		 fingerprint[96];
	enum err	 err;

	*out = NULL;
	if (plain == NULL)
		return ERR_MEMORY;
	if ((err = add_root(plain, config, fingerprint)) != ERR_OK)
		goto out;
	for (size_t i = 0; i < config->ca.issuer_count; i++) {
		if ((err = add_issuer(plain, config, config->ca.issuers[i].certificate)) != ERR_OK)
			goto out;
	}
	if ((err = add_index(plain, config, fingerprint)) != ERR_OK ||
	    (err = add_limits(plain, config)) != ERR_OK)
		goto out;
	*out = plain;
	plain = NULL;
 out:
	plain_free(plain);
	return err;
}

void
plain_free(struct plain *plain)
{
	if (plain == NULL)
		return;
	for (size_t i = 0; i < plain->count; i++) {
		free(plain->pages[i].path);
		buf_free(&plain->pages[i].body);
	}
	free(plain->pages);
	free(plain);
}

const struct page *
plain_find(const struct plain *plain, const char *path)
{
	for (size_t i = 0; i < plain->count; i++) {
		if (strcmp(plain->pages[i].path, path) == 0)
			return &plain->pages[i];
	}
	return NULL;
}
