/* A captured ra, at the level of functions: whatever it asks for without proof is refused. And the ledger. */
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
#define USUAL .server_auth = true, .key_encipherment = true, .must_staple = true, POINTERS
static char *only_p384[] = { (char *)"p384" };
static struct profile_config profiles[] = { { .name = (char *)"default", .lifetime = 90 * 86400, USUAL },
	{ .name = (char *)"shortlived", .lifetime = 160 * 3600, USUAL },
	{ .name = (char *)"strict", .lifetime = 86400, .key_types = { only_p384, 1 }, .server_auth = true },
	{ .name = (char *)"client", .lifetime = 86400, .client_auth = true, .common_name = true } };
static char *all_names[] = { (char *)"*", (char *)"192.0.2.0/24", (char *)"2001:db8::/32" };
static char *denied_names[] = { (char *)"denied.test", (char *)"192.0.2.128/25" };
static char *server_names[] = { (char *)"ca.test", (char *)"127.0.0.1", (char *)"::1" };

static void
file_make(const char *dir, const char *name, struct slice bytes)
{
	char *path = file_join(dir, name);

	unlink(path);
	assert_int_equal(file_create(path, 0600, bytes), ERR_OK);
	free(path);
}

static void
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

static void
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

static struct jwk *
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

static void
world_reopen(struct world *w)
{
	struct reason reason = { "" };

	ca_close(w->ca);
	if (ca_open(&w->config, clock_now(), &w->ca, &reason) != ERR_OK)
		fail_msg("%s", reason.text);
}

static int
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
	w->config.ra.allow = (struct strings){ all_names, 3 };
	w->config.ra.deny = (struct strings){ denied_names, 2 };
	w->config.ra.order_lifetime = 7 * 86400;
	w->config.ra.valid_authorization_lifetime = 30 * 86400;
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

static int
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

static void
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
static void
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

static void
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

static void
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

static void
statement_add(
    struct ask *ask, const char *name, const char *thumbprint, int64_t validated, const uint8_t *key)
{
	struct evidence statement = said;
	uint32_t i = ask->issue.evidence_count++;
	struct address address;

	statement.validated = validated;
	statement.identifier.type = address_parse(name, &address) ? IDENTIFIER_IP : IDENTIFIER_DNS;
	strcpy(statement.identifier.value, name);
	strcpy(statement.thumbprint, thumbprint);
	token_new(statement.token);
	strcpy(statement.addresses, "192.0.2.1");
	if (statement.account_url[0] == '\0')
		strcpy(statement.account_url, KID);
	strcpy(statement.perspective, "local");
	buf_clear(&ask->evidence[i]);
	evidence_put(&ask->evidence[i], &statement, key);
	ask->issue.evidence[i] = buf_slice(&ask->evidence[i]);
}

static void
ask_sign(struct ask *ask)
{
	buf_clear(&ask->csr);
	csr_make(ask->certificate_key, ask->san, &ask->csr);
	jws_make(ask->w->account, ask->issue.order, KID, buf_slice(&ask->csr), &ask->jws);
	ask->issue.jws = buf_slice(&ask->jws);
}

/* An honest request for a.test, for the tests to spoil. */
static void
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

static void
ask_close(struct ask *ask)
{
	size_t i;

	EVP_PKEY_free(ask->certificate_key);
	buf_free(&ask->csr);
	buf_free(&ask->jws);
	for (i = 0; i < 4; i++)
		buf_free(&ask->evidence[i]);
}

static void
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
static struct buf
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

/* --- the tests ----------------------------------------------------------------------------------- */
static void
test_issues(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;
	const uint8_t *p;
	X509 *cert;

	ask_open(&ask, w);
	der = expect_issued(&ask);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	p = der.data;
	cert = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(cert);
	assert_int_equal(X509_verify(cert, w->ca->issuers[0].key), 1);
	assert_int_equal(X509_check_host(cert, "a.test", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(cert, "b.test", 0, 0, NULL), 0);
	assert_int_equal(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0), 1);
	X509_free(cert);
	buf_free(&der);
	ask_close(&ask);
}

/* ca keeps the keys of accounts: the right one for each request. */
static void
test_kept_account(void **state)
{
	struct world *w = *state;
	struct jwk *other = jwk_of(w->other);
	struct ask ask;
	struct buf der;
	size_t i;

	for (i = 0; i < 3; i++) {
		w->order = id_new();
		ask_open(&ask, w);
		if (i == 1) { /* the same request, said to be of another account */
			ask.issue.jwk = slice_str(other->text);
			expect_refused(&ask, PROBLEM_UNAUTHORIZED, "verify");
			continue;
		}
		der = expect_issued(&ask);
		buf_free(&der);
		ask_close(&ask);
	}
	ask_open(&ask, w);
	ask.issue.jwk = slice_str("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"\",\"y\":\"\"}");
	expect_refused(&ask, PROBLEM_BAD_PUBLIC_KEY, "octets");
	jwk_free(other);
}

static void
test_no_evidence(void **state)
{
	struct ask ask;

	ask_open(&ask, *state);
	ask.issue.evidence_count = 0;
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "nobody proved");
}

static void
test_other_accounts_evidence(void **state)
{
	struct world *w = *state;
	struct jwk *other = jwk_of(w->other);
	struct ask ask;

	ask_open(&ask, w);
	ask.issue.evidence_count = 0;
	statement_add(&ask, "a.test", other->thumbprint, clock_now(), w->evidence_key);
	jwk_free(other);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "another account");
}

static void
test_stale_evidence(void **state)
{
	struct world *w = *state;
	struct ask ask;

	ask_open(&ask, w);
	ask.issue.evidence_count = 0;
	statement_add(&ask, "a.test", w->jwk->thumbprint, clock_now() - 31 * 86400, w->evidence_key);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "too old");
	ask_open(&ask, w);
	ask.issue.evidence_count = 0;
	statement_add(&ask, "a.test", w->jwk->thumbprint, clock_now() + 3600, w->evidence_key);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "future");
}

static void
test_forged_evidence(void **state)
{
	static const uint8_t guessed[EVIDENCE_KEY_SIZE] = { 1 };
	struct world *w = *state;
	struct ask ask;

	ask_open(&ask, w);
	ask.issue.evidence_count = 0;
	statement_add(&ask, "a.test", w->jwk->thumbprint, clock_now(), guessed);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "not authentic");
	ask_open(&ask, w);
	ask.evidence[0].data[10] ^= 1;
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "not authentic");
}

static void
test_changed_csr(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf csr = { 0 }, other = { 0 };
	char *ours, *theirs;

	/* The payload of another request under the old signature. */
	ask_open(&ask, w);
	csr_make(w->other, "DNS:a.test", &csr);
	jws_make(w->other, w->order, KID, buf_slice(&csr), &other);
	ours = slice_dup(buf_slice(&ask.jws));
	theirs = slice_dup(buf_slice(&other));
	buf_clear(&ask.jws);
	buf_put(&ask.jws, ours, (size_t)(strstr(ours, "\"payload\"") - ours));
	buf_put(&ask.jws, strstr(theirs, "\"payload\""),
	    (size_t)(strstr(theirs, "\"signature\"") - strstr(theirs, "\"payload\"")));
	buf_put_str(&ask.jws, strstr(ours, "\"signature\""));
	ask.issue.jws = buf_slice(&ask.jws);
	free(ours);
	free(theirs);
	buf_free(&csr);
	buf_free(&other);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "signature");
}

static void
test_other_order(void **state)
{
	struct world *w = *state;
	struct ask ask;

	ask_open(&ask, w);
	ask.issue.order = id_new();
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "this order");
	ask_open(&ask, w);
	jws_make(w->account, w->order, "https://elsewhere.test/account/AAAAAAAAAAAAAAAAAAAAAQ",
	    buf_slice(&ask.csr), &ask.jws);
	ask.issue.jws = buf_slice(&ask.jws);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "kid");
	ask_open(&ask, w);
	jws_make(w->other, w->order, KID, buf_slice(&ask.csr), &ask.jws);
	ask.issue.jws = buf_slice(&ask.jws);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "signature");
}

static void
test_csr_faults(void **state)
{
	struct world *w = *state;
	struct ask ask;

	ask_open(&ask, w);
	ask.san = "DNS:a.test,DNS:b.test";
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "b.test");
	ask_open(&ask, w);
	ask.san = "DNS:a.test,IP:192.0.2.1";
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "192.0.2.1");
	ask_open(&ask, w);
	ask.san = "DNS:a.test,email:a@a.test";
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_BAD_CSR, "only DNS names and IP addresses");
	ask_open(&ask, w);
	EVP_PKEY_free(ask.certificate_key);
	ask.certificate_key = EVP_PKEY_dup(w->account);
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_BAD_CSR, "account's own");
	ask_open(&ask, w);
	EVP_PKEY_free(ask.certificate_key);
	ask.certificate_key = EVP_RSA_gen(1024);
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_BAD_CSR, "1024 bits");
}

static void
test_wildcard(void **state)
{
	struct ask ask;

	ask_open(&ask, *state);
	ask.san = "DNS:*.a.test";
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "method");
}

static void
statement_only(struct ask *ask, struct world *w)
{
	ask_open(ask, w);
	ask->issue.evidence_count = 0;
	statement_add(ask, "a.test", w->jwk->thumbprint, clock_now(), w->evidence_key);
}

#define SAID .method = CHALLENGE_HTTP_01, .caa = CAA_NOT_CHECKED

/* RFC 8555, 7.1.4; RFC 8659, 4.3: a wildcard's proof is for the wildcard, and the name's for the name. */
static void
test_wildcard_proof(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;

	said = (struct evidence){ SAID, .wildcard = true };
	said.method = CHALLENGE_DNS_01;
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "only its wildcard");
	statement_only(&ask, w);
	ask.san = "DNS:*.a.test";
	ask_sign(&ask);
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
	w->order = id_new();
	said.wildcard = false;
	statement_only(&ask, w);
	ask.san = "DNS:*.a.test";
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "method");
	/* A captured ra has http-01 attested for a wildcard. */
	said = (struct evidence){ SAID, .wildcard = true };
	statement_only(&ask, w);
	ask.san = "DNS:*.a.test";
	ask_sign(&ask);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "method");
	said = (struct evidence){ SAID };
}

/* The labels and CAA parameters that were looked at are those of the account that asks. */
static void
test_other_account_url(void **state)
{
	struct ask ask;

	said = (struct evidence){ SAID };
	strcpy(said.account_url, KID "x");
	statement_only(&ask, *state);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "by another account");
	said = (struct evidence){ SAID };
}

static void
test_challenges_taken(void **state)
{
	char *only[] = { (char *)"dns-01" };
	struct world *w = *state;
	struct ask ask;

	w->config.ra.challenges = (struct strings){ only, 1 };
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "challenge type");
	w->config.ra.challenges = (struct strings){ 0 };
	profiles[0].challenges = (struct strings){ only, 1 };
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "challenge type");
	profiles[0].challenges = (struct strings){ 0 };
}

/* RFC 8659: a captured ra can't leave CAA out, nor keep the outcome of a better day. */
static void
test_caa(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;

	w->config.va.caa = CAA_ENFORCE;
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "CAA records were not checked");
	said = (struct evidence){ SAID };
	said.caa = CAA_ALLOWED;
	said.caa_checked = clock_now() - 8 * 3600 - 5;
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "too long ago");
	said.caa_checked = clock_now() + 3600;
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "future");
	said.caa = CAA_ABSENT;
	said.caa_checked = clock_now() - 8 * 3600 + 60;
	statement_only(&ask, w);
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
	w->config.va.caa = CAA_OFF;
	said = (struct evidence){ SAID };
}

static void
test_old_order(void **state)
{
	struct world *w = *state;
	int64_t ms = clock_now_ms() - INT64_C(9) * 86400 * 1000;
	struct ask ask;
	int i;

	for (i = 0; i < 6; i++)
		w->order.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
	ask_open(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "too old");
	w->order = id_new();
	w->order.bytes[0]++;
	ask_open(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "future");
}

static void
test_profile_and_dates(void **state)
{
	struct world *w = *state;
	int64_t end;
	struct ask ask;
	struct buf der;

	ask_open(&ask, w);
	strcpy(ask.issue.profile, "eternal");
	expect_refused(&ask, PROBLEM_INVALID_PROFILE, "eternal");
	ask_open(&ask, w);
	strcpy(ask.issue.profile, "shortlived");
	ask.issue.not_before = clock_now();
	ask.issue.not_after = clock_now() + 7 * 86400;
	expect_refused(&ask, PROBLEM_MALFORMED, "shortlived");
	ask_open(&ask, w);
	ask.issue.not_after = clock_now() - 86400;
	expect_refused(&ask, PROBLEM_MALFORMED, "notAfter");
	ask_open(&ask, w);
	ask.issue.not_before = INT64_MAX; /* under UBSan: nothing is added to it */
	expect_refused(&ask, PROBLEM_MALFORMED, "notBefore");
	ask_open(&ask, w);
	ask.issue.not_after = w->ca->issuers[0].not_after + 1;
	ask.issue.not_before = ask.issue.not_after - 86400;
	expect_refused(&ask, PROBLEM_MALFORMED, "notBefore");
	ask_open(&ask, w);
	end = w->ca->issuers[0].not_after;
	w->ca->issuers[0].not_after = clock_now() - 1;
	expect_refused(&ask, PROBLEM_SERVER_INTERNAL, "own certificate");
	w->ca->issuers[0].not_after = end;
	ask_open(&ask, w);
	ask.issue.not_before = INT64_MIN;
	ask.issue.not_after = INT64_MAX;
	expect_refused(&ask, PROBLEM_MALFORMED, "notBefore");
	ask_open(&ask, w);
	ask.issue.not_before = clock_now();
	ask.issue.not_after = clock_now() + 86400;
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
}

static X509 *
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

/* What a profile says is what ca does, whatever ra thinks. */
static void
test_profiles(void **state)
{
	struct world *w = *state;
	char name[80] = "";
	struct ask ask;
	X509 *cert;

	ask_open(&ask, w);
	strcpy(ask.issue.profile, "strict");
	expect_refused(&ask, PROBLEM_BAD_CSR, "takes no p256 keys");
	cert = issue_by(w, "strict", key_generate(KEY_P384));
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
	assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(cert)), 0);
	X509_free(cert);
	cert = issue_by(w, "client", key_generate(KEY_RSA2048));
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE);
	assert_int_equal(
	    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof(name)), 6);
	assert_string_equal(name, "a.test");
	X509_free(cert);
	cert = issue_by(w, "default", key_generate(KEY_RSA2048));
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
	X509_free(cert);
}

static void
test_policy(void **state)
{
	struct world *w = *state;
	struct ask ask;

	ask_open(&ask, w);
	ask.san = "DNS:denied.test";
	ask_sign(&ask);
	ask.issue.evidence_count = 0;
	statement_add(&ask, "denied.test", w->jwk->thumbprint, clock_now(), w->evidence_key);
	expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, "denied.test");
}

/* RFC 8738: addresses need proof of their own, and stand in the certificate as such. */
static void
test_addresses(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;
	const uint8_t *p;
	X509 *cert;

	ask_open(&ask, w);
	ask.san = "DNS:a.test,IP:192.0.2.1,IP:2001:db8::1";
	ask_sign(&ask);
	statement_add(&ask, "192.0.2.1", w->jwk->thumbprint, clock_now(), w->evidence_key);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "2001:db8::1");
	ask_open(&ask, w);
	ask.san = "DNS:a.test,IP:192.0.2.1,IP:2001:db8::1";
	ask_sign(&ask);
	statement_add(&ask, "192.0.2.1", w->jwk->thumbprint, clock_now(), w->evidence_key);
	statement_add(&ask, "2001:db8::1", w->jwk->thumbprint, clock_now(), w->evidence_key);
	der = expect_issued(&ask);
	p = der.data;
	assert_non_null(cert = d2i_X509(NULL, &p, (long)der.len));
	assert_int_equal(X509_check_host(cert, "a.test", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "192.0.2.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "2001:db8::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "192.0.2.2", 0), 0);
	X509_free(cert);
	buf_free(&der);
	ask_close(&ask);
}

static void
test_address_policy(void **state)
{
	static const struct {
		const char *san, *address;
	} cases[] = { { "IP:192.0.2.129", "192.0.2.129" }, { "IP:198.51.100.1", "198.51.100.1" },
		{ "IP:fd00::1", "fd00::1" } };
	struct world *w = *state;
	struct ask ask;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask_open(&ask, w);
		ask.san = cases[i].san;
		ask_sign(&ask);
		statement_add(&ask, cases[i].address, w->jwk->thumbprint, clock_now(), w->evidence_key);
		expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, cases[i].address);
	}
}

static void
test_address_name_constraints(void **state)
{
	struct world *w = *state;
	struct ask ask;

	issuer_make(w->dir, KEY_P256, "critical,permitted;IP:10.0.0.0/255.0.0.0");
	world_reopen(w);
	ask_open(&ask, w);
	ask.san = "IP:192.0.2.1";
	ask_sign(&ask);
	statement_add(&ask, "192.0.2.1", w->jwk->thumbprint, clock_now(), w->evidence_key);
	expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, "name_constraints");
}

static void
test_name_constraints(void **state)
{
	struct world *w = *state;
	struct ask ask;

	issuer_make(w->dir, KEY_P256, "critical,permitted;DNS:home.arpa");
	world_reopen(w);
	ask_open(&ask, w);
	expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, "name_constraints");
}

static void
test_replay(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf first, again;

	ask_open(&ask, w);
	first = expect_issued(&ask);
	again = expect_issued(&ask); /* within the batch, before the sync */
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	buf_free(&again);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	/* The rest of the message may differ, even be less: what is done is done. */
	ask.issue.evidence_count = 0;
	again = expect_issued(&ask);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	buf_free(&again);
	world_reopen(w);
	again = expect_issued(&ask);
	assert_true(slice_eq(buf_slice(&first), buf_slice(&again)));
	buf_free(&again);
	buf_free(&first);
	/* But not without the subscriber's signature. */
	jws_make(w->other, w->order, KID, buf_slice(&ask.csr), &ask.jws);
	ask.issue.jws = buf_slice(&ask.jws);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "signature");
}

static void
test_issuer_types(void **state)
{
	static const enum key_type types[] = { KEY_RSA2048, KEY_P384, KEY_ED25519 };
	struct world *w = *state;
	struct ask ask;
	struct buf der;
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		issuer_make(w->dir, types[i], NULL);
		w->order = id_new();
		world_reopen(w);
		ask_open(&ask, w);
		der = expect_issued(&ask);
		buf_free(&der);
		ask_close(&ask);
	}
}

/* --- which issuer signs --------------------------------------------------------------------------- */

#define NOW 1000000
static char *rsa_keys[] = { (char *)"rsa2048", (char *)"rsa3072" };
static char *ed_keys[] = { (char *)"ed25519" };
static char *by_old[] = { (char *)"old" };
static char *by_two[] = { (char *)"new", (char *)"ed" };

static const struct choice {
	const char *what;
	struct strings issuers; /* of the profile */
	enum key_type key;
	int64_t not_after;
	int64_t ends[4]; /* of "old", "new", "rsa", "ed"; negative: it begins later */
	int want; /* -1: badCSR, -2: serverInternal */
} choices[] = {
	{ "the first that takes all", { 0 }, KEY_P256, NOW + 90, { 100, 200, 200, 200 }, 0 },
	{ "one that asks for the key goes before", { 0 }, KEY_RSA3072, NOW + 90, { 100, 200, 200, 200 }, 2 },
	{ "another key of that kind", { 0 }, KEY_RSA4096, NOW + 90, { 100, 200, 200, 200 }, 0 },
	{ "one that lives long enough goes before", { 0 }, KEY_P256, NOW + 150, { 100, 200, 200, 200 }, 1 },
	{ "exactly as long", { 0 }, KEY_P256, NOW + 100, { 100, 200, 200, 200 }, 0 },
	{ "none does: the first", { 0 }, KEY_P256, NOW + 900, { 100, 200, 200, 200 }, 0 },
	{ "the rule by key goes before length", { 0 }, KEY_RSA2048, NOW + 150, { 100, 200, 100, 200 }, 2 },
	{ "but not before life", { 0 }, KEY_RSA2048, NOW + 90, { 100, 200, 0, 200 }, 0 },
	{ "the first is over", { 0 }, KEY_P256, NOW + 90, { 0, 200, 200, 200 }, 1 },
	{ "the first is not valid yet", { 0 }, KEY_P256, NOW + 90, { -200, 200, 200, 200 }, 1 },
	{ "the profile's", { by_two, 2 }, KEY_P256, NOW + 90, { 100, 200, 200, 200 }, 1 },
	{ "the profile's by key", { by_two, 2 }, KEY_ED25519, NOW + 90, { 100, 200, 200, 200 }, 3 },
	{ "another profile's rule by key is not ours", { by_two, 2 }, KEY_RSA2048, NOW + 90,
	    { 100, 200, 200, 200 }, 1 },
	{ "all are over", { 0 }, KEY_P256, NOW + 90, { 0, 0, 200, 200 }, -2 },
	{ "the profile's is over", { by_old, 1 }, KEY_P256, NOW + 90, { 0, 200, 200, 200 }, -2 },
	{ "nobody takes it", { ed_keys, 1 }, KEY_P256, NOW + 90, { 100, 200, 200, 200 }, -1 },
};

static void
test_choice(void **state)
{
	struct issuer_config configs[4] = { { .name = (char *)"old" }, { .name = (char *)"new" },
		{ .name = (char *)"rsa", .key_types = { rsa_keys, 2 } },
		{ .name = (char *)"ed", .key_types = { ed_keys, 1 } } };
	struct config config = { .ca = { .issuers = configs, .issuer_count = 4 } };
	struct issuer issuers[4];
	struct ca ca = { .config = &config, .issuers = issuers };

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		const struct choice *c = &choices[i];
		struct profile_config profile = { .name = (char *)"p", .issuers = c->issuers };
		struct wanted wanted = { &profile, c->key, c->not_after };
		struct problem problem = { 0 };
		const struct issuer *got;
		int index;

		memset(issuers, 0, sizeof(issuers));
		for (size_t n = 0; n < 4; n++) {
			issuers[n].not_before = c->ends[n] < 0 ? NOW + 1 : NOW - 500;
			issuers[n].not_after = NOW + (c->ends[n] < 0 ? -c->ends[n] : c->ends[n]);
		}
		got = issuer_choose(&ca, &wanted, NOW, &problem);
		index = got != NULL ? (int)(got - issuers) : problem.type == PROBLEM_BAD_CSR ? -1 : -2;
		if (index != c->want)
			fail_msg("%s: %d (%s)", c->what, index, problem.detail.text);
		problem_free(&problem);
	}
}

static struct msg_crl_entries *
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

static enum err
part_take(struct world *w, struct msg_crl_entries *part, struct slice *der, uint64_t *number)
{
	enum err err = crl_take(w->ca, part, clock_now_ms(), der, number);

	free(part);
	return err;
}

static void
file_rename(const char *dir, const char *from, const char *to)
{
	char *a = file_join(dir, from), *b = file_join(dir, to);

	assert_int_equal(rename(a, b), 0);
	free(a);
	free(b);
}

static void
expect_extension_has(X509 *cert, int nid, const char *text)
{
	const ASN1_OCTET_STRING *value =
	    X509_EXTENSION_get_data(X509_get_ext(cert, X509_get_ext_by_NID(cert, nid, -1)));

	assert_non_null(memmem(
	    ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value), text, strlen(text)));
}

/* Two at once: each certificate is its issuer's in every respect, and so is what the ledger says. */
static void
test_two_issuers(void **state)
{
	static char *p384_keys[] = { (char *)"p384" };
	struct issuer_config both[2] = { issuer_config,
		{ .name = (char *)"big",
		    .certificate = (char *)"big.pem",
		    .key = (char *)"big.key",
		    .key_types = { p384_keys, 1 } } };
	struct world *w = *state;
	uint64_t number;

	issuer_make(w->dir, KEY_P384, NULL);
	file_rename(w->dir, "issuer.pem", "big.pem");
	file_rename(w->dir, "issuer.key", "big.key");
	issuer_make(w->dir, KEY_P256, NULL);
	ca_close(w->ca); /* it knows its issuers by the configuration */
	w->ca = NULL;
	w->config.ca.issuers = both;
	w->config.ca.issuer_count = 2;
	world_reopen(w);
	for (size_t i = 0; i < 2; i++) {
		const struct issuer *issuer = &w->ca->issuers[i];
		X509 *cert = issue_by(w, "default", key_generate(i == 0 ? KEY_P256 : KEY_P384));
		struct msg_crl_entries *part = part_make(w, 0, true, true);
		struct ledger_record record;
		struct slice der;
		X509_CRL *crl;
		const uint8_t *p;

		assert_int_equal(X509_verify(cert, issuer->key), 1);
		expect_extension_has(cert, NID_info_access, issuer->url);
		expect_extension_has(cert, NID_crl_distribution_points, "/crl/");
		assert_int_equal(ledger_find(w->ca->ledger, w->order, &record), ERR_OK);
		assert_memory_equal(record.issuer, issuer->fingerprint, FINGERPRINT_SIZE);
		memcpy(part->issuer, issuer->fingerprint, FINGERPRINT_SIZE);
		assert_int_equal(part_take(w, part, &der, &number), ERR_OK);
		p = der.data;
		assert_non_null(crl = d2i_X509_CRL(NULL, &p, (long)der.len));
		assert_int_equal(X509_CRL_verify(crl, issuer->key), 1);
		X509_CRL_free(crl);
		X509_free(cert);
	}
	assert_string_not_equal(w->ca->issuers[0].url, w->ca->issuers[1].url);
}

/* What wfe does behind its CSR. */
static void
server_tag(struct world *w, struct buf *csr)
{
	uint8_t tag[SERVER_TAG_SIZE];
	unsigned size = sizeof(tag);

	HMAC(EVP_sha256(), w->ca->server_key, PROC_SECRET_SIZE, csr->data, csr->len, tag, &size);
	buf_put(csr, tag, sizeof(tag));
}

static void
test_server(void **state)
{
	struct world *w = *state;
	EVP_PKEY *key = key_generate(KEY_P256);
	struct buf csr = { 0 }, pem = { 0 };
	STACK_OF(X509) * certs;
	X509 *leaf;
	int64_t start;
	int i;

	assert_int_equal(RAND_bytes(w->ca->server_key, PROC_SECRET_SIZE), 1);
	csr_make(key, "DNS:bank.test", &csr);
	server_tag(w, &csr);
	assert_int_equal(server_certificate(w->ca, buf_slice(&csr), clock_now_ms(), &pem), ERR_OK);
	assert_int_equal(certificates_read(buf_slice(&pem), &certs, NULL), ERR_OK);
	assert_int_equal(sk_X509_num(certs), 2);
	leaf = sk_X509_value(certs, 0);
	assert_int_equal(X509_check_host(leaf, "ca.test", 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(leaf, "bank.test", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
	sk_X509_pop_free(certs, X509_free);
	/* A captured ra: no tag, half a tag, a tag that it made. */
	csr.len -= SERVER_TAG_SIZE;
	assert_int_equal(server_certificate(w->ca, buf_slice(&csr), clock_now_ms(), &pem), ERR_DENIED);
	csr.len += SERVER_TAG_SIZE / 2;
	assert_int_equal(server_certificate(w->ca, buf_slice(&csr), clock_now_ms(), &pem), ERR_DENIED);
	csr.len += SERVER_TAG_SIZE / 2;
	csr.data[csr.len - 1] ^= 1;
	assert_int_equal(server_certificate(w->ca, buf_slice(&csr), clock_now_ms(), &pem), ERR_DENIED);
	assert_int_equal(server_certificate(w->ca, slice_of(csr.data, 3), clock_now_ms(), &pem), ERR_DENIED);
	/* A broken CSR of wfe's. */
	csr.len -= SERVER_TAG_SIZE;
	csr.data[csr.len - 1] ^= 1;
	server_tag(w, &csr);
	assert_int_equal(server_certificate(w->ca, buf_slice(&csr), clock_now_ms(), &pem), ERR_DENIED);
	start = clock_now_ms();
	for (i = 0; i < 40; i++)
		if (server_certificate(w->ca, buf_slice(&csr), start, &pem) == ERR_BUSY)
			break;
	assert_in_range(i, 1, 39);
	EVP_PKEY_free(key);
	buf_free(&csr);
	buf_free(&pem);
}

/* Issues count certificates in one batch each; gives the ledger's only segment's path. */
static char *
ledger_fill(struct world *w, unsigned count)
{
	struct ask ask;
	struct buf der, path = { 0 };

	for (; count > 0; count--) {
		w->order = id_new();
		ask_open(&ask, w);
		der = expect_issued(&ask);
		buf_free(&der);
		ask_close(&ask);
		assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	}
	buf_printf(&path, "%s/00000001.log", w->ca->folder);
	return buf_take_str(&path);
}

static void
test_torn_tail(void **state)
{
	struct world *w = *state;
	char *path = ledger_fill(w, 3);
	struct reason reason;
	struct stat st;
	uint64_t count;
	struct ask ask;
	struct buf der;
	int fd;

	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_OK);
	assert_int_equal(count, 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 100), 0);
	world_reopen(w);
	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_OK);
	assert_int_equal(count, 2);
	/* Zeros, as a file system leaves them for blocks that never came. */
	assert_true((fd = open(path, O_WRONLY | O_APPEND)) >= 0);
	assert_int_equal(write(fd, (char[300]){ 0 }, 300), 300);
	close(fd);
	world_reopen(w);
	ask_open(&ask, w); /* the third order, which was cut off, is made anew */
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_OK);
	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_OK);
	assert_int_equal(count, 3);
	free(path);
}

static void
test_broken_chain(void **state)
{
	struct world *w = *state;
	char *path = ledger_fill(w, 3);
	struct reason reason = { "" };
	uint64_t count;
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, 400), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, 400), 1);
	close(fd);
	assert_int_equal(ledger_each(w->ca->folder, NULL, NULL, &count, &reason), ERR_MALFORMED);
	ca_close(w->ca);
	assert_int_equal(ca_open(&w->config, clock_now(), &w->ca, &reason), ERR_MALFORMED);
	assert_non_null(strstr(reason.text, "chain is broken"));
	free(path);
}

static void
test_write_failure(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;
	int fds[2], null = open("/dev/full", O_WRONLY);

	ask_open(&ask, w);
	der = expect_issued(&ask);
	ledger_descriptors(w->ca->ledger, fds);
	assert_true(dup2(null, fds[1]) >= 0);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_IO);
	assert_int_equal(ledger_sync(w->ca->ledger), ERR_IO); /* and it stays so */
	close(null);
	buf_free(&der);
	ask_close(&ask);
}

static void
test_speed(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;
	int64_t spent = 0, start;
	int i;

	for (i = 0; i < 200; i++) {
		w->order = id_new();
		ask_open(&ask, w);
		start = clock();
		der = expect_issued(&ask);
		spent += clock() - start;
		buf_free(&der);
		ask_close(&ask);
	}
	print_message("%lld us of CPU for one certificate\n", (long long)(spent / 200));
}

/* --- key changes (RFC 8555, 7.3.5) --------------------------------------------------------------- */

/* How a keyChange request may be bent; zero is an honest one. */
struct bend {
	const char *kid, *account, *url;
	EVP_PKEY *outer, *inner; /* who signs instead */
};

/* old hands over to new. */
static struct buf
link_make(EVP_PKEY *old, EVP_PKEY *new, struct bend bend)
{
	struct jwk *old_jwk = jwk_of(old), *new_jwk = jwk_of(new);
	struct buf header = { 0 }, payload = { 0 }, inner = { 0 }, out = { 0 };
	const char *url = bend.url != NULL ? bend.url : BASE "/key-change";
	const char *kid = bend.kid != NULL ? bend.kid : KID;

	buf_printf(&header, "{\"alg\":\"ES256\",\"jwk\":%s,\"url\":\"%s\"}", new_jwk->text, url);
	buf_printf(&payload, "{\"account\":\"%s\",\"oldKey\":%s}", bend.account != NULL ? bend.account : kid,
	    old_jwk->text);
	jws_sign(bend.inner != NULL ? bend.inner : new, buf_slice(&header), buf_slice(&payload), &inner);
	buf_clear(&header);
	buf_printf(&header, "{\"alg\":\"ES256\",\"kid\":\"%s\",\"nonce\":\"AAAA\",\"url\":\"%s\"}", kid, url);
	jws_sign(bend.outer != NULL ? bend.outer : old, buf_slice(&header), buf_slice(&inner), &out);
	jwk_free(old_jwk);
	jwk_free(new_jwk);
	buf_free(&header);
	buf_free(&payload);
	buf_free(&inner);
	return out;
}

/* Names were proven under first; the account's key signs the finalize request. */
static void
changed_open(struct ask *ask, struct world *w, EVP_PKEY *first, struct buf *links, uint32_t count)
{
	struct jwk *jwk = jwk_of(first);

	ask_open(ask, w);
	ask->issue.evidence_count = 0;
	statement_add(ask, "a.test", jwk->thumbprint, clock_now() - 5, w->evidence_key);
	jwk_free(jwk);
	ask->issue.key_change_count = count;
	for (uint32_t i = 0; i < count; i++)
		ask->issue.key_changes[i] = buf_slice(&links[i]);
}

static void
test_key_changes(void **state)
{
	struct world *w = *state;
	EVP_PKEY *first = key_generate(KEY_P256), *second = key_generate(KEY_P256);
	struct buf links[2] = { link_make(first, second, (struct bend){ 0 }),
		link_make(second, w->account, (struct bend){ 0 }) };
	struct buf swapped[2] = { links[1], links[0] }, der;
	struct ask ask;

	changed_open(&ask, w, first, links, 0); /* none, though one is needed */
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "another account");
	changed_open(&ask, w, first, links + 1, 1); /* the first link is missing */
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "another account");
	changed_open(&ask, w, first, links, 1); /* the last one is */
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "don't lead to");
	changed_open(&ask, w, first, swapped, 2);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "don't follow");
	changed_open(&ask, w, w->other, links, 2); /* somebody else's evidence */
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "another account");
	changed_open(&ask, w, first, links, 2);
	ask.issue.key_change_count = KEY_CHANGES_MAX + 1;
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "more key changes");
	changed_open(&ask, w, first, links, 2);
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
	/* A handover counts in its direction only: the new key's evidence is not the old one's. */
	struct buf back = link_make(w->account, second, (struct bend){ 0 });
	w->order = id_new();
	changed_open(&ask, w, second, &back, 1);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "don't lead to");
	buf_free(&back);
	buf_free(&links[0]);
	buf_free(&links[1]);
	EVP_PKEY_free(first);
	EVP_PKEY_free(second);
}

#define OTHER_KID BASE "/account/AAAAAAAAAAAAAAAAAAAAAg"

static void
test_forged_key_changes(void **state)
{
	struct world *w = *state;
	EVP_PKEY *victim = key_generate(KEY_P256);
	const struct {
		struct bend bend;
		const char *word;
	} cases[] = {
		{ { .outer = w->account }, "not signed by the old key" }, /* a captured ra and an accomplice */
		{ { .outer = w->other }, "not signed by the old key" },
		{ { .inner = victim }, "7.3.5 (4)" },
		{ { .kid = OTHER_KID }, "another account's" },
		{ { .account = OTHER_KID }, "7.3.5 (7)" },
		{ { .kid = OTHER_KID, .account = KID }, "another account's" },
		{ { .url = BASE "/new-order" }, "another url" },
		{ { .url = "https://elsewhere.test/key-change" }, "another url" },
	};
	struct ask ask;
	struct buf link;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		link = link_make(victim, w->account, cases[i].bend);
		changed_open(&ask, w, victim, &link, 1);
		expect_refused(&ask, PROBLEM_UNAUTHORIZED, cases[i].word);
		buf_free(&link);
	}
	buf_put_str(&link, "{}");
	changed_open(&ask, w, victim, &link, 1);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "broken");
	/* A request for something else that both happen to have signed. */
	buf_clear(&link);
	ask_open(&ask, w);
	buf_put(&link, ask.jws.data, ask.jws.len);
	ask_close(&ask);
	changed_open(&ask, w, victim, &link, 1);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "another url");
	buf_free(&link);
	EVP_PKEY_free(victim);
}

/* --- CRLs ---------------------------------------------------------------------------------------- */

static void
test_crl(void **state)
{
	struct world *w = *state;
	struct msg_crl_entries *part;
	struct slice der;
	uint64_t first, number;
	const uint8_t *p;
	X509_CRL *crl;

	assert_int_equal(part_take(w, part_make(w, CRL_CHUNK, true, false), &der, &first), ERR_BUSY);
	assert_int_equal(part_take(w, part_make(w, 5, false, true), &der, &first), ERR_OK);
	p = der.data;
	assert_non_null(crl = d2i_X509_CRL(NULL, &p, (long)der.len));
	assert_int_equal(X509_CRL_verify(crl, w->ca->issuers[0].key), 1);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), CRL_CHUNK + 5);
	X509_CRL_free(crl);
	/* The number rises whatever the clock and whatever ra knows. */
	assert_int_equal(part_take(w, part_make(w, 0, true, true), &der, &number), ERR_OK);
	assert_true(number > first);
	part = part_make(w, 0, true, true);
	part->number = number + 1000000;
	assert_int_equal(part_take(w, part, &der, &first), ERR_OK);
	assert_true(first > number + 1000000);
	/* A clock that was set back: an entry from the future is listed nevertheless. */
	part = part_make(w, 1, true, true);
	part->entries[0].revoked += 86400;
	assert_int_equal(part_take(w, part, &der, &number), ERR_OK);
	assert_true(number > first);
}

/* A captured ra: what comes out of turn is told apart, and ends ca. */
static void
test_crl_hostile(void **state)
{
	struct world *w = *state;
	struct msg_crl_entries *part;
	struct slice der;
	uint64_t number;

	assert_int_equal(part_take(w, part_make(w, 1, false, true), &der, &number), ERR_MALFORMED);
	assert_int_equal(part_take(w, part_make(w, 1, true, false), &der, &number), ERR_BUSY);
	part = part_make(w, 1, false, true);
	part->shard = 1;
	assert_int_equal(part_take(w, part, &der, &number), ERR_MALFORMED);
	part = part_make(w, 1, true, true);
	part->issuer[0] ^= 1;
	assert_int_equal(part_take(w, part, &der, &number), ERR_MALFORMED);
	/* The same certificate twice: no list rather than a wrong one. */
	part = part_make(w, 2, true, true);
	part->entries[1] = part->entries[0];
	assert_int_equal(part_take(w, part, &der, &number), ERR_DENIED);
	part = part_make(w, 0, true, false);
	for (unsigned i = 0; i <= 500000 / CRL_CHUNK; i++) {
		assert_int_equal(part_take(w, part, &der, &number), ERR_BUSY);
		part = part_make(w, CRL_CHUNK, false, false);
	}
	part->last = true;
	assert_int_equal(part_take(w, part, &der, &number), ERR_DENIED);
	assert_int_equal(part_take(w, part_make(w, 0, true, true), &der, &number), ERR_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_issues), T(test_kept_account), T(test_no_evidence),
		T(test_other_accounts_evidence), T(test_stale_evidence), T(test_forged_evidence),
		T(test_changed_csr), T(test_other_order), T(test_csr_faults), T(test_wildcard), T(test_wildcard_proof),
		T(test_other_account_url), T(test_challenges_taken), T(test_caa),
		T(test_old_order), T(test_profile_and_dates), T(test_profiles),
		T(test_policy), T(test_addresses), T(test_address_policy),
		T(test_address_name_constraints), T(test_name_constraints),
		T(test_replay), T(test_key_changes),
		T(test_forged_key_changes), T(test_crl), T(test_crl_hostile), T(test_issuer_types), T(test_choice), T(test_two_issuers),
		T(test_server),
		T(test_torn_tail), T(test_broken_chain),
		T(test_write_failure), T(test_speed) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca", tests, NULL, NULL);
}
