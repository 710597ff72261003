#include <string.h>

#include "x509/der.h"
#include "x509/lint_view.h"

static bool
no(struct reason *reason, const char *text)
{
	reason_set(reason, "%s", text);
	return false;
}

static bool
frame_check(const struct lint_view *view, struct reason *reason)
{
	uint8_t *der = NULL;
	int len;
	bool ok;

	if (view->context->der.len > 0)
		return der_check(view->context->der, reason);
	len = i2d_X509(view->cert, &der); /* as it was received, or as it will be sent */
	if (len <= 0)
		return no(reason, "it can't be encoded");
	ok = der_check(slice_of(der, (size_t)len), reason);
	OPENSSL_free(der);
	return ok;
}

bool
lint_strict_der(const struct lint_view *view, struct reason *reason)
{
	bool ok = frame_check(view, reason);
	int i;

	/* The frame's check doesn't look into OCTET STRINGs, where extensions are DER again. */
	for (i = 0; ok && i < X509_get_ext_count(view->cert); i++) {
		const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(view->cert, i));

		ok = der_check(
		    slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), reason);
	}
	return ok;
}

bool
lint_version(const struct lint_view *view, struct reason *reason)
{
	return X509_get_version(view->cert) == X509_VERSION_3 || no(reason, "the version is not 3");
}

bool
lint_serial_positive(const struct lint_view *view, struct reason *reason)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(view->cert);
	const uint8_t *bytes = ASN1_STRING_get0_data(serial);
	int len = ASN1_STRING_length(serial);

	if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER || len == 0 || (len == 1 && bytes[0] == 0))
		return no(reason, "the serial number is negative or zero");
	return true;
}

/* OpenSSL keeps the magnitude; a set first bit costs one more octet on the wire. */
static int
serial_octets(const struct lint_view *view)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(view->cert);
	int len = ASN1_STRING_length(serial);

	return len > 0 && ASN1_STRING_get0_data(serial)[0] & 0x80 ? len + 1 : len;
}

bool
lint_serial_long(const struct lint_view *view, struct reason *reason)
{
	return serial_octets(view) <= 20 || no(reason, "the serial number has more than 20 octets");
}

bool
lint_serial_random(const struct lint_view *view, struct reason *reason)
{
	return ASN1_STRING_length(X509_get0_serialNumber(view->cert)) >= 8 ||
	       no(reason, "the serial number has fewer than 64 bits");
}

static const X509_ALGOR *
outer_algorithm(const struct lint_view *view)
{
	const X509_ALGOR *algorithm = NULL;

	X509_get0_signature(NULL, &algorithm, view->cert);
	return algorithm;
}

bool
lint_algorithms_equal(const struct lint_view *view, struct reason *reason)
{
	return X509_ALGOR_cmp(outer_algorithm(view), X509_get0_tbs_sigalg(view->cert)) == 0 ||
	       no(reason, "the signature algorithm inside differs from the one outside");
}

bool
lint_algorithm_allowed(const struct lint_view *view, struct reason *reason)
{
	switch (OBJ_obj2nid(outer_algorithm(view)->algorithm)) {
	case NID_sha256WithRSAEncryption:
	case NID_sha384WithRSAEncryption:
	case NID_sha512WithRSAEncryption:
	case NID_ecdsa_with_SHA256:
	case NID_ecdsa_with_SHA384:
	case NID_ecdsa_with_SHA512:
	case NID_ED25519:
	case NID_ED448:
		return true;
	default:
		reason_set(
		    reason, "the signature algorithm is %s", OBJ_nid2sn(OBJ_obj2nid(outer_algorithm(view)->algorithm)));
		return false;
	}
}

static bool
is_rsa(int nid)
{
	return nid == NID_sha256WithRSAEncryption || nid == NID_sha384WithRSAEncryption ||
	       nid == NID_sha512WithRSAEncryption;
}

static int
parameters_of(const struct lint_view *view, int *nid)
{
	const ASN1_OBJECT *object;
	int type;

	X509_ALGOR_get0(&object, &type, NULL, X509_get0_tbs_sigalg(view->cert));
	*nid = OBJ_obj2nid(object);
	return type;
}

bool
lint_rsa_parameters(const struct lint_view *view, struct reason *reason)
{
	int nid, type = parameters_of(view, &nid);

	return !is_rsa(nid) || type == V_ASN1_NULL ||
	       no(reason, "the RSA signature's parameters are not NULL");
}

bool
lint_other_parameters(const struct lint_view *view, struct reason *reason)
{
	int nid, type = parameters_of(view, &nid);

	return is_rsa(nid) || type == V_ASN1_UNDEF || no(reason, "the signature algorithm has parameters");
}

bool
lint_unique_ids(const struct lint_view *view, struct reason *reason)
{
	const ASN1_BIT_STRING *issuer, *subject;

	X509_get0_uids(view->cert, &issuer, &subject);
	return (issuer == NULL && subject == NULL) || no(reason, "it has an issuer or subject unique id");
}

bool
lint_issuer_bytes(const struct lint_view *view, struct reason *reason)
{
	const uint8_t *have, *want;
	size_t have_len, want_len;

	if (X509_NAME_get0_der(X509_get_issuer_name(view->cert), &have, &have_len) != 1 ||
	    X509_NAME_get0_der(X509_get_subject_name(view->context->issuer), &want, &want_len) != 1)
		return no(reason, "a name can't be encoded");
	return slice_eq(slice_of(have, have_len), slice_of(want, want_len)) ||
	       no(reason, "the issuer is not byte for byte the issuer's subject");
}

bool
lint_validity_order(const struct lint_view *view, struct reason *reason)
{
	if (!view->times_read)
		return no(reason, "a time can't be read");
	return view->not_before < view->not_after || no(reason, "notAfter is not later than notBefore");
}

bool
lint_lifetime(const struct lint_view *view, struct reason *reason)
{
	/* Both ends belong to the period (RFC 5280, 4.1.2.5). */
	long long lifetime = view->not_after - view->not_before + 1;

	if (lifetime <= view->context->lifetime_max)
		return true;
	reason_set(
	    reason, "it lives %lld s; %lld are allowed", lifetime, (long long)view->context->lifetime_max);
	return false;
}

static bool
encoding_right(const ASN1_TIME *time, int64_t seconds)
{
	int type = ASN1_STRING_type(time);

	/* 2524608000 is 2050-01-01T00:00:00Z */
	return type == (seconds < 2524608000 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
}

bool
lint_time_encoding(const struct lint_view *view, struct reason *reason)
{
	return (encoding_right(X509_get0_notBefore(view->cert), view->not_before) &&
		   encoding_right(X509_get0_notAfter(view->cert), view->not_after)) ||
	       no(reason, "times before 2050 are UTCTime, later ones GeneralizedTime");
}

static bool
zulu(const ASN1_TIME *time)
{
	int len = ASN1_STRING_length(time);
	int want = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 13 : 15;

	return len == want && ASN1_STRING_get0_data(time)[len - 1] == 'Z';
}

bool
lint_time_zulu(const struct lint_view *view, struct reason *reason)
{
	return (zulu(X509_get0_notBefore(view->cert)) && zulu(X509_get0_notAfter(view->cert))) ||
	       no(reason, "a time lacks its seconds or Z, or has a fraction");
}

bool
lint_backdating(const struct lint_view *view, struct reason *reason)
{
	if (view->not_before >= view->context->now - view->context->backdate_max)
		return true;
	reason_set(reason, "notBefore is %lld s in the past; %lld are allowed",
	    (long long)(view->context->now - view->not_before), (long long)view->context->backdate_max);
	return false;
}

bool
lint_issuer_ends(const struct lint_view *view, struct reason *reason)
{
	return ASN1_TIME_compare(X509_get0_notAfter(view->cert), X509_get0_notAfter(view->context->issuer)) <=
		   0 ||
	       no(reason, "it would outlive its issuer");
}
