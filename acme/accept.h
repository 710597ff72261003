/* accept.h: which form of a certificate a client asks for by Accept (RFC 8555, 7.4.2; RFC 9110, 12.5.1). Pure. */
#ifndef SIGNET_ACME_ACCEPT_H
#define SIGNET_ACME_ACCEPT_H

enum certificate_form {
	FORM_PEM_CHAIN, /* application/pem-certificate-chain: what everybody gets who doesn't ask */
	FORM_DER, /* application/pkix-cert: the certificate alone */
	FORM_PKCS7, /* application/pkcs7-mime: the chain, certificates only */
	FORM_COUNT
};

/* The form that the field's value prefers, the first of several equal ones. A client that accepts none of them,
 * or whose field is no Accept, gets the PEM chain: RFC 9110 lets a server disregard the field, and a certificate
 * that was issued is better than none. */
enum certificate_form accept_form(const char *accept);

#endif
