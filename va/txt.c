/* A TXT look-up: asking --answer--> passed or failed. */
#include "va/txt.h"

#include <arpa/nameser.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "va/record.h"

#define NAME_MAX_TEXT 253 /* RFC 1035, 3.1, in text form */

struct txt {
	const struct txt_kind *kind;
	struct ask *ask;
	char name[NAME_MAX_TEXT + 1];
};

void
txt_digest(const char *token, const char *thumbprint, char out[TXT_DIGEST_SIZE])
{
	char key_authorization[TOKEN_SIZE + THUMBPRINT_SIZE];
	uint8_t digest[SHA256_DIGEST_LENGTH];

	snprintf(key_authorization, sizeof(key_authorization), "%s.%s", token, thumbprint);
	SHA256((const uint8_t *)key_authorization, strlen(key_authorization), digest);
	base64url_text(digest, sizeof(digest), out);
}

static bool
is_digest_like(struct slice text)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	return base64url_bytes(text, digest, sizeof(digest)) == ERR_OK;
}

/* How a text that isn't the digest came about, as far as it shows; NULL: no idea. */
static const char *
txt_hint(struct slice text, const char *want, const char *token)
{
	size_t len = strlen(want);

	if (text.len == len + 2 && text.data[0] == '"' && memcmp(text.data + 1, want, len) == 0)
		return "it stands between quotation marks that are part of the record: leave them out";
	if (text.len > len && memmem(text.data, text.len, want, len) != NULL)
		return "the digest has something before or after it: publish it alone";
	if (text.len == len + 1 && text.data[len] == '=')
		return "it is padded with \"=\", which base64url in ACME never is (RFC 8555, 6.1)";
	if (text.len >= strlen(token) && memcmp(text.data, token, strlen(token)) == 0)
		return "it is the token or the key authorization itself: publish the base64url of its "
		       "SHA-256";
	if (is_digest_like(text))
		return "it is another digest: from an earlier challenge that a resolver still remembers, or "
		       "made with another token or account key";
	return NULL;
}

bool
txt_match(const struct dns_records *records, const char *token, const char *thumbprint, struct reason *reason)
{
	char want[TXT_DIGEST_SIZE];
	struct buf text = { 0 };
	const char *hint = NULL, *one;
	bool found = false;

	txt_digest(token, thumbprint, want);
	for (size_t i = 0; i < records->count && !found; i++) {
		buf_clear(&text);
		if (!dns_txt_join(records->rdata[i], &text) || text.failed)
			continue;
		found = slice_eq_str(buf_slice(&text), want);
		if ((one = txt_hint(buf_slice(&text), want, token)) != NULL)
			hint = one;
	}
	buf_free(&text);
	reason_set(reason, "%zu%s TXT record%s, and %s%s%s", records->count, records->more ? " (or more)" : "",
	    records->count == 1 ? "" : "s", records->count == 1 ? "it is not the digest" : "none is the digest",
	    hint != NULL ? ": " : "", hint != NULL ? hint : "");
	return found;
}

/* Digests alone: what else stands there is nobody's business but the client's. */
static void
digests_record(struct check *c, const struct dns_records *records)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < records->count; i++) {
		buf_clear(&text);
		if (dns_txt_join(records->rdata[i], &text) && !text.failed && is_digest_like(buf_slice(&text)))
			record_add_txt(c->record, buf_slice(&text));
	}
	buf_free(&text);
}

static void
digest_judge(struct check *c, const struct dns_records *records, const char *name, const char *servers)
{
	char want[TXT_DIGEST_SIZE];
	struct reason reason;

	digests_record(c, records);
	if (txt_match(records, c->asked.token, c->asked.thumbprint, &reason)) {
		check_pass(c);
		return;
	}
	if (c->asked.trial) {
		check_fail(c, PROBLEM_INCORRECT_RESPONSE, "resolver %.200s has at %s %zu%s TXT record%s, beside which a "
		    "client publishes its own", servers, name, records->count, records->more ? " (or more)" : "",
		    records->count == 1 ? "" : "s");
		return;
	}
	txt_digest(c->asked.token, c->asked.thumbprint, want);
	check_fail(c, PROBLEM_INCORRECT_RESPONSE,
	    "resolver %.200s has at %s %s; the digest for this challenge and account is %s (RFC 8555, 8.4)", servers,
	    name, reason.text, want);
}

static void
digest_advise(const struct check *c, char advice[TXT_ADVICE_MAX])
{
	char want[TXT_DIGEST_SIZE];

	if (c->asked.trial) { /* its token is nobody's */
		snprintf(advice, TXT_ADVICE_MAX, "that is where a client publishes one (RFC 8555, 8.4)");
		return;
	}
	txt_digest(c->asked.token, c->asked.thumbprint, want);
	snprintf(advice, TXT_ADVICE_MAX, "publish one with the value %s there, and wait until it is visible before you "
	    "answer the challenge (RFC 8555, 8.4)", want);
}

const struct txt_kind txt_digest_kind = { digest_judge, digest_advise };

static void
txt_none(struct check *c, enum problem_type type, const char *servers, const char *what)
{
	const struct txt *t = c->work;
	char advice[TXT_ADVICE_MAX];

	t->kind->advise(c, advice);
	check_fail(c, type, "no TXT record found at %s: resolver %.200s answered %s; %s", t->name, servers, what,
	    advice);
}

static void
txt_compare(struct check *c, const struct ask_answer *answer)
{
	const struct txt *t = c->work;
	struct dns_records records;

	if (!dns_records_read(answer->reply, ns_t_txt, &records))
		check_fail(c, PROBLEM_DNS, "resolver %.200s gave a malformed answer for the TXT records at %s",
		    answer->servers, t->name);
	else if (records.count == 0)
		txt_none(c, PROBLEM_UNAUTHORIZED, answer->servers, "with an alias at most, and no such record");
	else
		t->kind->judge(c, &records, t->name, answer->servers);
}

static void
txt_answered(void *arg, const struct ask_answer *answer)
{
	struct check *c = arg;
	struct txt *t = c->work;

	t->ask = NULL;
	record_add_dns(c->record, t->name, answer->servers);
	if (answer->status != ASK_FAILED) /* a name that is not there yet is there when the client made it */
		check_reached(c);
	switch (answer->status) {
	case ASK_ANSWERED:
		txt_compare(c, answer);
		return;
	case ASK_NO_DATA:
		txt_none(c, PROBLEM_UNAUTHORIZED, answer->servers, "that the name exists without any");
		return;
	case ASK_NO_NAME:
		txt_none(c, PROBLEM_DNS, answer->servers, "NXDOMAIN: the name does not exist");
		return;
	case ASK_FAILED:
		break;
	}
	check_fail(c, PROBLEM_DNS, "the TXT records at %s could not be looked up: resolver %.200s %s: %s", t->name,
	    answer->servers, answer->verdict, answer->advice);
}

void
txt_start(struct check *c, const struct txt_kind *kind, const char *prefix)
{
	const char *name = c->asked.identifier.value;
	struct txt *t = calloc(1, sizeof(*t));
	struct ask *ask;

	c->work = t;
	if (t == NULL) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
		return;
	}
	t->kind = kind;
	if ((size_t)snprintf(t->name, sizeof(t->name), "%s%s", prefix, name) >= sizeof(t->name)) {
		check_fail(c, PROBLEM_DNS,
		    "%s is too long for this challenge: with \"%s\" before it it is no DNS name any more; use "
		    "another challenge",
		    name, prefix);
		return;
	}
	ask = resolver_ask(c->means->resolver, t->name, ns_t_txt, txt_answered, c);
	if (ask != NULL) /* else the check may be gone */
		t->ask = ask;
}

void
txt_late(struct check *c)
{
	const struct txt *t = c->work;

	record_add_dns(c->record, t->name, resolver_servers(c->means->resolver, t->name));
	check_fail(c, PROBLEM_DNS,
	    "resolver %.200s has not answered for the TXT records at %s, and the %lld s for one validation are "
	    "over: check va.resolvers, and that the resolver is reachable from the CA",
	    resolver_servers(c->means->resolver, t->name), t->name, (long long)c->means->config->timeout);
}

void
txt_end(struct check *c)
{
	struct txt *t = c->work;

	if (t == NULL)
		return;
	ask_cancel(t->ask);
	free(t);
	c->work = NULL;
}
