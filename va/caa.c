#include "va/caa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_CAA 257	/* RFC 8659, 4; <arpa/nameser.h> is older */

/* One domain on the way up. */
struct level {
	struct caa *caa;
	struct ask *ask;	/* while under way */
	const char *domain;	/* in caa->name */
	enum caa_verdict verdict;
	bool failed;
	bool bogus;		/* somebody lies: that counts as no absence */
	struct reason reason;	/* when it forbids, or failed */
	char server[64];	/* that answered */
};

struct caa {
	struct resolver *resolver;
	enum caa_mode mode;
	char name[IDENTIFIER_VALUE_SIZE];
	struct caa_question question;
	void (*over)(void *arg);
	void *arg;
	bool starting;
	bool done;
	struct caa_result result;
	size_t count;
	struct level levels[];	/* the name first */
};

static void
forbidden(struct caa *c, const struct level *l)
{
	const struct strings *ours = c->question.identities;
	char advice[300] = "";

	if (ours->count > 0)
		snprintf(advice, sizeof(advice), "; a record that lets this CA issue: 0 %s \"%.200s\"",
		    c->question.wildcard ? "issuewild" : "issue", ours->items[0]);
	else
		snprintf(advice, sizeof(advice),
		    "; this CA has no name for CAA records: its administrator can set ra.caa_identities");
	c->result.problem = PROBLEM_CAA;
	snprintf(c->result.detail, sizeof(c->result.detail),
	    "the CAA records at %.253s, as resolver %.63s has them, don't let this CA issue for %s%s: %s%s", l->domain, l->server,
	    c->question.wildcard ? "*." : "", c->name, l->reason.text, advice);
}

static void
unanswered(struct caa *c, const struct level *l)
{
	c->result.problem = PROBLEM_DNS;
	snprintf(c->result.detail, sizeof(c->result.detail),
	    "the CAA records at %.253s, which decide whether this CA may issue for %s, could not be looked up: %s",
	    l->domain, c->name, l->reason.text);
}

/* From the name upwards as far as the answers reach. */
static void
conclude(struct caa *c)
{
	for (size_t i = 0; i < c->count && !c->done; i++) {
		const struct level *l = &c->levels[i];

		if (l->ask != NULL)
			return;
		if (l->failed && (c->mode == CAA_ENFORCE || l->bogus))
			unanswered(c, l);
		else if (l->failed || l->verdict == CAA_SET_EMPTY)
			continue;
		else if (l->verdict == CAA_SET_FORBIDS)
			forbidden(c, l);
		else
			c->result.outcome = CAA_ALLOWED;
		c->done = true;
	}
	if (!c->done)
		c->result.outcome = CAA_ABSENT;
	c->done = true;
}

static void
level_judge(struct level *l, struct slice reply)
{
	struct dns_records records;

	if (dns_records_read(reply, TYPE_CAA, &records)) {
		l->verdict = caa_set_judge(&records, &l->caa->question, &l->reason);
		return;
	}
	l->failed = true;
	reason_set(&l->reason, "resolver %s gave a malformed answer", l->server);
}

static void
level_answered(void *arg, const struct ask_answer *answer)
{
	struct level *l = arg;
	struct caa *c = l->caa;

	l->ask = NULL;
	snprintf(l->server, sizeof(l->server), "%s", answer->servers);
	if (answer->status == ASK_ANSWERED) {
		level_judge(l, answer->reply);
	} else if (answer->status == ASK_FAILED) {
		l->failed = true;
		l->bogus = answer->bogus;
		reason_set(&l->reason, "resolver %.100s %s: %s", answer->servers, answer->verdict,
		    answer->advice);
	} else {
		l->verdict = CAA_SET_EMPTY;
	}
	if (c->starting || c->done)
		return;
	conclude(c);
	if (c->done)
		c->over(c->arg);	/* it may free c */
}

static void
ask_all(struct caa *c)
{
	struct ask *ask;

	c->starting = true;
	for (size_t i = 0; i < c->count; i++) {
		ask = resolver_ask(c->resolver, c->levels[i].domain, TYPE_CAA, level_answered, &c->levels[i]);
		c->levels[i].ask = ask;
	}
	c->starting = false;
	conclude(c);
}

struct caa *
caa_start(struct resolver *resolver, enum caa_mode mode, const char *name, const struct caa_question *question,
    void (*over)(void *arg), void *arg)
{
	size_t labels = 1;
	const char *at;
	struct caa *c;

	for (at = name; (at = strchr(at, '.')) != NULL; at++)
		labels++;
	if ((c = calloc(1, sizeof(*c) + labels * sizeof(c->levels[0]))) == NULL)
		return NULL;
	c->resolver = resolver;
	c->mode = mode;
	c->question = *question;
	c->over = over;
	c->arg = arg;
	snprintf(c->name, sizeof(c->name), "%s", name);
	/* RFC 6761, 6.3: nobody is asked about localhost. */
	if (!resolver_is_localhost(name))
		for (at = c->name; at != NULL; at = strchr(at, '.')) {
			at += *at == '.';
			c->levels[c->count++] = (struct level){ .caa = c, .domain = at };
		}
	ask_all(c);
	return c;
}

const struct caa_result *
caa_result(const struct caa *c)
{
	return c->done ? &c->result : NULL;
}

void
caa_give_up(struct caa *c)
{
	for (size_t i = 0; i < c->count; i++) {
		struct level *l = &c->levels[i];

		if (l->ask == NULL)
			continue;
		ask_cancel(l->ask);
		l->ask = NULL;
		l->failed = true;
		reason_set(&l->reason,
		    "resolver %.100s has not answered, and the time for one validation is over: check "
		    "va.resolvers", resolver_servers(c->resolver, l->domain));
	}
	if (!c->done)
		conclude(c);
}

void
caa_free(struct caa *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++)
		ask_cancel(c->levels[i].ask);
	free(c);
}
