#include "pebble-compat/keep.h"

#include <errno.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "x509/certificate.h"

#define PEM_MAX 65536

/* What is being read or written. */
struct keeping {
	const char	*folder;
	struct reason	*reason;
};

static char *
path_of(const struct keeping *k, const char *name)
{
	char *path = file_join(k->folder, name);

	if (path == NULL)
		abort();
	return path;
}

static enum err
failed(struct keeping *k, const char *name, const char *what)
{
	reason_set(k->reason, "%.120s/%s %s", k->folder, name, what);
	return ERR_CONFIG;
}

/* --- reading ------------------------------------------------------------------------------------------- */

static enum err
pem_read(struct keeping *k, const char *name, struct buf *out)
{
	char	*path = path_of(k, name);
	enum err err = file_read(path, PEM_MAX, out);

	free(path);
	return err == ERR_OK ? ERR_OK : failed(k, name, "can't be read; empty the folder to have another CA made");
}

static enum err
key_read(struct keeping *k, const char *name, EVP_PKEY **out)
{
	struct buf pem = { 0 };
	enum err   err = pem_read(k, name, &pem);
	BIO	  *bio = err == ERR_OK ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;

	if (bio != NULL && (*out = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"")) == NULL)
		err = failed(k, name, "is no unencrypted PEM private key");
	BIO_free(bio);
	buf_cleanse(&pem);
	return err;
}

static enum err
certificate_read(struct keeping *k, const char *name, struct member *m)
{
	struct buf	pem = { 0 };
	STACK_OF(X509) *certs = NULL;
	struct reason	cause = { "" };
	enum err	err = pem_read(k, name, &pem);

	if (err == ERR_OK && certificates_read(buf_slice(&pem), &certs, &cause) != ERR_OK)
		err = failed(k, name, "holds no PEM certificate");
	if (err == ERR_OK)
		m->cert = sk_X509_shift(certs);
	if (err == ERR_OK && X509_check_private_key(m->cert, m->key) != 1)
		err = failed(k, name, "is not the certificate of its key");
	if (err == ERR_OK)
		X509_NAME_get_text_by_NID(X509_get_subject_name(m->cert), NID_commonName, m->name, sizeof(m->name));
	sk_X509_pop_free(certs, X509_free);
	buf_free(&pem);
	return err;
}

/* --- writing -------------------------------------------------------------------------------------------- */

static enum err
file_put(struct keeping *k, const char *name, struct slice bytes)
{
	char	*path = path_of(k, name);
	enum err err = file_create(path, 0600, bytes);

	free(path);
	return err == ERR_OK ? ERR_OK : failed(k, name, "can't be written, or is there already");
}

static enum err
key_write(struct keeping *k, const char *name, EVP_PKEY *key)
{
	BIO	*bio = BIO_new(BIO_s_secmem());
	char	*text;
	long	 len = 0;
	enum err err = ERR_CRYPTO;

	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    (len = BIO_get_mem_data(bio, &text)) > 0)
		err = file_put(k, name, slice_of(text, (size_t)len));
	BIO_free(bio);
	return err;
}

static enum err
certificate_write(struct keeping *k, const char *name, const struct member *m)
{
	struct buf der = { 0 }, pem = { 0 };
	enum err   err = certificate_der(m->cert, &der);

	if (err == ERR_OK)
		err = certificate_pem(buf_slice(&der), &pem);
	if (err == ERR_OK)
		err = file_put(k, name, buf_slice(&pem));
	buf_free(&der);
	buf_free(&pem);
	return err;
}

/* --- both ------------------------------------------------------------------------------------------------- */

static enum err
member_keep(struct keeping *k, const char *name, struct member *m, bool read)
{
	char	 file[96];
	enum err err;

	snprintf(file, sizeof(file), "%s.key", name);
	err = read ? key_read(k, file, &m->key) : key_write(k, file, m->key);
	snprintf(file, sizeof(file), "%s.pem", name);
	if (err == ERR_OK)
		err = read ? certificate_read(k, file, m) : certificate_write(k, file, m);
	return err;
}

/* The issuing key is one, with a certificate in each chain: each has a copy of it. Roots last: with the first of them the
 * folder counts as whole. */
static enum err
hierarchy_walk(struct keeping *k, struct hierarchy *h, bool read)
{
	char	 name[64];
	enum err err = ERR_OK;

	for (size_t c = 0; c < h->count; c++)
		for (size_t i = 0; i < h->length && err == ERR_OK; i++) {
			snprintf(name, sizeof(name), "intermediate-%zu-%zu", c, i);
			err = member_keep(k, name, &h->chains[c].intermediates[i], read);
		}
	for (size_t c = h->count; c > 0 && err == ERR_OK; c--) {
		snprintf(name, sizeof(name), "root-%zu", c - 1);
		err = member_keep(k, name, &h->chains[c - 1].root, read);
	}
	return err;
}

static bool
is_there(const struct keeping *k)
{
	char	   *path = path_of(k, "root-0.pem");
	struct stat st;
	bool	    there = stat(path, &st) == 0;

	free(path);
	return there;
}

enum err
hierarchy_keep(struct hierarchy *h, const char *folder, size_t chains, size_t length, bool ecdsa, struct reason *reason)
{
	struct keeping k = { folder, reason };
	enum err       err;

	*h = (struct hierarchy){ .count = chains, .length = length };
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return failed(&k, "", strerror(errno));
	if (is_there(&k)) {
		err = hierarchy_walk(&k, h, true);
		if (err == ERR_OK && EVP_PKEY_is_a(h->chains[0].root.key, "RSA") == ecdsa)
			err = failed(&k, "root-0.key", "is no key of keyAlgorithm");
		return err;
	}
	err = hierarchy_make(h, chains, length, ecdsa);
	return err == ERR_OK ? hierarchy_walk(&k, h, false) : err;
}
