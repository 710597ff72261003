#include "pebble-compat/challtestsrv/alpn.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "pebble-compat/challtestsrv/hello.h"
#include "pebble-compat/challtestsrv/self_signed.h"
#include "pebble-compat/challtestsrv/stream.h"

#define IDLE_MS 5000		/* as pebble-challtestsrv's */
#define RECORD_MAX 16709	/* on_bytes takes all it gets */

struct alpn {
	struct store	*store;
	EVP_PKEY	*key;
	SSL_CTX		*context;
};

static struct slice
extension_get(SSL *ssl, unsigned type)
{
	const uint8_t	*data;
	size_t		 len;

	return SSL_client_hello_get0_ext(ssl, type, &data, &len) == 1 ? slice_of(data, len) : slice_of(NULL, 0);
}

/* The certificate for this server name; false when nobody gave us its key authorization. */
static bool
certificate_use(struct alpn *alpn, SSL *ssl, const char *name)
{
	char	*authorization = store_text(alpn->store, TABLE_TLSALPN01, name);
	X509	*cert = NULL;
	bool	 used;

	used = authorization != NULL && (cert = self_signed_challenge(alpn->key, name, authorization)) != NULL &&
	    SSL_use_certificate(ssl, cert) == 1 && SSL_use_PrivateKey(ssl, alpn->key) == 1;
	X509_free(cert);
	free(authorization);
	return used;
}

static int
on_hello(SSL *ssl, int *alert, void *arg)
{
	struct alpn	*alpn = arg;
	struct slice	 protocols = extension_get(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation);
	struct slice	 sni = hello_server_name(extension_get(ssl, TLSEXT_TYPE_server_name));
	json_t		*name = store_string(sni.data, sni.len);
	int		 go_on = SSL_CLIENT_HELLO_ERROR;

	*alert = SSL_AD_INTERNAL_ERROR;
	if (name == NULL)
		return go_on;
	store_event(alpn->store, HISTORY_TLSALPN, json_string_value(name),
	    json_pack("{s:O,s:o}", "ServerName", name, "SupportedProtos", hello_protocols(protocols)));
	/* RFC 8737, 3: that protocol and no other. */
	if (hello_is_acme(protocols) && certificate_use(alpn, ssl, json_string_value(name)))
		go_on = SSL_CLIENT_HELLO_SUCCESS;
	json_decref(name);
	return go_on;
}

static int
on_select(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len, void *arg)
{
	(void)ssl;
	(void)arg;
	if (in_len < 1)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = in + 1;			/* the only one: on_hello() saw to that */
	*out_len = in[0];
	return SSL_TLSEXT_ERR_OK;
}

struct alpn *
alpn_new(struct store *store, EVP_PKEY *key)
{
	struct alpn *alpn = calloc(1, sizeof(*alpn));

	if (alpn == NULL || (alpn->context = SSL_CTX_new(TLS_server_method())) == NULL) {
		free(alpn);
		return NULL;
	}
	alpn->store = store;
	alpn->key = key;
	SSL_CTX_set_min_proto_version(alpn->context, TLS1_2_VERSION);	/* RFC 8737, 3 */
	SSL_CTX_set_options(alpn->context, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(alpn->context, 0);
	SSL_CTX_set_session_cache_mode(alpn->context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_client_hello_cb(alpn->context, on_hello, alpn);
	SSL_CTX_set_alpn_select_cb(alpn->context, on_select, NULL);
	return alpn;
}

void
alpn_free(struct alpn *alpn)
{
	if (alpn == NULL)
		return;
	SSL_CTX_free(alpn->context);
	free(alpn);
}

/* One connection's TLS, between memory on either side; NULL: out of memory. */
static SSL *
session_new(struct alpn *alpn)
{
	SSL	*ssl = SSL_new(alpn->context);
	BIO	*in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (ssl == NULL || in == NULL || out == NULL) {
		SSL_free(ssl);
		BIO_free(in);
		BIO_free(out);
		return NULL;
	}
	SSL_set_bio(ssl, in, out);
	SSL_set_accept_state(ssl);
	return ssl;
}

static void
flush(struct stream *stream, SSL *ssl)
{
	struct buf	 bytes = { 0 };
	char		*data;
	long		 len = BIO_get_mem_data(SSL_get_wbio(ssl), &data);

	if (len <= 0)
		return;
	buf_put(&bytes, data, (size_t)len);
	(void)BIO_reset(SSL_get_wbio(ssl));
	stream_write(stream, &bytes);
}

static ssize_t
on_bytes(struct stream *stream, void *arg, struct slice bytes)
{
	SSL	*ssl = stream_get(stream);
	int	 result, cause;

	if (ssl == NULL) {
		if ((ssl = session_new(arg)) == NULL)
			return -1;
		stream_set(stream, ssl);
	}
	ERR_clear_error();
	if (BIO_write(SSL_get_rbio(ssl), bytes.data, (int)bytes.len) != (int)bytes.len)
		return -1;
	result = SSL_do_handshake(ssl);
	cause = SSL_get_error(ssl, result);
	/* RFC 8737, 3: once the handshake is over there is nothing to say. */
	if (result == 1)
		(void)SSL_shutdown(ssl);
	flush(stream, ssl);
	return result != 1 && cause == SSL_ERROR_WANT_READ ? (ssize_t)bytes.len : -1;
}

static void
on_close(struct stream *stream)
{
	SSL_free(stream_get(stream));
	stream_set(stream, NULL);
}

static const struct stream_service service = {
	.on_bytes = on_bytes, .on_close = on_close, .idle_ms = IDLE_MS, .pending_max = RECORD_MAX,
};

enum err
alpn_serve(struct alpn *alpn, uv_loop_t *loop, int fd)
{
	return stream_serve(loop, &service, alpn, fd);
}
