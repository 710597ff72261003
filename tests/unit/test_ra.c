/* ra's pure parts: nonces, name policy, contacts, the states of an order, waiting. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/policy.h"
#include "lib/base64url.h"
#include "lib/clock.h"
#include "lib/json.h"
#include "ra/contact.h"
#include "ra/nonce.h"
#include "ra/layers.h"
#include "ra/order_read.h"
#include "ra/order_view.h"
#include "ra/park.h"
#include "lib/address.h"
#include "ra/policy.h"
#include "ra/renewal.h"
#include "ra/request.h"

static const struct site site = { &surface_native, "https://ca" };

/* --- nonces (RFC 8555, 6.5) ---------------------------------------------------------------------- */

static void
test_nonce_once(void **state)
{
	struct nonces *nonces = nonces_new(), *other = nonces_new();
	char	       a[NONCE_SIZE], b[NONCE_SIZE];

	(void)state;
	nonce_issue(nonces, a);
	nonce_issue(nonces, b);
	assert_string_not_equal(a, b);
	assert_int_equal(nonce_redeem(other, a), ERR_STALE);	/* another start's */
	assert_int_equal(nonce_redeem(nonces, a), ERR_OK);
	assert_int_equal(nonce_redeem(nonces, a), ERR_STALE);
	assert_int_equal(nonce_redeem(nonces, b), ERR_OK);
	assert_int_equal(nonce_redeem(nonces, "AAAAAAAAAAAAAAAAAAAAAA"), ERR_STALE);
	assert_int_equal(nonce_redeem(nonces, ""), ERR_STALE);
	assert_int_equal(nonce_redeem(nonces, "AAAA"), ERR_STALE);
	assert_int_equal(nonce_redeem(nonces, "not base64url!"), ERR_MALFORMED);
	assert_int_equal(nonce_redeem(nonces, "AAAAAAAAAAAAAAAAAAAAAA=="), ERR_MALFORMED);
	nonces_free(nonces);
	nonces_free(other);
}

/* One that fell out of the window is gone, and its slot's next owner is not mistaken for it. */
static void
test_nonce_window(void **state)
{
	struct nonces *nonces = nonces_new();
	char	       first[NONCE_SIZE], second[NONCE_SIZE], last[NONCE_SIZE];

	(void)state;
	nonce_issue(nonces, first);
	nonce_issue(nonces, second);
	for (unsigned i = 0; i < NONCE_WINDOW - 1; i++)
		nonce_issue(nonces, last);
	assert_int_equal(nonce_redeem(nonces, first), ERR_STALE);
	assert_int_equal(nonce_redeem(nonces, second), ERR_OK);
	assert_int_equal(nonce_redeem(nonces, last), ERR_OK);
	assert_int_equal(nonce_redeem(nonces, last), ERR_STALE);
	nonces_free(nonces);
}

/* RFC 8555, 6.5: unpredictable. No half of any is that of another, and about half of the bits change from one to the
 * next: counting shows nowhere. */
static void
test_nonce_unpredictable(void **state)
{
	enum { COUNT = 200, HALF = 8, BITS = 128 };
	struct nonces *nonces = nonces_new();
	uint8_t	       bytes[COUNT][2 * HALF];
	char	       text[NONCE_SIZE];
	unsigned       changed = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT; i++) {
		nonce_issue(nonces, text);
		assert_int_equal(base64url_bytes(slice_str(text), bytes[i], sizeof(bytes[i])), ERR_OK);
		for (unsigned j = 0; j < i; j++) {
			assert_memory_not_equal(bytes[i], bytes[j], HALF);
			assert_memory_not_equal(bytes[i] + HALF, bytes[j] + HALF, HALF);
		}
		for (unsigned k = 0; i > 0 && k < sizeof(bytes[i]); k++)
			changed += (unsigned)__builtin_popcount(bytes[i][k] ^ bytes[i - 1][k]);
	}
	/* 64 for each, and 0.4 of deviation of their mean */
	assert_in_range(changed, (COUNT - 1) * (BITS / 2 - 5), (COUNT - 1) * (BITS / 2 + 5));
	nonces_free(nonces);
}

#define RACERS 4
#define RACE 2000

struct race {
	struct nonces *nonces;
	char	     (*texts)[NONCE_SIZE];
	atomic_uint    won;
};

static void *
race(void *arg)
{
	struct race *r = arg;

	for (unsigned i = 0; i < RACE; i++)
		if (nonce_redeem(r->nonces, r->texts[i]) == ERR_OK)
			atomic_fetch_add(&r->won, 1);
	return NULL;
}

static void
test_nonce_race(void **state)
{
	struct race r = { .nonces = nonces_new(), .texts = calloc(RACE, NONCE_SIZE) };
	pthread_t   threads[RACERS];

	(void)state;
	for (unsigned i = 0; i < RACE; i++)
		nonce_issue(r.nonces, r.texts[i]);
	for (unsigned i = 0; i < RACERS; i++)
		pthread_create(&threads[i], NULL, race, &r);
	for (unsigned i = 0; i < RACERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&r.won), RACE);	/* each exactly once */
	nonces_free(r.nonces);
	free(r.texts);
}

/* --- policy -------------------------------------------------------------------------------------- */

static const struct {
	const char *allow, *deny, *name;
	bool	    allowed;
} policies[] = {
	{ "*", NULL, "anything.example", true },
	{ "nas.lan", NULL, "nas.lan", true },
	{ "nas.lan", NULL, "x.nas.lan", false },
	{ "nas.lan", NULL, "xnas.lan", false },
	{ "*.home.arpa", NULL, "a.home.arpa", true },
	{ "*.home.arpa", NULL, "a.b.home.arpa", true },
	{ "*.home.arpa", NULL, "home.arpa", false },
	{ "*.home.arpa", NULL, "xhome.arpa", false },
	{ "*.home.arpa", NULL, "a.home.arpa.evil", false },
	{ "*.home.arpa", NULL, "*.home.arpa", true },
	{ "*.home.arpa", NULL, "*.a.home.arpa", true },
	{ "*.home.arpa", NULL, "*.arpa", false },
	{ "home.arpa", NULL, "*.home.arpa", false },
	{ "*", "secret.lan", "secret.lan", false },
	{ "*", "secret.lan", "*.lan", false },
	{ "*", "secret.lan", "*.secret.lan", false },
	{ "*", "secret.lan", "*.a.secret.lan", true },
	{ "*", "secret.lan", "xsecret.lan", true },
	{ "*", "a.secret.lan", "*.secret.lan", false },
	{ "*", "*.a.secret.lan", "*.secret.lan", false },
	{ "*", "*.secret.lan", "*.a.secret.lan", false },
	{ "*.lan", NULL, "*.lan", true },
	{ "a.lan", NULL, "*.lan", false },
	{ "*", "*.secret.lan", "a.secret.lan", false },
	{ "*", "*.secret.lan", "*.secret.lan", false },
	{ "*", "*.secret.lan", "*.lan", false },
	{ "*", "*.secret.lan", "secret.lan", true },
	{ "*", "*", "a.example", false },
	{ NULL, NULL, "a.example", false },
	/* RFC 8738: addresses by blocks only, and blocks for addresses only. */
	{ "10.0.0.0/8", NULL, "10.1.2.3", true },
	{ "10.0.0.0/8", NULL, "11.0.0.1", false },
	{ "10.1.2.3/32", NULL, "10.1.2.3", true },
	{ "fd00::/8", NULL, "fd00::1", true },
	{ "fd00::/8", NULL, "10.1.2.3", false },
	{ "0.0.0.0/0", NULL, "fd00::1", false },
	{ "0.0.0.0/0", "10.0.0.0/8", "10.1.2.3", false },
	{ "0.0.0.0/0", "10.0.0.0/8", "11.0.0.1", true },
	{ "*", NULL, "10.1.2.3", false },
	{ "0.0.0.0/0", "*", "10.1.2.3", true },
	{ "0.0.0.0/0", NULL, "a.example", false },
};

/* The same lists in the hands of ca, which reads them by itself. */
static void
judge_by_ca(const struct ra_config *config, const struct identifier *identifier, bool allowed)
{
	static char	      name[] = "usual";
	struct profile_config profile = { .name = name, .wildcards = true };
	struct problem	      problem = { .type = PROBLEM_NONE };

	if (ca_policy_check(config, &profile, identifier, 1, &problem) != allowed)
		fail_msg("ca: %s", identifier->value);
	assert_true(allowed || (problem.sub_count == 1 && strstr(problem.subs[0].detail.text, identifier->value) != NULL));
	problem_free(&problem);
}

static void
test_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		char		 *allow = (char *)(uintptr_t)policies[i].allow;
		char		 *deny = (char *)(uintptr_t)policies[i].deny;
		struct ra_config  config = { .allow = { &allow, allow != NULL }, .deny = { &deny, deny != NULL },
			.wildcards = true };
		struct policy policy = { .ra = &config };
		struct identifier identifier;
		struct address	  address;
		struct reason	  reason = { "" };
		enum identifier_type type = address_parse(policies[i].name, &address) ? IDENTIFIER_IP : IDENTIFIER_DNS;

		assert_int_equal(identifier_check(type, policies[i].name, &identifier, NULL), ERR_OK);
		if (policy_allows(&policy, NULL, &identifier, &reason) != policies[i].allowed)
			fail_msg("row %zu: %s (%s)", i, policies[i].name, reason.text);
		if (!policies[i].allowed)
			assert_non_null(strstr(reason.text, policies[i].name));
		judge_by_ca(&config, &identifier, policies[i].allowed);
	}
}

/* --- contacts (RFC 8555, 7.3) -------------------------------------------------------------------- */

static const struct {
	const char	 *json;
	enum problem_type type;		/* PROBLEM_NONE: taken */
} contacts[] = {
	{ "[\"mailto:a@example.org\"]", PROBLEM_NONE },
	{ "[]", PROBLEM_NONE },
	{ "[\"mailto:a@example.org\",\"mailto:b@host\"]", PROBLEM_NONE },
	{ "[\"MAILTO:a@example.org\"]", PROBLEM_NONE },
	{ "\"mailto:a@example.org\"", PROBLEM_MALFORMED },
	{ "[1]", PROBLEM_MALFORMED },
	{ "{}", PROBLEM_MALFORMED },
	{ "[\"tel:+123\"]", PROBLEM_UNSUPPORTED_CONTACT },
	{ "[\"a@example.org\"]", PROBLEM_UNSUPPORTED_CONTACT },
	{ "[\"\"]", PROBLEM_UNSUPPORTED_CONTACT },
	{ "[\"mailto:a@example.org?subject=x\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a@example.org,b@example.org\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:@example.org\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a@\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a b@example.org\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a@example..org\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a@192.0.2.1\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:<a@example.org>\"]", PROBLEM_INVALID_CONTACT },
	{ "[\"mailto:a@example.org\",\"mailto:a@example.org\",\"mailto:a@example.org\",\"mailto:a@example.org\","
	  "\"mailto:a@example.org\",\"mailto:a@example.org\",\"mailto:a@example.org\",\"mailto:a@example.org\","
	  "\"mailto:a@example.org\",\"mailto:a@example.org\",\"mailto:a@example.org\"]", PROBLEM_INVALID_CONTACT },
};

static void
test_contacts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(contacts) / sizeof(contacts[0]); i++) {
		json_t	      *json = json_loads(contacts[i].json, JSON_DECODE_ANY, NULL);
		struct problem problem = { 0 };
		char	      *text = NULL;
		bool	       good = contact_check(json, 10, &text, &problem);

		if (good != (contacts[i].type == PROBLEM_NONE) || problem.type != contacts[i].type)
			fail_msg("%s: %s %s", contacts[i].json, problem_name(problem.type), problem.detail.text);
		json_decref(json);
		free(text);
	}
}

/* --- newOrder (RFC 8555, 7.4) -------------------------------------------------------------------- */

#define NOW 1000000
#define LIFETIME 86400

static bool
read_order(json_t *payload, struct order *order, struct problem *problem)
{
	static char	      any[] = "*", name[] = "default";
	static char	     *allow[] = { any };
	struct ra_config      ra = { .allow = { .items = allow, .count = 1 }, .wildcards = true };
	struct profile_config profile = { .name = name, .lifetime = LIFETIME, .wildcards = true };
	struct ca_config      ca = { .profiles = &profile, .profile_count = 1, .backdate = 300 };
	bool		      done;

	done = order_read(payload, &(struct policy){ .ra = &ra, .ca = &ca }, NOW, order, problem);
	json_decref(payload);
	return done;
}

/* What an external key and an administrator hold an account to, on top of each other. */
static char policy_any[] = "*", policy_block[] = "0.0.0.0/0", policy_first[] = "first", policy_second[] = "second",
	    policy_third[] = "third";
static char *policy_allow[] = { policy_any, policy_block };
static const struct ra_config policy_ra = { .allow = { .items = policy_allow, .count = 2 }, .wildcards = true };
static struct profile_config policy_profiles[] = { { .name = policy_first, .lifetime = LIFETIME, .wildcards = true },
	{ .name = policy_second, .lifetime = LIFETIME, .wildcards = true },
	{ .name = policy_third, .lifetime = LIFETIME, .wildcards = true } };
static const struct ca_config policy_ca = { .profiles = policy_profiles, .profile_count = 3, .backdate = 300 };

static void
make_layer(struct layer *out, enum policy_source source, struct bounds bounds)
{
	struct id id = { { 1 } };

	bounds.names = bounds.names != NULL ? strdup(bounds.names) : NULL;
	bounds.deny = bounds.deny != NULL ? strdup(bounds.deny) : NULL;
	bounds.profiles = bounds.profiles != NULL ? strdup(bounds.profiles) : NULL;
	assert_int_equal(layer_make(out, source, id, &bounds), ERR_OK);
	assert_null(bounds.names);
}

#define OF_KEY "external key AQAAAAAAAAAAAAAAAAAAAA"
#define OF_ACCOUNT "policy of account AQAAAAAAAAAAAAAAAAAAAA"

static void
test_order_held(void **state)
{
	struct layer key, account;
	static const struct {
		const char *type, *value, *profile;
		bool both;	/* the account's policy too */
		enum problem_type type_of_problem;
		const char *said;	/* the profile, or words of the refusal */
	} rows[] = {
		{ "dns", "nas.lan", NULL, false, PROBLEM_NONE, "second" },
		{ "dns", "a.b.home.lan", "third", false, PROBLEM_NONE, "third" },
		{ "dns", "*.home.lan", NULL, false, PROBLEM_NONE, "second" },
		{ "ip", "10.1.2.3", NULL, false, PROBLEM_NONE, "second" },
		{ "ip", "192.0.2.1", NULL, false, PROBLEM_REJECTED_IDENTIFIER, "addresses that the account's external key is for "
		    "(" OF_KEY ": --name has no block that holds it, such as \"192.0.2.1/32\")" },
		{ "dns", "home.lan", NULL, false, PROBLEM_REJECTED_IDENTIFIER, "\"home.lan\" is not among the names that the "
		    "account's external key is for (" OF_KEY ": --name)" },
		{ "dns", "*.lan", NULL, false, PROBLEM_REJECTED_IDENTIFIER, "external key" },
		{ "dns", "xnas.lan", NULL, false, PROBLEM_REJECTED_IDENTIFIER, "external key" },
		{ "dns", "nas.lan", "first", false, PROBLEM_INVALID_PROFILE, "profile \"first\" is not among those that the "
		    "account's external key is for (" OF_KEY ": --profile); leave \"profile\" out" },
		{ "dns", "nas.lan", "fourth", false, PROBLEM_INVALID_PROFILE, "there is no profile" },
		/* the default is the first of the account's that the key has too */
		{ "dns", "nas.lan", NULL, true, PROBLEM_NONE, "third" },
		{ "dns", "nas.lan", "second", true, PROBLEM_INVALID_PROFILE, "among those that this account may have (" OF_ACCOUNT
		    ": --profile)" },
		{ "dns", "nas.lan", "first", true, PROBLEM_INVALID_PROFILE, "external key" },
		{ "dns", "x.home.lan", NULL, true, PROBLEM_REJECTED_IDENTIFIER, "\"x.home.lan\" is denied by the account's own "
		    "policy (" OF_ACCOUNT ": --deny \"x.home.lan\")" },
		{ "dns", "*.home.lan", NULL, true, PROBLEM_REJECTED_IDENTIFIER, ": --deny" },
		{ "dns", "*.a.home.lan", NULL, true, PROBLEM_REJECTED_IDENTIFIER, "is a wildcard, which the account's own policy "
		    "doesn't give (" OF_ACCOUNT ": --no-wildcards)" },
		{ "ip", "10.1.2.3", NULL, true, PROBLEM_REJECTED_IDENTIFIER, "addresses that this account may have (" OF_ACCOUNT },
	};

	(void)state;
	make_layer(&key, POLICY_EXTERNAL_KEY, (struct bounds){ .names = (char *)"nas.lan\n*.home.lan\n10.0.0.0/8",
	    .profiles = (char *)"second\nthird" });
	make_layer(&account, POLICY_ACCOUNT, (struct bounds){ .names = (char *)"*.home.lan\nnas.lan",
	    .deny = (char *)"x.home.lan", .profiles = (char *)"first\nthird", .no_wildcards = true, .max_names = 1 });
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *payload = json_pack("{s:[{s:s, s:s}], s:s*}", "identifiers", "type", rows[i].type, "value",
		    rows[i].value, "profile", rows[i].profile);
		struct policy policy = { .ra = &policy_ra, .ca = &policy_ca, .external = &key.rules,
			.account = rows[i].both ? &account.rules : NULL };
		struct order order = { 0 };
		struct problem problem = { 0 };
		bool good = order_read(payload, &policy, NOW, &order, &problem);

		if (good != (rows[i].type_of_problem == PROBLEM_NONE) || problem.type != rows[i].type_of_problem)
			fail_msg("%s: %s %s", rows[i].value, problem_name(problem.type), problem.detail.text);
		if (strstr(good ? order.profile : problem.detail.text, rows[i].said) == NULL)
			fail_msg("%s: %s", rows[i].value, good ? order.profile : problem.detail.text);
		json_decref(payload);
		problem_free(&problem);
		order_free(&order);
	}
	layer_free(&key);
	layer_free(&account);
}

static void
test_order_held_to_a_number(void **state)
{
	struct layer account;
	struct policy policy = { .ra = &policy_ra, .ca = &policy_ca, .account = &account.rules };
	json_t *payload = json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "identifiers", "type", "dns", "value", "a.lan", "type",
	    "dns", "value", "b.lan");
	struct order order = { 0 };
	struct problem problem = { 0 };

	(void)state;
	make_layer(&account, POLICY_ACCOUNT, (struct bounds){ .max_names = 1 });
	assert_false(order_read(payload, &policy, NOW, &order, &problem));
	assert_int_equal(problem.type, PROBLEM_REJECTED_IDENTIFIER);
	assert_string_equal(problem.detail.text, "the order has 2 identifiers, and the account's own policy allows 1 in one "
	    "(" OF_ACCOUNT ": --max-names); split it");
	json_decref(payload);
	problem_free(&problem);
	order_free(&order);
	layer_free(&account);
}

/* A value that is too long is shown cut; a half of a character would leave the reply without its problem. */
static void
test_order_long_value(void **state)
{
	char		value[2 * IDENTIFIER_VALUE_SIZE + 1] = "";
	struct order	order = { 0 };
	struct problem	problem = { 0 };
	json_t	       *json;

	(void)state;
	for (size_t i = 0; i < IDENTIFIER_VALUE_SIZE; i++)
		strcat(value, "\xc3\xa9");
	assert_false(read_order(json_pack("{s:[{s:s, s:s}]}", "identifiers", "type", "dns", "value", value),
	    &order, &problem));
	assert_non_null(json = problem_json(&problem));
	assert_int_equal(json_array_size(json_object_get(json, "subproblems")), 1);
	json_decref(json);
	problem_free(&problem);
	order_free(&order);
}

static bool
takes_not_after(int64_t not_after)
{
	struct order   order = { 0 };
	struct problem problem = { 0 };
	char	       text[CLOCK_RFC3339_SIZE];
	bool	       done;

	clock_rfc3339(not_after, text);
	done = read_order(json_pack("{s:[{s:s, s:s}], s:s}", "identifiers", "type", "dns", "value", "a.example",
	    "notAfter", text), &order, &problem);
	assert_int_equal(problem.type, done ? PROBLEM_NONE : PROBLEM_MALFORMED);
	problem_free(&problem);
	order_free(&order);
	return done;
}

/* What ca would refuse after all the work is refused before it: its certificates begin five minutes ago. */
static void
test_order_not_after(void **state)
{
	(void)state;
	assert_false(takes_not_after(NOW));
	assert_true(takes_not_after(NOW + 1));
	assert_true(takes_not_after(NOW - 300 + LIFETIME - 1));
	assert_false(takes_not_after(NOW - 300 + LIFETIME));
}

/* --- states (RFC 8555, 7.1.6) -------------------------------------------------------------------- */

static enum order_status
status_with(enum order_state state, int64_t expires, enum authorization_state a, enum authorization_state b,
    int64_t authorization_expires)
{
	struct order	     order = { .state = state, .expires = expires };
	struct authorization both[2] = { { .state = a, .expires = authorization_expires },
		{ .state = b, .expires = authorization_expires } };

	return order_status_at(&order, both, 2, NOW);
}

static void
test_order_status(void **state)
{
	const enum authorization_state P = AUTHORIZATION_PENDING, C = AUTHORIZATION_PROCESSING,
				       V = AUTHORIZATION_VALID, I = AUTHORIZATION_INVALID,
				       D = AUTHORIZATION_DEACTIVATED, R = AUTHORIZATION_REVOKED;
	const int64_t later = NOW + 1;

	(void)state;
	assert_int_equal(status_with(ORDER_OPEN, later, P, V, later), ORDER_STATUS_PENDING);
	assert_int_equal(status_with(ORDER_OPEN, later, C, V, later), ORDER_STATUS_PENDING);
	assert_int_equal(status_with(ORDER_OPEN, later, V, V, later), ORDER_STATUS_READY);
	assert_int_equal(status_with(ORDER_OPEN, NOW, V, V, later), ORDER_STATUS_INVALID);
	assert_int_equal(status_with(ORDER_OPEN, later, V, V, NOW), ORDER_STATUS_INVALID);
	assert_int_equal(status_with(ORDER_OPEN, later, P, P, NOW), ORDER_STATUS_INVALID);
	/* A validation under way may still end well: what was told must hold. */
	assert_int_equal(status_with(ORDER_OPEN, later, C, C, NOW), ORDER_STATUS_PENDING);
	assert_string_equal(authorization_status_text(C, NOW, NOW), "pending");
	assert_string_equal(authorization_status_text(P, NOW, NOW), "invalid");
	assert_int_equal(status_with(ORDER_OPEN, later, V, I, later), ORDER_STATUS_INVALID);
	assert_int_equal(status_with(ORDER_OPEN, later, D, V, later), ORDER_STATUS_INVALID);
	assert_int_equal(status_with(ORDER_OPEN, later, V, R, later), ORDER_STATUS_INVALID);
	assert_int_equal(status_with(ORDER_PROCESSING, NOW, V, V, NOW), ORDER_STATUS_PROCESSING);
	assert_int_equal(status_with(ORDER_VALID, NOW, V, D, NOW), ORDER_STATUS_VALID);
	assert_int_equal(status_with(ORDER_INVALID, later, V, V, later), ORDER_STATUS_INVALID);
	assert_int_equal(status_with(ORDER_CANCELED, later, V, V, later), ORDER_STATUS_CANCELED);
}

/* An order that an authorization spoilt says which, and why (RFC 8555, 6.7.1). */
static void
test_order_tells_cause(void **state)
{
	char		     error[] = "{\"type\":\"urn:ietf:params:acme:error:dns\",\"detail\":\"NXDOMAIN\"}";
	char		     profile[] = "default";
	struct authorization bad = { .state = AUTHORIZATION_INVALID, .expires = NOW + 1, .error = error };
	struct order	     order = { .state = ORDER_OPEN, .expires = NOW + 1, .profile = profile,
		     .identifiers = &bad.identifier, .identifier_count = 1 };
	json_t		    *json, *cause;

	(void)state;
	identifier_check(IDENTIFIER_DNS, "a.example", &bad.identifier, NULL);
	json = order_json(&site, &order, &bad, 1, NOW);
	assert_string_equal(json_member_str(json, "status"), "invalid");
	cause = json_object_get(json, "error");
	assert_string_equal(json_member_str(cause, "type"), "urn:ietf:params:acme:error:dns");
	assert_non_null(strstr(json_member_str(cause, "detail"), "NXDOMAIN"));
	assert_int_equal(json_array_size(json_object_get(cause, "subproblems")), 1);
	assert_null(json_object_get(json, "certificate"));
	json_decref(json);
}

/* RFC 8555, 7.1.4: a finished authorization lists the challenge that was tried; "wildcard" only when true. */
static void
test_authorization_json(void **state)
{
	struct authorization one = { .state = AUTHORIZATION_VALID, .expires = NOW + 1, .token = "t",
		.offered = 1u << CHALLENGE_HTTP_01, .tried = CHALLENGE_HTTP_01, .validated = NOW - 5 };
	const struct ra_config ra = { 0 };
	json_t		    *json, *challenge;

	(void)state;
	identifier_check(IDENTIFIER_DNS, "a.example", &one.identifier, NULL);
	json = authorization_json(&site, &ra, &one, NOW);
	assert_string_equal(json_member_str(json, "status"), "valid");
	assert_null(json_object_get(json, "wildcard"));
	challenge = json_array_get(json_object_get(json, "challenges"), 0);
	assert_string_equal(json_member_str(challenge, "status"), "valid");
	assert_non_null(json_member_str(challenge, "validated"));
	json_decref(json);
	json = authorization_json(&site, &ra, &one, NOW + 1);
	assert_string_equal(json_member_str(json, "status"), "expired");
	json_decref(json);
}

/* --- waiting ------------------------------------------------------------------------------------- */

static unsigned ran;

static void
count(struct parked *parked)
{
	free(parked);
	ran++;
}

static void
park_one(struct park *park, struct id object, int64_t until)
{
	struct parked *parked = calloc(1, sizeof(*parked));

	parked->run = count;
	parked->object = object;
	parked->until = until;
	park_put(park, parked);
}

static void
test_park(void **state)
{
	struct park *park = park_new();
	struct id    a = id_new(), b = id_new();
	int64_t	     now = clock_monotonic_ms();

	(void)state;
	b.bytes[ID_SIZE - 1] = a.bytes[ID_SIZE - 1];	/* neighbours in one bucket */
	park_one(park, a, now + 60000);
	park_one(park, a, now + 60000);
	park_one(park, b, now + 60000);
	park_one(park, b, now - 1);
	assert_int_equal(ran, 0);
	park_wake(park, a);
	assert_int_equal(ran, 2);
	park_expire(park, false);
	assert_int_equal(ran, 3);
	/* An outcome that came between reading the state and parking is not waited for. */
	assert_true(park_stamp(park, a) > 0);
	park_one(park, a, now + 60000);
	assert_int_equal(ran, 4);
	park_expire(park, true);
	assert_int_equal(ran, 5);
	park_free(park);
}

/* --- replies ------------------------------------------------------------------------------------- */

static void
test_links(void **state)
{
	static struct request request;
	char		      url[600];

	(void)state;
	memset(url, 'a', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	reply_link(&request, url, "terms-of-service");	/* too long for the header */
	assert_int_equal(request.reply.link_count, 0);
	for (int i = 0; i <= REPLY_LINKS_MAX; i++)
		reply_link(&request, "https://ca/authorization/x", "up");
	assert_int_equal(request.reply.link_count, REPLY_LINKS_MAX);
	assert_string_equal(request.reply.links[0], "<https://ca/authorization/x>;rel=\"up\"");
}

/* --- times (RFC 3339, for notBefore and notAfter) ------------------------------------------------ */

static void
test_rfc3339(void **state)
{
	static const struct {
		const char *text;
		int64_t	    seconds;	/* -1: refused */
	} rows[] = {
		{ "1970-01-01T00:00:01Z", 1 }, { "2026-11-23T14:49:48Z", 1795445388 },
		{ "2026-11-23T15:49:48+01:00", 1795445388 }, { "2026-11-23t14:49:48.000z", 1795445388 },
		{ "2026-11-23T14:49:48.5Z", -1 }, { "2026-02-30T00:00:00Z", -1 },
		{ "2026-11-23", -1 }, { "2026-11-23T14:49:48", -1 }, { "2026-11-23T14:49:48+1:00", -1 },
		{ "2026-11-23T24:49:48Z", -1 }, { "2026-13-23T14:49:48Z", -1 }, { "", -1 },
		{ "2026-11-23T14:49:48Zx", -1 }, { "2026-11-23T14:49:48.", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t seconds = -1;
		bool	good = clock_parse_rfc3339(rows[i].text, &seconds);

		if (good != (rows[i].seconds >= 0) || (good && seconds != rows[i].seconds))
			fail_msg("\"%s\": %lld", rows[i].text, (long long)seconds);
	}
}

static void
test_renewal_window(void **state)
{
	const int64_t day = 86400, begin = 1795445388;
	int64_t	      start, end;

	(void)state;
	renewal_window(begin, begin + 90 * day - 1, 0, &start, &end);	/* two thirds, 4 % wide */
	assert_int_equal(start, begin + 60 * day - 1 - 90 * day / 50);
	assert_int_equal(end, begin + 60 * day - 1 + 90 * day / 50);
	renewal_window(begin, begin + 10 * day - 1, 0, &start, &end);
	assert_int_equal((start + end) / 2, begin + 10 * day - 1 - 10 * day / 3);
	renewal_window(begin, begin + 10 * day - 2, 0, &start, &end);	/* shorter: its half */
	assert_int_equal((start + end) / 2, begin + 10 * day - 2 - (10 * day - 1) / 2);
	renewal_window(begin, begin + 90 * day - 1, day, &start, &end);	/* as configured: a day on both sides */
	assert_int_equal(start, begin + 59 * day - 1);
	assert_int_equal(end, begin + 61 * day - 1);
	renewal_window(begin, begin, 0, &start, &end);			/* a second long: still a window */
	assert_true(end > start);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nonce_once), cmocka_unit_test(test_nonce_window),
		cmocka_unit_test(test_nonce_unpredictable), cmocka_unit_test(test_nonce_race), cmocka_unit_test(test_policy),
		cmocka_unit_test(test_contacts), cmocka_unit_test(test_order_status),
		cmocka_unit_test(test_order_held),
		cmocka_unit_test(test_order_held_to_a_number), cmocka_unit_test(test_order_long_value), cmocka_unit_test(test_order_not_after),
		cmocka_unit_test(test_order_tells_cause), cmocka_unit_test(test_authorization_json),
		cmocka_unit_test(test_park), cmocka_unit_test(test_links), cmocka_unit_test(test_rfc3339),
		cmocka_unit_test(test_renewal_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
