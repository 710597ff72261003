#include "ca/votes.h"

#include <stdio.h>
#include <string.h>

#include "config/quorum.h"

/* A clock that runs fast on a perspective's side is forgiven this much. */
#define FUTURE_MAX 300
/* CA/Browser Forum, 3.2.2.8: must not be older than 8 h; ra has them checked again after 7. */
#define CAA_AGE_MAX (8 * 3600)
/* Perspectives are asked at once, and have va.timeout of at most five minutes; two clocks differ by FUTURE_MAX. */
#define ROUND_MAX (300 + FUTURE_MAX)

enum err
votes_open(struct ca *ca, struct reason *reason)
{
	const struct va_config *va = &ca->config->va;

	for (size_t i = 0; i < va->perspective_count; i++) {
		const char *key = va->perspectives[i].evidence_key;

		if (key == NULL || key[0] == '\0')
			continue;
		if ((ca->perspectives[i] = evidence_public_key(key)) == NULL) {
			reason_set(reason, "va.perspectives[%zu].evidence_key is no Ed25519 public key", i);
			return ERR_CONFIG;
		}
	}
	return ERR_OK;
}

void
votes_close(struct ca *ca)
{
	for (size_t i = 0; i < PERSPECTIVES_MAX; i++)
		EVP_PKEY_free(ca->perspectives[i]);
}

#define NOBODY SIZE_MAX
#define PRIMARY PERSPECTIVES_MAX

/* The index of the perspective that the statement says it is of. */
static size_t
whose(const struct ca *ca, struct slice statement)
{
	const struct va_config *va = &ca->config->va;
	char name[PERSPECTIVE_MAX + 1];

	if (!evidence_by(statement, name))
		return NOBODY;
	if (strcmp(name, PERSPECTIVE_PRIMARY) == 0)
		return PRIMARY;
	for (size_t i = 0; i < va->perspective_count; i++)
		if (strcmp(name, va->perspectives[i].name) == 0)
			return i;
	return NOBODY;
}

static struct evidence_key
key_of(const struct ca *ca, size_t who)
{
	if (who == PRIMARY || ca->perspectives[who] == NULL)
		return (struct evidence_key){ .mac = ca->evidence_key };
	return (struct evidence_key){ .ed25519 = ca->perspectives[who] };
}

bool
votes_primary(const struct ca *ca, const struct bundle *bundle, struct evidence *out)
{
	struct evidence_key key = key_of(ca, PRIMARY);

	for (size_t i = 0; i < bundle->count; i++)
		if (whose(ca, bundle->statements[i]) == PRIMARY &&
		    evidence_get(bundle->statements[i], &key, out) == ERR_OK && out->validated != 0)
			return true;
	return false;
}

struct tally {
	const struct ca *ca;
	const struct evidence *primary;
	int64_t now;
	uint32_t validated, caa; /* sets of perspectives */
	bool primary_caa;
	const char *why[PERSPECTIVES_MAX + 1]; /* the last thing that was wrong with one's statements */
};

/* Whether CAA was looked at, and recently. A captured ra could hold the answer of a better day back. */
static const char *
caa_fault(const struct tally *t, const struct evidence *statement)
{
	if (t->ca->config->va.caa == CAA_OFF)
		return NULL;
	if (statement->caa != CAA_ABSENT && statement->caa != CAA_ALLOWED)
		return "its CAA records were not checked";
	if (statement->caa_checked < t->now - CAA_AGE_MAX)
		return "its CAA records were checked too long ago";
	if (statement->caa_checked > t->now + FUTURE_MAX)
		return "its CAA records were checked in the future";
	return NULL;
}

/* Why it does not count as a validation beside the primary's. */
static const char *
round_fault(const struct tally *t, const struct evidence *statement)
{
	if (statement->validated == 0)
		return "it was not validated";
	if (statement->validated < t->primary->validated - ROUND_MAX ||
	    statement->validated > t->primary->validated + ROUND_MAX)
		return "it was validated at another time";
	if (statement->until != 0 && statement->until < t->now)
		return "the record that proved it has ended (persistUntil)";
	return NULL;
}

static void
tally_statement(struct tally *t, struct slice bytes)
{
	size_t who = whose(t->ca, bytes);
	struct evidence statement;
	struct evidence_key key;
	const char *caa, *round;

	if (who == NOBODY)
		return;
	key = key_of(t->ca, who);
	if (evidence_get(bytes, &key, &statement) != ERR_OK) {
		t->why[who] = "its statement is not authentic";
		return;
	}
	if (!evidence_same_claim(&statement, t->primary)) {
		t->why[who] = "its statement is about another challenge";
		return;
	}
	caa = caa_fault(t, &statement);
	if (who == PRIMARY) {
		t->primary_caa = t->primary_caa || caa == NULL;
		t->why[who] = caa;
		return;
	}
	round = round_fault(t, &statement);
	t->validated |= round == NULL ? 1u << who : 0;
	t->caa |= caa == NULL ? 1u << who : 0;
	t->why[who] = (t->validated & 1u << who) == 0 ? round : caa;
}

static bool
tally_enough(const struct tally *t)
{
	const struct va_config *va = &t->ca->config->va;

	return t->primary_caa && quorum_reached(va, t->validated) && quorum_reached(va, t->caa);
}

static void
explain(const struct tally *t, struct reason *reason)
{
	const struct va_config *va = &t->ca->config->va;
	const char *between = "";

	if (!t->primary_caa) {
		reason_set(reason, "%s", t->why[PRIMARY] != NULL ? t->why[PRIMARY] : "its CAA records were not checked");
		return;
	}
	reason_set(reason, "too few perspectives confirm it: ");
	for (size_t i = 0; i < va->perspective_count; i++) {
		size_t used = strlen(reason->text);

		if ((t->validated & t->caa & 1u << i) != 0)
			continue;
		snprintf(reason->text + used, sizeof(reason->text) - used, "%s%s: %s", between,
		    va->perspectives[i].name, t->why[i] != NULL ? t->why[i] : "it says nothing");
		between = "; ";
	}
}

bool
votes_count(const struct ca *ca, const struct bundle *bundle, const struct evidence *primary, int64_t now,
    struct reason *reason)
{
	struct tally t = { .ca = ca, .primary = primary, .now = now };

	t.why[PRIMARY] = caa_fault(&t, primary);
	t.primary_caa = t.why[PRIMARY] == NULL;
	/* A signature costs a quarter of a certificate: those beyond the quorum are not looked at. */
	for (size_t i = 0; i < bundle->count && !tally_enough(&t); i++)
		tally_statement(&t, bundle->statements[i]);
	if (tally_enough(&t))
		return true;
	explain(&t, reason);
	return false;
}
