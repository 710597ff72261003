#include "va/ballot_words.h"

#include <stdio.h>
#include <string.h>

#include "config/quorum.h"
#include "lib/json.h"
#include "lib/log.h"

bool
ballot_is_caa_alone(const struct ballot *b)
{
	return !id_is_zero(b->asked.order);
}

uint32_t
ballot_set(const struct ballot *b, int outcome)
{
	uint32_t set = 0;

	for (size_t i = 1; i < b->owner->count; i++)
		set |= (int)b->said[i].outcome == outcome ? 1u << (i - 1) : 0;
	return set;
}

static void
append(char *out, size_t size, const char *text)
{
	size_t used = strlen(out);

	snprintf(out + used, size - used, "%s", text);
}

/* Names those of an outcome: "fra and nyc". */
static void
append_names(const struct ballot *b, int outcome, char *out, size_t size)
{
	uint32_t set = ballot_set(b, outcome);
	const char *between = "";

	for (size_t i = 1; i < b->owner->count; i++)
		if ((set & 1u << (i - 1)) != 0) {
			set &= ~(1u << (i - 1));
			append(out, size, between);
			append(out, size, b->owner->voters[i].name);
			between = __builtin_popcount(set) == 1 ? " and " : ", ";
		}
}

static const char *
detail_of(const struct stance *said)
{
	return said->detail != NULL ? said->detail : "the CA is out of memory: try again later";
}

/* The primary failed: in its words, and who saw it otherwise. */
void
ballot_tell_primary(const struct ballot *b, struct msg_result *result)
{
	result->problem = b->said[0].problem;
	append(result->detail, sizeof(result->detail), detail_of(&b->said[0]));
	if (ballot_set(b, AGREED) == 0)
		return;
	append(result->detail, sizeof(result->detail), " (seen from ");
	append_names(b, AGREED, result->detail, sizeof(result->detail));
	append(result->detail, sizeof(result->detail),
	    " it is as it should be: does this CA itself have another way there?)");
}

/* "not enough of them get there", and how many that would be. */
static void
tell_rule(const struct ballot *b, const char *what, struct msg_result *result)
{
	const struct va_config *config = b->owner->config;
	char sentence[240], regions[80] = "";

	if (config->quorum_regions > 1)
		snprintf(regions, sizeof(regions), ", and those that agree must lie in %lld regions",
		    (long long)config->quorum_regions);
	if (config->perspective_count == 1)
		snprintf(sentence, sizeof(sentence), "the CA's other perspective does not %s", what);
	else
		snprintf(sentence, sizeof(sentence), "not enough of the CA's %zu other perspectives %s (%zu may fail%s)",
		    config->perspective_count, what, quorum_failures(config), regions);
	append(result->detail, sizeof(result->detail), sentence);
}

/* A trial that the CA itself got through: the rows say what each saw, and this which rule wants more. */
void
ballot_tell_trial(const struct ballot *b, struct msg_result *result)
{
	result->problem = PROBLEM_CONNECTION;
	if (b->said[0].outcome == AGREED)
		tell_rule(b, "get there", result);
}

/* Too few others see it: in the words of those that failed. */
void
ballot_tell_quorum(const struct ballot *b, struct msg_result *result)
{
	const char *between = "";

	tell_rule(b, "see it as it should be", result);
	append(result->detail, sizeof(result->detail), b->said[0].outcome == AGREED ? ", though the CA itself does: " : ": ");
	for (size_t i = 1; i < b->owner->count; i++) {
		if (b->said[i].outcome != FAILED)
			continue;
		if (result->problem == PROBLEM_NONE)
			result->problem = b->said[i].problem;
		append(result->detail, sizeof(result->detail), between);
		append(result->detail, sizeof(result->detail), "from ");
		append(result->detail, sizeof(result->detail), b->owner->voters[i].name);
		append(result->detail, sizeof(result->detail), ": ");
		append(result->detail, sizeof(result->detail), detail_of(&b->said[i]));
		between = "; ";
	}
}

static json_t *
vote_json(const struct ballot *b, size_t i, bool record)
{
	static const char *const outcomes[] = { [UNSAID] = "open", [AGREED] = "agreed", [FAILED] = "failed" };
	const struct stance *said = &b->said[i];
	json_t *json = json_pack("{s:s, s:s, s:s}", "perspective", b->owner->voters[i].name, "region",
	    b->owner->voters[i].region, "outcome", outcomes[said->outcome]);

	if (said->outcome == UNSAID)
		return json;
	json_object_set_new(json, "ms", json_integer((json_int_t)said->ms));
	if (said->problem != PROBLEM_NONE)
		json_object_set_new(json, "problem", json_string(problem_name(said->problem)));
	if (said->detail != NULL)
		json_object_set_new(json, "detail", json_string(said->detail));
	if (record && said->record != NULL)
		json_object_set_new(json, "record", json_loads(said->record, 0, NULL));
	return json;
}

/* What each said, for people: with the records, if there is room; nothing at all when one perspective is all there
 * is. */
void
ballot_put_votes(const struct ballot *b, struct buf *out)
{
	for (int record = 1; record >= 0 && (b->owner->count > 1 || b->asked.trial); record--) {
		json_t *all = json_array();

		for (size_t i = 0; i < b->owner->count; i++)
			json_array_append_new(all, vote_json(b, i, record == 1));
		buf_clear(out);
		json_put(out, all);
		json_decref(all);
		if (!out->failed && out->len <= VOTES_MAX)
			return;
	}
	buf_free(out);
}

void
ballot_log(const struct ballot *b, const struct msg_result *result)
{
	char agreed[256] = "", failed[256] = "", unsaid[256] = "";

	if (b->owner->count == 1 || b->asked.trial)
		return; /* the check has said all there is */
	append_names(b, AGREED, agreed, sizeof(agreed));
	append_names(b, FAILED, failed, sizeof(failed));
	append_names(b, UNSAID, unsaid, sizeof(unsaid));
	log_event(result->ok && failed[0] == '\0' ? LOG_INFO : LOG_WARNING,
	    ballot_is_caa_alone(b) ? "caa decided" : "validation decided",
	    F_STR("identifier", b->asked.identifier.value),
	    F_STR("outcome", result->ok ? "valid" : result->next_try != 0 ? "failed, tried again" : "invalid"),
	    F_STR("primary", b->said[0].outcome == AGREED ? "agreed" : b->said[0].outcome == FAILED ? "failed" : "open"),
	    F_STR("agreed", agreed), F_STR("failed", failed), F_STR("open", unsaid));
}
