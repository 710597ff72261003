/* dns-persist-01 (draft-ietf-acme-dns-persist-02): a TXT record at _validation-persist.NAME that gives the name to an
 * account of this CA for as long as it stands.
 *
 * The statement that comes of it names the key that the record names, which may be one that the account has no longer:
 * ca then asks for the key changes from that one to the one that signed. In the draft's -01 form the record names the
 * account's URL and no key, so that ca has ra's word for whose key belongs to the URL. */
#include <stdio.h>
#include <string.h>

#include "lib/clock.h"
#include "va/method.h"
#include "va/persist_set.h"
#include "va/txt.h"

static struct persist_question
question(const struct check *c)
{
	return (struct persist_question){ c->means->persist, &c->asked, clock_now() };
}

/* A record that would do. */
static void
dns_persist_01_advise(const struct check *c, char advice[TXT_ADVICE_MAX])
{
	const struct persist_question q = question(c);
	char uri[PERSIST_URI_MAX];

	if (!persist_uri(&q, c->asked.identifier.value, 0, uri))
		uri[0] = '\0';
	snprintf(advice, TXT_ADVICE_MAX, "a record that proves it: \"%.60s; accounturi=%.300s%s\"",
	    q.config->issuer_domain_names.items[0], uri, c->asked.wildcard ? "; policy=wildcard" : "");
}

/* The key that the record names takes the present one's place, which stays for the next try. */
static void
name_key(struct msg_check *asked, size_t key)
{
	char present[THUMBPRINT_SIZE];

	if (key == 0)
		return;
	memcpy(present, asked->thumbprint, sizeof(present));
	memcpy(asked->thumbprint, asked->former[key - 1], sizeof(present));
	memcpy(asked->former[key - 1], present, sizeof(present));
}

static void
dns_persist_01_judge(struct check *c, const struct dns_records *records, const char *name, const char *servers)
{
	const struct persist_question q = question(c);
	char advice[TXT_ADVICE_MAX];
	struct persist_proof proof;
	enum problem_type problem;
	struct reason reason;

	if (persist_set_judge(records, &q, &proof, &problem, &reason)) {
		name_key(&c->asked, proof.key);
		c->until = proof.until;
		check_pass(c);
		return;
	}
	dns_persist_01_advise(c, advice);
	check_fail(c, problem, "resolver %.200s answered for the TXT records at %s: %s; %s", servers, name, reason.text,
	    advice);
}

static const struct txt_kind kind = { dns_persist_01_judge, dns_persist_01_advise };

static void
dns_persist_01_start(struct check *c)
{
	if (c->means->persist->issuer_domain_names.count > 0)
		txt_start(c, &kind, "_validation-persist.");
	else
		check_fail(c, PROBLEM_SERVER_INTERNAL, "this CA has no name for persistent records any more "
		    "(ra.dns_persist.issuer_domain_names): use another challenge");
}

const struct method dns_persist_01_method = { CHALLENGE_DNS_PERSIST_01, dns_persist_01_start, txt_late, txt_end };
