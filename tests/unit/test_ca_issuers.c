/* Which issuer signs, and that all of a certificate is its issuer's. */
#include "tests/unit/ca_world.h"

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
		struct wanted wanted = { .profile = &profile, .key_type = c->key, .not_after = c->not_after };
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
		struct buf der = { 0 };
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
		buf_free(&der);
		X509_free(cert);
	}
	assert_string_not_equal(w->ca->issuers[0].url, w->ca->issuers[1].url);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_issuer_types), T(test_choice), T(test_two_issuers) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: issuers", tests, NULL, NULL);
}
