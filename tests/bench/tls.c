#include "tests/bench/tls.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char acme_tls[] = "\x0a" "acme-tls/1";
static EVP_PKEY *tls_key;

static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in, unsigned in_len,
    void *arg)
{
	(void)ssl;
	(void)arg;
	if (in_len != sizeof(acme_tls) - 1 || memcmp(in, acme_tls, in_len) != 0)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = in + 1;
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

static int
choose_certificate(SSL *ssl, void *arg)
{
	X509 *(**find)(const char *) = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *certificate = name != NULL ? (*find)(name) : NULL;
	int ok = certificate != NULL && SSL_use_certificate(ssl, certificate) == 1 &&
	    SSL_use_PrivateKey(ssl, tls_key) == 1;

	X509_free(certificate);
	return ok;
}

SSL_CTX *
tls_new(EVP_PKEY *key, X509 *(*find)(const char *name))
{
	static X509 *(*finder)(const char *);
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context == NULL)
		abort();
	tls_key = key;
	finder = find;
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	SSL_CTX_set_cert_cb(context, choose_certificate, &finder);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);
	return context;
}

SSL *
tls_accept(SSL_CTX *context, int fd)
{
	SSL *ssl = SSL_new(context);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1)
		abort();
	SSL_set_accept_state(ssl);
	return ssl;
}

bool
tls_go_on(SSL *ssl)
{
	int result = SSL_do_handshake(ssl), error;
	char byte;

	/* Once it is done the validator closes; there is nothing to read but that. */
	if (result == 1)
		result = SSL_read(ssl, &byte, 1);
	error = SSL_get_error(ssl, result);
	ERR_clear_error();
	return error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}
