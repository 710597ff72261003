#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"
#include "x509/csr.h"
#include "x509/der.h"
#include "x509/key.h"
#include "x509/request.h"

static enum err
malformed(struct reason *reason, const char *text)
{
	ERR_clear_error();
	reason_set(reason, "%s", text);
	return ERR_MALFORMED;
}

static bool
digest_is_weak(const struct request *request)
{
	const ASN1_OBJECT *algorithm;
	int digest = NID_undef;

	X509_ALGOR_get0(&algorithm, NULL, NULL, request->algorithm);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(algorithm), &digest, NULL) != 1)
		return false; /* request_verify() refuses what it doesn't know */
	return digest == NID_md5 || digest == NID_sha1 || digest == NID_md4 || digest == NID_md2;
}

/* There is one version, and its number is 0 (RFC 2986, 4.1). acme-client for Ruby writes
 * 2, which is a certificate's: it is let pass, as nothing hangs on it. */
static bool
version_is_known(const struct request *request)
{
	long version = ASN1_INTEGER_get(request->info->version);

	return version == 0 || version == 2;
}

/* The request with its form, version and key proven, and, if told so, its self-signature. */
static enum err
request_open(struct slice der, bool verify, struct request **out, EVP_PKEY **key, struct reason *reason)
{
	struct reason cause = { "" };
	struct request *request;
	enum err err = ERR_OK;

	*out = NULL;
	*key = NULL;
	if (der.len > CSR_MAX) {
		reason_set(reason, "the CSR is larger than %d bytes", CSR_MAX);
		return ERR_MALFORMED;
	}
	if (!der_check(der, &cause)) {
		reason_set(reason, "the CSR is not DER: %s", cause.text);
		return ERR_MALFORMED;
	}
	if ((request = request_read(der)) == NULL)
		err = malformed(reason, "the CSR is not a PKCS #10 request (RFC 2986, 4)");
	else if (!version_is_known(request))
		err = malformed(reason, "the CSR's version is not 1 (RFC 2986, 4.1)");
	else if ((*key = request_key(request)) == NULL)
		err = malformed(reason, "the CSR's public key can't be read");
	/* Before the signature: a verification costs what the sender chose, up to RSA of 16384 bits. */
	else if ((err = key_check(*key, reason)) != ERR_OK)
		;
	else if (digest_is_weak(request)) {
		reason_set(reason, "the CSR is signed with MD5 or SHA-1; sign it with SHA-256");
		err = ERR_UNSUPPORTED;
	} else if (verify && !request_verify(request, *key)) {
		reason_set(reason, "the CSR's signature doesn't verify with the key in it (RFC 2986, 3)");
		err = ERR_BAD_SIGNATURE;
	}
	if (err != ERR_OK) {
		ERR_clear_error();
		EVP_PKEY_free(*key);
		request_free(request);
		*key = NULL;
		return err;
	}
	*out = request;
	return ERR_OK;
}

enum err
csr_parse_key(struct slice der, EVP_PKEY **out, struct reason *reason)
{
	struct request *request;
	enum err err = request_open(der, true, &request, out, reason);

	request_free(request);
	return err;
}

static bool
has_room(const struct csr *csr, struct reason *reason)
{
	if (csr->count <= IDENTIFIERS_MAX)
		return true;
	reason_set(reason, "the CSR has more than %d names", IDENTIFIERS_MAX);
	return false;
}

static enum err
address_add(struct csr *csr, const struct address *address, const char *where, struct reason *reason)
{
	char value[ADDRESS_TEXT_SIZE];
	struct reason cause = { "" };

	if (!has_room(csr, reason))
		return ERR_MALFORMED;
	address_text(address, value);
	if (identifier_check(IDENTIFIER_IP, value, &csr->names[csr->count], &cause) != ERR_OK) {
		reason_set(reason, "the CSR's %s holds \"%s\": %s", where, value, cause.text);
		return ERR_MALFORMED;
	}
	csr->count++;
	return ERR_OK;
}

static enum err
name_add(struct csr *csr, const char *text, size_t len, const char *where, struct reason *reason)
{
	char value[IDENTIFIER_VALUE_SIZE];
	struct reason cause = { "" };

	if (!has_room(csr, reason))
		return ERR_MALFORMED;
	if (len >= sizeof(value) || memchr(text, 0, len) != NULL) {
		reason_set(reason, "a name in the CSR's %s is too long or holds a NUL", where);
		return ERR_MALFORMED;
	}
	memcpy(value, text, len);
	value[len] = '\0';
	if (identifier_check(IDENTIFIER_DNS, value, &csr->names[csr->count], &cause) != ERR_OK) {
		reason_set(reason, "the CSR's %s holds \"%s\": %s", where, value, cause.text);
		return ERR_MALFORMED;
	}
	csr->count++;
	return ERR_OK;
}

static enum err
common_name_read(const struct request *request, struct csr *csr, struct reason *reason)
{
	X509_NAME *subject = request->info->subject;
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	struct address address;
	uint8_t *text = NULL;
	int len;
	enum err err;

	if (at < 0)
		return ERR_OK;
	if (X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return malformed(reason, "the CSR's subject has more than one common name");
	len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len < 0)
		return malformed(reason, "the CSR's common name can't be read");
	/* An address stands there in any of its forms; what counts is which one it is. */
	if (memchr(text, 0, (size_t)len) == NULL && address_parse((const char *)text, &address))
		err = address_add(csr, &address, "common name", reason);
	else
		err = name_add(csr, (const char *)text, (size_t)len, "common name", reason);
	OPENSSL_free(text);
	if (err == ERR_OK)
		memcpy(csr->common_name, csr->names[csr->count - 1].value, sizeof(csr->common_name));
	return err;
}

/* RFC 5280, 4.2.1.6: 4 bytes or 16, no mask. */
static enum err
ip_read(const ASN1_OCTET_STRING *ip, struct csr *csr, struct reason *reason)
{
	int len = ASN1_STRING_length(ip);
	struct address address;

	if (len != 4 && len != 16)
		return malformed(reason, "the CSR's subjectAltName holds an iPAddress of neither 4 nor 16 bytes "
					 "(RFC 5280, 4.2.1.6)");
	address = address_of(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip));
	return address_add(csr, &address, "subjectAltName", reason);
}

static enum err
general_name_read(const GENERAL_NAME *name, unsigned rules, struct csr *csr, struct reason *reason)
{
	enum err err;

	if (name->type == GEN_IPADD)
		return ip_read(name->d.iPAddress, csr, reason);
	if (name->type == GEN_DNS) {
		err = name_add(csr, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName), "subjectAltName", reason);
		if (err == ERR_OK || (rules & CSR_NAMES_ONLY) == 0)
			return err;
		csr->strange++;
		return ERR_OK;
	}
	if ((rules & CSR_NAMES_ONLY) != 0)
		return ERR_OK;
	reason_set(reason, "the CSR's subjectAltName asks for another kind of name; only DNS names and IP addresses are "
			   "served");
	return ERR_UNSUPPORTED;
}

static enum err
san_read(X509_EXTENSION *extension, unsigned rules, struct csr *csr, struct reason *reason)
{
	GENERAL_NAMES *names = X509V3_EXT_d2i(extension);
	enum err err = ERR_OK;
	int i;

	if (names == NULL)
		return malformed(reason, "the CSR's subjectAltName can't be read (RFC 5280, 4.2.1.6)");
	for (i = 0; err == ERR_OK && i < sk_GENERAL_NAME_num(names); i++)
		err = general_name_read(sk_GENERAL_NAME_value(names, i), rules, csr, reason);
	GENERAL_NAMES_free(names);
	return err;
}

/* RFC 7633: SEQUENCE OF INTEGER; 5 is status_request. */
static enum err
feature_read(X509_EXTENSION *extension, unsigned rules, struct csr *csr, struct reason *reason)
{
	static const uint8_t status_request[] = { 0x30, 0x03, 0x02, 0x01, 0x05 };
	const ASN1_STRING *value = X509_EXTENSION_get_data(extension);

	csr->must_staple = slice_eq(slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)),
	    slice_of(status_request, sizeof(status_request)));
	if (csr->must_staple || (rules & CSR_NAMES_ONLY) != 0)
		return ERR_OK;
	reason_set(reason, "the CSR asks for a TLS feature other than status_request (RFC 7633)");
	return ERR_UNSUPPORTED;
}

static enum err
extension_read(X509_EXTENSION *extension, unsigned rules, struct csr *csr, struct reason *reason)
{
	BASIC_CONSTRAINTS *constraints;
	char name[80];
	bool ca;

	int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));

	if (nid == NID_subject_alt_name)
		return san_read(extension, rules, csr, reason);
	if (nid == NID_tlsfeature)
		return feature_read(extension, rules, csr, reason);
	if ((rules & CSR_NAMES_ONLY) != 0)
		return ERR_OK;
	switch (nid) {
	case NID_basic_constraints:
		if ((constraints = X509V3_EXT_d2i(extension)) == NULL)
			return malformed(reason, "the CSR's basicConstraints can't be read");
		ca = constraints->ca != 0;
		BASIC_CONSTRAINTS_free(constraints);
		if (ca)
			return malformed(
			    reason, "the CSR asks for a CA certificate; only servers get one here");
		return ERR_OK;
	case NID_key_usage:
	case NID_ext_key_usage:
	case NID_subject_key_identifier:
		return ERR_OK;
	default:
		if (!X509_EXTENSION_get_critical(extension))
			return ERR_OK;
		OBJ_obj2txt(name, sizeof(name), X509_EXTENSION_get_object(extension), 1);
		reason_set(reason, "the CSR asks for critical extension %s, which is not granted", name);
		return ERR_UNSUPPORTED;
	}
}

static enum err
extensions_read(const struct request *request, unsigned rules, struct csr *csr, struct reason *reason)
{
	STACK_OF(X509_EXTENSION) * extensions;
	enum err err = ERR_OK;
	int i, j;

	if ((extensions = request_extensions(request)) == NULL)
		return malformed(reason, "the CSR has more than one request for extensions, or a broken one "
					 "(RFC 2985, 5.4.2)");
	for (i = 0; err == ERR_OK && i < sk_X509_EXTENSION_num(extensions); i++) {
		X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, i);

		for (j = 0; j < i; j++)
			if (OBJ_cmp(X509_EXTENSION_get_object(extension),
				X509_EXTENSION_get_object(sk_X509_EXTENSION_value(extensions, j))) == 0) {
				err =
				    malformed(reason, "the CSR asks for an extension twice (RFC 5280, 4.2)");
				goto out;
			}
		err = extension_read(extension, rules, csr, reason);
	}
out:
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return err;
}

/* Drops what stands there twice. */
static size_t
names_unique(struct identifier *names, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < kept && !identifier_eq(&names[j], &names[i]))
			j++;
		if (j == kept)
			names[kept++] = names[i];
	}
	return kept;
}

static enum err
names_sort(struct csr *csr, unsigned rules, struct reason *reason)
{
	if (csr->count == 0 && (rules & CSR_NAMES_ONLY) != 0)
		return ERR_OK;
	if (csr->count == 0)
		return malformed(reason, "the CSR has no name: add a subjectAltName with the order's names");
	csr->count = names_unique(csr->names, csr->count);
	if (csr->count > IDENTIFIERS_MAX) {
		reason_set(reason, "the CSR has more than %d names", IDENTIFIERS_MAX);
		return ERR_MALFORMED;
	}
	if ((csr->asked = calloc(csr->count, sizeof(csr->asked[0]))) == NULL)
		return ERR_MEMORY;
	memcpy(csr->asked, csr->names, csr->count * sizeof(csr->asked[0]));
	qsort(csr->names, csr->count, sizeof(csr->names[0]), identifier_compare);
	return ERR_OK;
}

enum err
csr_parse_by(struct slice der, unsigned rules, struct csr **out, struct reason *reason)
{
	struct request *request = NULL;
	struct csr *csr;
	enum err err;

	*out = NULL;
	if ((csr = calloc(1, sizeof(*csr))) == NULL)
		return ERR_MEMORY;
	/* One more than the limit: the common name usually repeats one of the others. */
	if ((csr->names = calloc(IDENTIFIERS_MAX + 1, sizeof(csr->names[0]))) == NULL) {
		free(csr);
		return ERR_MEMORY;
	}
	if ((err = request_open(der, (rules & CSR_UNVERIFIED) == 0, &request, &csr->key, reason)) == ERR_OK &&
	    ((rules & CSR_NAMES_ONLY) != 0 || (err = common_name_read(request, csr, reason)) == ERR_OK) &&
	    (err = extensions_read(request, rules, csr, reason)) == ERR_OK)
		err = names_sort(csr, rules, reason);
	request_free(request);
	ERR_clear_error();
	if (err != ERR_OK) {
		csr_free(csr);
		return err;
	}
	*out = csr;
	return ERR_OK;
}

enum err
csr_parse(struct slice der, struct csr **out, struct reason *reason)
{
	return csr_parse_by(der, 0, out, reason);
}

enum err
csr_parse_unverified(struct slice der, struct csr **out, struct reason *reason)
{
	return csr_parse_by(der, CSR_UNVERIFIED, out, reason);
}

void
csr_free(struct csr *csr)
{
	if (csr == NULL)
		return;
	EVP_PKEY_free(csr->key);
	free(csr->names);
	free(csr->asked);
	free(csr);
}

bool
csr_names_match(const struct csr *csr, const struct identifier *sorted, size_t count, struct reason *reason)
{
	size_t i = 0, j = 0;

	while (i < csr->count || j < count) {
		int order = i == csr->count ? 1
			    : j == count    ? -1
					    : identifier_compare(&csr->names[i], &sorted[j]);

		if (order < 0) {
			reason_set(
			    reason, "the CSR names \"%s\", which the order doesn't", csr->names[i].value);
			return false;
		}
		if (order > 0) {
			reason_set(reason, "the CSR lacks \"%s\", which the order names", sorted[j].value);
			return false;
		}
		i++;
		j++;
	}
	if (csr->strange == 0)
		return true;
	reason_set(reason, "the CSR names what no host can be called");
	return false;
}
