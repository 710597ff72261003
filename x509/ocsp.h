/* ocsp.h: the Online Certificate Status Protocol: requests as strangers send them, answers from typed fields (RFC
 * 6960; the profile of RFC 5019; nonces by RFC 9654). Pure: the time is an argument. */
#ifndef SIGNET_X509_OCSP_H
#define SIGNET_X509_OCSP_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "acme/ocsp.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"

/* A request's signature and its requestor's name say nothing that we ask for, and are left unread. ERR_MALFORMED;
 * ERR_UNSUPPORTED: well-formed, but of more certificates than we look up at once, or named by a hash that we don't
 * make. Both with the reason. */
enum err ocsp_request_parse(struct slice der, struct ocsp_request *out, struct reason *);

/* Appends a response that is nothing but that status, which is not OCSP_SUCCESSFUL. ERR_MEMORY. */
enum err ocsp_error_put(enum ocsp_status, struct buf *out);

struct ocsp_response {
	X509			*issuer;	/* who signs, for its own certificates */
	int64_t			 produced, this_update, next_update;
	const struct ocsp_single *singles;
	size_t			 count;
	struct slice		 nonce;		/* empty: none */
};
/* Appends a successful response, signed by the issuer's key with the algorithm that its certificates have. ERR_CRYPTO,
 * ERR_MEMORY. */
enum err ocsp_response_sign(const struct ocsp_response *, EVP_PKEY *issuer_key, struct buf *out);

/* Whether it is this issuer's certificates that the id names. */
bool	 ocsp_id_of(const struct ocsp_id *, X509 *issuer);

#endif
