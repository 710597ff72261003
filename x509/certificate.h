/* certificate.h: certificates from typed fields. No bytes that somebody else made are ever signed. Pure:
 * time and randomness are arguments. */
#ifndef SIGNET_X509_CERTIFICATE_H
#define SIGNET_X509_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "acme/identifier.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

#define SERIAL_SIZE 18		/* 144 random bits, first bit 0, first byte not 0: 136 or more of them free */

struct subject_field {
	int		 nid;
	const char	*value;
};

/* What a profile makes of all its certificates. */
#define SUBJECT_FIELDS_MAX 8
struct leaf_form {
	bool			 client_auth;		/* clientAuth beside serverAuth */
	bool			 no_server_auth;	/* clientAuth alone */
	bool			 no_encipherment;	/* not even for an RSA key */
	bool			 public_names;		/* linted: acme/public_name.h */
	const char *const	*extended_usages;	/* OIDs, beside those two */
	size_t			 extended_usage_count;
	struct subject_field	 subject[SUBJECT_FIELDS_MAX];	/* before the common name */
	size_t			 subject_count;
	const char		*policy;		/* an OID, or NULL: no certificatePolicies */
	bool			 no_issuer_pointer, no_crl_pointer;	/* whatever URLs there are */
	bool			 ocsp_pointer;		/* when there is a URL */
};

struct leaf {
	const struct leaf_form		*form;		/* NULL: a TLS server's, and no more */
	const uint8_t			*serial;	/* SERIAL_SIZE */
	const struct identifier		*names;		/* dNSName and iPAddress SANs, in this order */
	size_t				 name_count;
	EVP_PKEY			*key;
	int64_t				 not_before;	/* seconds since 1970 */
	int64_t				 not_after;	/* inclusive, as the field says */
	bool				 must_staple;
	const char			*common_name;	/* one of names, or NULL */
	const char			*issuer_url;	/* AIA caIssuers, or NULL */
	const char			*ocsp_url;	/* AIA ocsp, or NULL */
	const char			*crl_url;	/* CRL distribution point, or NULL */
};

struct ca_certificate {
	const char	*common_name;
	const char	*organization;	/* or NULL */
	EVP_PKEY	*key;
	int64_t		 not_before, not_after;
	int		 path_length;	/* -1: no limit */
	const uint8_t	*serial;	/* SERIAL_SIZE */
};

/* A to-be-signed certificate with the issuer's name and key identifier, unsigned. An empty subject
 * makes the SAN critical. On ERR_OK the caller owns *out. */
enum err leaf_build(const struct leaf *, X509 *issuer, X509 **out, struct reason *);
/* The same for a root (issuer NULL: self-issued) or an intermediate. */
enum err ca_certificate_build(const struct ca_certificate *, X509 *issuer, X509 **out, struct reason *);
/* Signs in place with the digest that fits the key (SHA-256, SHA-384 for P-384, none for EdDSA). */
enum err certificate_sign(X509 *, EVP_PKEY *issuer_key);
/* The same, and appends the DER of what was signed: OpenSSL would encode it anew. */
enum err certificate_sign_der(X509 *, EVP_PKEY *issuer_key, struct buf *out);
/* Appends the certificate, or CRL, with this key's signature instead of its own, over the very same bytes. der is what
 * certificate_sign_der() or crl_build() made with a key of the same type; else abort(). */
enum err certificate_sign_again(struct slice der, EVP_PKEY *issuer_key, struct buf *out);
/* Somebody's certificate, checked as DER first. On ERR_OK the caller owns *out. ERR_MALFORMED. */
enum err certificate_parse(struct slice der, X509 **out, struct reason *);
/* Both ends, in seconds since 1970. False: they can't be read. */
bool certificate_validity(X509 *, int64_t *not_before, int64_t *not_after);
/* The serial's octets, without a sign octet. ERR_MALFORMED: negative, or too long for anybody's. */
enum err certificate_serial(X509 *, uint8_t out[20], size_t *len);
enum err certificate_der(X509 *, struct buf *out);		/* appends */
enum err certificate_pem(struct slice der, struct buf *out);	/* appends, with line ends */
/* Whether this is the certificate's public key, compared as it is encoded: decoding it anew costs OpenSSL 3.0
 * three times a signature. Only for EC keys; false for others. */
bool certificate_has_ec_key(X509 *, EVP_PKEY *);
/* Whether this is the keyIdentifier of the authority key identifier of a certificate in DER. */
bool	 certificate_has_authority(struct slice der, struct slice key_id);
/* Where the plain listener serves an issuer's certificate: "/issuer/HEX.crt", HEX being the first 8 bytes of
 * the SHA-256 of its DER. ca writes it into certificates, wfe serves it. */
#define CERTIFICATE_ISSUER_PATH_SIZE 29
void	 certificate_issuer_path(struct slice der, char out[CERTIFICATE_ISSUER_PATH_SIZE]);
/* One or more PEM certificates. On ERR_OK the caller owns *out (sk_X509_pop_free). */
enum err certificates_read(struct slice pem, STACK_OF(X509) **out, struct reason *);

#endif
