/* A captured ra: whatever it asks for without the subscriber's word and the perspectives' is refused. */
#include "tests/unit/ca_world.h"

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

/* RFC 8555, 7.1.4; RFC 8659, 4.3: a wildcard's proof is for the wildcard, and the name's for the name. */
/* dns-persist-01: a record that ends takes what it proved with it. */
static void
test_ended_proof(void **state)
{
	struct world *w = *state;
	struct ask ask;
	struct buf der;

	said = (struct evidence){ SAID, .until = clock_now() - 1 };
	said.method = CHALLENGE_DNS_PERSIST_01;
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "not one that this CA takes");
	w->config.ra.issuer_domain_names = (struct strings){ all_names, 1 };
	statement_only(&ask, w);
	expect_refused(&ask, PROBLEM_UNAUTHORIZED, "has ended");
	said.until = clock_now() + 60;
	statement_only(&ask, w);
	der = expect_issued(&ask);
	buf_free(&der);
	ask_close(&ask);
	said = (struct evidence){ SAID };
	w->config.ra.issuer_domain_names = (struct strings){ NULL, 0 };
}

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_no_evidence), T(test_other_accounts_evidence), T(test_stale_evidence), T(test_forged_evidence),
		T(test_changed_csr), T(test_other_order), T(test_csr_faults), T(test_wildcard), T(test_ended_proof), T(test_wildcard_proof),
		T(test_other_account_url), T(test_challenges_taken), T(test_caa), T(test_key_changes),
		T(test_forged_key_changes) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: proof", tests, NULL, NULL);
}
