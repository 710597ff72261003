/* What options say together: the ones that follow from others, and contradictions. Every field may be
 * missing here, because the file's other mistakes are told in the same run. */
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "ipc/msg.h"

#define LIFETIME_MIN 600

/* The host of a server URL, without brackets and port, on the heap. */
static char *
host_of(const char *url)
{
	const char	*start = strstr(url, "://") + 3;

	if (*start == '[')
		return strndup(start + 1, strcspn(start + 1, "]"));
	return strndup(start, strcspn(start, ":"));
}

static void
derive_names(struct parse *p)
{
	struct strings	*names = &p->config->wfe.names;

	if ((names->items = calloc(1, sizeof(*names->items))) == NULL ||
	    (names->items[0] = host_of(p->config->wfe.url)) == NULL)
		p->report->failed = true;
	else
		names->count = 1;
}

static void
derive_plain_url(struct parse *p)
{
	const struct wfe_config	*wfe = &p->config->wfe;
	char			*host, listen[256];
	struct buf		 url = { 0 };
	uint16_t		 port;

	if ((host = host_of(wfe->url)) == NULL) {
		p->report->failed = true;
		return;
	}
	if (wfe->plain_listen.count > 0 &&
	    config_address(wfe->plain_listen.items[0], listen, sizeof(listen), &port)) {
		buf_printf(&url, strchr(host, ':') != NULL ? "http://[%s]" : "http://%s", host);
		if (port != 80)
			buf_printf(&url, ":%u", port);
	}
	free(host);
	p->config->wfe.plain_url = buf_take_str(&url);
	if (p->config->wfe.plain_url == NULL)
		p->report->failed = true;
}

/* Not a URL that leads anywhere: it makes an accounturi a URI (RFC 8657, 3). */
static void
derive_account_hash_prefix(struct parse *p)
{
	struct buf	 url = { 0 };

	buf_printf(&url, "%s/account-hash/", p->config->wfe.url);
	if ((p->config->ra.account_hash_prefix = buf_take_str(&url)) == NULL)
		p->report->failed = true;
}

static void
derive_ocsp_url(struct parse *p)
{
	struct buf	 url = { 0 };

	if (config_serves_ocsp(p->config))
		buf_printf(&url, "%s/ocsp", p->config->wfe.plain_url);
	if ((p->config->ca.ocsp_url = buf_take_str(&url)) == NULL)
		p->report->failed = true;
}

void
config_derive(struct parse *p)
{
	if (p->config->wfe.url == NULL)
		return;
	if (absent(p, "wfe.names"))
		derive_names(p);
	if (absent(p, "wfe.plain_url"))
		derive_plain_url(p);
	if (absent(p, "ca.ocsp_url"))
		derive_ocsp_url(p);
	if (absent(p, "ra.dns_persist.account_hash_prefix"))
		derive_account_hash_prefix(p);
}

static void
check_required(struct parse *p)
{
	for (size_t i = 0; i < option_count; i++)
		if (options[i].flags & OPTION_REQUIRED && p->line[i] == 0)
			report_add(p->report, 1, options[i].key, "is missing; add it (%s: %s)",
			    options[i].type->name, options[i].help);
}

static void
check_test(struct parse *p)
{
	for (size_t i = 0; i < option_count && p->config->preset != PRESET_PEBBLE; i++)
		if (options[i].flags & OPTION_TEST && p->line[i] != 0)
			report_add(p->report, p->line[i], options[i].key,
			    "is for tests of clients, which preset pebble serves; remove the line");
}

static void
check_tls(struct parse *p)
{
	const struct wfe_config	*wfe = &p->config->wfe;
	size_t			 line = line_of(p, "wfe.tls");

	if (wfe->tls == TLS_FILES && absent(p, "wfe.tls.certificate"))
		report_add(
		    p->report, line, "wfe.tls", "has no certificate; add certificate: FILE, or write auto");
	if (wfe->tls == TLS_FILES && absent(p, "wfe.tls.key"))
		report_add(p->report, line, "wfe.tls", "has no key; add key: FILE, or write auto");
	if (wfe->url != NULL && strncmp(wfe->url, "http://", 7) == 0 && wfe->tls != TLS_OFF)
		report_add(p->report, line_of(p, "wfe.url"), "wfe.url",
		    "is http:// while wfe.tls is on; write https:// and the rest, or tls: off");
}

/* Each listening address once: the port, and a host that the other does not cover. */
static void
check_listeners(struct parse *p)
{
	const struct wfe_config	*wfe = &p->config->wfe;
	struct { const char *key, *text; } all[32];
	char		a[256], b[256];
	size_t		n = 0;
	uint16_t	pa, pb;

	for (size_t i = 0; i < wfe->listen.count && n < 15; i++, n++)
		all[n].key = "wfe.listen", all[n].text = wfe->listen.items[i];
	for (size_t i = 0; i < wfe->plain_listen.count && n < 30; i++, n++)
		all[n].key = "wfe.plain_listen", all[n].text = wfe->plain_listen.items[i];
	for (size_t i = 0; i < wfe->management_listen.count && n < 31; i++, n++)
		all[n].key = "wfe.management_listen", all[n].text = wfe->management_listen.items[i];
	if (wfe->metrics_listen != NULL && wfe->metrics_listen[0] != '\0')
		all[n].key = "wfe.metrics_listen", all[n++].text = wfe->metrics_listen;
	/* Nobody would find it: only a test reads the ready file. */
	for (size_t i = 0; i < n && p->config->preset != PRESET_PEBBLE; i++)
		if (config_listen_address(all[i].text, a, sizeof(a), &pa) && pa == 0)
			report_add(p->report, line_of(p, all[i].key), all[i].key, "%s has port 0; choose a port", all[i].text);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++) {
			if (!config_address(all[i].text, a, sizeof(a), &pa) ||
			    !config_address(all[j].text, b, sizeof(b), &pb) || pa != pb)
				continue;
			if (strcmp(a, b) != 0 && strcmp(a, "") != 0 && strcmp(b, "") != 0 &&
			    strcmp(a, "::") != 0 && strcmp(b, "::") != 0)
				continue;
			report_add(p->report, line_of(p, all[i].key), all[i].key,
			    "%s takes the port of %s (%s); choose another port", all[i].text, all[j].key,
			    all[j].text);
			break;
		}
	if (wfe->plain_listen.count == 0 && !absent(p, "wfe.plain_listen") && wfe->plain_url != NULL &&
	    wfe->plain_url[0] != '\0')
		report_add(p->report, line_of(p, "wfe.plain_url"), "wfe.plain_url",
		    "names a listener that plain_listen: [] switches off; remove one of the two lines");
	if (wfe->plain_url != NULL && strncmp(wfe->plain_url, "https://", 8) == 0)
		report_add(p->report, line_of(p, "wfe.plain_url"), "wfe.plain_url",
		    "is https://, but certificates must name plain HTTP (RFC 5280, 8: else checking a "
		    "certificate "
		    "needs one); write http://");
}

static void
check_ocsp(struct parse *p)
{
	const struct ca_config	*ca = &p->config->ca;
	const char		*url = ca->ocsp_url;
	char			 key[KEY_PATH_MAX];

	if (ca->ocsp && !absent(p, "ca.ocsp") && p->config->wfe.plain_url != NULL && p->config->wfe.plain_url[0] == '\0')
		report_add(p->report, line_of(p, "ca.ocsp"), "ca.ocsp",
		    "has no listener: wfe.plain_listen serves it, so give that an address, or set ocsp: false");
	if (url != NULL && url[0] != '\0' && strncmp(url, "http://", 7) != 0)
		report_add(p->report, line_of(p, "ca.ocsp_url"), "ca.ocsp_url",
		    "is not http://, but checking a certificate must not need another one (RFC 5280, 8)");
	for (size_t i = 0; url != NULL && url[0] == '\0' && i < ca->profile_count; i++) {
		if (ca->profiles[i].name == NULL || !ca->profiles[i].ocsp_pointer)
			continue;
		snprintf(key, sizeof(key), "ca.profiles.%s", ca->profiles[i].name);
		report_add(p->report, line_of(p, "ca.profiles"), key, "has ocsp_pointer: true, and there is no OCSP to "
		    "point to; set ca.ocsp: true, or remove it");
	}
}

static void
check_persist(struct parse *p)
{
	const struct ra_config	*ra = &p->config->ra;

	for (size_t i = 0; ra->issuer_domain_names.count == 0 && i < ra->challenges.count; i++)
		if (challenge_persists(challenge_by_name(ra->challenges.items[i])))
			report_add(p->report, line_of(p, "ra.challenges"), "ra.challenges", "has %s, for which the CA has "
			    "no name; add ra.dns_persist.issuer_domain_names", ra->challenges.items[i]);
	/* RFC 8659, 4.2: it ends a parameter's value. */
	if (ra->account_hash_prefix != NULL && strchr(ra->account_hash_prefix, ';') != NULL)
		report_add(p->report, line_of(p, "ra.dns_persist.account_hash_prefix"),
		    "ra.dns_persist.account_hash_prefix", "has a semicolon, which no record can hold; write it as %%3B");
}

/* Whether an issuer signs such keys for the profile. */
static bool
is_signed(const struct ca_config *ca, const struct profile_config *profile, const char *key_type)
{
	for (size_t i = 0; i < ca->issuer_count; i++)
		if (config_issuer_serves(&ca->issuers[i], profile) &&
		    config_issuer_takes(&ca->issuers[i], key_type) != ISSUER_TAKES_NOT)
			return true;
	return false;
}

static bool
is_issuer(const struct ca_config *ca, const char *name)
{
	for (size_t i = 0; i < ca->issuer_count; i++)
		if (same(ca->issuers[i].name, name))
			return true;
	return false;
}

static void
check_profile_issuers(struct parse *p, const struct profile_config *profile, const char *key)
{
	const struct ca_config	*ca = &p->config->ca;
	size_t			 line = line_of(p, "ca.profiles"), before = p->report->count;

	for (size_t i = 0; i < profile->issuers.count; i++)
		if (!is_issuer(ca, profile->issuers.items[i]))
			report_add(p->report, line, key, "names the issuer %s, and none of ca.issuers has name: %s",
			    profile->issuers.items[i], profile->issuers.items[i]);
	for (size_t i = 0; p->report->count == before && i < profile->key_types.count; i++)
		if (!is_signed(ca, profile, profile->key_types.items[i]))
			report_add(p->report, line, key, "takes %s keys, and none of its issuers does; see ca.issuers",
			    profile->key_types.items[i]);
}

static void
check_profiles(struct parse *p)
{
	const struct ca_config	*ca = &p->config->ca;
	char			 key[KEY_PATH_MAX];

	for (size_t i = 0; i < ca->profile_count; i++) {
		const struct profile_config	*profile = &ca->profiles[i];

		/* Without a lifetime it was no map, and has no flags. */
		if (profile->name == NULL || profile->lifetime == 0)
			continue;
		snprintf(key, sizeof(key), "ca.profiles.%s", profile->name);
		/* A client's clock and the backdating of notBefore eat it up. */
		if (profile->lifetime < LIFETIME_MIN && p->config->preset != PRESET_PEBBLE)
			report_add(p->report, line_of(p, "ca.profiles"), key,
			    "has a lifetime of less than ten minutes; make it longer");
		if (!profile->server_auth && !profile->client_auth)
			report_add(p->report, line_of(p, "ca.profiles"), key,
			    "serves neither servers nor clients; set server_auth or client_auth to true");
		check_profile_issuers(p, profile, key);
	}
}

/* Certificates begin 9/16 of their lifetime early, at the least (acme/auto_renewal.c). */
static void
check_auto_renewal(struct parse *p)
{
	const struct ca_config	*ca = &p->config->ca;
	int64_t			 shortest = ca->auto_renewal.min_lifetime, longest = 0;

	for (size_t i = 0; i < ca->profile_count; i++)
		longest = ca->profiles[i].lifetime > longest ? ca->profiles[i].lifetime : longest;
	/* Pebble's users have profiles of seconds. */
	if (ca->auto_renewal.max_duration == 0 || longest == 0 || p->config->preset == PRESET_PEBBLE)
		return;
	if (ca->auto_renewal.max_duration < shortest)
		report_add(p->report, line_of(p, "ca.auto_renewal.max_duration"), "ca.auto_renewal.max_duration",
		    "is less than min_lifetime, so that no order fits; make it longer, or 0s for none");
	else if (shortest + (shortest * 9 + 15) / 16 >= longest)
		report_add(p->report, line_of(p, "ca.auto_renewal.min_lifetime"), "ca.auto_renewal.min_lifetime",
		    "and the 9/16 of it by which certificates begin early fit into no profile's lifetime; make it shorter");
}

static void
check_ca(struct parse *p)
{
	const struct ca_config	*ca = &p->config->ca;
	char			 key[KEY_PATH_MAX];
	size_t			 line = line_of(p, "ca.issuers"), before = p->report->count;

	check_profiles(p);
	check_auto_renewal(p);
	/* Its key is made by wfe/tls.c. */
	if (p->report->count == before && p->config->wfe.tls == TLS_AUTO && ca->profile_count > 0 &&
	    ca->profiles[0].name != NULL && ca->issuer_count > 0 && !is_signed(ca, &ca->profiles[0], "p256"))
		report_add(p->report, line, "ca.issuers", "has none that certifies the server's own key, a p256, by "
		    "profile %s; let one take p256 keys, or give wfe.tls a certificate", ca->profiles[0].name);
	for (size_t i = 0; i < ca->issuer_count; i++) {
		snprintf(key, sizeof(key), "ca.issuers[%zu]", i);
		for (size_t j = 0; j < i; j++) {
			if (same(ca->issuers[i].certificate, ca->issuers[j].certificate))
				report_add(p->report, line, key,
				    "has the certificate of ca.issuers[%zu]; remove one", j);
			if (same(ca->issuers[i].name, ca->issuers[j].name) && ca->issuers[i].name[0] != '\0')
				report_add(p->report, line, key,
				    "has the name of ca.issuers[%zu]; profiles couldn't tell them apart", j);
		}
		if (same(ca->issuers[i].key, ca->issuers[i].certificate))
			report_add(p->report, line, key, "has its key and its certificate in one file; "
			    "split it: other processes read the certificate");
		for (size_t j = 0; j < ca->issuers[i].chains.count; j++)
			if (same(ca->issuers[i].chains.items[j], ca->issuers[i].certificate))
				report_add(p->report, line, key, "has its certificate's file among its chains; "
				    "that chain is the default already, so remove it there");
		if (same(ca->issuers[i].key, p->config->evidence_key))
			report_add(p->report, line, key,
			    "has the evidence_key's file as its key; they are different secrets");
		if (same(ca->issuers[i].key, p->config->wfe.tls_key))
			report_add(p->report, line, key, "has the key of wfe.tls: the process that faces the "
			    "internet would hold it; make another one");
	}
}

/* Whether path lies in folder, as they are written; "" is the configuration's own folder. */
static bool
lies_in(const char *path, const char *folder)
{
	size_t	len = strlen(folder);

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	return len > 0 && strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

static void
check_secret(struct parse *p, const char *key, size_t line, const char *path, const char *folder,
    const char *whose)
{
	if (path != NULL && lies_in(path, folder))
		report_add(p->report, line, key, "lies in %s, %s, which that process owns and sees; keep it "
		    "in a folder of its own, such as keys", folder, whose);
}

/* ra and ca own the folders of the database and the ledger, with all that is in them. */
static void
check_folders(struct parse *p)
{
	const struct config	*c = p->config;
	char			*data = NULL, *slash, key[KEY_PATH_MAX];
	const char		*folders[2] = { "", c->ledger != NULL ? c->ledger : "" };
	static const char	*const whose[2] = { "the database's folder", "the ledger's folder" };

	if (c->storage != NULL && strncmp(c->storage, "sqlite:", 7) == 0) {
		if ((data = strdup(c->storage + 7)) == NULL)
			p->report->failed = true;
		else if ((slash = strrchr(data, '/')) != NULL) {
			*slash = '\0';
			folders[0] = strncmp(data, "./", 2) == 0 ? data + 2 : data;
		}
	}
	for (size_t f = 0; f < 2; f++) {
		check_secret(p, "evidence_key", line_of(p, "evidence_key"), c->evidence_key, folders[f],
		    whose[f]);
		check_secret(p, "wfe.tls.key", line_of(p, "wfe.tls.key"), c->wfe.tls_key, folders[f], whose[f]);
		for (size_t i = 0; i < c->ca.issuer_count; i++) {
			snprintf(key, sizeof(key), "ca.issuers[%zu]", i);
			check_secret(p, key, line_of(p, "ca.issuers"), c->ca.issuers[i].key, folders[f],
			    whose[f]);
		}
	}
	if (c->ledger != NULL && folders[0][0] != '\0' &&
	    (lies_in(c->ledger, folders[0]) || lies_in(folders[0], c->ledger)))
		report_add(p->report, line_of(p, "ledger"), "ledger",
		    "shares a folder with the database; each belongs to another process, so write another folder");
	free(data);
}

/* A role's part travels in one message. */
static void
check_size(struct parse *p)
{
	struct buf	part = { 0 };

	for (int role = 0; role < ROLE_COUNT && p->report->count == 0; role++) {
		buf_clear(&part);
		config_encode(p->config, (enum role)role, &part);
		if (part.failed)
			p->report->failed = true;
		else if (part.len > MSG_MAX)
			report_add(p->report, 1, "yaml",
			    "the lists are too long together: %zu bytes, %d would do; "
			    "use patterns instead of single names",
			    part.len, MSG_MAX);
	}
	buf_free(&part);
}

void
config_check(struct parse *p)
{
	if (config_is_perspective(p->config)) {
		check_own_perspective(p);
		check_va(p);
		check_size(p);
		return;
	}
	if (p->map)
		check_required(p);
	check_test(p);
	check_not_perspective(p);
	check_tls(p);
	check_listeners(p);
	check_both(p, "ra.policy.deny", &p->config->ra.deny, &p->config->ra.allow,
	    "%s stands in allow too, and deny wins; remove one of the two");
	check_persist(p);
	check_va(p);
	check_ca(p);
	check_ocsp(p);
	check_folders(p);
	check_size(p);
}
