/* The pure parts of dns-01 and CAA: answers' records, digests, labels, issue values, record sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "va/caa_set.h"
#include "va/dns_account_01.h"
#include "va/dns_answer.h"
#include "va/dns_message.h"
#include "va/issue_value.h"
#include "va/persist_set.h"
#include "va/txt.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define THUMBPRINT "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define DIGEST "lCM7cZyQXcVHK2nnW3jjAhNT3Fvm18UN-kWZZknKoYM"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(text) slice_of(text, sizeof(text) - 1)

/* --- answers --------------------------------------------------------------------------------------- */

#define HEAD(answers) "\x12\x34\x81\x80\x00\x01\x00" answers "\x00\x00\x00\x00"
#define QUESTION "\x01" "a\x04test\x00\x00\x10\x00\x01"
#define RECORD(type, class, len) "\xc0\x0c\x00" type "\x00" class "\x00\x00\x00\x00\x00" len

static void
test_records(void **state)
{
	/* An alias, a TXT record, one of class CH, another TXT record with a written-out name. */
	static const char answer[] = HEAD("\x04") QUESTION RECORD("\x05", "\x01", "\x04") "\x01" "b\xc0\x0e"
	    RECORD("\x10", "\x01", "\x04") "\x03" "one" RECORD("\x10", "\x03", "\x02") "\x01" "x"
	    "\x01" "b\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x07\x02" "tw\x00\x02" "o!";
	struct dns_records records;
	struct buf text = { 0 };

	(void)state;
	assert_true(dns_records_read(BYTES(answer), 16, &records));
	assert_int_equal(records.count, 2);
	assert_true(dns_txt_join(records.rdata[0], &text));
	assert_true(slice_eq_str(buf_slice(&text), "one"));
	buf_clear(&text);
	assert_true(dns_txt_join(records.rdata[1], &text));
	assert_true(slice_eq_str(buf_slice(&text), "two!"));
	buf_free(&text);
	assert_true(dns_records_read(BYTES(answer), 257, &records));
	assert_int_equal(records.count, 0);
	for (size_t len = 0; len < sizeof(answer) - 1; len++)
		if (dns_records_read(slice_of(answer, len), 16, &records))
			fail_msg("cut at %zu", len);
	assert_false(dns_txt_join(slice_of(NULL, 0), &text));
	assert_false(dns_txt_join(BYTES("\x04" "abc"), &text));
	/* a label type that isn't one */
	assert_false(dns_records_read(BYTES(HEAD("\x00") "\x40" "a\x00\x00\x10\x00\x01"), 16, &records));
	buf_free(&text);
}

static void
test_names_in_rdata(void **state)
{
	/* Three aliases: by a pointer after a label, to a pointer ahead, with a dot inside a label. */
	static const char answer[] = HEAD("\x03") QUESTION RECORD("\x05", "\x01", "\x04") "\x01" "b\xc0\x0e"
	    RECORD("\x05", "\x01", "\x02") "\xc0\xff" RECORD("\x05", "\x01", "\x05") "\x03" "a.b\x00";
	struct dns_records records;
	char name[DNS_TEXT_SIZE];

	(void)state;
	assert_true(dns_records_read(BYTES(answer), 5, &records));
	assert_int_equal(records.count, 3);
	assert_true(dns_name_read(BYTES(answer), records.rdata[0], name));
	assert_string_equal(name, "b.test");
	assert_false(dns_name_read(BYTES(answer), records.rdata[1], name));
	assert_false(dns_name_read(BYTES(answer), records.rdata[2], name));
}

/* RFC 5452, 9: id and letters have to be those of the question. */
static void
test_question_and_reply(void **state)
{
	static const char error[] = "\x12\x34\x81\x82\x00\x01\x00\x00\x00\x00\x00\x01" QUESTION
	    "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x0c\x00\x0f\x00\x08\x00\x06" "bogus!";
	struct dns_question q, other;
	struct dns_head head;
	uint8_t reply[DNS_QUESTION_MAX];
	size_t same = 0;

	(void)state;
	assert_true(dns_question_make(&q, "_acme-challenge.averylongname.test", 16, DNS_RECURSE | DNS_AUTHENTIC));
	assert_int_equal(q.bytes[2], 0x01); /* RD */
	assert_int_equal(q.bytes[3], 0x20); /* AD */
	assert_int_equal(q.bytes[11], 1); /* OPT */
	memcpy(reply, q.bytes, q.len);
	assert_int_equal(dns_reply_match(slice_of(reply, q.len), &q), DNS_FOREIGN); /* a question */
	reply[2] |= 0x80;
	assert_int_equal(dns_reply_match(slice_of(reply, q.len), &q), DNS_EXACT);
	reply[14] ^= 0x20;
	assert_int_equal(dns_reply_match(slice_of(reply, q.len), &q), DNS_OTHER_CASE);
	reply[14] ^= 0x21;
	assert_int_equal(dns_reply_match(slice_of(reply, q.len), &q), DNS_FOREIGN);
	reply[14] ^= 0x01;
	reply[0] ^= 0x80;
	assert_int_equal(dns_reply_match(slice_of(reply, q.len), &q), DNS_FOREIGN);
	for (size_t len = 0; len < 20; len++)
		assert_int_equal(dns_reply_match(slice_of(reply, len), &q), DNS_FOREIGN);
	/* 30 letters, 2^30 ways to write them */
	for (int i = 0; i < 100; i++) {
		assert_true(dns_question_make(&other, "_acme-challenge.averylongname.test", 16, DNS_RECURSE));
		same += memcmp(other.bytes + 12, q.bytes + 12, 30) == 0;
	}
	assert_true(same < 3);
	assert_false(dns_question_make(&q, "a..test", 1, 0));
	assert_false(dns_question_make(&q, ".test", 1, 0));
	assert_false(dns_question_make(&q, "a.test.", 1, 0));
	assert_true(dns_head_read(BYTES(error), &head));
	assert_int_equal(head.rcode, 2);
	assert_int_equal(head.error, 6);
	assert_string_equal(head.extra, "bogus!");
	assert_true(dns_error_is_bogus(6) && !dns_error_is_bogus(22) && !dns_error_is_bogus(-1));
	assert_string_equal(dns_error_name(7), "Signature Expired");
	assert_null(dns_error_name(4711));
}

static void
test_too_many_records(void **state)
{
	struct buf answer = { 0 };
	struct dns_records records;
	struct reason reason;
	struct caa_question q = { 0 };
	size_t i;

	(void)state;
	buf_put(&answer, HEAD("\x50") QUESTION, sizeof(HEAD("\x50") QUESTION) - 1);
	for (i = 0; i < 0x50; i++)
		buf_put(&answer, RECORD("\x10", "\x01", "\x02") "\x01x", 14);
	assert_true(dns_records_read(buf_slice(&answer), 16, &records));
	assert_int_equal(records.count, DNS_RECORDS_MAX);
	assert_true(records.more);
	assert_int_equal(caa_set_judge(&records, &q, &reason), CAA_SET_FORBIDS);
	buf_free(&answer);
}

/* --- dns-01 and dns-account-01 ----------------------------------------------------------------------- */

static void
test_label(void **state)
{
	char label[ACCOUNT_LABEL_SIZE];

	(void)state;
	account_label("https://example.com/acme/acct/ExampleAccount", label); /* the draft's own vector */
	assert_string_equal(label, "_ujmmovf2vn55tgye");
}

static void
match(const char *text, bool want, const char *word)
{
	struct dns_records records = { .count = 1 };
	uint8_t rdata[256];
	struct reason reason;
	bool found;

	rdata[0] = (uint8_t)strlen(text);
	memcpy(rdata + 1, text, strlen(text));
	records.rdata[0] = slice_of(rdata, strlen(text) + 1);
	found = txt_match(&records, TOKEN, THUMBPRINT, &reason);
	if (found != want || strstr(reason.text, word) == NULL)
		fail_msg("%s: %s", text, reason.text);
}

static void
test_txt(void **state)
{
	char want[TXT_DIGEST_SIZE], other[64];

	(void)state;
	txt_digest(TOKEN, THUMBPRINT, want);
	/* printf '%s.%s' TOKEN THUMBPRINT | openssl dgst -sha256 -binary | basenc --base64url */
	assert_string_equal(want, DIGEST);
	match(want, true, "");
	snprintf(other, sizeof(other), "\"%s\"", want);
	match(other, false, "quotation marks");
	snprintf(other, sizeof(other), "%s ", want);
	match(other, false, "before or after");
	match(TOKEN "." THUMBPRINT, false, "SHA-256");
	match(TOKEN, false, "SHA-256");
	match(THUMBPRINT, false, "another digest");
	match("", false, "1 TXT record, and it is not the digest");
	match("secret", false, "1 TXT record, and it is not the digest");
}

/* --- dns-persist-01 ---------------------------------------------------------------------------------- */

#define NOW 1800000000
#define URI(hash) "https://ca.test/account-hash/sha-256/" hash
/* printf '\x06a.test%s%s' THUMBPRINT URL | openssl dgst -sha256 -binary | basenc --base64url; the same with '\x01*';
 * with FORMER for THUMBPRINT. */
#define HASH "NEM5Bqq00agB1f-Z67yLlsYnoEbjl0Xzf3czx8-rTq8"
#define HASH_STAR "JaqW1-jUcNieP6-omC-NW4c2GVxkoHOoKEtjQOA2B5k"
#define HASH_FORMER "pNIJ_BAewHrGT0nM1ctjJHaPBzhpDBuRZcMkRSPyBy0"
#define FORMER "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

static bool
persists(const char *text, bool wildcard, enum persist_form form, struct persist_proof *proof, struct reason *reason)
{
	static char ours[] = "ca.test", prefix[] = "https://ca.test/account-hash/", *list[] = { ours };
	const struct ra_config config = { .issuer_domain_names = { list, 1 }, .persist_form = form,
		.account_hash_prefix = prefix };
	struct msg_check asked = { .wildcard = wildcard, .thumbprint = THUMBPRINT,
		.account_url = "https://ca.test/account/1", .former_count = 1, .former = { FORMER } };
	const struct persist_question q = { &config, &asked, NOW };
	struct dns_records records = { .count = 1 };
	enum problem_type problem;
	uint8_t rdata[256];

	assert_int_equal(identifier_check(IDENTIFIER_DNS, "a.test", &asked.identifier, NULL), ERR_OK);
	rdata[0] = (uint8_t)strlen(text);
	memcpy(rdata + 1, text, strlen(text));
	records.rdata[0] = slice_of(rdata, strlen(text) + 1);
	return persist_set_judge(&records, &q, proof, &problem, reason);
}

static void
test_persist(void **state)
{
	static const struct {
		const char *text;
		bool wildcard, proves;
		size_t key;
		int64_t until;
	} cases[] = {
		{ "ca.test; accounturi=" URI(HASH), false, true, 0, 0 },
		{ "CA.TEST;ACCOUNTURI=" URI(HASH) ";", false, true, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH_STAR), false, true, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH_FORMER), false, true, 1, 0 },
		{ "ca.test; accounturi=" URI(HASH), true, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; Policy=WILDCARD", true, true, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; policy=", true, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=1800000000", false, true, 0, NOW },
		{ "ca.test; accounturi=" URI(HASH) "; persistuntil=1800000001", false, true, 0, NOW + 1 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=1799999999", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=0", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=+1900000000", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=0x7fffffff", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=9999999999999999", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "; persistUntil=1900000000; persistUntil=1900000000", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) "=", false, false, 0, 0 },
		{ "ca.test; accounturi=" URI(HASH) " x", false, false, 0, 0 },
		{ "ca.test; accounturi=https://ca.test/account/1", false, false, 0, 0 },
		{ "b.test; accounturi=" URI(HASH), false, false, 0, 0 },
		{ "; accounturi=" URI(HASH), false, false, 0, 0 },
		{ "accounturi=" URI(HASH), false, false, 0, 0 },
		{ "ca.test", false, false, 0, 0 },
		{ "", false, false, 0, 0 },
	};
	struct persist_proof proof;
	struct reason reason;
	bool proves;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		proves = persists(cases[i].text, cases[i].wildcard, PERSIST_HASH, &proof, &reason);
		if (proves != cases[i].proves || (!proves && reason.text[0] == '\0') ||
		    (proves && (proof.key != cases[i].key || proof.until != cases[i].until)))
			fail_msg("%s: %d %zu %lld %s", cases[i].text, proves, proof.key, (long long)proof.until,
			    reason.text);
	}
	assert_true(persists("ca.test; accounturi=https://ca.test/account/1", false, PERSIST_ACCOUNT_URL, &proof, &reason));
	assert_false(persists("ca.test; accounturi=https://ca.test/account/12", false, PERSIST_ACCOUNT_URL, &proof, &reason));
	assert_false(persists("ca.test; accounturi=" URI(HASH), false, PERSIST_ACCOUNT_URL, &proof, &reason));
}

/* --- CAA --------------------------------------------------------------------------------------------- */

static void
test_issue_values(void **state)
{
	static const struct {
		const char *text, *domain; /* NULL: malformed */
		size_t parameters;
	} cases[] = {
		{ "ca.test", "ca.test", 0 }, { "CA.Test", "ca.test", 0 }, { " \tca.test\t ", "ca.test", 0 },
		{ "", "", 0 }, { ";", "", 0 }, { " ; ", "", 0 }, { "; a=b", "", 1 }, { "ca.test;", "ca.test", 0 },
		{ "ca.test; a=b", "ca.test", 1 }, { "ca.test;a=b;c=", "ca.test", 2 }, { "ca.test ; a = b ; ", "ca.test", 1 },
		{ "ca.test; a-1=%x=y", "ca.test", 1 }, { "localhost", "localhost", 0 }, { "xn--a-b.test", "xn--a-b.test", 0 },
		{ "ca.test.", NULL, 0 }, { ".ca.test", NULL, 0 }, { "ca..test", NULL, 0 }, { "-ca.test", NULL, 0 },
		{ "ca-.test", NULL, 0 }, { "ca_x.test", NULL, 0 }, { "ca.test a=b", NULL, 0 }, { "ca.test; a", NULL, 0 },
		{ "ca.test; =b", NULL, 0 }, { "ca.test; a=b c=d", NULL, 0 }, { "ca.test; a=b;; c=d", NULL, 0 },
		{ "ca.test; a_b=c", NULL, 0 }, { "ca.test; a=\x7f", NULL, 0 }, { "%%%", NULL, 0 }, { "ca.test\n", NULL, 0 },
		{ "ca.test; -a=b", NULL, 0 },
	};
	struct issue_value v;
	size_t i;
	bool good;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		good = issue_value_read(slice_str(cases[i].text), &v);
		if (good != (cases[i].domain != NULL) ||
		    (good && (strcmp(v.domain, cases[i].domain) != 0 || v.count != cases[i].parameters)))
			fail_msg("\"%s\": %d \"%s\" %zu", cases[i].text, good, v.domain, v.count);
	}
	assert_false(issue_value_read(BYTES("ca.test\0"), &v));
}

static void
test_issue_parameters(void **state)
{
	struct buf text = { 0 };
	struct issue_value v;
	struct slice value;
	size_t i;

	(void)state;
	assert_true(issue_value_read(slice_str("a.test; AccountURI=x; b=y; accounturi=z"), &v));
	assert_int_equal(issue_value_parameter(&v, "accounturi", &value), 2);
	assert_int_equal(issue_value_parameter(&v, "b", &value), 1);
	assert_true(slice_eq_str(value, "y"));
	assert_int_equal(issue_value_parameter(&v, "c", &value), 0);
	buf_put_str(&text, "a.test");
	for (i = 0; i <= ISSUE_PARAMETERS_MAX; i++)
		buf_put_str(&text, "; a=b");
	assert_false(issue_value_read(buf_slice(&text), &v));
	buf_clear(&text);
	for (i = 0; i < 64; i++)
		buf_put_str(&text, i == 0 ? "abc" : ".abc");
	assert_false(issue_value_read(buf_slice(&text), &v)); /* 255 bytes */
	buf_free(&text);
}

static enum caa_verdict
judge(const char *value, const char *method)
{
	static char ours[] = "ca.test", *list[] = { ours };
	static const struct strings identities = { list, 1 };
	struct caa_question q = { false, &identities, "https://ca.test/account/1", method };
	struct dns_records records = { .count = 1 };
	struct buf rdata = { 0 };
	struct reason reason = { "" };
	enum caa_verdict verdict;

	buf_put(&rdata, "\0\x05issue", 7);
	buf_put_str(&rdata, value);
	records.rdata[0] = buf_slice(&rdata);
	verdict = caa_set_judge(&records, &q, &reason);
	assert_int_equal(verdict == CAA_SET_FORBIDS, reason.text[0] != '\0');
	buf_free(&rdata);
	return verdict;
}

static void
test_parameters(void **state)
{
	(void)state;
	assert_int_equal(judge("ca.test", "dns-01"), CAA_SET_ALLOWS);
	assert_int_equal(judge("ca.test; accounturi=https://ca.test/account/1", "dns-01"), CAA_SET_ALLOWS);
	assert_int_equal(judge("ca.test; accounturi=https://ca.test/account/12", "dns-01"), CAA_SET_FORBIDS);
	assert_int_equal(judge("ca.test; accounturi=https://ca.test/account/", "dns-01"), CAA_SET_FORBIDS);
	assert_int_equal(judge("ca.test; validationmethods=dns-01", "dns-01"), CAA_SET_ALLOWS);
	assert_int_equal(judge("ca.test; validationmethods=http-01,dns-01", "dns-01"), CAA_SET_ALLOWS);
	assert_int_equal(judge("ca.test; validationmethods=http-01", "dns-01"), CAA_SET_FORBIDS);
	assert_int_equal(judge("ca.test; validationmethods=dns-01,", "dns-01"), CAA_SET_FORBIDS);
	assert_int_equal(judge("ca.test; validationmethods=", "dns-01"), CAA_SET_FORBIDS);
	assert_int_equal(judge("a.ca.test", "dns-01"), CAA_SET_FORBIDS);
}

/* What one property refuses another allows: then there is no reason left over. */
static void
test_ours_after_anothers(void **state)
{
	static char ours[] = "ca.test", *list[] = { ours };
	static const struct strings identities = { list, 1 };
	static const char other[] = "\0\x05issueother.test", own[] = "\0\x05issueca.test";
	struct caa_question q = { false, &identities, "https://ca.test/account/1", "dns-01" };
	struct dns_records records = { .count = 2, .rdata = { slice_of(other, sizeof(other) - 1),
		slice_of(own, sizeof(own) - 1) } };
	struct reason reason = { "" };

	(void)state;
	assert_int_equal(caa_set_judge(&records, &q, &reason), CAA_SET_ALLOWS);
	assert_string_equal(reason.text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_too_many_records),
		cmocka_unit_test(test_names_in_rdata),
		cmocka_unit_test(test_question_and_reply),
		cmocka_unit_test(test_label),
		cmocka_unit_test(test_txt),
		cmocka_unit_test(test_persist),
		cmocka_unit_test(test_issue_values),
		cmocka_unit_test(test_issue_parameters),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_ours_after_anothers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
