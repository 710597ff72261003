/* ca_world.h: what the tests of ca share: a CA in a folder of its own, and what an honest client and an honest va
 * send. Each test spoils one thing. Their state is a struct world; T() opens and closes one. */
#ifndef SIGNET_TESTS_CA_WORLD_H
#define SIGNET_TESTS_CA_WORLD_H

#include <fcntl.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "acme/route.h"
#include "ca/choose.h"
#include "ca/crl.h"
#include "ca/issue.h"
#include "ca/server.h"
#include "jose/jwk.h"
#include "lib/base64url.h"
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/file.h"
#include "lib/log.h"
#include "x509/csr.h"
#include "x509/key.h"

#define BASE "https://ca.test:9443"

/* --- a CA in a folder of its own --------------------------------------------------------------- */
struct world {
	char dir[64];
	struct config config;
	struct ca *ca;
	EVP_PKEY *account, *other;
	struct jwk *jwk; /* the account's */
	struct id order;
	uint8_t evidence_key[EVIDENCE_KEY_SIZE];
};

static struct issuer_config issuer_config = { .certificate = (char *)"issuer.pem",
	.key = (char *)"issuer.key" };
#define POINTERS .issuer_pointer = true, .crl_pointer = true
#define USUAL .server_auth = true, .key_encipherment = true, .must_staple = true, .wildcards = true, POINTERS
static char *only_p384[] = { (char *)"p384" };
static struct profile_config profiles[] = { { .name = (char *)"default", .lifetime = 90 * 86400, USUAL },
	{ .name = (char *)"shortlived", .lifetime = 160 * 3600, USUAL },
	{ .name = (char *)"strict", .lifetime = 86400, .key_types = { only_p384, 1 }, .server_auth = true },
	{ .name = (char *)"client", .lifetime = 86400, .client_auth = true, .common_name = true } };
static char *all_names[] = { (char *)"*", (char *)"192.0.2.0/24", (char *)"2001:db8::/32" };
static char *denied_names[] = { (char *)"denied.test", (char *)"192.0.2.128/25" };
static char *server_names[] = { (char *)"ca.test", (char *)"127.0.0.1", (char *)"::1" };

static inline void
file_make(const char *dir, const char *name, struct slice bytes)
{
	char *path = file_join(dir, name);

	unlink(path);
	assert_int_equal(file_create(path, 0600, bytes), ERR_OK);
	free(path);
}

static inline void
pem_key(EVP_PKEY *key, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &text);
	buf_put(out, text, (size_t)len);
	BIO_free(bio);
}

static inline void
issuer_make(const char *dir, enum key_type type, const char *constraint)
{
	uint8_t serial[SERIAL_SIZE] = { 0x12, 0x34 };
	EVP_PKEY *key = key_generate(type);
	X509 *cert;
	struct reason reason;
	struct buf der = { 0 }, pem = { 0 }, key_pem = { 0 };
	struct ca_certificate ca = { .common_name = "Test CA",
		.key = key,
		.not_before = clock_now() - 60,
		.not_after = clock_now() + 365 * 86400,
		.path_length = 0,
		.serial = serial };

	assert_int_equal(ca_certificate_build(&ca, NULL, &cert, &reason), ERR_OK);
	if (constraint != NULL) {
		X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_name_constraints, constraint);

		assert_non_null(extension);
		assert_int_equal(X509_add_ext(cert, extension, -1), 1);
		X509_EXTENSION_free(extension);
	}
	assert_int_equal(certificate_sign(cert, key), ERR_OK);
	assert_int_equal(certificate_der(cert, &der), ERR_OK);
	assert_int_equal(certificate_pem(buf_slice(&der), &pem), ERR_OK);
	pem_key(key, &key_pem);
	file_make(dir, "issuer.pem", buf_slice(&pem));
	file_make(dir, "issuer.key", buf_slice(&key_pem));
	buf_free(&der);
	buf_free(&pem);
	buf_free(&key_pem);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static inline struct jwk *
jwk_of(EVP_PKEY *key)
{
	uint8_t point[65];
	size_t len;
	struct buf text = { 0 };
	struct jwk *jwk;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof(point), &len), 1);
	assert_int_equal(len, 65);
	buf_put_str(&text, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	base64url_put(&text, point + 1, 32);
	buf_put_str(&text, "\",\"y\":\"");
	base64url_put(&text, point + 33, 32);
	buf_put_str(&text, "\"}");
	assert_int_equal(jwk_parse_text(buf_slice(&text), &jwk, NULL), ERR_OK);
	buf_free(&text);
	return jwk;
}

static inline void
world_reopen(struct world *w)
{
	struct reason reason = { "" };

	ca_close(w->ca);
	if (ca_open(&w->config, clock_now(), &w->ca, &reason) != ERR_OK)
		fail_msg("%s", reason.text);
}

static inline int
world_open(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char *ledger;

	strcpy(w->dir, "/tmp/signet-test-ca-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	ledger = file_join(w->dir, "ledger");
	assert_int_equal(mkdir(ledger, 0700), 0);
	free(ledger);
	issuer_make(w->dir, KEY_P256, NULL);
	assert_int_equal(RAND_bytes(w->evidence_key, EVIDENCE_KEY_SIZE), 1);
	file_make(w->dir, "evidence.key", slice_of(w->evidence_key, EVIDENCE_KEY_SIZE));
	w->config.dir = w->dir;
	w->config.wfe.url = (char *)BASE;
	w->config.wfe.plain_url = (char *)"http://ca.test:9080";
	w->config.wfe.names = (struct strings){ server_names, 3 };
	w->config.evidence_key = (char *)"evidence.key";
	w->config.ledger = (char *)"ledger";
	w->config.ra.wildcards = true;
	w->config.ra.allow = (struct strings){ all_names, 3 };
	w->config.ra.deny = (struct strings){ denied_names, 2 };
	w->config.ra.order_lifetime = 7 * 86400;
	w->config.ra.valid_authorization_lifetime = 30 * 86400;
	w->config.ca.ocsp_url = (char *)"";
	w->config.ca.issuers = &issuer_config;
	w->config.ca.issuer_count = 1;
	w->config.ca.profiles = profiles;
	w->config.ca.profile_count = 4;
	w->config.ca.crl_lifetime = 4 * 86400;
	w->config.ca.crl_shards = 1;
	w->account = key_generate(KEY_P256);
	w->other = key_generate(KEY_P256);
	w->jwk = jwk_of(w->account);
	w->order = id_new();
	world_reopen(w);
	*state = w;
	return 0;
}

static inline int
world_close(void **state)
{
	struct world *w = *state;
	char command[128];

	ca_close(w->ca);
	jwk_free(w->jwk);
	EVP_PKEY_free(w->account);
	EVP_PKEY_free(w->other);
	snprintf(command, sizeof(command), "rm -rf %s", w->dir);
	assert_int_equal(system(command), 0);
	free(w);
	return 0;
}

/* --- what an honest client and an honest va send ------------------------------------------------ */
struct ask {
	struct world *w;
	EVP_PKEY *certificate_key; /* owned */
	struct buf csr, jws, evidence[4];
	struct msg_issue issue;
	const char *san; /* "DNS:a.test" */
};

static inline void
csr_make(EVP_PKEY *key, const char *san, struct buf *out)
{
	X509_REQ *request = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
	uint8_t *der = NULL;
	int len;

	assert_non_null(extension);
	sk_X509_EXTENSION_push(extensions, extension);
	assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
	assert_int_equal(X509_REQ_add_extensions(request, extensions), 1);
	assert_true(X509_REQ_sign(request, key, EVP_sha256()) > 0);
	len = i2d_X509_REQ(request, &der);
	assert_true(len > 0);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_free(request);
}

/* ES256: r||s of 32 bytes each (RFC 7518, 3.4). */
static inline void
es256(EVP_PKEY *key, struct slice input, uint8_t out[64])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t der[80];
	const uint8_t *p = der;
	size_t len = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &len, input.data, input.len), 1);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

static inline void
jws_sign(EVP_PKEY *key, struct slice header, struct slice payload, struct buf *out)
{
	struct buf input = { 0 };
	uint8_t signature[64];
	size_t dot;

	base64url_put(&input, header.data, header.len);
	dot = input.len;
	buf_put_byte(&input, '.');
	base64url_put(&input, payload.data, payload.len);
	es256(key, buf_slice(&input), signature);
	buf_clear(out);
	buf_put_str(out, "{\"protected\":\"");
	buf_put(out, input.data, dot);
	buf_put_str(out, "\",\"payload\":\"");
	buf_put(out, input.data + dot + 1, input.len - dot - 1);
	buf_put_str(out, "\",\"signature\":\"");
	base64url_put(out, signature, sizeof(signature));
	buf_put_str(out, "\"}");
	assert_false(out->failed);
	buf_free(&input);
}

static inline void
jws_make(EVP_PKEY *key, struct id order, const char *kid, struct slice csr, struct buf *out)
{
	struct buf header = { 0 }, payload = { 0 };

	buf_printf(&header,
	    "{\"alg\":\"ES256\",\"kid\":\"%s\",\"nonce\":\"YWJjZGVmZ2hpamtsbW5vcA\",\"url\":\"", kid);
	route_url(&header, &(struct site){ &surface_native, BASE }, ROUTE_FINALIZE, &order, NULL);
	buf_put_str(&header, "\"}");
	buf_put_str(&payload, "{\"csr\":\"");
	base64url_put(&payload, csr.data, csr.len);
	buf_put_str(&payload, "\"}");
	jws_sign(key, buf_slice(&header), buf_slice(&payload), out);
	buf_free(&header);
	buf_free(&payload);
}

#define KID BASE "/account/AAAAAAAAAAAAAAAAAAAAAQ"

/* What the statements say beyond name, account and time. */
static struct evidence said = { .method = CHALLENGE_HTTP_01, .caa = CAA_NOT_CHECKED };

static inline void
statement_add(
    struct ask *ask, const char *name, const char *thumbprint, int64_t validated, const uint8_t *key)
{
	struct evidence statement = said;
	uint32_t i = ask->issue.evidence_count++;
	struct bundle bundle = { .count = 1 };
	struct buf bytes = { 0 };
	struct address address;

	statement.validated = validated;
	statement.identifier.type = address_parse(name, &address) ? IDENTIFIER_IP : IDENTIFIER_DNS;
	strcpy(statement.identifier.value, name);
	strcpy(statement.thumbprint, thumbprint);
	token_new(statement.token);
	strcpy(statement.addresses, "192.0.2.1");
	if (statement.account_url[0] == '\0')
		strcpy(statement.account_url, KID);
	strcpy(statement.perspective, PERSPECTIVE_PRIMARY);
	evidence_put(&bytes, &statement, &(struct evidence_key){ .mac = key });
	bundle.statements[0] = buf_slice(&bytes);
	buf_clear(&ask->evidence[i]);
	bundle_put(&ask->evidence[i], &bundle);
	ask->issue.evidence[i] = buf_slice(&ask->evidence[i]);
	buf_free(&bytes);
}

static inline void
ask_sign(struct ask *ask)
{
	buf_clear(&ask->csr);
	csr_make(ask->certificate_key, ask->san, &ask->csr);
	jws_make(ask->w->account, ask->issue.order, KID, buf_slice(&ask->csr), &ask->jws);
	ask->issue.jws = buf_slice(&ask->jws);
}

/* An honest request for a.test, for the tests to spoil. */
static inline void
ask_open(struct ask *ask, struct world *w)
{
	memset(ask, 0, sizeof(*ask));
	ask->w = w;
	ask->san = "DNS:a.test";
	ask->certificate_key = key_generate(KEY_P256);
	ask->issue.order = w->order;
	ask->issue.jwk = slice_str(w->jwk->text);
	ask_sign(ask);
	statement_add(ask, "a.test", w->jwk->thumbprint, clock_now() - 5, w->evidence_key);
}

static inline void
ask_close(struct ask *ask)
{
	size_t i;

	EVP_PKEY_free(ask->certificate_key);
	buf_free(&ask->csr);
	buf_free(&ask->jws);
	for (i = 0; i < 4; i++)
		buf_free(&ask->evidence[i]);
}

static inline void
expect_refused(struct ask *ask, enum problem_type type, const char *word)
{
	struct msg_certificate out;
	struct problem problem = { 0 };
	enum err err = issue_certificate(ask->w->ca, &ask->issue, clock_now(), &out, &problem);

	if (err != ERR_DENIED || problem.type != type || strstr(problem.detail.text, word) == NULL)
		fail_msg("%s, %s: %s", err_text(err), problem_name(problem.type), problem.detail.text);
	problem_free(&problem);
	ask_close(ask);
}

/* The DER, owned. */
static inline struct buf
expect_issued(struct ask *ask)
{
	struct msg_certificate out;
	struct problem problem = { 0 };
	struct buf der = { 0 };

	if (issue_certificate(ask->w->ca, &ask->issue, clock_now(), &out, &problem) != ERR_OK)
		fail_msg("%s: %s", problem_name(problem.type), problem.detail.text);
	assert_int_equal(out.serial.len, SERIAL_SIZE);
	buf_put(&der, out.der.data, out.der.len);
	return der;
}

static inline void
statement_only(struct ask *ask, struct world *w)
{
	ask_open(ask, w);
	ask->issue.evidence_count = 0;
	statement_add(ask, "a.test", w->jwk->thumbprint, clock_now(), w->evidence_key);
}

/* The certificate for a.test, owned; takes the key over. */
static inline X509 *
issue_by(struct world *w, const char *profile, EVP_PKEY *key)
{
	struct msg_certificate out;
	struct problem problem = { 0 };
	struct ask ask;
	const uint8_t *p;
	X509 *cert;

	w->order = id_new();
	ask_open(&ask, w);
	EVP_PKEY_free(ask.certificate_key);
	ask.certificate_key = key;
	ask_sign(&ask);
	strcpy(ask.issue.profile, profile);
	if (issue_certificate(w->ca, &ask.issue, clock_now(), &out, &problem) != ERR_OK)
		fail_msg("%s", problem.detail.text);
	p = out.der.data;
	cert = d2i_X509(NULL, &p, (long)out.der.len);
	ask_close(&ask);
	return cert;
}

#define SAID .method = CHALLENGE_HTTP_01, .caa = CAA_NOT_CHECKED

/* A CRL's part, as ra sends it. */
static inline struct msg_crl_entries *
part_make(const struct world *w, uint32_t count, bool first, bool last)
{
	struct msg_crl_entries *part = calloc(1, sizeof(*part));

	memcpy(part->issuer, w->ca->issuers[0].fingerprint, sizeof(part->issuer));
	part->first = first;
	part->last = last;
	for (part->count = 0; part->count < count; part->count++) {
		struct msg_crl_entry *entry = &part->entries[part->count];

		RAND_bytes(entry->serial, 18);
		entry->serial[0] = 1;
		entry->serial_len = 18;
		entry->revoked = clock_now();
		entry->reason = REVOCATION_SUPERSEDED;
	}
	return part;
}

/* What crl_take() says; on ERR_OK the list that comes of it, in der, or none: then der is empty. */
static inline enum err
part_take(struct world *w, struct msg_crl_entries *part, struct buf *der, uint64_t *number)
{
	struct channel *ca, *ra;
	struct msg_crl got;
	enum msg_type type;
	struct slice body;
	int fds[2];
	enum err err;

	buf_clear(der);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	ca = channel_new(fds[0], ROLE_CA, ROLE_RA);
	ra = channel_new(fds[1], ROLE_RA, ROLE_CA);
	if ((err = crl_take(w->ca, part, clock_now_ms(), ca)) == ERR_OK) {
		crl_maker_wait(w->ca->crls); /* the socket holds what the tests make */
		while (channel_try_receive(ra, &type, &body) == ERR_OK) {
			assert_int_equal(type, MSG_CRL);
			assert_true(get_crl(body, &got));
			assert_int_equal(got.offset, der->len);
			buf_put(der, got.part.data, got.part.len);
			*number = got.number;
		}
		assert_true(der->len == 0 || der->len == got.total);
	}
	channel_free(ca);
	channel_free(ra);
	free(part);
	return err;
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

#endif
