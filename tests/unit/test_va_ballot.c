/* Validations put to several perspectives, which a test plays: who decides, when, and what ra and the client are
 * told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "va/ballot.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

static const uint8_t mac[EVIDENCE_KEY_SIZE] = { 1 }, forged[EVIDENCE_KEY_SIZE] = { 2 };

/* A perspective: keeps the question until the test has it answer. */
struct player {
	const char *name;
	const uint8_t *key;
	struct msg_check asked;
	checker_answer *answer;
	void *arg;
	unsigned questions;
};

struct world {
	uv_loop_t loop;
	struct va_config config;
	struct perspective_config perspectives[4];
	struct player players[5];
	struct voter voters[5];
	struct ballots *ballots;
	struct msg_result result; /* the last one */
	struct buf evidence;
	char *votes;
	unsigned answered;
};

static void
player_ask(void *self, const struct msg_check *asked, checker_answer *answer, void *arg)
{
	struct player *p = self;

	p->asked = *asked;
	p->answer = answer;
	p->arg = arg;
	p->questions++;
}

/* What a perspective states that saw all as it should be. */
static void
statement_put(const struct player *p, struct buf *out)
{
	struct evidence said = { .identifier = p->asked.identifier, .wildcard = p->asked.wildcard,
		.method = p->asked.method, .caa = CAA_ABSENT, .caa_checked = clock_now(),
		.validated = id_is_zero(p->asked.order) ? clock_now() : 0 };
	struct evidence_key key = { .mac = p->key };

	strcpy(said.token, p->asked.token);
	strcpy(said.thumbprint, p->asked.thumbprint);
	strcpy(said.account_url, p->asked.account_url);
	strcpy(said.perspective, p->name);
	evidence_put(out, &said, &key);
}

static void
agrees(struct world *w, size_t who)
{
	struct player *p = &w->players[who];
	struct msg_result result = { .ok = true, .record = "[]", .validated = clock_now(),
		.caa_checked = clock_now() - (int64_t)(who * 7 % 5) }; /* nyc's is the oldest */
	struct buf statement = { 0 };

	statement_put(p, &statement);
	result.evidence = buf_slice(&statement);
	p->answer(p->arg, &result);
	buf_free(&statement);
}

static void
fails(struct world *w, size_t who, const char *detail)
{
	struct msg_result result = { .problem = PROBLEM_CONNECTION, .record = "[1]" };

	snprintf(result.detail, sizeof(result.detail), "%s", detail);
	w->players[who].answer(w->players[who].arg, &result);
}

static void
answered(void *arg, const struct msg_result *result)
{
	struct world *w = arg;

	w->result = *result;
	buf_clear(&w->evidence);
	buf_put(&w->evidence, result->evidence.data, result->evidence.len);
	free(w->votes);
	w->votes = slice_dup(result->votes);
	w->answered++;
}

/* With that many perspectives beside the primary. */
static struct world *
world_open(size_t count, int64_t failures, int64_t regions)
{
	static const char *const names[] = { "primary", "fra", "nyc", "sin", "syd" };
	struct world *w = calloc(1, sizeof(*w));

	assert_int_equal(uv_loop_init(&w->loop), 0);
	for (size_t i = 0; i <= count; i++) {
		w->players[i] = (struct player){ .name = names[i], .key = mac };
		w->voters[i] = (struct voter){ .name = names[i], .key = { .mac = mac }, .region = "north", .ask = player_ask,
			.self = &w->players[i] };
		if (i > 0)
			w->perspectives[i - 1] = (struct perspective_config){ .name = (char *)(uintptr_t)names[i],
				.region = (char *)(uintptr_t)(i < 3 ? "north" : "south") };
	}
	w->config = (struct va_config){ .perspectives = w->perspectives, .perspective_count = count,
		.quorum_failures = failures, .quorum_regions = regions, .concurrent = 8, .retry_interval = 3600 };
	w->ballots = ballots_new(&w->config, &w->loop, w->voters, answered, w);
	assert_non_null(w->ballots);
	return w;
}

static void
world_close(struct world *w)
{
	ballots_free(w->ballots);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0);
	buf_free(&w->evidence);
	free(w->votes);
	free(w);
}

static struct msg_check
ask(struct world *w)
{
	struct msg_check check = { .authorization = id_new(), .method = CHALLENGE_HTTP_01,
		.identifier = { IDENTIFIER_DNS, "a.test" }, .token = TOKEN, .thumbprint = THUMBPRINT,
		.account_url = "https://ca/1" };

	w->answered = 0;
	ballots_add(w->ballots, &check);
	return check;
}

static size_t
statements(const struct world *w)
{
	struct bundle bundle;

	assert_true(bundle_get(buf_slice(&w->evidence), &bundle));
	return bundle.count;
}

/* All are asked at once; the answer goes out with the vote that decides, and a slow one delays nothing. */
static void
test_quorum(void **state)
{
	struct world *w = world_open(3, -1, 1);
	struct msg_check check = ask(w);

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(w->players[i].questions, 1);
		assert_string_equal(w->players[i].asked.token, TOKEN);
	}
	agrees(w, 2);
	agrees(w, 0);
	assert_int_equal(w->answered, 0);
	agrees(w, 3);
	assert_int_equal(w->answered, 1);
	assert_true(w->result.ok && id_eq(w->result.authorization, check.authorization));
	assert_int_equal(statements(w), 3);
	assert_in_range(w->result.caa_checked, clock_now() - 5, clock_now() - 3); /* the oldest */
	fails(w, 1, "late"); /* it changes nothing */
	assert_int_equal(w->answered, 1);
	/* The others don't replace the primary. */
	ask(w);
	agrees(w, 1);
	agrees(w, 2);
	agrees(w, 3);
	assert_int_equal(w->answered, 0);
	fails(w, 0, "10.0.0.7 port 80 refused the connection");
	assert_int_equal(w->answered, 1);
	assert_false(w->result.ok);
	assert_non_null(strstr(w->result.detail, "refused the connection (seen from fra, nyc and sin it is as it"));
	assert_string_equal(w->result.record, "[1]");
	world_close(w);
}

static void
test_no_quorum(void **state)
{
	struct world *w = world_open(3, -1, 1);

	(void)state;
	ask(w);
	agrees(w, 0);
	fails(w, 1, "refused");
	assert_int_equal(w->answered, 0); /* one may */
	fails(w, 3, "answered status 404");
	assert_int_equal(w->answered, 1);
	assert_false(w->result.ok);
	assert_int_equal(w->result.problem, PROBLEM_CONNECTION);
	assert_string_equal(w->result.detail, "not enough of the CA's 3 other perspectives see it as it should be (1 may "
	    "fail), though the CA itself does: from fra: refused; from sin: answered status 404");
	agrees(w, 2);
	world_close(w);
	/* One alone may not fail; and it is decided though the primary says nothing yet. */
	w = world_open(1, -1, 1);
	ask(w);
	fails(w, 1, "refused");
	assert_int_equal(w->answered, 1);
	assert_string_equal(w->result.detail, "the CA's other perspective does not see it as it should be: from fra: refused");
	agrees(w, 0);
	assert_int_equal(w->answered, 1);
	world_close(w);
}

/* CA/Browser Forum, 3.2.2.9: those that agree span regions. */
static void
test_regions(void **state)
{
	struct world *w = world_open(4, -1, 2);

	(void)state;
	ask(w);
	agrees(w, 0);
	agrees(w, 1);
	agrees(w, 2);
	agrees(w, 3);
	assert_true(w->answered == 1 && w->result.ok);
	agrees(w, 4);
	/* Two of south down: north alone is not enough, whatever the number. */
	w->config.quorum_failures = 2;
	ask(w);
	agrees(w, 0);
	agrees(w, 1);
	agrees(w, 2);
	assert_int_equal(w->answered, 0);
	fails(w, 3, "down");
	fails(w, 4, "down");
	assert_true(w->answered == 1 && !w->result.ok);
	assert_non_null(strstr(w->result.detail, "must lie in 2 regions"));
	world_close(w);
}

/* What a perspective must not say counts as a failure: forged, of another, about something else. */
static void
test_unsound(void **state)
{
	struct world *w = world_open(1, -1, 1);

	(void)state;
	for (int i = 0; i < 4; i++) {
		w->players[1].key = i == 0 ? forged : mac;
		w->players[1].name = i == 1 ? "primary" : "fra";
		ask(w);
		if (i == 2)
			w->players[1].asked.token[0] ^= 1;
		if (i == 3)
			w->players[1].asked.order = id_new(); /* about CAA alone */
		agrees(w, 0);
		agrees(w, 1);
		assert_true(w->answered == 1 && !w->result.ok);
		assert_non_null(strstr(w->result.detail, "fra: its statement is not"));
	}
	world_close(w);
}

/* RFC 8555, 8.2: told each time, and the last is final; a CHECK again ends the pause and adds no try. */
static void
test_retries(void **state)
{
	struct world *w = world_open(1, -1, 1);
	struct msg_check check;

	(void)state;
	w->config.retries = 2;
	check = ask(w);
	ballots_add(w->ballots, &check); /* it runs: nothing new */
	assert_int_equal(w->players[0].questions, 1);
	fails(w, 0, "no");
	assert_int_equal(w->answered, 1);
	assert_in_range(w->result.next_try - clock_now(), 3590, 3600);
	fails(w, 1, "no"); /* too late for the first round */
	ballots_add(w->ballots, &check);
	assert_int_equal(w->players[1].questions, 2);
	agrees(w, 0);
	fails(w, 1, "no");
	assert_true(w->answered == 2 && w->result.next_try != 0);
	ballots_add(w->ballots, &check);
	fails(w, 1, "no");
	agrees(w, 0);
	assert_true(w->answered == 3 && w->result.next_try == 0 && !w->result.ok);
	/* It is forgotten, so this is a new one; it goes on by itself. */
	w->config.retry_interval = 0;
	ballots_add(w->ballots, &check);
	assert_int_equal(w->players[0].questions, 4);
	agrees(w, 1);
	fails(w, 0, "no");
	assert_int_equal(w->answered, 4);
	while (w->players[0].questions == 4)
		uv_run(&w->loop, UV_RUN_ONCE);
	agrees(w, 0);
	assert_int_equal(w->answered, 4);
	agrees(w, 1);
	assert_true(w->answered == 5 && w->result.ok);
	/* A vote of the round before counts for nothing in this one. */
	w->config.retry_interval = 3600;
	check = ask(w);
	struct player before = w->players[1];
	fails(w, 0, "no");
	ballots_add(w->ballots, &check);
	agrees(w, 0);
	struct player now = w->players[1];
	w->players[1] = before;
	agrees(w, 1);
	assert_int_equal(w->answered, 1);
	w->players[1] = now;
	fails(w, 1, "no");
	assert_int_equal(w->answered, 2);
	assert_false(w->result.ok); /* and rests: dropped at the end */
	world_close(w);
}

/* What CAA alone renews is what the primary said itself: nothing of it is ra's to choose. */
static void
test_renewal(void **state)
{
	struct world *w = world_open(2, -1, 1);
	struct msg_check check = ask(w), caa;
	struct buf first = { 0 };

	(void)state;
	agrees(w, 0);
	agrees(w, 1);
	assert_true(w->answered == 1 && w->result.ok);
	agrees(w, 2);
	buf_put(&first, w->evidence.data, w->evidence.len);
	caa = check;
	caa.order = id_new();
	caa.evidence = buf_slice(&first);
	strcpy(caa.identifier.value, "b.test");
	caa.thumbprint[0] = 'x';
	caa.wildcard = true;
	strcpy(caa.account_url, "https://ca/2");
	for (int i = 0; i < 2; i++) { /* again: what was renewed is replaced */
		w->answered = 0;
		ballots_add(w->ballots, &caa);
		assert_string_equal(w->players[2].asked.identifier.value, "a.test");
		assert_string_equal(w->players[2].asked.thumbprint, THUMBPRINT);
		assert_string_equal(w->players[2].asked.account_url, "https://ca/1");
		assert_false(w->players[2].asked.wildcard);
		agrees(w, 0);
		agrees(w, 2);
		fails(w, 1, "down");
		assert_true(w->answered == 1 && w->result.ok && id_eq(w->result.order, caa.order));
		assert_int_equal(statements(w), 2 + 2);
		buf_clear(&first);
		buf_put(&first, w->evidence.data, w->evidence.len);
		caa.evidence = buf_slice(&first);
	}
	/* Without a statement of the primary's there is nothing to renew. */
	first.data[first.len / 2] ^= 1;
	first.data[20] ^= 1;
	ballots_add(w->ballots, &caa);
	assert_int_equal(w->answered, 2);
	assert_false(w->result.ok);
	assert_non_null(strstr(w->result.detail, "not authentic"));
	buf_free(&first);
	world_close(w);
}

static void
reaches(struct world *w, size_t who, bool reached)
{
	struct msg_result result = { .reached = reached, .record = "[2]", .detail = "status 404" };

	if (!reached)
		result.problem = PROBLEM_DNS;
	w->players[who].answer(w->players[who].arg, &result);
}

/* How long each took depends on the machine: it is a number, and shown as 0. */
static void
times_to_zero(char *votes)
{
	for (char *at = votes; (at = strstr(at, "\"ms\":")) != NULL; ) {
		size_t digits = strspn(at += 5, "0123456789");

		assert_true(digits > 0);
		*at = '0';
		memmove(at + 1, at + digits, strlen(at + digits) + 1);
	}
}

/* A trial waits for everybody, is not tried again, and says what each saw. */
static void
test_trial(void **state)
{
	struct world *w = world_open(2, -1, 1);
	struct msg_check check = { .authorization = id_new(), .method = CHALLENGE_HTTP_01, .trial = true,
		.identifier = { IDENTIFIER_DNS, "a.test" }, .token = TOKEN, .thumbprint = THUMBPRINT };

	(void)state;
	w->config.retries = 3;
	ballots_add(w->ballots, &check);
	reaches(w, 0, true);
	reaches(w, 1, true);
	assert_int_equal(w->answered, 0);
	reaches(w, 2, false);
	assert_true(w->answered == 1 && w->result.reached && !w->result.ok && w->result.evidence.len == 0);
	times_to_zero(w->votes);
	assert_string_equal(w->votes,
	    "[{\"perspective\":\"primary\",\"region\":\"north\",\"outcome\":\"agreed\",\"ms\":0,\"detail\":\"status 404\","
	    "\"record\":[2]},"
	    "{\"perspective\":\"fra\",\"region\":\"north\",\"outcome\":\"agreed\",\"ms\":0,\"detail\":\"status 404\","
	    "\"record\":[2]},"
	    "{\"perspective\":\"nyc\",\"region\":\"north\",\"outcome\":\"failed\",\"ms\":0,\"problem\":\"dns\","
	    "\"detail\":\"status 404\",\"record\":[2]}]");
	check.authorization = id_new();
	ballots_add(w->ballots, &check);
	reaches(w, 2, true);
	reaches(w, 1, true);
	reaches(w, 0, false); /* the primary can't */
	assert_true(w->answered == 2 && !w->result.reached && w->result.next_try == 0);
	assert_string_equal(w->result.detail, ""); /* the votes say it */
	check.authorization = id_new();
	ballots_add(w->ballots, &check);
	reaches(w, 0, true);
	reaches(w, 1, false);
	reaches(w, 2, false);
	assert_true(w->answered == 3 && !w->result.reached);
	assert_string_equal(w->result.detail, "not enough of the CA's 2 other perspectives get there (1 may fail)");
	world_close(w);
}

/* More than fits is told without the records. */
static void
test_votes_too_long(void **state)
{
	struct world *w = world_open(4, -1, 1);
	struct msg_result result = { .problem = PROBLEM_DNS };

	(void)state;
	memset(result.detail, '"', RESULT_DETAIL_MAX); /* two characters in JSON */
	snprintf(result.record, sizeof(result.record), "[\"%.1000s\"]", result.detail);
	memset(result.record + 2, 'r', 1000);
	strcpy(result.record + 1002, "\"]");
	ask(w);
	for (size_t i = 1; i < 5; i++)
		w->players[i].answer(w->players[i].arg, &result);
	w->players[0].answer(w->players[0].arg, &result);
	assert_true(w->answered == 1 && w->result.votes.len <= VOTES_MAX);
	assert_non_null(strstr(w->votes, "fra"));
	world_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_quorum), cmocka_unit_test(test_no_quorum),
		cmocka_unit_test(test_regions), cmocka_unit_test(test_unsound), cmocka_unit_test(test_retries),
		cmocka_unit_test(test_renewal), cmocka_unit_test(test_trial),
		cmocka_unit_test(test_votes_too_long) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("va: ballots", tests, NULL, NULL);
}
