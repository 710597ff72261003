#include "config/options.h"

#include <assert.h>
#include <string.h>

#define ALL (ROLE_BIT(ROLE_WFE) | ROLE_BIT(ROLE_RA) | ROLE_BIT(ROLE_VA) | ROLE_BIT(ROLE_CA))
#define WFE ROLE_BIT(ROLE_WFE)
#define RA ROLE_BIT(ROLE_RA)
#define VA ROLE_BIT(ROLE_VA)
#define CA ROLE_BIT(ROLE_CA)

#define AT(member) .offset = offsetof(struct config, member)
#define SAME(yaml) .defaults = { yaml, yaml, yaml }
#define EACH(private, pebble, webpki) .defaults = { private, pebble, webpki }

#define SECOND INT64_C(1)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static_assert(sizeof(enum preset) == sizeof(unsigned) && sizeof(enum tls_mode) == sizeof(unsigned) &&
    sizeof(enum caa_mode) == sizeof(unsigned) && sizeof(enum persist_form) == sizeof(unsigned) &&
    sizeof(enum surface_kind) == sizeof(unsigned) && sizeof(enum dnssec_mode) == sizeof(unsigned) &&
    sizeof(enum zone_dnssec) == sizeof(unsigned) &&
    sizeof(enum log_level) == sizeof(unsigned) && sizeof(enum log_format) == sizeof(unsigned),
    "KIND_ENUM is read and written as unsigned");

/* Indexed by the enums of config.h and log.h. */
static const char *const preset_names[] = { "private", "pebble", "webpki", NULL };
static const char *const proxy_header_names[] = { "x-forwarded-for", "forwarded", NULL };
static const char *const tls_names[] = { "auto", "{certificate: FILE, key: FILE}", "off", NULL };
static const char *const persist_names[] = { "draft-02", "draft-01", NULL };
static const char *const surface_names[] = { "native", "pebble", "pebble-moved", NULL };
static const char *const dnssec_names[] = { "off", "if-present", "required", NULL };
static const char *const zone_dnssec_names[] = { "default", "off", "if-present", "required", NULL };
static const char *const caa_names[] = { "off", "if-present", "enforce", NULL };
static const char *const level_names[] = { "debug", "info", "warning", "error", NULL };
static const char *const format_names[] = { "text", "json", "pebble", NULL };

/* clang-format off */
static const struct option issuer_fields[] = {
	{ .key = "certificate", .type = &type_path, .offset = offsetof(struct issuer_config, certificate),
	    .roles = WFE | RA | CA, .min = 1, .flags = OPTION_REQUIRED,
	    .help = "PEM file with the issuer's certificate, then those between it and the root" },
	{ .key = "key", .type = &type_path, .offset = offsetof(struct issuer_config, key),
	    .roles = CA, .min = 1, .flags = OPTION_REQUIRED,
	    .help = "PEM file with its private key; only the ca process opens it" },
	{ .key = "name", .type = &type_word, .offset = offsetof(struct issuer_config, name),
	    .roles = RA | CA, SAME("\"\""), .max = 64, .help = "what ca.profiles call it" },
	{ .key = "key_types", .type = &type_key_types, .offset = offsetof(struct issuer_config, key_types),
	    .roles = RA | CA, .min = 1, .max = 8,
	    .help = "the keys that it certifies, as in a profile's key_types; it goes before issuers without, which "
		    "take all" },
	/* REPLY_LINKS_MAX less the issuer's. */
	{ .key = "chains", .type = &type_paths, .offset = offsetof(struct issuer_config, chains),
	    .roles = RA, .min = 0, .max = 6,
	    .help = "PEM files with other chains for it: a cross-sign of the issuer, or its certificate, then "
		    "those above; clients find them as alternates" },
};

/* Lifetimes: below ten minutes a client's clock and the backdating of notBefore eat it up; ten years is what
 * private roots themselves are made for. */
static const struct option profile_fields[] = {
	{ .key = "name", .type = &type_word, .offset = offsetof(struct profile_config, name),
	    .roles = WFE | RA | CA, .min = 1, .max = 64, .help = "what a client names in its order" },
	{ .key = "lifetime", .type = &type_seconds, .offset = offsetof(struct profile_config, lifetime),
	    .roles = WFE | RA | CA, .min = 1, .max = 3650 * DAY, .flags = OPTION_REQUIRED,
	    .help = "how long its certificates are valid" },
	{ .key = "description", .type = &type_text, .offset = offsetof(struct profile_config, description),
	    .roles = WFE | RA, SAME("\"\""), .max = 500,
	    .help = "a sentence for the directory's meta.profiles" },
	{ .key = "challenges", .type = &type_challenges, .offset = offsetof(struct profile_config, challenges),
	    .roles = RA | CA, .min = 1, .max = 16, .help = "which of ra.challenges prove its names; without it, all" },
	{ .key = "key_types", .type = &type_key_types, .offset = offsetof(struct profile_config, key_types),
	    .roles = RA | CA, .min = 1, .max = 8,
	    .help = "the keys its certificates may have: p256, p384, p521, rsa2048, rsa3072, rsa4096, ed25519, "
		    "ed448; without it, all" },
	{ .key = "issuers", .type = &type_words, .offset = offsetof(struct profile_config, issuers),
	    .roles = RA | CA, .min = 1, .max = 16,
	    .help = "the names of those of ca.issuers that may sign its certificates; without it, all" },
	{ .key = "server_auth", .type = &type_bool, .offset = offsetof(struct profile_config, server_auth),
	    .roles = CA, SAME("true"), .help = "whether its certificates serve TLS servers" },
	{ .key = "client_auth", .type = &type_bool, .offset = offsetof(struct profile_config, client_auth),
	    .roles = CA, SAME("false"), .help = "whether its certificates serve TLS clients" },
	{ .key = "extended_key_usages", .type = &type_oids,
	    .offset = offsetof(struct profile_config, extended_key_usages), .roles = CA, .min = 1, .max = 16,
	    .help = "further extended key usages, as OIDs, beside those two" },
	{ .key = "key_encipherment", .type = &type_bool,
	    .offset = offsetof(struct profile_config, key_encipherment), .roles = CA, SAME("true"),
	    .help = "whether RSA keys get the usage keyEncipherment, which TLS before 1.2 needed and RSA key "
		    "exchange needs" },
	{ .key = "subject", .type = &type_subject, .offset = offsetof(struct profile_config, subject),
	    .roles = CA, .min = 1, .max = 8,
	    .help = "what the subject of its certificates says beside a common name: [C=DE, O=Example, OU=Lab]; C, ST, "
		    "L, O, OU; without it, nothing" },
	{ .key = "common_name", .type = &type_bool, .offset = offsetof(struct profile_config, common_name),
	    .roles = CA, SAME("false"),
	    .help = "whether the subject has one of the names as its common name: the CSR's, or else the first that "
		    "is short enough" },
	{ .key = "policy", .type = &type_oid, .offset = offsetof(struct profile_config, policy),
	    .roles = CA, SAME("\"\""), .max = 64,
	    .help = "the OID of the certificate policy that its certificates name; \"\" for none" },
	{ .key = "allow", .type = &type_patterns, .offset = offsetof(struct profile_config, allow),
	    .roles = RA | CA, .min = 1, .max = 1000,
	    .help = "of the names and addresses in ra.policy.allow, those that may have its certificates; without it, all" },
	{ .key = "deny", .type = &type_patterns, .offset = offsetof(struct profile_config, deny),
	    .roles = RA | CA, .min = 1, .max = 1000, .help = "names and addresses that may not" },
	{ .key = "wildcards", .type = &type_bool, .offset = offsetof(struct profile_config, wildcards),
	    .roles = RA | CA, SAME("true"), .help = "whether its certificates may be for wildcards" },
	{ .key = "names", .type = &type_integer, .offset = offsetof(struct profile_config, names),
	    .roles = RA | CA, .min = 0, .max = 100,
	    .help = "how many names one of its certificates may have; 0, or without it, as ra.policy.names says" },
	{ .key = "public_names", .type = &type_bool, .offset = offsetof(struct profile_config, public_names),
	    .roles = RA | CA, SAME("false"),
	    .help = "whether only names that somebody on the internet can own are certified: no public suffix, no "
		    "wildcard right below one, no address for special use" },
	{ .key = "issuer_pointer", .type = &type_bool, .offset = offsetof(struct profile_config, issuer_pointer),
	    .roles = CA, SAME("true"),
	    .help = "whether its certificates say where the issuer's certificate is (authorityInfoAccess)" },
	{ .key = "crl_pointer", .type = &type_bool, .offset = offsetof(struct profile_config, crl_pointer),
	    .roles = CA, SAME("true"), .help = "whether its certificates say where their CRL is" },
	{ .key = "ocsp_pointer", .type = &type_bool, .offset = offsetof(struct profile_config, ocsp_pointer),
	    .roles = CA, SAME("false"),
	    .help = "whether its certificates say where to ask for their status by OCSP: ca.ocsp_url" },
	/* Without OCSP there is nothing to staple, and strict clients refuse the certificate. */
	{ .key = "must_staple", .type = &type_bool, .offset = offsetof(struct profile_config, must_staple),
	    .roles = RA | CA, SAME("false"),
	    .help = "whether a CSR that asks for must-staple (RFC 7633) gets it; else it is refused. It goes with "
		    "ocsp_pointer: without a response to staple such a certificate is of no use" },
};

static const struct option page_fields[] = {
	{ .key = "path", .type = &type_text, .offset = offsetof(struct page_config, path), .roles = WFE, .min = 1,
	    .max = 255, .flags = OPTION_REQUIRED, .help = "its path" },
	{ .key = "file", .type = &type_path, .offset = offsetof(struct page_config, file), .roles = WFE, .min = 1,
	    .flags = OPTION_REQUIRED, .help = "what it shows" },
	{ .key = "media_type", .type = &type_text, .offset = offsetof(struct page_config, media_type), .roles = WFE,
	    .min = 1, .max = 127, .flags = OPTION_REQUIRED, .help = "its Content-Type" },
	{ .key = "alternates", .type = &type_paths, .offset = offsetof(struct page_config, alternates), .roles = WFE,
	    .min = 0, .max = 16, .help = "paths that its Link headers name" },
};

static const struct option external_key_fields[] = {
	{ .key = "kid", .type = &type_text, .offset = offsetof(struct external_key_config, kid), .roles = RA, .min = 1,
	    .max = 255, .flags = OPTION_REQUIRED, .help = "its \"kid\"" },
	{ .key = "key", .type = &type_text, .offset = offsetof(struct external_key_config, key), .roles = RA, .min = 1,
	    .max = 255, .flags = OPTION_REQUIRED, .help = "the MAC key in base64url" },
};

static const struct option zone_fields[] = {
	{ .key = "zone", .type = &type_domain, .offset = offsetof(struct zone_config, zone),
	    .roles = VA, .min = 1, .max = 253, .help = "a DNS name; it and everything below" },
	{ .key = "resolvers", .type = &type_resolvers, .offset = offsetof(struct zone_config, resolvers),
	    .roles = VA, .min = 1, .max = 8, .flags = OPTION_REQUIRED, .help = "who answers for it" },
	{ .key = "direct", .type = &type_bool, .offset = offsetof(struct zone_config, direct), .roles = VA,
	    SAME("false"), .help = "whether the zone's own name servers are asked, which those resolvers name: so "
		    "that what a resolver remembers fails no dns-01; the zone is one whose NS records are its own" },
	{ .key = "dnssec", .type = &type_enum, .offset = offsetof(struct zone_config, dnssec), .roles = VA,
	    SAME("default"), .names = zone_dnssec_names, .help = "as va.dnssec, for this zone" },
};

#define FIELDS(f) .fields = (f), .field_count = sizeof(f) / sizeof((f)[0])

static const struct record perspective_zone_record = { SHAPE_PAIR, sizeof(struct zone_config),
	offsetof(struct perspective_config, zone_count), FIELDS(zone_fields) };

static const struct option perspective_fields[] = {
	{ .key = "name", .type = &type_word, .offset = offsetof(struct perspective_config, name),
	    .roles = VA | CA, .min = 1, .max = 63, .flags = OPTION_REQUIRED,
	    .help = "what it is called, in logs and in its statements" },
	{ .key = "region", .type = &type_word, .offset = offsetof(struct perspective_config, region),
	    .roles = VA | CA, SAME("\"\""), .max = 63, .help = "where it is, for va.quorum.regions" },
	{ .key = "address", .type = &type_peer, .offset = offsetof(struct perspective_config, address),
	    .roles = VA, SAME("\"\""),
	    .help = "of one on another machine: where it listens, an address or a name that va.resolvers know; `signet "
	    "perspective create` prints this and the next two" },
	{ .key = "tls_key", .type = &type_public_key, .offset = offsetof(struct perspective_config, tls_key),
	    .roles = VA, SAME("\"\""), .help = "of one on another machine: the public key of its TLS" },
	{ .key = "evidence_key", .type = &type_public_key, .offset = offsetof(struct perspective_config, evidence_key),
	    .roles = VA | CA, SAME("\"\""), .help = "of one on another machine: the public key of what it states" },
	{ .key = "resolvers", .type = &type_resolvers, .offset = offsetof(struct perspective_config, resolvers),
	    .roles = VA, .min = 1, .max = 8, .help = "of one in the server itself: whom it asks instead of va.resolvers" },
	{ .key = "zones", .type = &type_records, .offset = offsetof(struct perspective_config, zones), .roles = VA, .max = 256,
	    .record = &perspective_zone_record,
	    .help = "of one in the server itself: va.zones hold for it too, and these go before them" },
	{ .key = "source", .type = &type_source, .offset = offsetof(struct perspective_config, source),
	    .roles = VA, SAME("\"\""),
	    .help = "of one in the server itself: the address of this machine that it connects from" },
	{ .key = "proxy", .type = &type_proxy, .offset = offsetof(struct perspective_config, proxy),
	    .roles = VA, SAME("\"\""), .help = "of one in the server itself: \"socks5://ADDRESS:PORT\" or "
		    "\"http://ADDRESS:PORT\" (CONNECT), USER:PASSWORD@ before the address where it asks for them; http-01 and "
		    "tls-alpn-01 go by it, to addresses that were looked up and judged here" },
};

static const struct record issuer_record = { SHAPE_LIST, sizeof(struct issuer_config),
	offsetof(struct config, ca.issuer_count), FIELDS(issuer_fields) };
static const struct record profile_record = { SHAPE_MAP, sizeof(struct profile_config),
	offsetof(struct config, ca.profile_count), FIELDS(profile_fields) };
static const struct record external_key_record = { SHAPE_LIST, sizeof(struct external_key_config),
	offsetof(struct config, ra.external_key_count), FIELDS(external_key_fields) };
static const struct record page_record = { SHAPE_LIST, sizeof(struct page_config),
	offsetof(struct config, wfe.page_count), FIELDS(page_fields) };
static const struct record perspective_record = { SHAPE_LIST, sizeof(struct perspective_config),
	offsetof(struct config, va.perspective_count), FIELDS(perspective_fields) };
static const struct record zone_record = { SHAPE_PAIR, sizeof(struct zone_config),
	offsetof(struct config, va.zone_count), FIELDS(zone_fields) };

/* As Let's Encrypt documents its own. */
#define WEBPKI_RULES "key_types: [p256, p384, rsa2048, rsa3072, rsa4096], must_staple: false, "	\
	"public_names: true, policy: 2.23.140.1.2.1"
#define WEBPKI_PROFILES										\
	"{classic: {lifetime: 90d, common_name: true, " WEBPKI_RULES "}, "			\
	"tlsserver: {lifetime: 45d, key_encipherment: false, " WEBPKI_RULES "}, "		\
	"shortlived: {lifetime: 160h, key_encipherment: false, " WEBPKI_RULES "}}"

const struct option options[] = {
	/* preset stands first: the others' defaults need it. */
	{ .key = "preset", .type = &type_enum, AT(preset), .roles = ALL, SAME("private"),
	    .names = preset_names, .flags = OPTION_SAMPLE,
	    .help = "which defaults: for a network of your own, like Pebble, or like Let's Encrypt" },
	{ .key = "surface", .type = &type_enum, AT(surface), .roles = ALL, EACH("native", "pebble", "native"),
	    .names = surface_names,
	    .help = "what clients see where RFC 8555 leaves it free: paths, ids, headers, words" },
	{ .key = "name", .type = &type_title, AT(name), .roles = ALL, SAME("signet"), .min = 1, .max = 64,
	    .flags = OPTION_SAMPLE, .help = "what this CA is called on its pages" },

	{ .key = "wfe.url", .type = &type_server_url, AT(wfe.url), .roles = WFE | RA | CA, .min = 1,
	    .flags = OPTION_REQUIRED | OPTION_SAMPLE,
	    .help = "where clients reach this server; every URL in a reply starts with it" },
	{ .key = "wfe.url_from_host", .type = &type_bool, AT(wfe.url_from_host), .roles = WFE | RA | CA,
	    EACH("false", "true", "false"),
	    .help = "whether URLs in replies begin with the name by which the client asked, instead of wfe.url" },
	{ .key = "wfe.names", .type = &type_hosts, AT(wfe.names), .roles = WFE | CA, .min = 1, .max = 100,
	    .flags = OPTION_DERIVED | OPTION_SAMPLE,
	    .help = "DNS names and addresses in the server's own certificate; default: the host of wfe.url" },
	/* Listeners: 8 + 7 + 4 + 1 make LISTENERS_MAX of proc/proc.h. */
	{ .key = "wfe.listen", .type = &type_addresses, AT(wfe.listen), .roles = WFE | VA,
	    EACH("[\"[::]:9443\"]", "[\"[::]:14000\"]", "[\"[::]:9443\"]"), .min = 1, .max = 8,
	    .flags = OPTION_SAMPLE, .help = "addresses of the ACME server; [::]:PORT takes IPv4 too" },
	{ .key = "wfe.plain_listen", .type = &type_addresses, AT(wfe.plain_listen), .roles = WFE | VA,
	    SAME("[\"[::]:9080\"]"), .max = 7, .flags = OPTION_SAMPLE,
	    .help = "plain HTTP for the root, the issuer certificates, the CRLs and OCSP; [] for none" },
	{ .key = "wfe.plain_url", .type = &type_server_url, AT(wfe.plain_url), .roles = WFE | RA | CA,
	    .flags = OPTION_DERIVED,
	    .help = "how the plain listener is reached from outside, as it stands in certificates; default: "
		    "http://, the host of wfe.url and the port of the first plain_listen" },
	{ .key = "wfe.metrics_listen", .type = &type_address, AT(wfe.metrics_listen), .roles = WFE | VA,
	    SAME("\"\""), .help = "address of the metrics; \"\" for none" },
	/* What a test wants to know and to command, which no client of a real CA may. */
	{ .key = "wfe.management_listen", .type = &type_addresses, AT(wfe.management_listen), .roles = WFE | RA | VA,
	    SAME("[]"), .max = 4, .flags = OPTION_TEST,
	    .help = "HTTPS for whoever tests a client against this server: roots, states, faults, the clock; [] for none" },
	{ .key = "wfe.pages", .type = &type_records, AT(wfe.pages), .roles = WFE, SAME("[]"), .max = 256,
	    .record = &page_record, .flags = OPTION_TEST, .help = "files that the management listener shows" },
	{ .key = "wfe.tls", .type = &type_enum, AT(wfe.tls), .roles = WFE, SAME("auto"), .names = tls_names,
	    .help = "auto: a certificate from this CA, renewed by itself; or files; or off, behind a proxy" },
	{ .key = "wfe.tls.certificate", .type = &type_path, AT(wfe.tls_certificate), .roles = WFE,
	    SAME("\"\""), .help = "PEM file with the chain, the server's own certificate first" },
	{ .key = "wfe.tls.key", .type = &type_path, AT(wfe.tls_key), .roles = WFE, SAME("\"\""),
	    .help = "PEM file with its private key" },
	{ .key = "wfe.trusted_proxies", .type = &type_proxies, AT(wfe.trusted_proxies), .roles = WFE, SAME("[]"), .max = 100,
	    .help = "reverse proxies in front of this server, as CIDRs: from these a header says whom a request comes from, for "
		    "limits and the log; without them each proxy counts as one client" },
	{ .key = "wfe.proxy_header", .type = &type_enum, AT(wfe.proxy_header), .roles = WFE, SAME("x-forwarded-for"),
	    .names = proxy_header_names,
	    .help = "which header the trusted proxies write themselves; the other one is never looked at, as it may be "
	    "the client's" },
	/* 4096 connections of at most 64 KiB body each are 256 MiB at the worst. */
	/* Let's Encrypt's overall limits in webpki, of which a rate and a burst make one number. */
	{ .key = "wfe.limits.directory", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_DIRECTORY]), .roles = WFE,
	    EACH("none", "none", "40/1s"), .min = 1,
	    .help = "how often one address, or /64 of IPv6, may ask for the directory; beyond it stands 429 with "
	    "Retry-After, before ra hears of it" },
	{ .key = "wfe.limits.new_nonce", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_NEW_NONCE]), .roles = WFE,
	    EACH("none", "none", "20/1s"), .min = 1, .help = "how often one address, or /64 of IPv6, may ask for nonces" },
	{ .key = "wfe.limits.new_account", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_NEW_ACCOUNT]), .roles = WFE,
	    EACH("none", "none", "15/3s"), .min = 1, .help = "how often one address, or /64 of IPv6, may ask for newAccount" },
	{ .key = "wfe.limits.new_order", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_NEW_ORDER]), .roles = WFE,
	    EACH("none", "none", "300/1s"), .min = 1, .help = "how often one address, or /64 of IPv6, may ask for newOrder" },
	{ .key = "wfe.limits.revoke_cert", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_REVOKE_CERT]), .roles = WFE,
	    EACH("none", "none", "100/10s"), .min = 1, .help = "how often one address, or /64 of IPv6, may ask for revokeCert" },
	{ .key = "wfe.limits.renewal_info", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_RENEWAL_INFO]), .roles = WFE,
	    EACH("none", "none", "1000/1s"), .min = 1,
	    .help = "how often one address, or /64 of IPv6, may ask for when to renew (RFC 9773)" },
	{ .key = "wfe.limits.other", .type = &type_rate, AT(wfe.limits[WFE_LIMIT_OTHER]), .roles = WFE,
	    EACH("none", "none", "250/1s"), .min = 1,
	    .help = "how often one address, or /64 of IPv6, may ask for everything else" },
	{ .key = "wfe.connections", .type = &type_integer, AT(wfe.connections), .roles = WFE, SAME("4096"),
	    .min = 16, .max = 1000000, .help = "how many at once, over all listeners" },
	{ .key = "wfe.idle_time", .type = &type_seconds, AT(wfe.idle_time), .roles = WFE, SAME("120s"),
	    .min = 1, .max = HOUR, .help = "how long a connection may stay open without a request" },
	{ .key = "wfe.request_time", .type = &type_seconds, AT(wfe.request_time), .roles = WFE, SAME("30s"),
	    .min = 1, .max = 10 * MINUTE, .help = "from the first byte of a request to its last" },
	{ .key = "wfe.threads", .type = &type_integer, AT(wfe.threads), .roles = WFE, SAME("0"), .max = 256,
	    .help = "0: one for each core" },
	{ .key = "wfe.website", .type = &type_url, AT(wfe.website), .roles = WFE | RA, SAME("\"\""),
	    .help = "URL of a page about this CA, for the directory's meta, and for who meets a rate limit" },

	{ .key = "ra.terms_of_service", .type = &type_url, AT(ra.terms_of_service), .roles = WFE | RA,
	    EACH("\"\"", "\"data:text/plain,Do%20what%20thou%20wilt\"", "\"\""),
	    .help = "URL of terms that an account must agree to; \"\" for none" },
	{ .key = "ra.caa_identities", .type = &type_domains, AT(ra.caa_identities), .roles = WFE | RA | VA,
	    SAME("[]"), .max = 16, .help = "the names that stand for this CA in CAA records" },
	{ .key = "ra.external_account_required", .type = &type_bool, AT(ra.external_account_required),
	    .roles = WFE | RA, SAME("false"),
	    .help = "whether a new account needs an external account binding, by a key that `signet eab create` made; "
		    "without it, a binding is taken but not asked for" },
	{ .key = "ra.external_account_keys", .type = &type_records, AT(ra.external_keys), .roles = RA, SAME("[]"),
	    .max = 100, .record = &external_key_record, .flags = OPTION_TEST,
	    .help = "keys for external account bindings that are known to everybody who reads this file" },
	/* Pebble certifies any address; Boulder none in its default profile. */
	{ .key = "ra.policy.allow", .type = &type_patterns, AT(ra.allow), .roles = RA | CA,
	    EACH("[\"*\"]", "[\"*\", \"0.0.0.0/0\", \"::/0\"]", "[\"*\"]"),
	    .max = 1000, .flags = OPTION_SAMPLE,
	    .help = "who may get a certificate: nas.lan, \"*.home.arpa\" for all below, \"*\" for all names; "
		    "addresses only by a block: \"10.0.0.0/8\"" },
	{ .key = "ra.policy.deny", .type = &type_patterns, AT(ra.deny), .roles = RA | CA, SAME("[]"),
	    .max = 1000, .help = "names and blocks of addresses that may not, even when allow has them" },
	{ .key = "ra.policy.wildcards", .type = &type_bool, AT(ra.wildcards), .roles = RA | CA, SAME("true"),
	    .help = "whether wildcards are certified" },
	{ .key = "ra.policy.names", .type = &type_integer, AT(ra.names), .roles = RA | CA, SAME("100"), .min = 1,
	    .max = 100, .help = "how many identifiers an order may have" },
	{ .key = "ra.challenges", .type = &type_challenges, AT(ra.challenges), .roles = RA | CA, SAME("[]"),
	    .max = 16, .help = "the challenge types offered, such as [http-01, dns-01]; [] for all there are" },
	/* Pebble: suites use RSA keys of 1024 bits, which are quicker to make. */
	{ .key = "ra.weak_account_keys", .type = &type_bool, AT(ra.weak_account_keys), .roles = RA | CA,
	    EACH("false", "true", "false"), .flags = OPTION_TEST,
	    .help = "whether an account's RSA key may be shorter than 2048 bits" },
	{ .key = "ra.forgives_keys", .type = &type_bool, AT(ra.forgives_keys), .roles = RA,
	    EACH("false", "true", "false"), .flags = OPTION_TEST,
	    .help = "whether a key that a certificate was revoked for as compromised may be used again" },
	{ .key = "ra.times_as_asked", .type = &type_bool, AT(ra.times_as_asked), .roles = RA | CA,
	    EACH("false", "true", "false"), .flags = OPTION_TEST,
	    .help = "whether an order's notBefore and notAfter count for more than its profile's lifetime, may have fractions "
		    "of seconds, which its certificate leaves out, and are shown as they were sent" },
	{ .key = "ra.contacts", .type = &type_integer, AT(ra.contacts), .roles = RA, EACH("10", "2", "10"), .max = 10,
	    .help = "how many an account may have" },
	{ .key = "ra.orders_per_page", .type = &type_integer, AT(ra.orders_per_page), .roles = RA,
	    EACH("100", "3", "100"), .min = 1, .max = 100, .help = "of the orders list (RFC 8555, 7.1.2.1)" },
	{ .key = "ra.shuffle", .type = &type_bool, AT(ra.shuffle), .roles = RA, EACH("false", "true", "false"),
	    .help = "whether identifiers, authorizations and challenges are shown in changing order; clients must not "
		    "rely on it (RFC 8555, 7.4)" },
	{ .key = "ra.random_profile", .type = &type_bool, AT(ra.random_profile), .roles = RA,
	    EACH("false", "true", "false"),
	    .help = "whether an order that names no profile gets any of them, instead of the first" },
	{ .key = "ra.nonce_rejection", .type = &type_integer, AT(ra.nonce_rejection), .roles = RA,
	    EACH("0", "5", "0"), .max = 99, .flags = OPTION_TEST,
	    .help = "how many of a hundred good nonces are refused and used up" },
	{ .key = "ra.retry_after.order", .type = &type_integer, AT(ra.retry_after_order), .roles = RA,
	    EACH("1", "0", "1"), .max = DAY,
	    .help = "Retry-After of an order in processing, in seconds; 0: none" },
	{ .key = "ra.retry_after.authorization", .type = &type_integer, AT(ra.retry_after_authorization), .roles = RA,
	    EACH("1", "0", "1"), .max = DAY,
	    .help = "the same of an authorization, at the least; 0: none" },
	{ .key = "ra.retry_after.dates", .type = &type_bool, AT(ra.retry_after_dates), .roles = RA,
	    EACH("false", "true", "false"),
	    .help = "whether half of them are dates; clients must take both (RFC 9110, 10.2.3)" },
	{ .key = "ra.show_revoked", .type = &type_bool, AT(ra.show_revoked), .roles = RA,
	    EACH("true", "false", "true"), .help = "whether a revoked certificate can still be downloaded" },
	{ .key = "ra.renewal_margin", .type = &type_seconds, AT(ra.renewal_margin), .roles = RA,
	    EACH("0s", "24h", "0s"), .max = 30 * DAY,
	    .help = "half of the window in which a certificate should be renewed (RFC 9773); 0s: a fiftieth of its "
		    "lifetime" },
	{ .key = "ra.faults", .type = &type_path, AT(ra.faults), .roles = WFE | RA, SAME("\"\""), .flags = OPTION_TEST,
	    .help = "file with a script of faults; the management listener changes it" },
	{ .key = "ra.observe", .type = &type_bool, AT(ra.observe), .roles = WFE | RA, EACH("false", "true", "false"),
	    .flags = OPTION_TEST, .help = "whether what clients do wrong is noted for the conformance report" },
	{ .key = "ra.strict", .type = &type_bool, AT(ra.strict), .roles = RA, SAME("false"), .flags = OPTION_TEST,
	    .help = "whether what clients send beyond the protocol is refused where that may be: members of a "
		    "challenge's POST, a \"resource\"" },
	/* The draft lets a challenge name ten. Pebble's own name, for its clients. */
	{ .key = "ra.dns_persist.issuer_domain_names", .type = &type_domains, AT(ra.issuer_domain_names),
	    .roles = ALL, EACH("[]", "[pebble.letsencrypt.org]", "[]"), .max = 10,
	    .help = "the names of this CA in the persistent records of dns-persist-01; [] and it is not offered" },
	/* Boulder and Pebble speak the earlier form, which their clients' tests expect. */
	{ .key = "ra.dns_persist.form", .type = &type_enum, AT(ra.persist_form), .roles = WFE | RA | VA,
	    EACH("draft-02", "draft-01", "draft-02"), .names = persist_names,
	    .help = "what accounturi is in a record: draft-02, a hash that one of the account's keys goes into; "
		    "draft-01, the account's URL" },
	{ .key = "ra.dns_persist.account_hash_prefix", .type = &type_url, AT(ra.account_hash_prefix),
	    .roles = WFE | VA, .flags = OPTION_DERIVED,
	    .help = "what the hash stands behind in draft-02; default: wfe.url and /account-hash/" },
	/* Let's Encrypt's public figures in webpki; Pebble has no limits. */
	{ .key = "ra.limits.accounts_per_address", .type = &type_rate, AT(ra.limits.accounts_per_address), .roles = RA,
	    EACH("none", "none", "10/3h"), .min = 1, .help = "new accounts from one address" },
	{ .key = "ra.limits.accounts_per_network", .type = &type_rate, AT(ra.limits.accounts_per_network), .roles = RA,
	    EACH("none", "none", "500/3h"), .min = 1, .help = "new accounts from one /48 of IPv6" },
	{ .key = "ra.limits.orders_per_account", .type = &type_rate, AT(ra.limits.orders_per_account), .roles = RA,
	    EACH("none", "none", "300/3h"), .min = 1,
	    .help = "new orders and authorizations (newAuthz) of one account, renewals not counted" },
	{ .key = "ra.limits.certificates_per_domain", .type = &type_rate, AT(ra.limits.certificates_per_domain),
	    .roles = RA, EACH("none", "none", "50/7d"), .min = 1,
	    .help = "certificates for one registered domain (by the public suffix list), IPv4 address or /64 of IPv6, "
		    "renewals not counted" },
	{ .key = "ra.limits.certificates_per_set", .type = &type_rate, AT(ra.limits.certificates_per_set), .roles = RA,
	    EACH("none", "none", "5/7d"), .min = 1,
	    .help = "certificates for exactly the same names, orders with \"replaces\" (RFC 9773) not counted" },
	{ .key = "ra.limits.failures", .type = &type_rate, AT(ra.limits.failures), .roles = RA,
	    EACH("none", "none", "5/1h"), .min = 1, .help = "failed validations of one name by one account" },
	{ .key = "ra.limits.pause_after", .type = &type_integer, AT(ra.limits.pause_after), .roles = RA,
	    EACH("0", "0", "1152"), .max = 1000000,
	    .help = "failed validations of one name by one account, without one that succeeds between, after which the "
		    "account can neither order nor prove it until `signet limit unpause`; 0: never" },
	/* Boulder's lifetimes in webpki, Pebble's in pebble. */
	{ .key = "ra.lifetimes.order", .type = &type_seconds, AT(ra.order_lifetime), .roles = RA | CA,
	    EACH("7d", "24h", "7d"), .min = MINUTE, .max = 90 * DAY, .help = "until an open order expires" },
	{ .key = "ra.lifetimes.pending_authorization", .type = &type_seconds,
	    AT(ra.pending_authorization_lifetime), .roles = RA, EACH("7d", "1h", "7d"), .min = MINUTE,
	    .max = 90 * DAY, .help = "until an authorization that nobody proved expires" },
	{ .key = "ra.lifetimes.valid_authorization", .type = &type_seconds,
	    AT(ra.valid_authorization_lifetime), .roles = RA | CA, EACH("30d", "1h", "30d"), .min = MINUTE,
	    .max = 398 * DAY, .help = "how long a proof counts for further orders" },
	/* Boulder does both. In a private network a proof for each certificate costs little, and shows who holds the
	 * name today. */
	{ .key = "ra.reuse_authorizations", .type = &type_bool, AT(ra.reuse_authorizations), .roles = RA,
	    EACH("false", "true", "true"),
	    .help = "whether a new order shares the valid authorizations of the account's recent ones; those made "
		    "by newAuthz serve one order in any case" },
	{ .key = "ra.reuse_chance", .type = &type_integer, AT(ra.reuse_chance), .roles = RA,
	    EACH("100", "50", "100"), .max = 100,
	    .help = "in how many of a hundred cases one that could be reused is" },
	{ .key = "ra.reuse_orders", .type = &type_bool, AT(ra.reuse_orders), .roles = RA,
	    EACH("false", "false", "true"),
	    .help = "whether asking for what a pending or ready order of the account asks for gives that order" },
	{ .key = "ra.finalize_wait", .type = &type_milliseconds, AT(ra.finalize_wait_ms), .roles = RA,
	    EACH("500ms", "0ms", "500ms"), .max = 30000,
	    .help = "how long finalize waits for the certificate before it answers, and a challenge for its validation" },
	/* Boulder's documented set. */
	{ .key = "ra.revocation_reasons", .type = &type_reasons, AT(ra.revocation_reasons), .roles = RA,
	    SAME("[unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation]"), .max = 6,
	    .help = "what a subscriber may give: those of RFC 5280, 5.3.1 that are for end entities" },
	{ .key = "ra.any_reason", .type = &type_bool, AT(ra.any_reason), .roles = RA, EACH("false", "true", "false"),
	    .flags = OPTION_TEST, .help = "whether every reason of RFC 5280, 5.3.1 is taken" },
	{ .key = "ra.workers", .type = &type_integer, AT(ra.workers), .roles = RA, SAME("0"), .max = 256,
	    .help = "threads that serve requests; 0: four more than there are cores" },

	{ .key = "va.resolvers", .type = &type_resolvers, AT(va.resolvers), .roles = VA, SAME("[system]"),
	    .min = 1, .max = 8, .help = "DNS resolvers: [system], or addresses such as \"10.0.0.53:53\"" },
	{ .key = "va.zones", .type = &type_records, AT(va.zones), .roles = VA, SAME("{}"), .max = 256,
	    .record = &zone_record,
	    .help = "resolvers of their own for some zones: {corp.example: [\"10.1.1.1:53\"]}, or a map for each" },
	{ .key = "va.dnssec", .type = &type_enum, AT(va.dnssec), .roles = VA, SAME("if-present"),
	    .names = dnssec_names,
	    .help = "required: only what the resolver validated counts (AD); if-present: what it finds bogus is "
		    "refused with that cause; off: it is asked not to validate" },
	/* RFC 8555, 8.3: port 80; RFC 8737, 3: port 443. Pebble: 5002 and 5001. */
	{ .key = "va.http_port", .type = &type_integer, AT(va.http_port), .roles = VA,
	    EACH("80", "5002", "80"), .min = 1, .max = 65535, .help = "the port that http-01 asks" },
	{ .key = "va.tls_port", .type = &type_integer, AT(va.tls_port), .roles = VA,
	    EACH("443", "5001", "443"), .min = 1, .max = 65535, .help = "the port that tls-alpn-01 asks" },
	{ .key = "va.targets.deny", .type = &type_networks, AT(va.deny), .roles = VA,
	    EACH("[loopback, link-local, metadata, self]", "[]",
		"[loopback, link-local, metadata, self, private]"),
	    .max = 256,
	    .help = "never connect there: CIDRs, or loopback, link-local, metadata, self, private" },
	{ .key = "va.targets.allow", .type = &type_networks, AT(va.allow), .roles = VA, SAME("[]"),
	    .max = 256, .flags = OPTION_SAMPLE, .help = "connect there although deny says no" },
	{ .key = "va.targets.nat64", .type = &type_prefixes, AT(va.nat64), .roles = VA, SAME("[]"), .max = 16,
	    .help = "prefixes of this network's own NAT64 translators (RFC 6052), so that the IPv4 addresses behind them are "
		    "judged; 64:ff9b::/96 and what may lie in 64:ff9b:1::/48 always are" },
	/* Boulder's time for one remote validation. */
	{ .key = "va.timeout", .type = &type_seconds, AT(va.timeout), .roles = VA, EACH("20s", "15s", "20s"), .min = 1,
	    .max = 5 * MINUTE, .help = "for one whole validation" },
	{ .key = "va.concurrent", .type = &type_integer, AT(va.concurrent), .roles = VA, SAME("20000"),
	    .min = 1, .max = 100000, .help = "validations at once" },
	/* An order holds 100 names, and a client works off some at once. */
	{ .key = "va.limits.account", .type = &type_integer, AT(va.account_limit), .roles = VA, SAME("1000"),
	    .min = 1, .max = 100000,
	    .help = "validations of one account at once; ten times as many wait, and beyond that they are refused" },
	/* A reverse proxy answers for many names; a stranger's server is not to notice us. */
	{ .key = "va.limits.target", .type = &type_integer, AT(va.target_limit), .roles = VA, SAME("100"),
	    .min = 1, .max = 100000, .help = "connections to one address at once; others wait" },
	/* Boulder and Pebble don't retry. RFC 8555, 8.2: five or ten seconds apart. */
	{ .key = "va.retries", .type = &type_integer, AT(va.retries), .roles = VA, EACH("3", "0", "0"), .max = 20,
	    .help = "how often a failed validation is tried again before it is final" },
	{ .key = "va.retry_interval", .type = &type_seconds, AT(va.retry_interval), .roles = VA, SAME("5s"),
	    .min = 1, .max = 10 * MINUTE, .help = "how long it waits between" },
	/* RFC 8659. The public rules ask for it; in a network of one's own, who asks for records obeys them, and
	 * resolvers that don't know the zone or the type stop nobody. */
	{ .key = "va.caa", .type = &type_enum, AT(va.caa), .roles = RA | VA | CA,
	    EACH("if-present", "off", "enforce"), .names = caa_names,
	    .help = "whether CAA records decide: never, when they can be seen, or also when they can't be looked "
		    "up (then nothing is issued)" },
	{ .key = "va.sleep", .type = &type_integer, AT(va.sleep), .roles = VA, EACH("0", "5", "0"), .max = 60,
	    .flags = OPTION_TEST,
	    .help = "before each validation so many seconds less one at the most, by chance" },
	{ .key = "va.always_valid", .type = &type_bool, AT(va.always_valid), .roles = VA, SAME("false"),
	    .flags = OPTION_TEST, .help = "whether names are taken for proven without a look" },
	{ .key = "va.hosts", .type = &type_bool, AT(va.hosts), .roles = VA, SAME("false"),
	    .help = "whether a name that /etc/hosts has is not asked of the resolvers; read at start" },
	{ .key = "va.hear_all", .type = &type_bool, AT(va.hear_all), .roles = VA, EACH("false", "true", "false"),
	    .flags = OPTION_TEST,
	    .help = "whether a validation fails only when every perspective has said what it saw, so that a client's "
		    "test reads all of it" },
	{ .key = "va.first_address", .type = &type_bool, AT(va.first_address), .roles = VA,
	    EACH("false", "true", "false"), .help = "whether only the first address of a name is tried" },
	{ .key = "va.dns_tcp", .type = &type_bool, AT(va.dns_tcp), .roles = VA, EACH("false", "true", "false"),
	    .help = "whether resolvers are asked by TCP" },
	{ .key = "va.any_port", .type = &type_bool, AT(va.any_port), .roles = VA, EACH("false", "true", "false"),
	    .flags = OPTION_TEST, .help = "whether http-01 follows redirects to any port" },
	{ .key = "va.user_agent", .type = &type_text, AT(va.user_agent), .roles = VA,
	    EACH("\"signet-va/" SIGNET_VERSION " (+RFC 8555 http-01)\"",
		"\"LetsEncrypt-Pebble-VA (linux; amd64)\"", "\"signet-va/" SIGNET_VERSION " (+RFC 8555 http-01)\""),
	    .min = 1, .max = 200, .help = "what http-01 calls itself" },
	/* PERSPECTIVES_MAX of acme/evidence.h. */
	{ .key = "va.perspectives", .type = &type_records, AT(va.perspectives), .roles = VA | CA, SAME("[]"),
	    .max = 8, .record = &perspective_record,
	    .help = "other points of view that must agree with the server's own on each validation and on CAA" },
	{ .key = "va.perspective_key", .type = &type_path, AT(va.perspective_key), .roles = VA,
	    SAME("keys/perspective.key"), .min = 1,
	    .help = "secret with which va shows the perspectives on other machines that it is this CA; `signet "
		    "perspective create` makes it" },
	/* CA/Browser Forum, 3.2.2.9. */
	{ .key = "va.quorum.failures", .type = &type_integer, AT(va.quorum_failures), .roles = VA | CA, SAME("-1"),
	    .min = -1, .max = 7,
	    .help = "how many of va.perspectives may fail or disagree; -1 for the public rules' numbers: none of one, "
		    "one of two to five, two of six and more" },
	{ .key = "va.quorum.regions", .type = &type_integer, AT(va.quorum_regions), .roles = VA | CA,
	    EACH("1", "1", "2"), .min = 1, .max = 8,
	    .help = "in how many regions those that agree must lie, when there are va.perspectives" },

	{ .key = "perspective.name", .type = &type_word, AT(perspective.name), .roles = VA, SAME("\"\""), .max = 63,
	    .help = "only in the file of one perspective, which `signet perspective create` makes and `signet va` runs: "
		    "its name. Such a file has va, log, ra.caa_identities and ra.dns_persist beside this section, and no "
		    "more" },
	{ .key = "perspective.listen", .type = &type_addresses, AT(perspective.listen), .roles = VA, SAME("[]"),
	    .max = 8, .help = "where the primary reaches it" },
	{ .key = "perspective.tls_key", .type = &type_public_key, AT(perspective.tls_key), .roles = VA, SAME("\"\""),
	    .help = "the secret key of its TLS" },
	{ .key = "perspective.evidence_key", .type = &type_public_key, AT(perspective.evidence_key), .roles = VA,
	    SAME("\"\""), .help = "the secret key with which it signs what it saw" },
	{ .key = "perspective.primary_key", .type = &type_public_key, AT(perspective.primary_key), .roles = VA,
	    SAME("\"\""), .help = "the public key of the only one that may ask it" },

	{ .key = "ca.issuers", .type = &type_records, AT(ca.issuers), .roles = WFE | RA | CA,
	    SAME("[{certificate: pki/intermediate.pem, key: keys/intermediate.pem}]"), .min = 1, .max = 16,
	    .record = &issuer_record,
	    .help = "the CA certificates that sign. Of those that the profile and the CSR's key allow, the first signs "
		    "that lives as long as the certificate shall" },
	{ .key = "ca.profiles", .type = &type_records, AT(ca.profiles), .roles = WFE | RA | CA,
	    EACH("{default: {lifetime: 90d}, shortlived: {lifetime: 160h}}",
		"{default: {lifetime: 90d}, shortlived: {lifetime: 6d}}",
		WEBPKI_PROFILES),
	    .min = 1, .max = 64, .record = &profile_record,
	    .help = "kinds of certificates; the first is the default" },
	{ .key = "ca.blocked_keys", .type = &type_path, AT(ca.blocked_keys), .roles = RA | CA, SAME("\"\""),
	    .help = "file of keys that get neither account nor certificate: the SHA-256 of each "
		    "SubjectPublicKeyInfo, one hexadecimal line each" },

	{ .key = "ca.backdate", .type = &type_seconds, AT(ca.backdate), .roles = RA | CA,
	    EACH("5m", "0s", "5m"), .max = HOUR,
	    .help = "how long before now a certificate begins, for clients whose clocks are late" },
	{ .key = "ca.names_as_asked", .type = &type_bool, AT(ca.names_as_asked), .roles = RA | CA,
	    EACH("false", "true", "false"),
	    .help = "whether names stand in a certificate in the CSR's order, and of the CSR nothing is looked at but DNS "
		    "names, addresses and must-staple" },
	{ .key = "ca.crl_lifetime", .type = &type_seconds, AT(ca.crl_lifetime), .roles = RA | CA, SAME("4d"),
	    .min = HOUR, .max = 10 * DAY - HOUR,
	    .help = "how long a CRL is good; a new one is made after a quarter of that, and after a revocation" },
	{ .key = "ca.crl_shards", .type = &type_integer, AT(ca.crl_shards), .roles = RA | CA, SAME("1"), .min = 1,
	    .max = 256, .help = "over how many CRLs an issuer's revoked certificates are spread" },
	{ .key = "ca.ocsp", .type = &type_bool, AT(ca.ocsp), .roles = WFE | RA | CA, EACH("false", "true", "false"),
	    .help = "whether the plain listener answers OCSP requests (RFC 6960), at /ocsp" },
	{ .key = "ca.ocsp_url", .type = &type_url, AT(ca.ocsp_url), .roles = CA, .flags = OPTION_DERIVED,
	    .help = "where OCSP requests go, as it stands in certificates of profiles with ocsp_pointer; default: "
		    "wfe.plain_url and /ocsp" },
	/* CA/Browser Forum, 4.9.10: eight hours to ten days. Servers that staple ask once an hour or so. */
	{ .key = "ca.ocsp_lifetime", .type = &type_seconds, AT(ca.ocsp_lifetime), .roles = CA, SAME("12h"),
	    .min = HOUR, .max = 10 * DAY - HOUR,
	    .help = "how long an OCSP response is good; after half of that, and after a revocation, a new one is made" },
	{ .key = "ca.revocations_kept", .type = &type_bool, AT(ca.revocations_kept), .roles = CA,
	    EACH("true", "false", "true"), .flags = OPTION_TEST,
	    .help = "whether ca remembers by itself what was revoked, so that no later word makes it good again" },

	/* RFC 8739, 2.1: short is a day to three. */
	{ .key = "ca.auto_renewal.max_duration", .type = &type_seconds, AT(ca.auto_renewal.max_duration),
	    .roles = WFE | RA | CA, EACH("0s", "365d", "0s"), .max = 3650 * DAY,
	    .help = "for how long certificates are renewed by the server itself, for orders that ask for it (RFC 8739); 0s: "
		    "they are not. Proofs count as long as such an order does" },
	{ .key = "ca.auto_renewal.min_lifetime", .type = &type_seconds, AT(ca.auto_renewal.min_lifetime),
	    .roles = WFE | RA | CA, EACH("1d", "10s", "1d"), .min = 10, .max = 3650 * DAY,
	    .help = "how short-lived those certificates may be: a new one is made in each such time" },
	/* RFC 8739, 3.2: a must. Suites of clients compare Pebble's directory whole. */
	{ .key = "ca.auto_renewal.told", .type = &type_bool, AT(ca.auto_renewal_told), .roles = WFE,
	    EACH("true", "false", "true"), .flags = OPTION_TEST, .help = "whether the directory tells of it" },
	{ .key = "ca.auto_renewal.certificate_get", .type = &type_bool, AT(ca.auto_renewal.get), .roles = WFE | RA | CA,
	    SAME("true"), .help = "whether anybody may fetch them by GET, where their order asks for that" },

	{ .key = "seed", .type = &type_integer, AT(seed), .roles = ALL, SAME("0"), .max = INT64_MAX,
	    .flags = OPTION_TEST, .help = "makes what is left to chance repeatable; 0: it isn't" },
	{ .key = "storage", .type = &type_storage, AT(storage), .roles = RA,
	    SAME("\"sqlite:data/signet.db\""), .min = 1, .help = "the database" },
	{ .key = "evidence_key", .type = &type_path, AT(evidence_key), .roles = VA | CA,
	    SAME("keys/evidence.key"), .min = 1,
	    .help = "secret with which va authenticates to ca what it saw" },
	{ .key = "ledger", .type = &type_path, AT(ledger), .roles = CA, SAME("ledger"), .min = 1,
	    .help = "folder where ca writes down every certificate before it signs it" },
	{ .key = "log.level", .type = &type_enum, AT(log_level), .roles = ALL, SAME("info"),
	    .names = level_names, .help = "the least that is logged" },
	{ .key = "log.format", .type = &type_enum, AT(log_format), .roles = ALL, SAME("text"),
	    .names = format_names, .help = "for people, for programs, or for those who read Pebble's" },
};
/* clang-format on */
const size_t option_count = sizeof(options) / sizeof(options[0]);

static_assert(sizeof(options) / sizeof(options[0]) <= OPTIONS_MAX, "OPTIONS_MAX is too small");

const struct option *
option_find(const char *key)
{
	for (size_t i = 0; i < option_count; i++)
		if (strcmp(options[i].key, key) == 0)
			return &options[i];
	return NULL;
}

bool
option_section(const char *key)
{
	size_t	len = strlen(key);

	for (size_t i = 0; i < option_count; i++)
		if (strncmp(options[i].key, key, len) == 0 && options[i].key[len] == '.')
			return true;
	return false;
}

void *
records_get(const void *base, const struct option *o, size_t *count)
{
	void	*items;

	memcpy(&items, (const char *)base + o->offset, sizeof(items));
	memcpy(count, (const char *)base + o->record->count_offset, sizeof(*count));
	return items;
}

void
records_set(void *base, const struct option *o, void *items, size_t count)
{
	memcpy((char *)base + o->offset, &items, sizeof(items));
	memcpy((char *)base + o->record->count_offset, &count, sizeof(count));
}
