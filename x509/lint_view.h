/* lint_view.h: what the lints look at, decoded once, and the lints themselves. Only for lint*.c. */
#ifndef SIGNET_X509_LINT_VIEW_H
#define SIGNET_X509_LINT_VIEW_H

#include <openssl/x509v3.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "x509/lint.h"

/* An extension's state: OpenSSL's critical flag, or one of these. */
#define EXTENSION_ABSENT (-1)
#define EXTENSION_TWICE (-2)

struct lint_view {
	X509 *cert;
	const struct lint_context *context;
	int key_kind; /* the NID in its SubjectPublicKeyInfo */
	EVP_PKEY *key; /* NULL: unreadable */
	EVP_PKEY *decoded; /* the same when it is ours, else NULL */
	int64_t not_before, not_after;
	bool times_read;
	BASIC_CONSTRAINTS *constraints;
	int constraints_critical;
	ASN1_BIT_STRING *usage;
	int usage_critical;
	EXTENDED_KEY_USAGE *extended;
	int extended_critical;
	AUTHORITY_KEYID *aki;
	int aki_critical;
	ASN1_OCTET_STRING *ski;
	int ski_critical;
	GENERAL_NAMES *san;
	int san_critical;
	AUTHORITY_INFO_ACCESS *access;
	int access_critical;
	CRL_DIST_POINTS *points;
	int points_critical;
	CERTIFICATEPOLICIES *policies;
	int policies_critical;
	const struct leaf_form *form; /* the context's, or the plain one */
};

/* True: nothing to complain about. */
typedef bool lint_function(const struct lint_view *, struct reason *);

/* lint_structure.c: the frame, times, algorithms */
lint_function lint_version, lint_serial_positive, lint_serial_long, lint_serial_random, lint_algorithms_equal,
    lint_algorithm_allowed, lint_rsa_parameters, lint_other_parameters, lint_unique_ids, lint_issuer_bytes,
    lint_validity_order, lint_lifetime, lint_time_encoding, lint_time_zulu, lint_backdating, lint_issuer_ends,
    lint_strict_der;
/* lint_key.c */
lint_function lint_key_kind, lint_rsa_size, lint_rsa_exponent, lint_rsa_odd, lint_rsa_small_factor, lint_rsa_roca,
    lint_rsa_close, lint_ec_named_curve, lint_ec_point, lint_key_blocked, lint_key_not_issuers;
/* lint_profile.c: what the profile asks for, and public trust */
lint_function lint_extended_profile, lint_policy_profile, lint_subject_profile, lint_dns_public_suffix,
    lint_ip_reserved;
/* lint_extensions.c */
lint_function lint_extension_twice, lint_extensions_empty, lint_extension_syntax, lint_extension_known,
    lint_aki_present, lint_aki_form, lint_aki_not_critical, lint_aki_issuer, lint_ski_ca,
    lint_ski_not_critical, lint_leaf_not_ca, lint_leaf_path_length, lint_ca_constraints, lint_cert_sign,
    lint_usage_critical, lint_usage_empty, lint_usage_trailing, lint_usage_key, lint_extended_present,
    lint_extended_any, lint_extended_not_critical, lint_usages_agree, lint_access_http, lint_access_unique,
    lint_access_not_critical, lint_points_http, lint_points_unique, lint_points_not_critical,
    lint_policies_not_critical, lint_tls_feature;
/* lint_names.c */
lint_function lint_san_present, lint_san_critical, lint_san_types, lint_san_twice, lint_dns_characters,
    lint_dns_underscore, lint_dns_labels, lint_dns_length, lint_dns_wildcard, lint_dns_idn, lint_dns_hyphens, lint_ip_length,
    lint_common_name_one, lint_common_name_san, lint_common_name_length, lint_name_constraints;

/* The bits of a SAN that are a dNSName or an iPAddress; empty for others. */
struct slice lint_san_name(const struct lint_view *, int i, int type);

#endif
