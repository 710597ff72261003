/* crl_lint.c: what must be true of a CRL, looked up in its DER as a relying party would, not in what it was made
 * from (PROTOCOL.md, part C). */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "x509/crl.h"
#include "x509/der.h"

static enum err
complain(struct reason *reason, const char *lint, const char *what)
{
	reason_set(reason, "lint %s: %s", lint, what);
	return ERR_DENIED;
}

static int64_t
seconds(const ASN1_TIME *text)
{
	struct tm tm;

	return text != NULL && ASN1_TIME_to_tm(text, &tm) == 1 ? (int64_t)timegm(&tm) : -1;
}

/* RFC 5280, 5.1.2.4 to 5.1.2.5; CABF BR 4.9.7. */
static enum err
times_check(X509_CRL *crl, int64_t now, struct reason *reason)
{
	int64_t this = seconds(X509_CRL_get0_lastUpdate(crl)), next = seconds(X509_CRL_get0_nextUpdate(crl));

	if (this < 0 || this > now)
		return complain(reason, "crl_this_update", "thisUpdate is missing, or in the future");
	if (next <= this)
		return complain(reason, "crl_next_update", "nextUpdate is missing, or not after thisUpdate");
	if (next - this > CRL_LIFETIME_MAX)
		return complain(
		    reason, "crl_next_update_bounded", "nextUpdate is more than ten days after thisUpdate");
	return ERR_OK;
}

/* RFC 5280, 5.2.5 */
static enum err
idp_check(X509_CRL *crl, const struct crl *want, struct reason *reason)
{
	int critical = -1;
	ISSUING_DIST_POINT *idp = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
	const GENERAL_NAME *name = NULL;
	bool same = false;

	if (idp != NULL && idp->distpoint != NULL && idp->distpoint->type == 0 &&
	    sk_GENERAL_NAME_num(idp->distpoint->name.fullname) == 1)
		name = sk_GENERAL_NAME_value(idp->distpoint->name.fullname, 0);
	if (name != NULL && name->type == GEN_URI)
		same = slice_eq_str(
		    slice_of(ASN1_STRING_get0_data(name->d.ia5), (size_t)ASN1_STRING_length(name->d.ia5)),
		    want->url);
	ISSUING_DIST_POINT_free(idp);
	if (critical != 1)
		return complain(
		    reason, "crl_idp_critical", "the issuing distribution point is missing or not critical");
	return same ? ERR_OK
		    : complain(reason, "crl_idp_url", "the issuing distribution point is not the CDP's URL");
}

/* RFC 5280, 5.2.1 and 5.2.3 */
static enum err
extensions_check(X509_CRL *crl, const struct crl *want, struct reason *reason)
{
	AUTHORITY_KEYID *aki = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
	const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id(want->issuer);
	ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	uint64_t value = 0;
	bool same_key =
	    aki != NULL && aki->keyid != NULL && ski != NULL && ASN1_OCTET_STRING_cmp(aki->keyid, ski) == 0;
	bool numbered = number != NULL && ASN1_INTEGER_get_uint64(&value, number) == 1;

	AUTHORITY_KEYID_free(aki);
	ASN1_INTEGER_free(number);
	if (!same_key)
		return complain(
		    reason, "crl_aki", "authorityKeyIdentifier is not the issuer's key identifier");
	if (!numbered || value != want->number || value == 0)
		return complain(reason, "crl_number", "CRLNumber is missing, zero, or another one");
	return X509_CRL_get_ext_count(crl) == 3
		   ? ERR_OK
		   : complain(reason, "crl_extensions",
			 "there are others than AKI, CRLNumber and issuing distribution point");
}

/* RFC 5280, 5.1.2.6 and 5.3.1 */
static enum err
entry_check(const X509_REVOKED *entry, int64_t now, struct reason *reason)
{
	int critical = -1, count = sk_X509_EXTENSION_num(X509_REVOKED_get0_extensions(entry));
	ASN1_ENUMERATED *code = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, NULL);
	long value = code != NULL ? ASN1_ENUMERATED_get(code) : REVOCATION_NONE;
	int64_t when = seconds(X509_REVOKED_get0_revocationDate(entry));

	ASN1_ENUMERATED_free(code);
	if (when < 0 || when > now)
		return complain(reason, "crl_entry_date", "a revocationDate is missing, or in the future");
	if (count > (code != NULL ? 1 : 0))
		return complain(
		    reason, "crl_entry_extensions", "an entry has an extension that is no reasonCode");
	if (code != NULL && (value == REVOCATION_UNSPECIFIED || !revocation_reason_ends((int)value)))
		return complain(
		    reason, "crl_entry_reason", "a reasonCode is unspecified, or none that we give");
	return ERR_OK;
}

static enum err
entries_check(X509_CRL *crl, const struct crl *want, int64_t now, struct reason *reason)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
	int count = entries != NULL ? sk_X509_REVOKED_num(entries) : 0;
	enum err err = ERR_OK;

	/* 5.1.2.6: with nobody revoked, the list is absent, not empty. */
	if (entries != NULL && count == 0)
		return complain(reason, "crl_empty_list", "revokedCertificates is there, but empty");
	if ((size_t)count != want->count)
		return complain(reason, "crl_count", "there are more or fewer entries than revocations");
	for (int i = 0; i < count && err == ERR_OK; i++) {
		const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);

		err = entry_check(entry, now, reason);
		if (err == ERR_OK && i > 0 &&
		    ASN1_INTEGER_cmp(X509_REVOKED_get0_serialNumber(entry),
			X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i - 1))) <= 0)
			err = complain(
			    reason, "crl_entry_twice", "the entries are not sorted, or one is there twice");
	}
	return err;
}

enum err
crl_lint(struct slice der, const struct crl *want, int64_t now, struct reason *reason)
{
	struct reason cause = { "" };
	const uint8_t *p = der.data;
	X509_CRL *crl = NULL;
	enum err err;

	if (!der_check(der, &cause) || (crl = d2i_X509_CRL(NULL, &p, (long)der.len)) == NULL)
		err = complain(reason, "crl_strict_der", cause.text);
	else if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2)
		err = complain(reason, "crl_version_2", "the version is not 2");
	else if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(want->issuer)) != 0)
		err = complain(reason, "crl_issuer", "the issuer is not the CA's subject");
	else if ((err = times_check(crl, now, reason)) == ERR_OK &&
		 (err = idp_check(crl, want, reason)) == ERR_OK &&
		 (err = extensions_check(crl, want, reason)) == ERR_OK)
		err = entries_check(crl, want, now, reason);
	ERR_clear_error();
	X509_CRL_free(crl);
	return err;
}
