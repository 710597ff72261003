#include "va/persist_set.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base64url.h"
#include "lib/clock.h"
#include "va/issue_value.h"

#define SECONDS_DIGITS 15	/* the year 31 million; fits an int64_t */

/* How near a record that proves nothing comes: the nearest explains. */
enum nearness { OF_NOBODY, OF_ANOTHER_CA, BROKEN, OF_ANOTHER_ACCOUNT, ENDED, FOR_NO_WILDCARD, PROVES };

struct verdict {
	enum nearness nearness;
	struct persist_proof proof;
	struct reason reason;
};

bool
persist_uri(const struct persist_question *q, const char *domain, size_t key, char out[PERSIST_URI_MAX])
{
	const struct msg_check *asked = q->asked;
	const char *thumbprint = key == 0 ? asked->thumbprint : asked->former[key - 1];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char text[BASE64URL_LEN(SHA256_DIGEST_LENGTH) + 1];
	struct buf input = { 0 };
	int len;

	if (q->config->persist_form == PERSIST_ACCOUNT_URL)
		return snprintf(out, PERSIST_URI_MAX, "%s", asked->account_url) < PERSIST_URI_MAX;
	buf_put_byte(&input, (uint8_t)strlen(domain));
	buf_put_str(&input, domain);
	buf_put_str(&input, thumbprint);
	buf_put_str(&input, asked->account_url);
	if (input.failed) {
		buf_free(&input);
		return false;
	}
	SHA256(input.data, input.len, digest);
	buf_free(&input);
	base64url_text(digest, sizeof(digest), text);
	len = snprintf(out, PERSIST_URI_MAX, "%ssha-256/%s", q->config->account_hash_prefix, text);
	return len > 0 && len < PERSIST_URI_MAX;
}

/* RFC 3986, 6.2.1: as strings. */
static bool
is_of_account(const struct persist_question *q, struct slice uri, size_t *key)
{
	const char *const domains[] = { q->asked->identifier.value, "*" };
	bool hashed = q->config->persist_form == PERSIST_HASH;
	char want[PERSIST_URI_MAX];

	for (*key = 0; *key <= (hashed ? q->asked->former_count : 0); ++*key)
		for (size_t i = 0; i < (hashed ? 2 : 1); i++)
			if (persist_uri(q, domains[i], *key, want) && slice_eq_str(uri, want))
				return true;
	return false;
}

static bool
is_ours(const struct persist_question *q, const char *domain)
{
	const struct strings *ours = &q->config->issuer_domain_names;

	for (size_t i = 0; i < ours->count; i++)
		if (strcmp(ours->items[i], domain) == 0)
			return true;
	return false;
}

/* Seconds since 1970 in digits. -1: it isn't that. */
static int64_t
until_read(struct slice text)
{
	int64_t seconds = 0;

	if (text.len == 0 || text.len > SECONDS_DIGITS)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return -1;
		seconds = seconds * 10 + (text.data[i] - '0');
	}
	return seconds;
}

/* The three that we know, each at most once. NULL, or what is wrong. */
static const char *
parameters_read(const struct issue_value *v, struct slice *account, struct slice *policy, int64_t *until)
{
	struct slice text;
	size_t accounts = issue_value_parameter(v, "accounturi", account);
	size_t policies = issue_value_parameter(v, "policy", policy);
	size_t untils = issue_value_parameter(v, "persistUntil", &text);

	*until = 0;
	if (accounts == 0)
		return "it has no accounturi";
	if (accounts > 1 || policies > 1 || untils > 1)
		return "it has a parameter twice";
	if (policies == 0)
		*policy = slice_of(NULL, 0);
	if (untils == 1 && (*until = until_read(text)) <= 0)
		return "its persistUntil is no number of seconds since 1970, in digits";
	return NULL;
}

static bool
is_wildcard(struct slice policy)
{
	return policy.len == strlen("wildcard") &&
	       strncasecmp((const char *)policy.data, "wildcard", policy.len) == 0;
}

static void
record_judge_ours(const struct issue_value *v, const struct persist_question *q, struct verdict *out)
{
	struct slice account, policy;
	char when[CLOCK_RFC3339_SIZE];
	const char *fault = parameters_read(v, &account, &policy, &out->proof.until);

	if (fault != NULL) {
		out->nearness = BROKEN;
		reason_set(&out->reason, "the record of %s is malformed: %s", v->domain, fault);
	} else if (!is_of_account(q, account, &out->proof.key)) {
		out->nearness = OF_ANOTHER_ACCOUNT;
		reason_set(&out->reason, "the record of %s has the accounturi of another account%s", v->domain,
		    q->config->persist_form == PERSIST_HASH ? ", key or domain" : "");
	} else if (out->proof.until != 0 && out->proof.until < q->now) {
		clock_rfc3339(out->proof.until, when);
		out->nearness = ENDED;
		reason_set(&out->reason, "the record of %s ended at %s (persistUntil)", v->domain, when);
	} else if (q->asked->wildcard && !is_wildcard(policy)) {
		out->nearness = FOR_NO_WILDCARD;
		reason_set(&out->reason, "the record of %s is for the name alone: the wildcard needs policy=wildcard",
		    v->domain);
	} else {
		out->nearness = PROVES;
	}
}

static void
record_judge(struct slice text, const struct persist_question *q, struct verdict *out)
{
	struct issue_value v;
	bool good = issue_value_read(text, &v);

	*out = (struct verdict){ .nearness = OF_NOBODY };
	if (!is_ours(q, v.domain)) {
		out->nearness = good && v.domain[0] != '\0' ? OF_ANOTHER_CA : OF_NOBODY;
	} else if (!good) {
		out->nearness = BROKEN;
		reason_set(&out->reason, "the record of %s is malformed: it is no issue-value (RFC 8659, 4.2)",
		    v.domain);
	} else {
		record_judge_ours(&v, q, out);
	}
}

/* Of two that prove, the one that holds longer; 0 is for ever. */
static bool
is_better(const struct verdict *a, const struct verdict *b)
{
	if (a->nearness != b->nearness || a->nearness != PROVES)
		return a->nearness > b->nearness;
	return b->proof.until != 0 && (a->proof.until == 0 || a->proof.until > b->proof.until);
}

bool
persist_set_judge(const struct dns_records *records, const struct persist_question *q, struct persist_proof *proof,
    enum problem_type *problem, struct reason *reason)
{
	struct verdict best = { .nearness = OF_NOBODY }, one;
	struct buf text = { 0 };

	for (size_t i = 0; i < records->count; i++) {
		buf_clear(&text);
		if (!dns_txt_join(records->rdata[i], &text) || text.failed)
			continue;
		record_judge(buf_slice(&text), q, &one);
		if (is_better(&one, &best))
			best = one;
	}
	buf_free(&text);
	*proof = best.proof;
	*problem = best.nearness == BROKEN ? PROBLEM_MALFORMED : PROBLEM_UNAUTHORIZED;
	*reason = best.reason;
	if (best.nearness <= OF_ANOTHER_CA)
		reason_set(reason, "%zu%s TXT record%s, %s", records->count, records->more ? " (or more)" : "",
		    records->count == 1 ? "" : "s",
		    best.nearness == OF_ANOTHER_CA ? "of other CAs" : "and none is a CA's");
	return best.nearness == PROVES;
}
