#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "va/url.h"

void
url_host(struct url *u, const struct identifier *identifier, uint16_t port)
{
	*u = (struct url){ .port = port };
	snprintf(u->host, sizeof(u->host), "%.*s", URL_HOST_MAX, identifier->value);
	if (identifier->type == IDENTIFIER_IP && !address_parse(identifier->value, &u->literal))
		abort();
}

void
url_challenge(struct url *u, const struct identifier *identifier, uint16_t port, const char *token)
{
	char where[8] = "";

	url_host(u, identifier, port);
	if (port != 80)
		snprintf(where, sizeof(where), ":%u", port);
	snprintf(u->text, sizeof(u->text),
	    u->literal.family == AF_INET6 ? "http://[%s]%s/.well-known/acme-challenge/%s"
					  : "http://%s%s/.well-known/acme-challenge/%s",
	    u->host, where, token);
}

/* A name that DNS can be asked for. A last label that starts with a digit would be some form of an IPv4
 * address ("127.1", "0x7f.1") to one parser or another; no top-level domain looks like that. */
static bool
host_is_name(const char *host)
{
	size_t label = 0;
	const char *c, *last = host;

	for (c = host; *c != '\0'; c++) {
		if (*c == '.') {
			if (label == 0)
				return false;
			label = 0;
			last = c + 1;
			continue;
		}
		if ((!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-' && *c != '_') ||
		    ++label > 63)
			return false;
	}
	return label > 0 && !isdigit((unsigned char)*last);
}

/* Reads the host into u. */
static enum err
host_get(CURLU *parts, struct url *u, struct reason *reason)
{
	char *host = NULL, *zone = NULL;
	enum err err = ERR_MALFORMED;
	size_t len, i;

	/* An interface of this machine (RFC 6874) is nothing that a stranger may name. */
	if (curl_url_get(parts, CURLUPART_ZONEID, &zone, 0) == CURLUE_OK ||
	    curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		goto out;
	len = strlen(host);
	if (len > 0 && host[len - 1] == '.')
		host[--len] = '\0';
	if (len == 0 || len > URL_HOST_MAX)
		goto out;
	for (i = 0; i <= len; i++)
		u->host[i] = (char)tolower((unsigned char)host[i]);
	if (u->host[0] == '[' && u->host[len - 1] == ']') {
		u->host[len - 1] = '\0';
		memmove(u->host, u->host + 1, len - 1);
		if (!address_parse(u->host, &u->literal) || u->literal.family != AF_INET6)
			goto out;
	} else if ((!address_parse(u->host, &u->literal) || u->literal.family != AF_INET) &&
		   !host_is_name(u->host))
		goto out;
	err = ERR_OK;
out:
	if (err != ERR_OK)
		reason_set(reason, "redirected to a URL whose host is not a DNS name");
	curl_free(zone);
	curl_free(host);
	return err;
}

/* The challenge's own port, where it is another one. */
static const char *
and_port(uint16_t port, uint16_t usual, char out[16])
{
	out[0] = '\0';
	if (port != usual && port != 0)
		snprintf(out, 16, " or %u", port);
	return out;
}

/* Reads scheme and port and checks them. */
static enum err
port_get(CURLU *parts, uint16_t http_port, uint16_t tls_port, struct url *u, struct reason *reason)
{
	char also[16], tls_also[16];
	char *scheme = NULL, *port = NULL;
	enum err err = ERR_DENIED;

	if (curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
		reason_set(reason, "redirected to a URL that is neither http nor https");
		goto out;
	}
	if (curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
		reason_set(reason, "redirected to a URL without a usable port");
		goto out;
	}
	u->tls = strcmp(scheme, "https") == 0;
	u->port = (uint16_t)strtoul(port, NULL, 10);
	if (http_port != 0 && (u->tls ? u->port != 443 && u->port != tls_port : u->port != 80 && u->port != http_port)) {
		reason_set(reason,
		    "redirected to port %u by %s; only port 80%s by http and port 443%s by https are followed", u->port, scheme,
		    and_port(http_port, 80, also), and_port(tls_port, 443, tls_also));
		goto out;
	}
	err = ERR_OK;
out:
	curl_free(scheme);
	curl_free(port);
	return err;
}

/* Takes the location apart, relative to the URL that sent it. */
static enum err
location_parse(CURLU *parts, const char *from, const char *location, struct reason *reason)
{
	CURLUcode code;

	if ((code = curl_url_set(parts, CURLUPART_URL, from, 0)) == CURLUE_OK)
		code = curl_url_set(
		    parts, CURLUPART_URL, location, CURLU_DISALLOW_USER | CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_OK)
		code = curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
	if (code == CURLUE_OUT_OF_MEMORY)
		return ERR_MEMORY;
	if (code == CURLUE_USER_NOT_ALLOWED) {
		reason_set(reason, "redirected to a URL with a user name or password in it");
		return ERR_DENIED;
	}
	if (code != CURLUE_OK) {
		reason_set(reason, "redirected to something that is not a URL: %s", curl_url_strerror(code));
		return ERR_MALFORMED;
	}
	return ERR_OK;
}

/* No white space, no control characters, nothing outside ASCII (RFC 3986, 2). */
static bool
is_graphic(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= 0x20 || (unsigned char)*text >= 0x7f)
			return false;
	return true;
}

enum err
url_redirect(const struct url *from, struct slice location, uint16_t http_port, uint16_t tls_port,
    struct url *out, struct reason *reason)
{
	CURLU *parts = NULL;
	char *copy = NULL, *text = NULL;
	enum err err = ERR_MALFORMED;

	*out = (struct url){ 0 };
	reason_set(reason, "redirected, but the Location header is missing, too long, or not a URL");
	if (location.len == 0 || location.len > URL_TEXT_MAX || (copy = slice_dup(location)) == NULL ||
	    !is_graphic(copy))
		goto out;
	if ((parts = curl_url()) == NULL) {
		err = ERR_MEMORY;
		goto out;
	}
	if ((err = location_parse(parts, from->text, copy, reason)) != ERR_OK ||
	    (err = port_get(parts, http_port, tls_port, out, reason)) != ERR_OK ||
	    (err = host_get(parts, out, reason)) != ERR_OK)
		goto out;
	err = ERR_MALFORMED;
	if (curl_url_get(parts, CURLUPART_URL, &text, 0) != CURLUE_OK || strlen(text) > URL_TEXT_MAX)
		goto out;
	snprintf(out->text, sizeof(out->text), "%s", text);
	err = ERR_OK;
out:
	curl_free(text);
	free(copy);
	curl_url_cleanup(parts);
	return err;
}
