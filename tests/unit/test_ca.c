/* From an honest proof to a certificate: profiles, policy, replays; and the server's own. */
#include "tests/unit/ca_world.h"

#include "ca/profile.h"

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
	w->config.ra.names = 1;
	w->order = id_new();
	ask_open(&ask, w);
	ask.san = "DNS:a.test,DNS:b.test";
	ask_sign(&ask);
	statement_add(&ask, "b.test", w->jwk->thumbprint, clock_now(), w->evidence_key);
	expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, "2 names are more than the CA's own policy allows in one certificate: 1 "
	    "(ra.policy.names)");
}

/* The profile's rules and the CA's, whatever ra let through: proven names that they refuse. */
static void
test_policy_of_profile(void **state)
{
	static char *narrow[] = { (char *)"*.narrow.test" }, *bad[] = { (char *)"bad.narrow.test" };
	static struct profile_config rules[] = {
		{ .name = (char *)"narrow", .lifetime = 86400, USUAL, .allow = { narrow, 1 }, .deny = { bad, 1 } },
		{ .name = (char *)"single", .lifetime = 86400, USUAL, .names = 1 },
		{ .name = (char *)"public", .lifetime = 86400, USUAL, .public_names = true },
	};
	static const struct {
		const char *profile, *san, *names[2], *word;
	} rows[] = {
		{ "narrow", "DNS:a.test", { "a.test", NULL }, "\"a.test\" is not among the names the CA itself issues for "
		    "(ca.profiles.narrow.allow)" },
		{ "narrow", "DNS:bad.narrow.test", { "bad.narrow.test", NULL }, "\"bad.narrow.test\" is denied by the "
		    "CA's own policy (ca.profiles.narrow.deny: \"bad.narrow.test\")" },
		{ "narrow", "DNS:a.narrow.test", { "a.narrow.test", NULL }, NULL },
		{ "single", "DNS:a.test,DNS:b.test", { "a.test", "b.test" }, "2 names are more than the CA's own policy "
		    "allows in one certificate: 1 (ca.profiles.single.names)" },
		{ "single", "DNS:a.test", { "a.test", NULL }, NULL },
		{ "public", "IP:192.0.2.1", { "192.0.2.1", NULL }, "special use" },
		{ "public", "DNS:co.uk", { "co.uk", NULL }, "public suffix" },
		{ "public", "DNS:a.test", { "a.test", NULL }, NULL },
	};
	struct world *w = *state;

	w->config.ca.profiles = rules;
	w->config.ca.profile_count = 3;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ask ask;
		struct buf der;

		w->order = id_new();
		ask_open(&ask, w);
		strcpy(ask.issue.profile, rows[i].profile);
		ask.san = rows[i].san;
		ask_sign(&ask);
		ask.issue.evidence_count = 0;
		for (size_t n = 0; n < 2 && rows[i].names[n] != NULL; n++)
			statement_add(&ask, rows[i].names[n], w->jwk->thumbprint, clock_now(), w->evidence_key);
		if (rows[i].word != NULL) {
			expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, rows[i].word);
			continue;
		}
		der = expect_issued(&ask);
		buf_free(&der);
		ask_close(&ask);
	}
}

/* The names of the problem's subproblems, and what is said of each: "name: rule" lines. */
static void
subproblems_text(const struct problem *problem, enum problem_type type, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < problem->sub_count; i++) {
		assert_int_equal(problem->subs[i].type, type);
		snprintf(out + strlen(out), size - strlen(out), "%s: %s\n", problem->subs[i].identifier.value,
		    problem->subs[i].detail.text);
	}
}

/* A refusal names each identifier and the rule, in subproblems (RFC 8555, 6.7.1). */
static void
expect_subproblems(struct ask *ask, enum problem_type type, const char *want)
{
	struct msg_certificate out;
	struct problem problem = { 0 };
	char got[2048];

	assert_int_equal(issue_certificate(ask->w->ca, &ask->issue, clock_now(), &out, &problem), ERR_DENIED);
	assert_int_equal(problem.type, type);
	subproblems_text(&problem, type, got, sizeof(got));
	assert_string_equal(got, want);
	problem_free(&problem);
	ask_close(ask);
}

/* All names of the list are asked for, and proven but for the last ones. */
static void
ask_for(struct ask *ask, struct world *w, const char *san, size_t unproven)
{
	char *copy = strdup(san), *rest = copy, *name;
	size_t count = 1;

	for (const char *at = san; (at = strchr(at, ',')) != NULL; at++)
		count++;
	w->order = id_new();
	ask_open(ask, w);
	ask->san = san;
	ask_sign(ask);
	ask->issue.evidence_count = 0;
	for (size_t i = 0; i + unproven < count; i++) {
		name = strchr(strsep(&rest, ","), ':') + 1;
		said.wildcard = name[0] == '*';
		said.method = said.wildcard ? CHALLENGE_DNS_01 : CHALLENGE_HTTP_01;
		statement_add(ask, said.wildcard ? name + 2 : name, w->jwk->thumbprint, clock_now(), w->evidence_key);
	}
	said.wildcard = false;
	said.method = CHALLENGE_HTTP_01;
	free(copy);
}

static void
test_refusals_name_each(void **state)
{
	static struct profile_config rules[] = {
		{ .name = (char *)"tame", .lifetime = 86400, .server_auth = true, .public_names = true } };
	struct world *w = *state;
	struct ask ask;

	ask_for(&ask, w, "DNS:denied.test,DNS:a.test,IP:192.0.2.129,IP:198.51.100.1", 0);
	expect_subproblems(&ask, PROBLEM_REJECTED_IDENTIFIER,
	    "denied.test: \"denied.test\" is denied by the CA's own policy (ra.policy.deny: \"denied.test\")\n"
	    "192.0.2.129: \"192.0.2.129\" is denied by the CA's own policy (ra.policy.deny: \"192.0.2.128/25\")\n"
	    "198.51.100.1: \"198.51.100.1\" is not among the addresses the CA itself issues for (ra.policy.allow)\n");
	ask_for(&ask, w, "DNS:a.test,DNS:b.test,IP:192.0.2.1", 2);
	expect_subproblems(&ask, PROBLEM_UNAUTHORIZED,
	    "b.test: no certificate for \"b.test\": nobody proved control of it\n"
	    "192.0.2.1: no certificate for \"192.0.2.1\": nobody proved control of it\n");
	w->config.ca.profiles = rules;
	w->config.ca.profile_count = 1;
	ask_for(&ask, w, "DNS:a.test,DNS:*.b.test,DNS:*.uk", 0);
	strcpy(ask.issue.profile, "tame");
	expect_subproblems(&ask, PROBLEM_REJECTED_IDENTIFIER,
	    "*.b.test: \"*.b.test\" is a wildcard, and the CA's own policy gives none (ca.profiles.tame.wildcards: false)\n"
	    "*.uk: \"*.uk\" is a wildcard, and the CA's own policy gives none (ca.profiles.tame.wildcards: false)\n");
	w->config.ca.profiles = profiles;
	w->config.ca.profile_count = 4;
	issuer_make(w->dir, KEY_P256,
	    "critical,permitted;DNS:home.arpa,permitted;IP:192.0.2.0/255.255.255.192,excluded;DNS:x.home.arpa");
	world_reopen(w);
	ask_for(&ask, w, "DNS:a.home.arpa,DNS:a.test,DNS:*.home.arpa,IP:192.0.2.65", 0);
	expect_subproblems(&ask, PROBLEM_REJECTED_IDENTIFIER,
	    "*.home.arpa: \"*.home.arpa\": the name constraints of CA certificate \"Test CA\" exclude \"x.home.arpa\" "
	    "(RFC 5280, 4.2.1.10)\n"
	    "a.test: \"a.test\" is outside what the name constraints of CA certificate \"Test CA\" permit, such as "
	    "\"home.arpa\" (RFC 5280, 4.2.1.10)\n"
	    "192.0.2.65: \"192.0.2.65\" is outside what the name constraints of CA certificate \"Test CA\" permit, such as "
	    "192.0.2.0/26 (RFC 5280, 4.2.1.10)\n");
}

/* What no rule of policy minds and a lint does: told name by name, and never signed. */
static void
test_lints_name_each(void **state)
{
	struct identifier names[] = { { IDENTIFIER_DNS, "fine.test" }, { IDENTIFIER_DNS, "under_score.test" },
		{ IDENTIFIER_IP, "192.0.2.1" }, { IDENTIFIER_DNS, "b_d.test" } };
	struct world *w = *state;
	EVP_PKEY *key = key_generate(KEY_P256);
	struct leaf_form form;
	struct leaf leaf = { .names = names, .name_count = 4, .key = key, .not_before = clock_now() - 60,
		.not_after = clock_now() + 86400, .form = &form };
	struct lint_context context = { .issuer = w->ca->issuers[0].cert, .now = clock_now(), .lifetime_max = 90 * 86400,
		.backdate_max = 3600, .form = &form };
	struct reason reason = { "" };
	struct problem problem = { 0 };
	uint8_t serial[SERIAL_SIZE];
	struct buf der = { 0 };
	char got[1024];

	profile_form(&profiles[0], &form);
	assert_int_equal(issuer_sign(&w->ca->issuers[0], &leaf, &context, serial, &der, &reason, &problem), ERR_DENIED);
	assert_int_equal(der.len, 0);
	subproblems_text(&problem, PROBLEM_REJECTED_IDENTIFIER, got, sizeof(got));
	assert_string_equal(got,
	    "under_score.test: lint dns_underscore (RFC 1034, 3.5; CABF BR 7.1.2.7.12): \"under_score.test\" has an "
	    "underscore\n"
	    "b_d.test: lint dns_underscore (RFC 1034, 3.5; CABF BR 7.1.2.7.12): \"b_d.test\" has an underscore\n");
	problem_free(&problem);
	/* A lint that isn't about names blames none. */
	leaf.name_count = 1;
	context.lifetime_max = 3600;
	assert_int_equal(issuer_sign(&w->ca->issuers[0], &leaf, &context, serial, &der, &reason, &problem), ERR_DENIED);
	assert_int_equal(problem.sub_count, 0);
	buf_free(&der);
	EVP_PKEY_free(key);
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
	expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, "permit, such as 10.0.0.0/8");
}

static void
test_name_constraints(void **state)
{
	struct world *w = *state;
	struct ask ask;

	issuer_make(w->dir, KEY_P256, "critical,permitted;DNS:home.arpa");
	world_reopen(w);
	ask_open(&ask, w);
	expect_refused(&ask, PROBLEM_REJECTED_IDENTIFIER, "permit, such as \"home.arpa\"");
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_issues), T(test_kept_account), T(test_old_order), T(test_profile_and_dates), T(test_profiles),
		T(test_policy), T(test_policy_of_profile), T(test_refusals_name_each), T(test_lints_name_each), T(test_addresses), T(test_address_policy), T(test_address_name_constraints),
		T(test_name_constraints), T(test_replay), T(test_server), T(test_speed) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca", tests, NULL, NULL);
}
