#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "va/probe.h"

#define READ_SIZE 16384 /* a TLS record; then other events get their turn */

struct prober {
	struct connector *connector;
	SSL_CTX *context;
	uv_loop_t *loop;
	TAILQ_HEAD(, probe) shaking; /* by age */
	size_t shaking_count;
	char protocol[PROBE_PROTOCOL_MAX + 1];
};

/*  connecting --connected--> shaking --handshake complete, failed, lost--> over
 *      +---------refused, no route, time------------------------------------^ */
struct probe {
	struct prober *owner;
	struct connecting *connecting; /* NULL: it is connected */
	int fd; /* -1: not yet */
	SSL *ssl; /* reads and writes memory: what passes is counted, and cut at READ_SIZE a turn */
	uv_poll_t poll; /* with fd */
	TAILQ_ENTRY(probe) next; /* with fd */
	size_t received;
	int alert; /* that the server sent, or -1 */
	char name[256];
	probe_done *done;
	void *arg;
	char why[256];
};

static void
alert_seen(const SSL *ssl, int where, int value)
{
	struct probe *p = SSL_get_app_data(ssl);

	/* Fatal ones: level 2 in the high byte (RFC 5246, 7.2). */
	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
		p->alert = value & 0xff;
}

static bool
prober_configure(SSL_CTX *context, const char *protocol)
{
	uint8_t list[PROBE_PROTOCOL_MAX + 1];
	size_t len = strlen(protocol);

	list[0] = (uint8_t)len;
	memcpy(list + 1, protocol, len);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL); /* self-signed: acme_identifier_check() judges */
	SSL_CTX_set_security_level(
	    context, 1); /* whatever the distribution sets: the key proves nothing here */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(context, PROBE_CHAIN_MAX);
	SSL_CTX_set_info_callback(context, alert_seen);
	/* No DHE: the server would choose a prime of 10,000 bits, and the arithmetic would take a second. */
	if (SSL_CTX_set_cipher_list(context, "kECDHE:!aNULL:!eNULL:!PSK") != 1 ||
	    SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384:P-521") != 1)
		return false;
	/* RFC 8737, 3: TLS 1.2 or later (Boulder), one protocol. alpn_protos returns 0 for success. */
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(context, 0) == 1 &&
	       SSL_CTX_set_alpn_protos(context, list, (unsigned)len + 1) == 0;
}

struct prober *
prober_new(const char *protocol)
{
	struct prober *r = calloc(1, sizeof(*r));
	size_t len = strlen(protocol);

	if (len == 0 || len > PROBE_PROTOCOL_MAX)
		abort();
	if (r == NULL)
		return NULL;
	TAILQ_INIT(&r->shaking);
	memcpy(r->protocol, protocol, len);
	if ((r->context = SSL_CTX_new(TLS_client_method())) == NULL ||
	    !prober_configure(r->context, protocol)) {
		ERR_clear_error();
		prober_free(r);
		return NULL;
	}
	return r;
}

void
prober_start(struct prober *r, uv_loop_t *loop, struct connector *connector)
{
	r->loop = loop;
	r->connector = connector;
}

void
prober_free(struct prober *r)
{
	if (r == NULL)
		return;
	SSL_CTX_free(r->context);
	free(r);
}

static void
probe_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
probe_release(struct probe *p)
{
	connect_cancel(p->connecting);
	SSL_free(p->ssl);
	if (p->fd < 0) {
		free(p);
		return;
	}
	TAILQ_REMOVE(&p->owner->shaking, p, next);
	p->owner->shaking_count--;
	uv_close((uv_handle_t *)&p->poll, probe_closed);
	close(p->fd);
}

static void
probe_end(struct probe *p, const struct probe_answer *answer)
{
	p->done(p->arg, answer);
	probe_release(p);
}

void
probe_cancel(struct probe *p)
{
	if (p != NULL)
		probe_release(p);
}

const char *
probe_waits(const struct probe *p)
{
	return p->connecting != NULL ? connect_waits(p->connecting) : "did not finish the TLS handshake";
}

static void
probe_fail(struct probe *p, enum probe_outcome outcome, const char *why, const char *advice)
{
	struct probe_answer answer = { .outcome = outcome, .why = why, .advice = advice };

	probe_end(p, &answer);
}

/* The handshake failed: why, and what to do. */
static void
probe_refused(struct probe *p)
{
	unsigned long code = ERR_peek_error();
	int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
	const char *text = ERR_reason_error_string(code);
	const char *advice = "repair TLS on that port";

	if (p->alert >= 0)
		snprintf(p->why, sizeof(p->why), "answered with the TLS alert \"%s\" (%d)",
		    SSL_alert_desc_string_long(p->alert), p->alert);
	else
		snprintf(p->why, sizeof(p->why), "failed the TLS handshake (%s)",
		    text != NULL ? text : "no cause given");
	/* RFC 7301, 3.2; RFC 8446, 6.2 */
	if (p->alert == TLS1_AD_NO_APPLICATION_PROTOCOL || p->alert == TLS1_AD_UNRECOGNIZED_NAME)
		advice = "is it the client's tls-alpn-01 responder that answers there, and is it ready for "
			 "this name?";
	else if (p->alert == TLS1_AD_PROTOCOL_VERSION || reason == SSL_R_UNSUPPORTED_PROTOCOL ||
		 reason == SSL_R_WRONG_SSL_VERSION)
		advice = "it must speak TLS 1.2 or later (RFC 8737, 3)";
	else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_BAD_PROTOCOL_VERSION_NUMBER ||
		 reason == SSL_R_HTTP_REQUEST || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
		advice = "is it a TLS server that answers there?";
	probe_fail(p, PROBE_TLS_FAILED, p->why, advice);
}

/* Sends what OpenSSL wrote. A full socket buffer, after these few bytes, means that nobody reads. */
static bool
probe_flush(struct probe *p)
{
	char *data;
	long len = BIO_get_mem_data(SSL_get_wbio(p->ssl), &data);
	ssize_t sent = len > 0 ? send(p->fd, data, (size_t)len, MSG_NOSIGNAL) : 0;

	(void)BIO_reset(SSL_get_wbio(p->ssl));
	return sent == len;
}

static void
probe_shown(struct probe *p)
{
	struct probe_answer answer = { .outcome = PROBE_SHOWN };
	X509 *cert = SSL_get1_peer_certificate(p->ssl);
	const uint8_t *chosen;
	uint8_t *der = NULL;
	unsigned chosen_len;
	int len = cert != NULL ? i2d_X509(cert, &der) : 0;

	SSL_get0_alpn_selected(p->ssl, &chosen, &chosen_len);
	answer.chose = chosen_len > 0;
	answer.agreed = slice_eq(slice_of(chosen, chosen_len), slice_str(p->owner->protocol));
	answer.certificate = slice_of(der, len > 0 ? (size_t)len : 0);
	SSL_shutdown(p->ssl); /* close_notify: no data, and the server sees an orderly end */
	probe_flush(p);
	probe_end(p, &answer);
	OPENSSL_free(der);
	X509_free(cert);
}

/* Goes on with the handshake after bytes came in, or at its start. */
static void
probe_shake(struct probe *p)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(p->ssl);
	if (result == 1) {
		probe_shown(p);
		return;
	}
	if (SSL_get_error(p->ssl, result) != SSL_ERROR_WANT_READ) {
		probe_flush(p); /* our alert */
		probe_refused(p);
	} else if (!probe_flush(p))
		probe_fail(p, PROBE_BROKEN, "broke the connection off in the TLS handshake",
		    "is it a TLS server that answers there?");
}

static void
probe_read(struct probe *p)
{
	uint8_t data[READ_SIZE];
	ssize_t len = recv(p->fd, data, sizeof(data), 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		probe_fail(p, PROBE_BROKEN,
		    len == 0 ? "closed the connection in the TLS handshake"
			     : "broke the connection off in the TLS handshake",
		    "is it the client's tls-alpn-01 responder that answers there?");
		return;
	}
	p->received += (size_t)len;
	if (p->received > PROBE_BYTES_MAX)
		probe_fail(p, PROBE_TLS_FAILED, "sent more than 32 KiB in the TLS handshake",
		    "the certificate needs no chain, since it signs itself");
	else if (BIO_write(SSL_get_rbio(p->ssl), data, (int)len) != (int)len)
		probe_fail(
		    p, PROBE_TLS_FAILED, "could not be read: the CA is out of memory", "try again later");
	else
		probe_shake(p);
}

/* Sets the handshake up on memory. */
static bool
probe_prepare(struct probe *p)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

	if (in == NULL || out == NULL || (p->ssl = SSL_new(p->owner->context)) == NULL) {
		BIO_free(in);
		BIO_free(out);
		return false;
	}
	BIO_set_mem_eof_return(in, -1); /* nothing there yet is no end */
	SSL_set_bio(p->ssl, in, out);
	SSL_set_app_data(p->ssl, p);
	SSL_set_connect_state(p->ssl);
	return SSL_set_tlsext_host_name(p->ssl, p->name) == 1;
}

static void
probe_ready(uv_poll_t *poll, int status, int events)
{
	(void)status; /* an error shows in the calls that follow */
	(void)events;
	probe_read(poll->data);
}

/* Takes the connection over, also when it fails. */
static bool
probe_watch(struct probe *p, int fd)
{
	if (uv_poll_init(p->owner->loop, &p->poll, fd) != 0) {
		close(fd);
		return false;
	}
	p->fd = fd;
	p->poll.data = p;
	TAILQ_INSERT_TAIL(&p->owner->shaking, p, next);
	p->owner->shaking_count++;
	return uv_poll_start(&p->poll, UV_READABLE, probe_ready) == 0 && probe_prepare(p);
}

/* Whoever doesn't get to its end is not to fill the memory. */
static void
prober_make_room(struct prober *r)
{
	if (r->shaking_count > PROBE_MAX)
		probe_fail(TAILQ_FIRST(&r->shaking), PROBE_BROKEN,
		    "accepted the connection, and had not finished the TLS handshake when the CA had thousands of others to ask",
		    "is it a TLS server that answers there, and is it quick enough?");
}

static void
probe_connected(void *arg, const struct connect_answer *answer)
{
	struct probe *p = arg;
	struct prober *r = p->owner;

	p->connecting = NULL;
	if (answer->outcome == CONNECT_UNREACHABLE)
		probe_fail(p, PROBE_UNREACHABLE, answer->why, answer->advice);
	else if (answer->outcome == CONNECT_NO_WAY)
		probe_fail(p, PROBE_NO_WAY, answer->why, answer->advice);
	else if (probe_watch(p, answer->fd))
		probe_shake(p);
	else
		probe_fail(p, PROBE_NO_WAY, "was not asked: the CA is out of memory or descriptors", "try again later");
	prober_make_room(r);
}

struct probe *
probe_start(struct prober *r, const struct address *address, uint16_t port, const char *name,
    probe_done *done, void *arg)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->owner = r;
	p->done = done;
	p->arg = arg;
	p->alert = p->fd = -1;
	snprintf(p->name, sizeof(p->name), "%s", name);
	if ((p->connecting = connect_start(r->connector, address, port, "tls-alpn-01", probe_connected, p)) != NULL)
		return p;
	free(p);
	return NULL;
}
