#include <string.h>
#include <strings.h>

#include "x509/lint_view.h"

static bool
no(struct reason *reason, const char *text)
{
	reason_set(reason, "%s", text);
	return false;
}

bool
lint_extension_twice(const struct lint_view *view, struct reason *reason)
{
	int i, j, count = X509_get_ext_count(view->cert);

	for (i = 0; i < count; i++)
		for (j = 0; j < i; j++)
			if (OBJ_cmp(X509_EXTENSION_get_object(X509_get_ext(view->cert, i)),
				X509_EXTENSION_get_object(X509_get_ext(view->cert, j))) == 0)
				return no(reason, "an extension appears twice");
	return true;
}

bool
lint_extensions_empty(const struct lint_view *view, struct reason *reason)
{
	return X509_get_ext_count(view->cert) > 0 || no(reason, "it has no extensions");
}

/* Twice is another lint's business. */
static bool
unreadable(const void *value, int critical)
{
	return value == NULL && critical != EXTENSION_ABSENT && critical != EXTENSION_TWICE;
}

bool
lint_extension_syntax(const struct lint_view *view, struct reason *reason)
{
	if (unreadable(view->constraints, view->constraints_critical) ||
	    unreadable(view->usage, view->usage_critical) || unreadable(view->extended, view->extended_critical) ||
	    unreadable(view->aki, view->aki_critical) || unreadable(view->ski, view->ski_critical) ||
	    unreadable(view->san, view->san_critical) || unreadable(view->access, view->access_critical) ||
	    unreadable(view->points, view->points_critical) || unreadable(view->policies, view->policies_critical))
		return no(reason, "an extension's value can't be decoded");
	return true;
}

bool
lint_extension_known(const struct lint_view *view, struct reason *reason)
{
	static const int known[] = { NID_basic_constraints, NID_key_usage, NID_ext_key_usage,
		NID_authority_key_identifier, NID_subject_key_identifier, NID_subject_alt_name,
		NID_info_access, NID_crl_distribution_points, NID_certificate_policies, NID_tlsfeature };
	size_t k;
	int i;

	for (i = 0; i < X509_get_ext_count(view->cert); i++) {
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(view->cert, i)));

		for (k = 0; k < sizeof(known) / sizeof(known[0]) && known[k] != nid; k++)
			;
		if (k == sizeof(known) / sizeof(known[0]))
			return no(reason, "it has an extension that no profile asks for");
	}
	return true;
}

/* RFC 5280, 4.2.1.1: a self-signed certificate may leave it out. */
static bool
self_issued(const struct lint_view *view)
{
	return view->context->kind == LINT_CA &&
	       X509_NAME_cmp(X509_get_subject_name(view->cert), X509_get_issuer_name(view->cert)) == 0;
}

bool
lint_aki_present(const struct lint_view *view, struct reason *reason)
{
	return view->aki != NULL || self_issued(view) || no(reason, "there is no authorityKeyIdentifier");
}

bool
lint_aki_form(const struct lint_view *view, struct reason *reason)
{
	return view->aki == NULL ||
	       (view->aki->keyid != NULL && view->aki->issuer == NULL && view->aki->serial == NULL) ||
	       no(reason, "the authorityKeyIdentifier holds anything but a key identifier");
}

bool
lint_aki_not_critical(const struct lint_view *view, struct reason *reason)
{
	return view->aki_critical <= 0 || no(reason, "the authorityKeyIdentifier is critical");
}

bool
lint_aki_issuer(const struct lint_view *view, struct reason *reason)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(view->context->issuer);

	if (view->aki == NULL)
		return true;
	return (id != NULL && ASN1_OCTET_STRING_cmp(view->aki->keyid, id) == 0) ||
	       no(reason, "the authorityKeyIdentifier is not the issuer's subjectKeyIdentifier");
}

bool
lint_ski_ca(const struct lint_view *view, struct reason *reason)
{
	return view->ski != NULL || no(reason, "a CA certificate needs a subjectKeyIdentifier");
}

bool
lint_ski_not_critical(const struct lint_view *view, struct reason *reason)
{
	return view->ski_critical <= 0 || no(reason, "the subjectKeyIdentifier is critical");
}

bool
lint_leaf_not_ca(const struct lint_view *view, struct reason *reason)
{
	return (view->constraints != NULL && !view->constraints->ca) ||
	       no(reason, "basicConstraints doesn't say CA:FALSE");
}

bool
lint_leaf_path_length(const struct lint_view *view, struct reason *reason)
{
	return view->constraints == NULL || view->constraints->pathlen == NULL ||
	       no(reason, "a server certificate has a pathLenConstraint");
}

bool
lint_ca_constraints(const struct lint_view *view, struct reason *reason)
{
	return (view->constraints != NULL && view->constraints->ca && view->constraints_critical == 1) ||
	       no(reason, "basicConstraints isn't critical with CA:TRUE");
}

/* Bits of KeyUsage by their numbers in RFC 5280, 4.2.1.3. */
enum { BIT_SIGNATURE = 0, BIT_ENCIPHERMENT = 2, BIT_AGREEMENT = 4, BIT_CERT_SIGN = 5, BIT_CRL_SIGN = 6 };

static bool
usage_has(const struct lint_view *view, int bit)
{
	return view->usage != NULL && ASN1_BIT_STRING_get_bit(view->usage, bit) == 1;
}

bool
lint_cert_sign(const struct lint_view *view, struct reason *reason)
{
	return usage_has(view, BIT_CERT_SIGN) == (view->context->kind == LINT_CA) ||
	       no(reason, "keyCertSign belongs to CA certificates, and to all of them");
}

bool
lint_usage_critical(const struct lint_view *view, struct reason *reason)
{
	return view->usage_critical == 1 || no(reason, "keyUsage is absent or not critical");
}

static bool
usage_none(const struct lint_view *view)
{
	for (int bit = 0; bit <= 8; bit++)
		if (usage_has(view, bit))
			return false;
	return true;
}

bool
lint_usage_empty(const struct lint_view *view, struct reason *reason)
{
	return !usage_none(view) || no(reason, "keyUsage sets no bit");
}

bool
lint_usage_trailing(const struct lint_view *view, struct reason *reason)
{
	int at = X509_get_ext_by_NID(view->cert, NID_key_usage, -1);
	const ASN1_STRING *value;
	const uint8_t *der;
	int len;

	if (at < 0)
		return true;
	/* The bytes themselves, as OpenSSL normalises on decoding: 03 len unused bits... */
	value = X509_EXTENSION_get_data(X509_get_ext(view->cert, at));
	der = ASN1_STRING_get0_data(value);
	len = ASN1_STRING_length(value);
	return len == 3 || (len >= 4 && der[2] <= 7 && der[len - 1] & 1u << der[2]) ||
	       no(reason, "keyUsage ends with zero bits that DER leaves out");
}

bool
lint_usage_key(const struct lint_view *view, struct reason *reason)
{
	if (view->key_kind == NID_rsaEncryption)
		return !usage_has(view, BIT_AGREEMENT) || no(reason, "an RSA key doesn't agree on keys");
	if (usage_has(view, BIT_ENCIPHERMENT))
		return no(reason, "only RSA keys encipher keys");
	return view->key_kind == NID_X9_62_id_ecPublicKey || !usage_has(view, BIT_AGREEMENT) ||
	       no(reason, "an EdDSA key doesn't agree on keys");
}

static bool
extended_has(const struct lint_view *view, int nid)
{
	int i;

	for (i = 0; view->extended != NULL && i < sk_ASN1_OBJECT_num(view->extended); i++)
		if (OBJ_obj2nid(sk_ASN1_OBJECT_value(view->extended, i)) == nid)
			return true;
	return false;
}

bool
lint_extended_present(const struct lint_view *view, struct reason *reason)
{
	return (view->extended != NULL && sk_ASN1_OBJECT_num(view->extended) > 0) ||
	       no(reason, "there is no extendedKeyUsage");
}

bool
lint_extended_not_critical(const struct lint_view *view, struct reason *reason)
{
	return view->extended_critical <= 0 || no(reason, "extendedKeyUsage is critical");
}

bool
lint_extended_any(const struct lint_view *view, struct reason *reason)
{
	return !extended_has(view, NID_anyExtendedKeyUsage) || no(reason, "it has anyExtendedKeyUsage");
}

bool
lint_usages_agree(const struct lint_view *view, struct reason *reason)
{
	if (usage_none(view))
		return true; /* another lint's business */
	/* serverAuth: digitalSignature, keyEncipherment or keyAgreement; clientAuth: not keyEncipherment */
	if (extended_has(view, NID_client_auth) && !usage_has(view, BIT_SIGNATURE) &&
	    !usage_has(view, BIT_AGREEMENT))
		return no(reason, "clientAuth needs digitalSignature or keyAgreement");
	return !extended_has(view, NID_server_auth) || usage_has(view, BIT_SIGNATURE) ||
	       usage_has(view, BIT_ENCIPHERMENT) || usage_has(view, BIT_AGREEMENT) ||
	       no(reason, "serverAuth has no key usage that serves it");
}

static bool
is_http(const GENERAL_NAME *name)
{
	return name->type == GEN_URI && ASN1_STRING_length(name->d.uniformResourceIdentifier) > 7 &&
	       strncasecmp(
		   (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier), "http://", 7) == 0;
}

bool
lint_access_http(const struct lint_view *view, struct reason *reason)
{
	int i;

	for (i = 0; view->access != NULL && i < sk_ACCESS_DESCRIPTION_num(view->access); i++)
		if (!is_http(sk_ACCESS_DESCRIPTION_value(view->access, i)->location))
			return no(reason, "an authorityInfoAccess location is not an http:// URL");
	return true;
}

bool
lint_access_unique(const struct lint_view *view, struct reason *reason)
{
	int i, j;

	for (i = 0; view->access != NULL && i < sk_ACCESS_DESCRIPTION_num(view->access); i++)
		for (j = 0; j < i; j++) {
			ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(view->access, i);
			ACCESS_DESCRIPTION *b = sk_ACCESS_DESCRIPTION_value(view->access, j);

			if (OBJ_cmp(a->method, b->method) == 0 &&
			    GENERAL_NAME_cmp(a->location, b->location) == 0)
				return no(reason, "an authorityInfoAccess location appears twice");
		}
	return true;
}

bool
lint_access_not_critical(const struct lint_view *view, struct reason *reason)
{
	return view->access_critical <= 0 || no(reason, "authorityInfoAccess is critical");
}

/* The i-th distribution point's only name, or NULL. */
static const GENERAL_NAME *
point_name(const struct lint_view *view, int i)
{
	const DIST_POINT *point = sk_DIST_POINT_value(view->points, i);

	if (point->distpoint == NULL || point->distpoint->type != 0 || point->CRLissuer != NULL ||
	    point->reasons != NULL || sk_GENERAL_NAME_num(point->distpoint->name.fullname) != 1)
		return NULL;
	return sk_GENERAL_NAME_value(point->distpoint->name.fullname, 0);
}

bool
lint_points_http(const struct lint_view *view, struct reason *reason)
{
	int i;

	for (i = 0; view->points != NULL && i < sk_DIST_POINT_num(view->points); i++) {
		const GENERAL_NAME *name = point_name(view, i);

		if (name == NULL || !is_http(name))
			return no(reason, "a CRL distribution point is not just one http:// URL");
	}
	return true;
}

bool
lint_points_unique(const struct lint_view *view, struct reason *reason)
{
	return view->points == NULL || sk_DIST_POINT_num(view->points) == 1 ||
	       no(reason, "there is not exactly one CRL distribution point");
}

bool
lint_points_not_critical(const struct lint_view *view, struct reason *reason)
{
	return view->points_critical <= 0 || no(reason, "the CRL distribution points are critical");
}

bool
lint_policies_not_critical(const struct lint_view *view, struct reason *reason)
{
	return view->policies_critical <= 0 || no(reason, "certificatePolicies is critical");
}

bool
lint_tls_feature(const struct lint_view *view, struct reason *reason)
{
	static const uint8_t status_request[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
	int at = X509_get_ext_by_NID(view->cert, NID_tlsfeature, -1);
	const ASN1_STRING *value;

	if (at < 0)
		return true;
	value = X509_EXTENSION_get_data(X509_get_ext(view->cert, at));
	return slice_eq(slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
		   slice_of(status_request, sizeof(status_request))) ||
	       no(reason, "the TLS feature is not status_request alone");
}
