/* tls.h: the server's certificate: from files, or issued and renewed by this CA (wfe.tls: auto). In auto the
 * key is made at start and lives in this process's memory only. */
#ifndef SIGNET_WFE_TLS_H
#define SIGNET_WFE_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "config/config.h"
#include "ipc/channel.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "proc/proc.h"

/* TLS 1.2 and 1.3, the client's order of preference among what is strong. */
#define TLS_PRIORITIES							\
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"	\
	"+GROUP-SECP384R1:-RSA:-DHE-RSA:-AES-128-CCM:-AES-256-CCM:-CIPHER-ALL:+AES-128-GCM:"	\
	"+AES-256-GCM:+CHACHA20-POLY1305"

struct tls;

/* Loads the files, or makes key and CSR, which secret makes known to ca as wfe's own. One per process: libmicrohttpd's
 * certificate callback has no closure. ERR_CONFIG (logged), ERR_CRYPTO, ERR_MEMORY. */
enum err tls_open(const struct config *, const uint8_t secret[PROC_SECRET_SIZE], struct tls **out);
void	 tls_free(struct tls *);		/* NULL is fine; after the daemons stopped */

/* In auto: asks ra for a certificate when one is due and none is asked for. Call every second. */
void	 tls_tick(struct tls *, struct channel *ra);
/* MSG_SERVER_CERTIFICATE: what ca answered; empty: refused. A useless one is logged and asked for again. */
void	 tls_answer(struct tls *, struct slice pem);
/* Whether there is a certificate to serve with; waits for it up to ms. */
bool	 tls_wait(struct tls *, int ms);

/* For each new session: lets the client resume it later by a ticket (RFC 8446, 4.6.1). */
void	 tls_session(struct tls *, gnutls_session_t);
/* MHD_OPTION_HTTPS_CERT_CALLBACK */
int	 tls_retrieve(gnutls_session_t, const gnutls_datum_t *, int, const gnutls_pk_algorithm_t *, int,
    gnutls_pcert_st **, unsigned int *, gnutls_privkey_t *);

/* When a certificate is renewed: after two thirds of its life. Seconds since 1970. Exposed for its test. */
int64_t	 tls_renewal_time(int64_t not_before, int64_t not_after);
/* How long after the nth failure in a row the next try is made, ms. Exposed for its test. */
int64_t	 tls_back_off_ms(unsigned failures);

#endif
