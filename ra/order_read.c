#include "ra/order_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/certid.h"
#include "lib/chance.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "lib/utf8.h"
#include "ra/policy.h"

/* How far back a certificate may begin: an hour, which is what clocks on a LAN are off by at the most. */
#define BACKDATE_MAX 3600

/* The request under way. */
struct reading {
	const json_t		*payload;
	const struct policy	*policy;
	int64_t			 now;
	struct order		*order;
	struct problem		*problem;
};

static bool
no_memory(struct reading *r)
{
	return problem_set(r->problem, PROBLEM_SERVER_INTERNAL, "the server is out of memory; try again");
}

/* --- identifiers --------------------------------------------------------------------------------- */

static bool
is_repeated(const struct order *order, const struct identifier *one)
{
	for (size_t i = 0; i < order->identifier_count; i++)
		if (identifier_eq(&order->identifiers[i], one))
			return true;
	return false;
}

/* What the client wrote, for the subproblem: cut, if it must be, between two characters, since JSON takes no
 * half of one. */
static void
keep_value(struct identifier *one, const char *value)
{
	size_t len = strnlen(value, sizeof(one->value) - 1);

	while (len > 0 && ((unsigned char)value[len] & 0xc0) == 0x80)
		len--;
	memcpy(one->value, value, len);
	one->value[len] = '\0';
}

static void
say_character(struct reading *r, const char *value)
{
	size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*");
	char   one[5] = { 0 };	/* UTF-8 has four at most */

	memcpy(one, value + n, utf8_length(value + n, strlen(value + n)));
	if (one[0] != '\0' && r->problem->said == SAID_NOTHING)
		(void)problem_said(r->problem, SAID_NAME_CHARACTER, one);
}

/* Keeps the identifier, or notes a subproblem. False when the request has to end here. */
static bool
read_identifier(struct reading *r, size_t position, const json_t *item)
{
	struct identifier *one = &r->order->identifiers[r->order->identifier_count];
	struct reason	   reason = { "" };
	enum err	   err = identifier_parse(item, one, &reason);

	if (err == ERR_UNSUPPORTED)
		return problem_set(r->problem, PROBLEM_UNSUPPORTED_IDENTIFIER, "identifier %zu: %s", position + 1,
		    reason.text);
	if (err != ERR_OK && one->type == 0)	/* not even an identifier's form */
		return problem_set(r->problem, PROBLEM_MALFORMED, "identifier %zu: %s", position + 1, reason.text);
	if (err != ERR_OK) {
		keep_value(one, json_member_str(item, "value"));
		problem_add(r->problem, PROBLEM_MALFORMED, one, "%s", reason.text);
		if (one->type == IDENTIFIER_DNS)
			say_character(r, json_member_str(item, "value"));
	} else if (!is_repeated(r->order, one)) {
		r->order->identifier_count++;
	}
	return true;
}

static bool
read_identifiers(struct reading *r)
{
	const json_t *list = json_object_get(r->payload, "identifiers"), *item;
	size_t	      i;

	if (!json_is_array(list) || json_array_size(list) == 0)
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"identifiers\" is not an array of at least one identifier (RFC 8555, 7.4)") ||
		    problem_said(r->problem, SAID_NO_IDENTIFIER, "");
	if (json_array_size(list) > IDENTIFIERS_MAX)
		return problem_set(r->problem, PROBLEM_MALFORMED, "the order has %zu identifiers; %d is the most",
		    json_array_size(list), IDENTIFIERS_MAX);
	if ((r->order->identifiers = calloc(json_array_size(list), sizeof(*r->order->identifiers))) == NULL)
		return no_memory(r);
	json_array_foreach(list, i, item)
		if (!read_identifier(r, i, item))
			return false;
	return true;
}

/* --- profile and validity ------------------------------------------------------------------------ */

static bool
find_profile(struct reading *r, const char *name, const struct profile_config **out)
{
	struct reason reason = { "" };

	*out = config_profile(r->policy->ca, name);
	if (name == NULL && r->policy->ra->random_profile)
		*out = &r->policy->ca->profiles[chance_below(CHANCE_PROFILE, (uint32_t)r->policy->ca->profile_count)];
	if (*out == NULL)
		return problem_set(r->problem, PROBLEM_INVALID_PROFILE,
		    "there is no profile \"%.60s\"; the directory's meta.profiles lists those there are", name) ||
		    problem_said(r->problem, SAID_NO_PROFILE, name);
	if (!policy_allows_profile(r->policy, *out, &reason))
		return problem_set(r->problem, PROBLEM_INVALID_PROFILE, "%s", reason.text);
	if ((r->order->profile = strdup((*out)->name)) == NULL)
		return no_memory(r);
	return true;
}

static bool
read_profile(struct reading *r, const struct profile_config **out)
{
	const json_t *member = json_object_get(r->payload, "profile");
	const char   *name = json_string_value(member);
	char	     *own = NULL;
	bool	      done;

	if (member != NULL && name == NULL)
		return problem_set(r->problem, PROBLEM_MALFORMED, "\"profile\" is not a string");
	if (name == NULL && !policy_profile(r->policy, &own))
		return no_memory(r);
	done = find_profile(r, own != NULL ? own : name, out);
	free(own);
	return done;
}

/* "2027-01-31T00:00:00.123Z" without ".123": X.509 has whole seconds (RFC 5280, 4.1.2.5). */
static void
whole_seconds(const char *text, char *out, size_t size)
{
	size_t whole = strcspn(text, "."), rest = whole;

	if (text[whole] == '.' && text[whole + 1] >= '0' && text[whole + 1] <= '9')
		rest += 1 + strspn(text + whole + 1, "0123456789");
	snprintf(out, size, "%.*s%s", (int)whole, text, text + rest);
}

static bool
read_time(struct reading *r, const char *name, int64_t *out, char **asked)
{
	const json_t *member = json_object_get(r->payload, name);
	const char   *text = json_string_value(member);
	char	      whole[64];

	*out = 0;
	if (member == NULL)
		return true;
	if (text != NULL && r->policy->ra->times_as_asked) {
		if ((*asked = strdup(text)) == NULL)
			return no_memory(r);
		whole_seconds(text, whole, sizeof(whole));
		text = whole;
	}
	if (text == NULL || !clock_parse_rfc3339(text, out) || *out <= 0)
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"%s\" is not a time in whole seconds as RFC 3339 writes it, such as "
		    "\"2027-01-31T00:00:00Z\" (RFC 8555, 7.1.3)", name);
	return true;
}

/* PROTOCOL.md A 31: honoured exactly or refused, never altered. */
static bool
read_validity(struct reading *r, const struct profile_config *profile)
{
	struct order *order = r->order;
	bool	      any = r->policy->ra->times_as_asked;
	int64_t	      begin;

	if (!read_time(r, "notBefore", &order->not_before, &order->begin_asked) ||
	    !read_time(r, "notAfter", &order->not_after, &order->end_asked))
		return false;
	begin = order->not_before != 0 ? order->not_before : r->now - r->policy->ca->backdate;
	if (begin < r->now - BACKDATE_MAX)
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"notBefore\" is more than an hour in the past");
	if (begin > r->now + profile->lifetime && !any)
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"notBefore\" is further ahead than a certificate of profile \"%s\" lives", profile->name);
	if (order->not_after != 0 && order->not_after <= (begin > r->now ? begin : r->now))
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"notAfter\" is not after the certificate's beginning");
	if (order->not_after != 0 && order->not_after - begin + 1 > profile->lifetime && !any)
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"notAfter\" asks for more than the %lld seconds that profile \"%s\" gives, counted from %s",
		    (long long)profile->lifetime, profile->name,
		    order->not_before != 0 ? "\"notBefore\"" : "ca.backdate ago since there is no \"notBefore\"");
	return true;
}

/* RFC 8739, 3.1.1: it says itself from when to when. */
static bool
read_renewal(struct reading *r, const struct profile_config *profile)
{
	struct auto_renewal *renewal = &r->order->auto_renewal;
	const json_t *member = json_object_get(r->payload, "auto-renewal");
	struct reason reason = { "" };

	if (member == NULL)
		return read_validity(r, profile);
	if (json_object_get(r->payload, "notBefore") != NULL || json_object_get(r->payload, "notAfter") != NULL)
		return problem_set(r->problem, PROBLEM_MALFORMED, "an order with \"auto-renewal\" has neither \"notBefore\" nor "
		    "\"notAfter\": \"start-date\" and \"end-date\" take their place (RFC 8739, 3.1.1)");
	if (auto_renewal_parse(member, renewal, &reason) &&
	    auto_renewal_settle(renewal, &r->policy->ca->auto_renewal, r->now, r->policy->ra->order_lifetime,
		profile->lifetime, &reason))
		return true;
	return problem_set(r->problem, PROBLEM_MALFORMED, "\"auto-renewal\": %s (RFC 8739, 3.1.1)", reason.text);
}

/* Names the types that this profile takes, for the client's author. */
static const char *
offered_text(uint32_t challenges, char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 1; i < CHALLENGE_TYPE_COUNT; i++)
		if ((challenges & 1u << i) != 0 && len < size)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? ", " : "",
			    challenge_name((enum challenge_type)i));
	return out;
}

/* Whether some challenge can prove each. */
static void
check_challenges(struct reading *r, const struct profile_config *profile)
{
	uint32_t challenges = config_challenges(r->policy->ra, profile);
	char	 offered[160];

	offered_text(challenges, offered, sizeof(offered));
	for (size_t i = 0; i < r->order->identifier_count; i++) {
		const struct identifier *one = &r->order->identifiers[i];
		bool			 wildcard = identifier_is_wildcard(one);

		if (!problem_names(r->problem, one) && (challenge_offer(one->type, wildcard) & challenges) == 0)
			problem_add(r->problem, PROBLEM_REJECTED_IDENTIFIER, one,
			    "no challenge that profile \"%.63s\" takes (%s) can prove %s \"%s\"%s", profile->name,
			    offered, wildcard ? "the wildcard" : identifier_type_name(one->type), one->value,
			    wildcard ? "; order its names one by one" : "");
	}
}

/* What was malformed is among the problem's subproblems already. */
static bool
check_identifiers(struct reading *r, const struct profile_config *profile)
{
	policy_judge(r->policy, profile, r->order->identifiers, r->order->identifier_count, r->problem);
	if (r->problem->type != PROBLEM_NONE)
		return false;
	check_challenges(r, profile);
	problem_sum_up(r->problem, "the order was refused");
	return r->problem->sub_count == 0;
}

uint32_t
order_challenges(const struct ra_config *ra, const struct ca_config *ca, const char *profile)
{
	return config_challenges(ra, config_profile(ca, profile));
}

/* RFC 9773, 5. Whether there is such a certificate, the caller asks. */
static bool
read_replaces(struct reading *r)
{
	const json_t *member = json_object_get(r->payload, "replaces");
	struct certid id;

	if (member == NULL)
		return true;
	if (!json_is_string(member) || !certid_parse(json_string_value(member), &id))
		return problem_set(r->problem, PROBLEM_MALFORMED,
		    "\"replaces\" is no certificate's identifier: the base64url of its authority key identifier, a "
		    "period, and the base64url of its serial number's DER value (RFC 9773, 4.1)");
	if ((r->order->replaces = strdup(json_string_value(member))) == NULL)
		return no_memory(r);
	return true;
}

bool
order_read(const json_t *payload, const struct policy *policy, int64_t now, struct order *order,
    struct problem *problem)
{
	struct reading		     r = { payload, policy, now, order, problem };
	const struct profile_config *profile = NULL;

	order->created = now;
	return read_identifiers(&r) && read_profile(&r, &profile) && check_identifiers(&r, profile) &&
	    read_renewal(&r, profile) && read_replaces(&r);
}
