#include <openssl/err.h>
#include <string.h>

#include "x509/certificate.h"
#include "x509/lint_view.h"

/* Of enum lint_kind, as bits; EACH: it looks at the names, and at one as at all. */
enum applies { LEAF = LINT_LEAF, CA = LINT_CA, BOTH = LINT_LEAF | LINT_CA, EACH = 4, NAMES = LINT_LEAF | EACH };

/* In this order; those that later ones rely on come first. */
static const struct lint {
	const char *name;
	const char *source;
	lint_function *check;
	enum applies applies;
} lints[] = {
	{ "strict_der", "RFC 5280, 4.1; X.690, 10", lint_strict_der, BOTH },
	{ "version_3", "RFC 5280, 4.1.2.1", lint_version, BOTH },
	{ "serial_positive", "RFC 5280, 4.1.2.2", lint_serial_positive, BOTH },
	{ "serial_20_octets", "RFC 5280, 4.1.2.2", lint_serial_long, BOTH },
	{ "serial_64_bits", "CABF BR 7.1", lint_serial_random, BOTH },
	{ "algorithms_equal", "RFC 5280, 4.1.1.2", lint_algorithms_equal, BOTH },
	{ "algorithm_allowed", "CABF BR 7.1.3.2", lint_algorithm_allowed, BOTH },
	{ "rsa_parameters_null", "RFC 4055, 5", lint_rsa_parameters, BOTH },
	{ "parameters_absent", "RFC 5758, 3.2; RFC 8410, 3", lint_other_parameters, BOTH },
	{ "no_unique_ids", "RFC 5280, 4.1.2.8", lint_unique_ids, BOTH },
	{ "issuer_bytes", "RFC 5280, 4.1.2.4", lint_issuer_bytes, BOTH },
	{ "validity_order", "RFC 5280, 4.1.2.5", lint_validity_order, BOTH },
	{ "lifetime", "profile", lint_lifetime, BOTH },
	{ "time_encoding", "RFC 5280, 4.1.2.5", lint_time_encoding, BOTH },
	{ "time_zulu", "RFC 5280, 4.1.2.5.1", lint_time_zulu, BOTH },
	{ "backdating", "profile; CABF BR 7.1.2.7", lint_backdating, BOTH },
	{ "within_issuer", "RFC 5280, 6.1.3", lint_issuer_ends, BOTH },
	{ "key_kind", "CABF BR 6.1.5", lint_key_kind, BOTH },
	{ "rsa_size", "Boulder goodkey; CABF BR 6.1.5", lint_rsa_size, BOTH },
	{ "rsa_exponent", "CABF BR 6.1.6", lint_rsa_exponent, BOTH },
	{ "rsa_odd", "CABF BR 6.1.6", lint_rsa_odd, BOTH },
	{ "rsa_small_factor", "NIST SP 800-89, 5.3.3", lint_rsa_small_factor, BOTH },
	{ "rsa_roca", "CVE-2017-15361", lint_rsa_roca, BOTH },
	{ "rsa_close_primes", "CVE-2022-26320", lint_rsa_close, BOTH },
	{ "ec_named_curve", "RFC 5480, 2.1.1; CABF BR 6.1.5", lint_ec_named_curve, BOTH },
	{ "ec_point", "RFC 5480, 2.2; NIST SP 800-56A, 5.6.2.3", lint_ec_point, BOTH },
	{ "key_not_blocked", "CABF BR 6.1.1.3", lint_key_blocked, BOTH },
	{ "key_not_issuers", "CABF BR 6.1.1.3", lint_key_not_issuers, LEAF },
	{ "extension_once", "RFC 5280, 4.2", lint_extension_twice, BOTH },
	{ "extensions_not_empty", "RFC 5280, 4.1.2.9", lint_extensions_empty, BOTH },
	{ "extension_syntax", "RFC 5280, 4.2.1", lint_extension_syntax, BOTH },
	{ "extension_known", "profile", lint_extension_known, BOTH },
	{ "aki_present", "RFC 5280, 4.2.1.1", lint_aki_present, BOTH },
	{ "aki_key_id_only", "CABF BR 7.1.2.11.1", lint_aki_form, BOTH },
	{ "aki_not_critical", "RFC 5280, 4.2.1.1", lint_aki_not_critical, BOTH },
	{ "aki_is_issuers_ski", "RFC 5280, 4.2.1.1", lint_aki_issuer, BOTH },
	{ "ca_ski_present", "RFC 5280, 4.2.1.2", lint_ski_ca, CA },
	{ "ski_not_critical", "RFC 5280, 4.2.1.2", lint_ski_not_critical, BOTH },
	{ "leaf_not_ca", "RFC 5280, 4.2.1.9", lint_leaf_not_ca, LEAF },
	{ "leaf_no_path_length", "RFC 5280, 4.2.1.9", lint_leaf_path_length, LEAF },
	{ "ca_constraints_critical", "RFC 5280, 4.2.1.9", lint_ca_constraints, CA },
	{ "cert_sign_only_ca", "RFC 5280, 4.2.1.3", lint_cert_sign, BOTH },
	{ "key_usage_critical", "RFC 5280, 4.2.1.3", lint_usage_critical, BOTH },
	{ "key_usage_not_empty", "RFC 5280, 4.2.1.3", lint_usage_empty, BOTH },
	{ "key_usage_no_trailing_zero", "X.690, 11.2.2", lint_usage_trailing, BOTH },
	{ "key_usage_fits_key", "RFC 8813, 3; RFC 3279, 2.3.1", lint_usage_key, LEAF },
	{ "eku_present", "CABF BR 7.1.2.7.10", lint_extended_present, LEAF },
	{ "eku_not_any", "CABF BR 7.1.2.7.10", lint_extended_any, BOTH },
	{ "eku_not_critical", "CABF BR 7.1.2.7.6", lint_extended_not_critical, LEAF },
	{ "eku_as_profile", "profile", lint_extended_profile, LEAF },
	{ "ku_and_eku_agree", "RFC 5280, 4.2.1.12", lint_usages_agree, LEAF },
	{ "aia_http", "RFC 5280, 4.2.2.1; CABF BR 7.1.2.7.7", lint_access_http, BOTH },
	{ "aia_unique", "CABF BR 7.1.2.7.7", lint_access_unique, BOTH },
	{ "aia_not_critical", "RFC 5280, 4.2.2.1", lint_access_not_critical, BOTH },
	{ "cdp_http", "CABF BR 7.1.2.11.2", lint_points_http, BOTH },
	{ "cdp_unique", "CABF BR 7.1.2.11.2", lint_points_unique, BOTH },
	{ "cdp_not_critical", "RFC 5280, 4.2.1.13", lint_points_not_critical, BOTH },
	{ "policy_not_critical", "CABF BR 7.1.2.7.6", lint_policies_not_critical, BOTH },
	{ "policy_as_profile", "CABF BR 7.1.2.7.9; profile", lint_policy_profile, LEAF },
	{ "tls_feature", "RFC 7633, 4", lint_tls_feature, LEAF },
	{ "san_present", "RFC 5280, 4.2.1.6", lint_san_present, LEAF },
	{ "san_critical", "RFC 5280, 4.2.1.6", lint_san_critical, LEAF },
	{ "san_types", "CABF BR 7.1.2.7.12", lint_san_types, LEAF },
	{ "san_unique", "profile", lint_san_twice, LEAF },
	{ "dns_characters", "RFC 5280, 4.2.1.6; RFC 1034, 3.5", lint_dns_characters, NAMES },
	{ "dns_underscore", "RFC 1034, 3.5; CABF BR 7.1.2.7.12", lint_dns_underscore, NAMES },
	{ "dns_labels", "RFC 1034, 3.1", lint_dns_labels, NAMES },
	{ "dns_length", "RFC 1035, 2.3.4", lint_dns_length, NAMES },
	{ "dns_wildcard", "RFC 9525, 6.3", lint_dns_wildcard, NAMES },
	{ "dns_idn", "RFC 5890, 2.3.2.1", lint_dns_idn, NAMES },
	{ "dns_hyphens", "RFC 5891, 4.2.3.1", lint_dns_hyphens, NAMES },
	{ "dns_public_suffix", "CABF BR 3.2.2.6", lint_dns_public_suffix, NAMES },
	{ "ip_length", "RFC 5280, 4.2.1.6", lint_ip_length, NAMES },
	{ "ip_reserved", "CABF BR 7.1.4.2.1", lint_ip_reserved, NAMES },
	{ "subject_as_profile", "CABF BR 7.1.2.7; profile", lint_subject_profile, LEAF },
	{ "common_name_once", "CABF BR 7.1.4.3", lint_common_name_one, BOTH },
	{ "common_name_in_san", "CABF BR 7.1.4.3", lint_common_name_san, LEAF },
	{ "common_name_length", "RFC 5280, A.1 (ub-common-name)", lint_common_name_length, BOTH },
	{ "name_constraints", "RFC 5280, 4.2.1.10", lint_name_constraints, LEAF },
};

#define LINTS (sizeof(lints) / sizeof(lints[0]))

size_t
lint_count(void)
{
	return LINTS;
}

const char *
lint_name(size_t i)
{
	return i < LINTS ? lints[i].name : "";
}

const char *
lint_source(size_t i)
{
	return i < LINTS ? lints[i].source : "";
}

/* X509_get0_pubkey() has none for a certificate that was built with the key's bytes. */
static EVP_PKEY *
key_decode(X509 *cert)
{
	uint8_t *der = NULL;
	const uint8_t *p;
	EVP_PKEY *key = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	if (len > 0) {
		p = der;
		key = d2i_PUBKEY(NULL, &p, len);
		OPENSSL_free(der);
	}
	return key;
}

static void
view_open(struct lint_view *view, X509 *cert, const struct lint_context *context)
{
	static const struct leaf_form plain = { .client_auth = false };
	ASN1_OBJECT *kind;

	memset(view, 0, sizeof(*view));
	view->cert = cert;
	view->context = context;
	view->form = context->form != NULL ? context->form : &plain;
	if (X509_PUBKEY_get0_param(&kind, NULL, NULL, NULL, X509_get_X509_PUBKEY(cert)) == 1)
		view->key_kind = OBJ_obj2nid(kind);
	if (context->key != NULL && certificate_has_ec_key(cert, context->key))
		view->key = context->key;
	else
		view->key = view->decoded = key_decode(cert);
	view->times_read = certificate_validity(cert, &view->not_before, &view->not_after);
	view->constraints = X509_get_ext_d2i(cert, NID_basic_constraints, &view->constraints_critical, NULL);
	view->usage = X509_get_ext_d2i(cert, NID_key_usage, &view->usage_critical, NULL);
	view->extended = X509_get_ext_d2i(cert, NID_ext_key_usage, &view->extended_critical, NULL);
	view->aki = X509_get_ext_d2i(cert, NID_authority_key_identifier, &view->aki_critical, NULL);
	view->ski = X509_get_ext_d2i(cert, NID_subject_key_identifier, &view->ski_critical, NULL);
	view->san = X509_get_ext_d2i(cert, NID_subject_alt_name, &view->san_critical, NULL);
	view->access = X509_get_ext_d2i(cert, NID_info_access, &view->access_critical, NULL);
	view->points = X509_get_ext_d2i(cert, NID_crl_distribution_points, &view->points_critical, NULL);
	view->policies = X509_get_ext_d2i(cert, NID_certificate_policies, &view->policies_critical, NULL);
}

static void
view_close(struct lint_view *view)
{
	EVP_PKEY_free(view->decoded);
	BASIC_CONSTRAINTS_free(view->constraints);
	ASN1_BIT_STRING_free(view->usage);
	EXTENDED_KEY_USAGE_free(view->extended);
	AUTHORITY_KEYID_free(view->aki);
	ASN1_OCTET_STRING_free(view->ski);
	GENERAL_NAMES_free(view->san);
	AUTHORITY_INFO_ACCESS_free(view->access);
	CRL_DIST_POINTS_free(view->points);
	CERTIFICATEPOLICIES_free(view->policies);
	ERR_clear_error();
}

static unsigned
kind_of(const struct lint_context *context)
{
	return context->kind != 0 ? context->kind : LINT_LEAF;
}

/* Those of applies; the first that complains. */
static enum err
view_check(const struct lint_view *view, unsigned applies, struct reason *reason)
{
	for (size_t i = 0; i < LINTS; i++) {
		struct reason saw = { "" };

		if ((lints[i].applies & applies) == 0 || lints[i].check(view, &saw))
			continue;
		reason_set(reason, "lint %s (%s): %s", lints[i].name, lints[i].source, saw.text);
		return ERR_DENIED;
	}
	return ERR_OK;
}

enum err
lint_check(X509 *cert, const struct lint_context *context, struct reason *reason)
{
	struct lint_view view;
	enum err err;

	view_open(&view, cert, context);
	err = view_check(&view, kind_of(context), reason);
	view_close(&view);
	return err;
}

enum err
lint_check_name(X509 *cert, const struct lint_context *context, int i, struct reason *reason)
{
	struct lint_view view;
	GENERAL_NAMES *all, *one = sk_GENERAL_NAME_new_null();
	enum err err = ERR_MEMORY;

	view_open(&view, cert, context);
	all = view.san;
	if (one != NULL && i < sk_GENERAL_NAME_num(all) &&
	    sk_GENERAL_NAME_push(one, sk_GENERAL_NAME_value(all, i)) > 0) {
		view.san = one;
		err = view_check(&view, EACH, reason);
	}
	view.san = all;
	sk_GENERAL_NAME_free(one);
	view_close(&view);
	return err;
}

void
lint_all(X509 *cert, const struct lint_context *context, bool *fired)
{
	struct lint_view view;
	struct reason saw;

	view_open(&view, cert, context);
	for (size_t i = 0; i < LINTS; i++)
		fired[i] = (lints[i].applies & kind_of(context)) != 0 && !lints[i].check(&view, &saw);
	view_close(&view);
}
