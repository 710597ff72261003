#include "cmd/findings.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "acme/evidence.h"
#include "config/blocked_keys.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "storage/storage.h"
#include "x509/chain.h"

#define PEM_FILE_MAX 1048576	/* a chain of RSA-4096 certificates is 10 KiB */
#define NEAR_EXPIRY 30		/* days: what Let's Encrypt used to mail its users ahead */

static char *
full_path(const struct config *config, const char *name)
{
	char *path = file_join(config->dir, name);

	if (path == NULL)
		abort();
	return path;
}

/* False after a problem: it is not there or can't be read. */
static bool
file_get(struct findings *f, const char *key, const char *path, const char *remedy, struct buf *out)
{
	enum err	err = file_read(path, PEM_FILE_MAX, out);

	if (err == ERR_OK)
		return true;
	if (err == ERR_NOT_FOUND)
		finding(f, FINDING_PROBLEM, key, "%s is not there; %s", path, remedy);
	else
		finding(f, FINDING_PROBLEM, key, "%s can't be read (%s); see to its owner and permissions",
		    path, err == ERR_IO ? strerror(errno) : err_text(err));
	return false;
}

/* A secret is its owner's alone. */
bool
findings_private(struct findings *f, const char *key, const char *path)
{
	struct stat	st;

	if (stat(path, &st) != 0 || (st.st_mode & 077) == 0)
		return true;
	finding(f, FINDING_PROBLEM, key, "%s can be used by others than its owner (mode %04o); chmod 600 it",
	    path, (unsigned)(st.st_mode & 07777));
	return false;
}

static void
check_folder(struct findings *f, const char *key, const char *path)
{
	struct stat	st;

	if (stat(path, &st) != 0)
		finding(f, FINDING_PROBLEM, key, "the folder %s is not there (%s); mkdir -m 700 makes it",
		    path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		finding(f, FINDING_PROBLEM, key, "%s is no folder; name one", path);
	else
		finding(f, FINDING_OK, key, "%s", path);
}

/* A person sits at a prompt only when somebody asks for one: encrypted keys are refused, not asked about. */
static int
no_passphrase(char *out, int size, int writing, void *arg)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *
key_read(struct findings *f, const char *key, const char *path)
{
	struct buf	 pem = { 0 };
	BIO		*bio = NULL;
	EVP_PKEY	*pkey = NULL;

	if (!file_get(f, key, path, "restore it from a backup, or correct the path", &pem))
		return NULL;
	findings_private(f, key, path);
	if ((bio = BIO_new_mem_buf(pem.data, (int)pem.len)) != NULL)
		pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	if (pkey == NULL)
		finding(f, FINDING_PROBLEM, key, "%s is no private key in PEM without a passphrase", path);
	ERR_clear_error();
	BIO_free(bio);
	buf_cleanse(&pem);
	return pkey;
}

/* Whole days from now, rounded down. */
static int
days_until(const ASN1_TIME *when)
{
	ASN1_TIME	*now = ASN1_TIME_set(NULL, (time_t)clock_now());
	int		 days = 0, seconds = 0;

	if (now == NULL || !ASN1_TIME_diff(&days, &seconds, now, when))
		abort();
	ASN1_TIME_free(now);
	return seconds < 0 ? days - 1 : days;
}

static void
check_validity(struct findings *f, const char *key, const char *path, X509 *cert)
{
	int	left = days_until(X509_get0_notAfter(cert));

	if (ASN1_TIME_cmp_time_t(X509_get0_notBefore(cert), (time_t)clock_now()) > 0)
		finding(f, FINDING_PROBLEM, key, "%s is not valid yet; is this host's clock right?", path);
	if (left < 0)
		finding(f, FINDING_PROBLEM, key, "%s has expired; replace it", path);
	else if (left < NEAR_EXPIRY)
		finding(f, FINDING_PROBLEM, key, "%s expires in %d days; replace it now", path, left);
	else
		finding(f, FINDING_OK, key, "%s, %d days left", path, left);
}

/* RFC 5280, 4.2.1.9 and 4.2.1.3. */
static void
check_is_ca(struct findings *f, const char *key, const char *path, X509 *cert)
{
	if (X509_check_ca(cert) != 1 || (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) == 0)
		finding(f, FINDING_PROBLEM, key,
		    "%s is not a CA's: it needs basicConstraints CA:TRUE and keyUsage "
		    "keyCertSign",
		    path);
}

/* The certificates; the stack is the caller's (sk_X509_pop_free), NULL after a problem. issuer: chain_read(). */
static STACK_OF(X509) *
certificates_get(struct findings *f, const char *key, const char *path, X509 *issuer)
{
	STACK_OF(X509)	*chain = NULL;
	struct buf	 pem = { 0 };
	struct reason	 why = { "out of memory" };

	if (!file_get(f, key, path, "restore it from a backup, or correct the path", &pem))
		return NULL;
	if (chain_read(buf_slice(&pem), issuer, &chain, &why) != ERR_OK)
		finding(f, FINDING_PROBLEM, key, "%s: %s", path, why.text);
	buf_free(&pem);
	return chain;
}

/* The issuer's alternate chains. */
static void
check_chains(struct findings *f, const struct config *config, const char *section,
    const struct issuer_config *issuer, X509 *certificate)
{
	char	key[80];

	for (size_t i = 0; i < issuer->chains.count; i++) {
		char		*path = full_path(config, issuer->chains.items[i]);
		STACK_OF(X509)	*chain;

		snprintf(key, sizeof(key), "%s.chains[%zu]", section, i);
		chain = certificates_get(f, key, path, certificate);
		for (int n = 0; n < sk_X509_num(chain); n++)
			check_validity(f, key, path, sk_X509_value(chain, n));
		sk_X509_pop_free(chain, X509_free);
		free(path);
	}
}

/* certificate and key as paths in the configuration; issuer: it must be a CA's, and has other chains. */
static void
check_pair(struct findings *f, const struct config *config, const char *section, const char *certificate,
    const char *key, const struct issuer_config *issuer)
{
	char		 cert_key[80], key_key[80];
	char		*cert_path = full_path(config, certificate), *key_path = full_path(config, key);
	STACK_OF(X509)	*chain;
	EVP_PKEY	*pkey;

	snprintf(cert_key, sizeof(cert_key), "%s.certificate", section);
	snprintf(key_key, sizeof(key_key), "%s.key", section);
	chain = certificates_get(f, cert_key, cert_path, NULL);
	pkey = key_read(f, key_key, key_path);
	if (chain != NULL) {
		check_validity(f, cert_key, cert_path, sk_X509_value(chain, 0));
		if (issuer != NULL) {
			check_is_ca(f, cert_key, cert_path, sk_X509_value(chain, 0));
			check_chains(f, config, section, issuer, sk_X509_value(chain, 0));
		}
	}
	if (chain != NULL && pkey != NULL) {
		if (X509_check_private_key(sk_X509_value(chain, 0), pkey) == 1)
			finding(f, FINDING_OK, key_key, "%s fits the certificate", key_path);
		else
			finding(f, FINDING_PROBLEM, key_key, "%s is not the key of %s; name the one that is",
			    key_path, cert_path);
		ERR_clear_error();
	}
	EVP_PKEY_free(pkey);
	sk_X509_pop_free(chain, X509_free);
	free(cert_path);
	free(key_path);
}

/* A secret of 32 bytes. */
static void
check_secret(struct findings *f, const struct config *config, const char *key, const char *name, const char *maker)
{
	char		*path = full_path(config, name);
	struct buf	 secret = { 0 };

	if (file_get(f, key, path, maker, &secret)) {
		bool	private = findings_private(f, key, path);

		if (secret.len != EVIDENCE_KEY_SIZE)
			finding(f, FINDING_PROBLEM, key, "%s has %zu bytes instead of %d; restore it from a backup", path,
			    secret.len, EVIDENCE_KEY_SIZE);
		else if (private)
			finding(f, FINDING_OK, key, "%s", path);
	}
	buf_cleanse(&secret);
	free(path);
}

/* va's key for perspectives on other machines, when there are any. */
static void
check_perspective_key(struct findings *f, const struct config *config)
{
	for (size_t i = 0; i < config->va.perspective_count; i++)
		if (config->va.perspectives[i].address[0] != '\0') {
			check_secret(f, config, "va.perspective_key", config->va.perspective_key,
			    "signet perspective create makes one");
			return;
		}
}

static void
check_blocked_keys(struct findings *f, const struct config *config)
{
	struct blocklist *list = NULL;
	struct reason	  why = { "" };
	enum err	  err = config_blocked_keys(config, &list, &why);

	if (err != ERR_OK)
		finding(f, FINDING_PROBLEM, "ca.blocked_keys", "%s", why.text[0] != '\0' ? why.text : err_text(err));
	else if (list != NULL)
		finding(f, FINDING_OK, "ca.blocked_keys", "%zu keys", blocklist_count(list));
	blocklist_free(list);
}

static void
check_storage(struct findings *f, const struct config *config)
{
	const char	*name = strchr(config->storage, ':') + 1;
	char		*path = full_path(config, name), *slash;
	struct reason	 why = { "" };
	int		 have = 0, know = 0;
	unsigned	 before = f->problems;
	enum err	 err;

	if ((slash = strrchr(path, '/')) != NULL)
		*slash = '\0';
	check_folder(f, "storage", slash == path ? "/" : path);
	free(path);
	if (f->problems != before)
		return;
	err = storage_version(config->storage, config->dir, &have, &know, &why);
	if (err != ERR_OK)
		finding(f, FINDING_PROBLEM, "storage", "%s: %s", config->storage,
		    why.text[0] != '\0' ? why.text : err_text(err));
	else if (have > know)
		finding(f, FINDING_PROBLEM, "storage",
		    "%s was made by a newer signet (schema %d, this one knows %d); run "
		    "that one, or restore a backup",
		    config->storage, have, know);
	else if (have == 0)
		finding(f, FINDING_OK, "storage", "no database yet; signet run makes it");
	else if (have < know)
		finding(f, FINDING_NOTE, "storage",
		    "schema %d becomes %d at the next start; make a backup first", have, know);
	else
		finding(f, FINDING_OK, "storage", "schema %d", have);
}

void
findings_files(struct findings *f, const struct config *config)
{
	char	section[48], *ledger = full_path(config, config->ledger);

	for (size_t i = 0; i < config->ca.issuer_count; i++) {
		snprintf(section, sizeof(section), "ca.issuers[%zu]", i);
		check_pair(f, config, section, config->ca.issuers[i].certificate, config->ca.issuers[i].key,
		    &config->ca.issuers[i]);
	}
	if (config->wfe.tls == TLS_FILES)
		check_pair(f, config, "wfe.tls", config->wfe.tls_certificate, config->wfe.tls_key, NULL);
	check_secret(f, config, "evidence_key", config->evidence_key, "signet init makes one");
	check_perspective_key(f, config);
	check_blocked_keys(f, config);
	check_folder(f, "ledger", ledger);
	check_storage(f, config);
	free(ledger);
}
