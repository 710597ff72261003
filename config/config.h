/* config.h: signet.yaml as structs. One option table (options.c) drives parsing, defaults, presets,
 * `signet check`, the sample file and what each role is told; see that table for what each option means.
 *
 * Everything in struct config is owned by it and lives until config_free(). Durations are seconds. */
#ifndef SIGNET_CONFIG_CONFIG_H
#define SIGNET_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "acme/auto_renewal.h"
#include "acme/surface.h"
#include "ipc/role.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/log.h"
#include "lib/reason.h"

struct strings {
	char	**items;
	size_t	  count;
};

enum preset { PRESET_PRIVATE, PRESET_PEBBLE, PRESET_WEBPKI };
enum caa_mode { CAA_OFF, CAA_IF_PRESENT, CAA_ENFORCE };
/* The drafts of dns-persist-01, whose records differ. */
enum persist_form { PERSIST_HASH, PERSIST_ACCOUNT_URL };
/* Whether answers must be validated by the resolver, or may be, or not even what fails that is refused. */
enum dnssec_mode { DNSSEC_OFF, DNSSEC_IF_PRESENT, DNSSEC_REQUIRED };
enum zone_dnssec { ZONE_DNSSEC_DEFAULT };	/* va's; or one more than a dnssec_mode */
enum proxy_header { PROXY_HEADER_X_FORWARDED_FOR, PROXY_HEADER_FORWARDED };
enum tls_mode { TLS_AUTO, TLS_FILES, TLS_OFF };

struct issuer_config {
	char	*name;		/* what profiles call it; "": they don't */
	char	*certificate;	/* path, relative to config->dir */
	char	*key;
	struct strings key_types;	/* of the keys that it certifies; none: all */
	struct strings chains;	/* paths of its alternate chains */
};

struct profile_config {
	char	*name;
	char	*description;
	int64_t	 lifetime;
	struct strings	 challenges;	/* of ra.challenges; none: all of them */
	struct strings	key_types;	/* key_type_name()s; none: all */
	struct strings	issuers;	/* names of ca.issuers; none: all of them */
	bool	 server_auth, client_auth;	/* extended key usages */
	struct strings	extended_key_usages;	/* more of them, as OIDs */
	bool	 key_encipherment;	/* RSA keys get it beside digitalSignature */
	struct strings	subject;	/* "O=Example": config_subject_field() */
	bool	 common_name;		/* the subject repeats a name */
	char	*policy;		/* an OID, or "" */
	struct strings	allow, deny;	/* as ra.policy's, after it; allow may be empty: all */
	bool	 wildcards;
	int64_t	 names;			/* 0: as many as ra.policy allows */
	bool	 public_names;		/* no public suffix, no reserved address */
	bool	 issuer_pointer, crl_pointer;	/* AIA caIssuers, CRL distribution point */
	bool	 ocsp_pointer;		/* AIA ocsp */
	bool	 must_staple;		/* RFC 7633, for a CSR that asks */
};

struct zone_config {
	char		*zone;		/* "corp.example", lower case */
	struct strings	 resolvers;	/* "10.1.1.1:53" */
	bool		 direct;	/* its own name servers are asked, which these name */
	enum zone_dnssec dnssec;
};

struct page_config {
	char		*path, *file, *media_type;
	struct strings	 alternates;
};

/* One of the server's own va when it has no address, else a signet va elsewhere. */
struct perspective_config {
	char		*name;
	char		*region;
	char		*address;	/* "203.0.113.5:9444" */
	char		*tls_key;	/* public Ed25519 keys in base64url: of its TLS, */
	char		*evidence_key;	/* and of its statements */
	struct strings	 resolvers;	/* of its own; none: va.resolvers */
	struct zone_config *zones;	/* of its own, in the place of va.zones' of the same name or beside them */
	size_t		 zone_count;
	char		*source;	/* the address that it connects from; "": any */
	char		*proxy;		/* proxy_parse() takes it; "": none */
};

/* What one address may ask for so often: wfe.limits. */
enum wfe_limit {
	WFE_LIMIT_DIRECTORY, WFE_LIMIT_NEW_NONCE, WFE_LIMIT_NEW_ACCOUNT, WFE_LIMIT_NEW_ORDER, WFE_LIMIT_REVOKE_CERT,
	WFE_LIMIT_RENEWAL_INFO, WFE_LIMIT_OTHER, WFE_LIMIT_COUNT
};

struct wfe_config {
	char		*url;			/* no trailing slash */
	bool		 url_from_host;		/* each client finds the server under the name it asked for */
	struct strings	 names;			/* of its automatic certificate: DNS names and addresses */
	struct strings	 listen;
	struct strings	 plain_listen;
	char		*plain_url;		/* no trailing slash; "" when there is no plain listener */
	char		*metrics_listen;	/* "" : off */
	struct strings	 management_listen;
	struct page_config *pages;		/* of the management listener */
	size_t		 page_count;
	enum tls_mode	 tls;
	char		*tls_certificate;	/* TLS_FILES */
	char		*tls_key;
	struct strings	 trusted_proxies;	/* CIDRs: who may say whom a request comes from */
	enum proxy_header proxy_header;		/* and by which header */
	char		*limits[WFE_LIMIT_COUNT];	/* rates: "50/7d", or "none" */
	int64_t		 connections;		/* at once, all listeners */
	int64_t		 idle_time;		/* s without a request before a connection is closed */
	int64_t		 request_time;		/* s from a request's first byte to its last */
	int64_t		 threads;		/* 0: one per core */
	char		*website;		/* "" : not in the directory's meta */
};

/* Rates: "50/7d", or "none". */
struct limits_config {
	char	*accounts_per_address, *accounts_per_network;
	char	*orders_per_account;
	char	*certificates_per_domain, *certificates_per_set;
	char	*failures;
	int64_t	 pause_after;		/* 0: never */
};

struct external_key_config {
	char		*kid, *key;		/* key: base64url */
};

struct ra_config {
	char		*terms_of_service;	/* URL, or "" */
	struct strings	 caa_identities;
	bool		 external_account_required;
	struct external_key_config *external_keys;	/* beside those of the database */
	size_t		 external_key_count;
	struct strings	 allow;			/* name patterns: "nas.lan", "*.home.arpa", "*" */
	struct strings	 deny;			/* wins */
	struct limits_config limits;
	bool		 wildcards;
	int64_t		 names;			/* in one order, at most; 0: any number */
	struct strings	 challenges;		/* offered; none: every type there is */
	struct strings	 issuer_domain_names;	/* who we are in dns-persist-01's records; none: not offered */
	enum persist_form persist_form;
	char		*account_hash_prefix;	/* PERSIST_HASH: what accounturi begins with */
	int64_t		 order_lifetime;
	int64_t		 pending_authorization_lifetime;
	int64_t		 valid_authorization_lifetime;
	struct strings	 revocation_reasons;	/* revocation_reason_name() */
	bool		 reuse_authorizations;	/* valid ones serve further orders */
	bool		 reuse_orders;		/* the same order again is the same order */
	int64_t		 finalize_wait_ms;	/* how long finalize waits for the certificate */
	int64_t		 workers;
	bool		 any_reason;		/* of RFC 5280, for a revocation */
	bool		 weak_account_keys;
	bool		 forgives_keys;
	bool		 times_as_asked;
	int64_t		 contacts;		/* at most */
	int64_t		 orders_per_page;
	bool		 shuffle;
	bool		 random_profile;
	int64_t		 nonce_rejection;	/* of a hundred */
	int64_t		 reuse_chance;		/* of a hundred */
	int64_t		 retry_after_order, retry_after_authorization;	/* s; 0: no header */
	bool		 retry_after_dates;
	bool		 show_revoked;
	int64_t		 renewal_margin;	/* s; 0: a fiftieth of the lifetime */
	bool		 strict;
	char		*faults;		/* path of a script; "" : none */
	bool		 observe;		/* what clients do wrong is noted */
};

struct va_config {
	struct strings		 resolvers;	/* "system", or addresses with optional port */
	struct zone_config	*zones;
	size_t			 zone_count;
	enum dnssec_mode	 dnssec;	/* where no zone says */
	int64_t			 http_port, tls_port;
	struct strings		 deny, allow;	/* CIDRs, or loopback, link-local, metadata, self, private */
	struct strings		 nat64;		/* prefixes of translators, beside the well-known ones */
	int64_t			 timeout;	/* s for one whole validation */
	int64_t			 concurrent;	/* validations at once */
	int64_t			 account_limit, target_limit;	/* of them, for one account and at one address */
	enum caa_mode		 caa;
	int64_t			 retries;	/* after a failure, before it is final */
	int64_t			 retry_interval;	/* s between them */
	int64_t			 sleep;		/* s, less one, before each at the most */
	bool			 always_valid;
	bool			 hosts;		/* /etc/hosts goes before the resolvers */
	bool			 hear_all;	/* perspectives before a validation fails */
	bool			 first_address;	/* of a name alone is tried */
	bool			 dns_tcp;	/* questions go by TCP */
	bool			 any_port;	/* redirects are followed to any */
	char			*user_agent;
	struct perspective_config *perspectives;	/* beside the primary */
	size_t			 perspective_count;
	char			*perspective_key;	/* path; with which va shows the remote ones that it is the primary */
	int64_t			 quorum_failures;	/* how many of them may fail; QUORUM_BY_NUMBER */
	int64_t			 quorum_regions;	/* that those that agree span at least */
};

/* A file with a name here is the configuration of one perspective, for `signet va`, and of nothing else. */
struct own_perspective_config {
	char		*name;		/* "": this is a server */
	struct strings	 listen;	/* where the primary reaches it */
	char		*tls_key;	/* secret Ed25519 keys in base64url: of its TLS, */
	char		*evidence_key;	/* and of its statements */
	char		*primary_key;	/* the public one of the only TLS client it talks to */
};

struct ca_config {
	struct issuer_config	*issuers;
	size_t			 issuer_count;
	struct profile_config	*profiles;	/* the first is the default */
	size_t			 profile_count;
	char			*blocked_keys;	/* path; "" : none */
	int64_t			 crl_lifetime;	/* s from thisUpdate to nextUpdate */
	int64_t			 crl_shards;
	bool			 ocsp;		/* config_serves_ocsp() */
	char			*ocsp_url;	/* for certificates; "": they name none */
	int64_t			 ocsp_lifetime;	/* s from thisUpdate to nextUpdate */
	bool			 revocations_kept;	/* by ca, for OCSP */
	int64_t			 backdate;	/* s */
	bool			 names_as_asked;
	struct auto_renewal_limits auto_renewal;
	bool			 auto_renewal_told;	/* by the directory */
};

struct config {
	char			*file;		/* as given, for messages */
	char			*dir;		/* absolute; relative paths start here */
	char			*name;
	enum preset		 preset;
	enum surface_kind	 surface;
	struct wfe_config	 wfe;
	struct ra_config	 ra;
	struct va_config	 va;
	struct own_perspective_config perspective;
	struct ca_config	 ca;
	int64_t			 seed;		/* 0: none */
	char			*storage;	/* "sqlite:data/signet.db" */
	char			*evidence_key;	/* path; read by va and ca only */
	char			*ledger;	/* folder; opened by ca only */
	enum log_level		 log_level;
	enum log_format		 log_format;
};

/* Reads and checks file. Every mistake found is printed to complaints (never NULL) as
 * "FILE:LINE: KEY: what is wrong; what would be right", all of them, in line order.
 * On ERR_OK the caller owns *out. ERR_CONFIG, ERR_NOT_FOUND, ERR_IO, ERR_MEMORY. */
enum err config_read(const char *file, struct config **out, FILE *complaints);
/* The same from memory; dir is what relative paths start from. For tests and the fuzzer. */
enum err config_parse(struct slice yaml, const char *file, const char *dir, struct config **out,
    FILE *complaints);
void	 config_free(struct config *);		/* NULL is fine */

/* What the table says this role may know; everything else stays zero on its side. A pair. */
void	 config_encode(const struct config *, enum role, struct buf *);
enum err config_decode(struct slice, struct config **out);	/* ERR_MALFORMED, ERR_MEMORY */

/* A commented signet.yaml for init, with the values that differ from the preset's defaults filled in. */
struct sample {
	const char	*name, *url;
	enum preset	 preset;
	struct strings	 names;		/* wfe.names */
	const char	*listen, *plain_listen;
	struct strings	 allow;
	bool		 demo;		/* loopback targets, http_port 5002: see `make run` */
};
void	 config_sample(const struct sample *, struct buf *out);

/* A perspective's file, with what it has to have in common with the server, whose configuration it is given. */
struct perspective_sample {
	const char	*name, *listen;
	const char	*tls_key, *evidence_key;	/* secret, in base64url */
	const char	*primary_key;			/* public */
};
void	 config_perspective_sample(const struct config *, const struct perspective_sample *, struct buf *out);

/* The challenge types that prove names for that profile, as bits (1 << type); NULL: for the server at all. Those that
 * persist are among them when the CA has a name for their records. */
uint32_t config_challenges(const struct ra_config *, const struct profile_config *);
/* NULL: there is none of that name. A NULL name is the default's. */
const struct profile_config *config_profile(const struct ca_config *, const char *name);
/* Whether its certificates may have such a key: a key_type_name(). */
bool	 config_profile_takes(const struct profile_config *, const char *key_type);
/* Takes "O=Example" apart: value points into text. False: it is no field that a subject may have. */
bool	 config_subject_field(const char *text, int *nid, const char **value);
/* Whether the issuer may sign certificates of the profile. */
bool	 config_issuer_serves(const struct issuer_config *, const struct profile_config *);
/* Whether it certifies such a key. One that asks for the key's type goes before those that take every key. */
enum issuer_takes { ISSUER_TAKES_NOT, ISSUER_TAKES_ANY, ISSUER_TAKES_IT };
enum issuer_takes config_issuer_takes(const struct issuer_config *, const char *key_type);

/* Whether the plain listener answers OCSP requests. */
bool	 config_serves_ocsp(const struct config *);

/* "90d", "12h": seconds, from one second to a hundred years, as signet.yaml has them. False: it is none. */
bool	 config_duration(const char *text, int64_t *seconds, struct reason *);
/* A name that an option of that kind may hold, of a perspective for instance. */
bool	 config_word(const char *text, struct reason *);

/* "50/7d": so many (1 to a million) in so many seconds (to a year); "none": both 0. False: it is none. */
bool	 config_rate(const char *text, int64_t *count, int64_t *seconds, struct reason *);

/* Whether it is the configuration of one perspective elsewhere, and not of a server. */
bool	 config_is_perspective(const struct config *);

/* "host:port", "[::1]:443", ":443" -> parts; "" host means all addresses. False: not that form. */
bool	 config_address(const char *text, char *host, size_t size, uint16_t *port);
/* The same, and port 0 for whichever is free. */
bool	 config_listen_address(const char *text, char *host, size_t size, uint16_t *port);

#endif
