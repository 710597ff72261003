#include "wfe/tls.h"

#include <gnutls/crypto.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"

#define CHAIN_MAX 9		/* leaf, and the certificates of an issuer's file: x509/chain.h */
#define FILE_MAX 262144
#define ANSWER_TIME_MS 30000	/* ca signs within a second; then something is lost and we ask again */
#define KEEP_MS 3600000		/* a handshake that started with the old certificate is long over */
#define RENEW_MIN 60		/* s between renewals, whatever the lifetime */

/* One certificate chain. Replaced by swapping a pointer; the old one stays for handshakes that use it. */
struct credential {
	struct credential	*previous;
	int64_t			 installed;	/* monotonic ms */
	gnutls_pcert_st		 chain[CHAIN_MAX];
	unsigned		 count;
};

struct tls {
	bool			 automatic;
	gnutls_privkey_t	 key;
	gnutls_datum_t		 ticket_key;
	struct buf		 csr;
	pthread_mutex_t		 mutex;		/* of what follows */
	pthread_cond_t		 installed;
	int64_t			 renew;		/* seconds since 1970; 0: at once */
	int64_t			 next_try;	/* monotonic ms */
	int64_t			 asked;		/* monotonic ms; 0: not asked */
	unsigned		 failures;
};

/* The process's only server certificate and key: see tls_open(). */
static _Atomic(struct credential *) current;
static gnutls_privkey_t current_key;

int64_t
tls_renewal_time(int64_t not_before, int64_t not_after)
{
	return not_before + (not_after - not_before) / 3 * 2;
}

int64_t
tls_back_off_ms(unsigned failures)
{
	return failures > 8 ? 300000 : 1000LL << failures;
}

static enum err
gnutls_failed(const char *what, int code)
{
	log_event(LOG_ERROR, "TLS set-up failed", F_STR("step", what), F_STR("cause", gnutls_strerror(code)));
	return ERR_CRYPTO;
}

static void
credential_free(struct credential *c)
{
	while (c != NULL) {
		struct credential *previous = c->previous;

		for (unsigned i = 0; i < c->count; i++)
			gnutls_pcert_deinit(&c->chain[i]);
		free(c);
		c = previous;
	}
}

/* Whether the leaf is for our key. */
static bool
fits_key(const struct credential *c, gnutls_privkey_t key)
{
	gnutls_pubkey_t	pub = NULL;
	uint8_t		ours[64], theirs[64];
	size_t		our_len = sizeof(ours), their_len = sizeof(theirs);
	bool		fits;

	fits = gnutls_pubkey_init(&pub) == 0 && gnutls_pubkey_import_privkey(pub, key, 0, 0) == 0 &&
	    gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, ours, &our_len) == 0 &&
	    gnutls_pubkey_get_key_id(c->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, theirs, &their_len) == 0 &&
	    our_len == their_len && memcmp(ours, theirs, our_len) == 0;
	gnutls_pubkey_deinit(pub);
	return fits;
}

static int
lifetime(const struct credential *c, int64_t *not_before, int64_t *not_after)
{
	gnutls_x509_crt_t	leaf = NULL;
	int			code;

	if ((code = gnutls_x509_crt_init(&leaf)) != 0)
		return code;
	code = gnutls_x509_crt_import(leaf, &c->chain[0].cert, GNUTLS_X509_FMT_DER);
	if (code == 0) {
		*not_before = gnutls_x509_crt_get_activation_time(leaf);
		*not_after = gnutls_x509_crt_get_expiration_time(leaf);
	}
	gnutls_x509_crt_deinit(leaf);
	return code;
}

/* Reads a chain; NULL and *cause when it can't be served with our key. */
static struct credential *
credential_read(struct slice pem, gnutls_privkey_t key, const char **cause)
{
	struct credential	*c = calloc(1, sizeof(*c));
	gnutls_datum_t		 data = { (void *)(uintptr_t)pem.data, (unsigned)pem.len };
	unsigned		 count = CHAIN_MAX;
	int			 code;

	*cause = "out of memory";
	if (c == NULL)
		return NULL;
	code = gnutls_pcert_list_import_x509_raw(c->chain, &count, &data, GNUTLS_X509_FMT_PEM, 0);
	if (code < 0 || count == 0) {
		*cause = code < 0 ? gnutls_strerror(code) : "it holds no certificate";
		free(c);
		return NULL;
	}
	c->count = count;
	if (fits_key(c, key))
		return c;
	*cause = "the certificate is for another key";
	credential_free(c);
	return NULL;
}

/* Called with the lock held. Frees what no handshake can be using any more. */
static void
install(struct credential *c)
{
	int64_t			 now = clock_monotonic_ms();
	struct credential	*old;

	c->installed = now;
	c->previous = atomic_load(&current);
	atomic_store(&current, c);
	for (old = c->previous; old != NULL; old = old->previous) {
		/* old was replaced when the one after it came; that one is older than KEEP_MS below. */
		if (old->previous != NULL && now - old->installed > KEEP_MS) {
			credential_free(old->previous);
			old->previous = NULL;
		}
	}
}

int
tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
    const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **chain,
    unsigned int *count, gnutls_privkey_t *key)
{
	struct credential *c = atomic_load(&current);

	(void)session;
	(void)names;
	(void)name_count;
	(void)algorithms;
	(void)algorithm_count;
	if (c == NULL)
		return -1;
	*chain = c->chain;
	*count = c->count;
	*key = current_key;
	return 0;
}

void
tls_session(struct tls *tls, gnutls_session_t session)
{
	/* Without it every connection is a full handshake: slower, no worse. */
	(void)gnutls_session_ticket_enable_server(session, &tls->ticket_key);
}

/* ca decides which names the certificate gets, and knows them; the message has no room for a hundred. A CSR
 * without any would be odd, so ours has this one. */
static int
add_name(gnutls_x509_crq_t crq)
{
	return gnutls_x509_crq_set_subject_alt_name(crq, GNUTLS_SAN_DNSNAME, "localhost",
	    (unsigned)strlen("localhost"), GNUTLS_FSAN_SET);
}

/* The CSR, and behind it the tag without which ca signs nothing: ra could else have its own key certified. */
static enum err
make_csr(struct tls *tls, const uint8_t secret[PROC_SECRET_SIZE])
{
	uint8_t			tag[32];	/* HMAC-SHA256 */
	gnutls_x509_crq_t	crq = NULL;
	gnutls_pubkey_t		pub = NULL;
	gnutls_datum_t		der = { 0 };
	int			code;

	if ((code = gnutls_x509_crq_init(&crq)) == 0 && (code = gnutls_pubkey_init(&pub)) == 0 &&
	    (code = gnutls_pubkey_import_privkey(pub, tls->key, 0, 0)) == 0 &&
	    (code = gnutls_x509_crq_set_version(crq, 1)) == 0 &&
	    (code = gnutls_x509_crq_set_pubkey(crq, pub)) == 0 && (code = add_name(crq)) == 0 &&
	    (code = gnutls_x509_crq_privkey_sign(crq, tls->key, GNUTLS_DIG_SHA256, 0)) == 0 &&
	    (code = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, &der)) == 0 &&
	    (code = gnutls_hmac_fast(
		 GNUTLS_MAC_SHA256, secret, PROC_SECRET_SIZE, der.data, der.size, tag)) == 0) {
		buf_put(&tls->csr, der.data, der.size);
		buf_put(&tls->csr, tag, sizeof(tag));
	}
	gnutls_free(der.data);
	gnutls_pubkey_deinit(pub);
	gnutls_x509_crq_deinit(crq);
	if (code != 0)
		return gnutls_failed("certificate request", code);
	return tls->csr.failed ? ERR_MEMORY : ERR_OK;
}

static enum err
open_automatic(struct tls *tls, const uint8_t secret[PROC_SECRET_SIZE])
{
	int code = gnutls_privkey_generate(tls->key, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

	if (code != 0)
		return gnutls_failed("key generation", code);
	return make_csr(tls, secret);
}

static enum err
complain(const char *file, const char *cause)
{
	log_event(LOG_ERROR, "the server's certificate can't be used", F_STR("file", file),
	    F_STR("cause", cause));
	return ERR_CONFIG;
}

static enum err
open_files(struct tls *tls, const struct config *config)
{
	const char		*file = config->wfe.tls_key, *cause;
	char			*path = file_join(config->dir, file);
	struct buf		 pem = { 0 };
	struct credential	*c;
	gnutls_datum_t		 data;
	enum err		 err = ERR_MEMORY;
	int			 code;

	if (path == NULL)
		goto out;
	if ((err = file_read(path, FILE_MAX, &pem)) != ERR_OK) {
		err = complain(file, err_text(err));
		goto out;
	}
	data = (gnutls_datum_t){ pem.data, (unsigned)pem.len };
	code = gnutls_privkey_import_x509_raw(tls->key, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
	buf_cleanse(&pem);
	if (code != 0) {
		err = complain(file, gnutls_strerror(code));
		goto out;
	}
	free(path);
	file = config->wfe.tls_certificate;
	if ((path = file_join(config->dir, file)) == NULL) {
		err = ERR_MEMORY;
		goto out;
	}
	if ((err = file_read(path, FILE_MAX, &pem)) != ERR_OK)
		err = complain(file, err_text(err));
	else if ((c = credential_read(buf_slice(&pem), tls->key, &cause)) == NULL)
		err = complain(file, cause);
	else
		install(c);
 out:
	buf_cleanse(&pem);
	free(path);
	return err;
}

enum err
tls_open(const struct config *config, const uint8_t secret[PROC_SECRET_SIZE], struct tls **out)
{
	struct tls	*tls = calloc(1, sizeof(*tls));
	enum err	 err = ERR_MEMORY;
	int		 code;

	*out = NULL;
	if (atomic_load(&current) != NULL || current_key != NULL)
		abort();
	if (tls == NULL)
		return ERR_MEMORY;
	pthread_mutex_init(&tls->mutex, NULL);
	pthread_cond_init(&tls->installed, NULL);
	tls->automatic = config->wfe.tls == TLS_AUTO;
	if ((code = gnutls_privkey_init(&tls->key)) != 0 ||
	    (code = gnutls_session_ticket_key_generate(&tls->ticket_key)) != 0)
		err = gnutls_failed("start", code);
	else
		err = tls->automatic ? open_automatic(tls, secret) : open_files(tls, config);
	if (err != ERR_OK) {
		tls_free(tls);
		return err;
	}
	current_key = tls->key;
	*out = tls;
	return ERR_OK;
}

void
tls_free(struct tls *tls)
{
	if (tls == NULL)
		return;
	credential_free(atomic_exchange(&current, NULL));
	current_key = NULL;
	gnutls_privkey_deinit(tls->key);
	if (tls->ticket_key.data != NULL)
		gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
	gnutls_free(tls->ticket_key.data);
	buf_free(&tls->csr);
	pthread_cond_destroy(&tls->installed);
	pthread_mutex_destroy(&tls->mutex);
	free(tls);
}

/* Called with the lock held. */
static void
failed(struct tls *tls, const char *cause)
{
	int64_t wait = tls_back_off_ms(tls->failures++);

	log_event(atomic_load(&current) == NULL ? LOG_WARNING : LOG_ERROR,
	    "no certificate for the server itself, will ask again", F_STR("cause", cause),
	    F_INT("wait_ms", wait));
	tls->asked = 0;
	tls->next_try = clock_monotonic_ms() + wait;
}

void
tls_tick(struct tls *tls, struct channel *ra)
{
	int64_t	now = clock_monotonic_ms();
	bool	due;

	if (!tls->automatic)
		return;
	pthread_mutex_lock(&tls->mutex);
	if (tls->asked != 0 && now - tls->asked > ANSWER_TIME_MS)
		failed(tls, "no answer from ra");
	due = tls->asked == 0 && now >= tls->next_try && clock_now() >= tls->renew;
	if (due)
		tls->asked = now;
	pthread_mutex_unlock(&tls->mutex);
	/* When ra is gone the reader notices and this process ends. */
	if (due && channel_try_send(ra, MSG_SERVER_CSR, &tls->csr) == ERR_BUSY) {
		pthread_mutex_lock(&tls->mutex);
		failed(tls, "ra is busy");
		pthread_mutex_unlock(&tls->mutex);
	}
}

void
tls_answer(struct tls *tls, struct slice pem)
{
	struct credential	*c = NULL;
	const char		*cause = "ca refused";
	int64_t			 not_before = 0, not_after = 0, renew;

	if (pem.len > 0)
		c = credential_read(pem, tls->key, &cause);
	if (c != NULL && lifetime(c, &not_before, &not_after) != 0) {
		cause = "its dates can't be read";
		credential_free(c);
		c = NULL;
	}
	renew = tls_renewal_time(not_before, not_after);
	pthread_mutex_lock(&tls->mutex);
	if (c == NULL) {
		failed(tls, cause);
	} else {
		install(c);
		tls->asked = 0;
		tls->failures = 0;
		tls->renew = renew > clock_now() + RENEW_MIN ? renew : clock_now() + RENEW_MIN;
		log_event(LOG_INFO, "the server's own certificate is installed",
		    F_INT("not_after", not_after), F_INT("renew", tls->renew));
		pthread_cond_broadcast(&tls->installed);
	}
	pthread_mutex_unlock(&tls->mutex);
}

bool
tls_wait(struct tls *tls, int ms)
{
	struct timespec until = clock_after_ms(ms);

	pthread_mutex_lock(&tls->mutex);
	while (atomic_load(&current) == NULL) {
		if (pthread_cond_clockwait(&tls->installed, &tls->mutex, CLOCK_MONOTONIC, &until) != 0)
			break;
	}
	pthread_mutex_unlock(&tls->mutex);
	return atomic_load(&current) != NULL;
}
