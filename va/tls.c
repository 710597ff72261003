#include "va/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

/* The length before it, as ALPN has it (RFC 7301, 3.1). */
static const unsigned char protocols[] = "\x14" TLS_PERSPECTIVE_PROTOCOL;
_Static_assert(sizeof(TLS_PERSPECTIVE_PROTOCOL) - 1 == 0x14, "the first byte says so");

/* What TLS wants around a public key. */
static X509 *
certificate_of(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	if (cert == NULL)
		return NULL;
	name = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), "20200101000000Z") == 1 &&
	    ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), "99991231235959Z") == 1 && /* RFC 5280, 4.1.2.5 */
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"signet", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 && X509_sign(cert, key, NULL) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* The peer shows the key that the configuration names, or there is no connection. That it holds the secret half is
 * what the handshake itself proves (RFC 8446, 4.4.3). */
static int
verify(X509_STORE_CTX *store, void *peer)
{
	X509 *shown = X509_STORE_CTX_get0_cert(store);

	if (shown != NULL && EVP_PKEY_eq(X509_get0_pubkey(shown), peer) == 1)
		return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
    unsigned in_len, void *arg)
{
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len, protocols, sizeof(protocols) - 1, in,
		in_len) == OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_OK;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX *
tls_context(bool server, EVP_PKEY *own, EVP_PKEY *peer)
{
	SSL_CTX *context = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	X509 *cert = certificate_of(own);

	if (context == NULL || cert == NULL ||
	    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_use_certificate(context, cert) != 1 || SSL_CTX_use_PrivateKey(context, own) != 1 ||
	    SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) != 0 ||
	    SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1 ||
	    SSL_CTX_set1_sigalgs_list(context, "ed25519") != 1 || SSL_CTX_set_num_tickets(context, 0) != 1) {
		SSL_CTX_free(context);
		context = NULL;
	} else {
		SSL_CTX_set_cert_verify_callback(context, verify, peer);
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
		SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
		SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
		SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		    SSL_MODE_RELEASE_BUFFERS);
		SSL_CTX_set_max_cert_list(context, 4096); /* one certificate of 300 bytes */
	}
	X509_free(cert);
	ERR_clear_error();
	return context;
}
