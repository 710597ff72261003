#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/address.h"
#include "x509/acme_identifier.h"
#include "x509/der.h"

#define RSA_BITS_MAX 8192 /* verifying costs the square of it; nobody's client makes larger ones */

static enum err
no(struct reason *reason, const char *text)
{
	reason_set(reason, "the certificate %s", text);
	return ERR_DENIED;
}

void
acme_identifier_digest(const char *token, const char *thumbprint, uint8_t out[ACME_IDENTIFIER_DIGEST_SIZE])
{
	struct buf authorization = { 0 };

	buf_put_str(&authorization, token);
	buf_put_str(&authorization, ".");
	buf_put_str(&authorization, thumbprint);
	if (authorization.failed)
		abort();
	SHA256(authorization.data, authorization.len, out);
	buf_free(&authorization);
}

/* RFC 8737, 3: self-signed. Boulder: the names are the same bytes, and the signature is the key's own. */
static enum err
check_self_signed(X509 *cert, struct reason *reason)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	const uint8_t *subject, *issuer;
	size_t subject_len, issuer_len;

	if (X509_NAME_get0_der(X509_get_subject_name(cert), &subject, &subject_len) != 1 ||
	    X509_NAME_get0_der(X509_get_issuer_name(cert), &issuer, &issuer_len) != 1)
		return ERR_MEMORY;
	if (!slice_eq(slice_of(subject, subject_len), slice_of(issuer, issuer_len)))
		return no(reason, "is not self-signed: its issuer is not its subject (RFC 8737, 3)");
	if (key == NULL)
		return no(reason, "has a public key that can't be read");
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) > RSA_BITS_MAX)
		return no(reason, "has an RSA key of more than 8192 bits");
	if (X509_verify(cert, key) != 1)
		return no(reason, "is not self-signed: its signature is not by its own key (RFC 8737, 3)");
	return ERR_OK;
}

/* The only extension of that kind; NULL with the reason when there is none, or more than one. */
static X509_EXTENSION *
only(X509 *cert, const ASN1_OBJECT *kind, const char *name, struct reason *reason)
{
	int at = X509_get_ext_by_OBJ(cert, kind, -1);

	if (at < 0)
		reason_set(reason, "the certificate has no %s extension (RFC 8737, 3)", name);
	else if (X509_get_ext_by_OBJ(cert, kind, at) >= 0)
		reason_set(reason, "the certificate has more than one %s extension (RFC 5280, 4.2)", name);
	else
		return X509_get_ext(cert, at);
	return NULL;
}

static enum err
check_name(const GENERAL_NAME *name, const struct identifier *identifier, struct reason *reason)
{
	const ASN1_STRING *value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
	struct address address;
	struct slice text;

	if (name->type != (identifier->type == IDENTIFIER_IP ? GEN_IPADD : GEN_DNS)) {
		reason_set(reason, "the certificate's SAN is not %s (%s)",
		    identifier->type == IDENTIFIER_IP ? "an iPAddress" : "a dNSName",
		    identifier->type == IDENTIFIER_IP ? "RFC 8738, 6" : "RFC 8737, 3");
		return ERR_DENIED;
	}
	text = slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	if (identifier->type == IDENTIFIER_IP) {
		if (address_parse(identifier->value, &address) &&
		    slice_eq(text, slice_of(address.bytes, address_size(&address))))
			return ERR_OK;
	} else if (text.len == strlen(identifier->value) && memchr(text.data, 0, text.len) == NULL &&
		   strncasecmp((const char *)text.data, identifier->value, text.len) == 0)
		return ERR_OK; /* RFC 4343 */
	reason_set(reason, "the certificate's SAN is not %s", identifier->value);
	return ERR_DENIED;
}

static enum err
check_san(X509 *cert, const struct identifier *identifier, struct reason *reason)
{
	X509_EXTENSION *extension = only(cert, OBJ_nid2obj(NID_subject_alt_name), "subjectAltName", reason);
	GENERAL_NAMES *names;
	enum err err = ERR_DENIED;

	if (extension == NULL)
		return ERR_DENIED;
	if ((names = X509V3_EXT_d2i(extension)) == NULL)
		return no(reason, "has a subjectAltName that can't be read (RFC 5280, 4.2.1.6)");
	if (sk_GENERAL_NAME_num(names) != 1)
		reason_set(reason, "the certificate has %d SANs; it must have one, %s (RFC 8737, 3)",
		    sk_GENERAL_NAME_num(names), identifier->value);
	else
		err = check_name(sk_GENERAL_NAME_value(names, 0), identifier, reason);
	GENERAL_NAMES_free(names);
	return err;
}

/* Authorization ::= OCTET STRING (SIZE (32)), in DER the value of the extension. */
static enum err
check_digest(X509 *cert, const uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE], struct reason *reason)
{
	ASN1_OBJECT *kind = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1); /* id-pe-acmeIdentifier */
	X509_EXTENSION *extension;
	const ASN1_OCTET_STRING *value;
	const uint8_t *bytes;

	if (kind == NULL)
		return ERR_MEMORY;
	extension = only(cert, kind, "acmeIdentifier (1.3.6.1.5.5.7.1.31)", reason);
	ASN1_OBJECT_free(kind);
	if (extension == NULL)
		return ERR_DENIED;
	if (X509_EXTENSION_get_critical(extension) != 1)
		return no(reason, "has an acmeIdentifier extension that is not critical (RFC 8737, 3)");
	value = X509_EXTENSION_get_data(extension);
	bytes = ASN1_STRING_get0_data(value);
	if (ASN1_STRING_length(value) != 2 + ACME_IDENTIFIER_DIGEST_SIZE || bytes[0] != V_ASN1_OCTET_STRING ||
	    bytes[1] != ACME_IDENTIFIER_DIGEST_SIZE)
		return no(reason,
		    "has an acmeIdentifier extension that is not an OCTET STRING of 32 bytes (RFC "
		    "8737, 3)");
	if (memcmp(bytes + 2, digest, ACME_IDENTIFIER_DIGEST_SIZE) != 0)
		return no(reason,
		    "has an acmeIdentifier extension with another digest: it must be the SHA-256 of "
		    "this challenge's token, a dot, and the thumbprint of this account's key");
	return ERR_OK;
}

enum err
acme_identifier_check(struct slice der, const struct identifier *identifier,
    const uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE], struct reason *reason)
{
	struct reason cause = { "" };
	const uint8_t *p = der.data;
	X509 *cert = NULL;
	enum err err = ERR_MALFORMED;

	if (!der_check(der, &cause))
		reason_set(reason, "the certificate is not DER: %s", cause.text);
	else if ((cert = d2i_X509(NULL, &p, (long)der.len)) == NULL || p != der.data + der.len)
		reason_set(reason, "the certificate can't be read (RFC 5280, 4.1)");
	/* The signature last, as it costs most. */
	else if ((err = check_san(cert, identifier, reason)) == ERR_OK &&
		 (err = check_digest(cert, digest, reason)) == ERR_OK)
		err = check_self_signed(cert, reason);
	X509_free(cert);
	ERR_clear_error();
	return err;
}
