/* ca counts the votes for itself: a captured ra that drops, repeats, mixes, keeps or forges statements, and a captured
 * primary va, get no certificate. */
#include "config/quorum.h"
#include "tests/unit/ca_world.h"

/* Who signs with what: the primary and lan by the MAC key, fra and nyc by keys of their own. */
static const char *const names[] = { PERSPECTIVE_PRIMARY, "fra", "nyc", "lan" };
enum { PRIMARY, FRA, NYC, LAN, COUNT };

static struct perspective_config perspectives[] = { { .name = (char *)"fra", .region = (char *)"eu" },
	{ .name = (char *)"nyc", .region = (char *)"us" }, { .name = (char *)"lan", .region = (char *)"eu" } };

struct votes {
	struct world *w;
	EVP_PKEY *keys[COUNT]; /* NULL: the MAC */
	struct evidence said[2 * COUNT]; /* what goes into the bundle; perspective tells whose key */
	size_t count;
};

static EVP_PKEY *
key_make(struct perspective_config *perspective)
{
	EVP_PKEY *key = key_generate(KEY_ED25519);
	uint8_t raw[EVIDENCE_KEY_SIZE];
	size_t len = sizeof(raw);
	struct buf text = { 0 };

	assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
	base64url_put(&text, raw, len);
	perspective->evidence_key = buf_take_str(&text);
	return key;
}

static struct evidence
statement(const struct world *w, size_t who)
{
	struct evidence one = { .identifier = { IDENTIFIER_DNS, "a.test" }, .method = CHALLENGE_HTTP_01,
		.caa = CAA_ABSENT, .caa_checked = clock_now() - 4, .validated = clock_now() - 5,
		.addresses = "192.0.2.1", .account_url = KID, .token = "dG9rZW4" };

	strcpy(one.thumbprint, w->jwk->thumbprint);
	strcpy(one.perspective, names[who]);
	return one;
}

/* All four agree; a test spoils what it likes. */
static void
votes_open(struct votes *v, struct world *w)
{
	*v = (struct votes){ .w = w, .count = COUNT };
	v->keys[FRA] = key_make(&perspectives[0]);
	v->keys[NYC] = key_make(&perspectives[1]);
	w->config.va.perspectives = perspectives;
	w->config.va.perspective_count = 3;
	w->config.va.quorum_failures = -1;
	w->config.va.quorum_regions = 2;
	w->config.va.caa = CAA_ENFORCE;
	world_reopen(w);
	for (size_t i = 0; i < COUNT; i++)
		v->said[i] = statement(w, i);
}

static void
votes_close(struct votes *v)
{
	for (size_t i = 0; i < COUNT; i++)
		EVP_PKEY_free(v->keys[i]);
	free(perspectives[0].evidence_key);
	free(perspectives[1].evidence_key);
}

static EVP_PKEY *
key_of(const struct votes *v, const char *name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (strcmp(names[i], name) == 0)
			return v->keys[i];
	return NULL;
}

/* The request with the bundle of what was said; NULL as word: it is issued. */
static void
expect(const struct votes *v, const char *word)
{
	struct world *w = v->w;
	struct bundle bundle = { .count = v->count };
	struct buf bytes[2 * COUNT] = { 0 }, der;
	struct ask ask;

	w->order = id_new();
	ask_open(&ask, w);
	for (size_t i = 0; i < v->count; i++) {
		struct evidence_key key = { .ed25519 = key_of(v, v->said[i].perspective) };

		if (key.ed25519 == NULL)
			key.mac = w->evidence_key;
		evidence_put(&bytes[i], &v->said[i], &key);
		bundle.statements[i] = buf_slice(&bytes[i]);
	}
	buf_clear(&ask.evidence[0]);
	bundle_put(&ask.evidence[0], &bundle);
	ask.issue.evidence[0] = buf_slice(&ask.evidence[0]);
	if (word != NULL) {
		expect_refused(&ask, PROBLEM_UNAUTHORIZED, word);
	} else {
		der = expect_issued(&ask);
		buf_free(&der);
		ask_close(&ask);
	}
	for (size_t i = 0; i < v->count; i++)
		buf_free(&bytes[i]);
}

static void
drop(struct votes *v, size_t who)
{
	v->count--;
	memmove(&v->said[who], &v->said[who + 1], (v->count - who) * sizeof(v->said[0]));
}

static void
test_quorum(void **state)
{
	struct votes v;

	votes_open(&v, *state);
	expect(&v, NULL);
	drop(&v, LAN);
	expect(&v, NULL); /* one of three may fail */
	drop(&v, NYC);
	expect(&v, "nyc: it says nothing; lan: it says nothing");
	votes_close(&v);
	/* Enough, but in one region. */
	votes_open(&v, *state);
	drop(&v, NYC);
	expect(&v, "too few perspectives confirm it: nyc: it says nothing");
	((struct world *)*state)->config.va.quorum_regions = 1;
	expect(&v, NULL);
	votes_close(&v);
	/* The others don't replace the primary. */
	votes_open(&v, *state);
	drop(&v, PRIMARY);
	expect(&v, "not authentic");
	votes_close(&v);
}

/* CA/Browser Forum, 3.2.2.9: how many may fail, unless the configuration says so, which never is all of them. */
static void
test_failures_by_number(void **state)
{
	static const size_t most[] = { 0, 0, 1, 1, 1, 1, 2, 2, 2 };
	struct va_config va = { .quorum_regions = 1 };

	(void)state;
	for (va.perspective_count = 0; va.perspective_count <= 8; va.perspective_count++) {
		va.quorum_failures = QUORUM_BY_NUMBER;
		assert_int_equal(quorum_failures(&va), most[va.perspective_count]);
		va.quorum_failures = 7;
		assert_int_equal(quorum_failures(&va), va.perspective_count > 0 ? va.perspective_count - 1 : 0);
	}
}

/* One that is repeated counts once, as whatever it is sent. */
static void
test_repeated(void **state)
{
	struct votes v;

	votes_open(&v, *state);
	v.said[NYC] = v.said[LAN] = v.said[FRA];
	v.said[4] = v.said[5] = v.said[FRA];
	v.count = 6;
	expect(&v, "nyc: it says nothing; lan: it says nothing");
	/* Two statements of one: still one. */
	v.said[NYC].validated -= 1;
	expect(&v, "nyc: it says nothing; lan: it says nothing");
	votes_close(&v);
}

/* Each is true, and they are not about the same thing. */
static void
test_mixed(void **state)
{
	struct world *w = *state;
	struct jwk *other = jwk_of(w->other);
	struct votes v;

#define MIXED(change, word)					\
	do {							\
		struct evidence *one = &v.said[FRA];		\
		votes_open(&v, w);				\
		drop(&v, LAN);					\
		change;						\
		expect(&v, word);				\
		votes_close(&v);				\
	} while (0)
	MIXED(strcpy(one->token, "b3RoZXI"), "fra: its statement is about another challenge");
	MIXED(strcpy(one->identifier.value, "b.test"), "another challenge");
	MIXED(one->wildcard = true, "another challenge");
	MIXED(one->method = CHALLENGE_DNS_01, "another challenge");
	MIXED(strcpy(one->thumbprint, other->thumbprint), "another challenge");
	MIXED(strcpy(one->account_url, KID "x"), "another challenge");
	MIXED(one->validated -= 3600, "fra: it was validated at another time");
	MIXED(one->validated += 3600, "fra: it was validated at another time");
	MIXED(one->validated = 0, "fra: it was not validated");
	MIXED(one->until = clock_now() - 1, "fra: the record that proved it has ended (persistUntil)");
	MIXED(one->caa = CAA_NOT_CHECKED, "fra: its CAA records were not checked");
	MIXED(one->caa_checked -= 9 * 3600, "fra: its CAA records were checked too long ago");
	MIXED(one->caa_checked += 3600, "fra: its CAA records were checked in the future");
	jwk_free(other);
}

/* Whatever a captured primary va says: it has the MAC key, and no other. */
static void
test_forged(void **state)
{
	struct votes v;
	EVP_PKEY *fra;

	votes_open(&v, *state);
	/* In the name of fra, by the MAC key, by nyc's key, by one that it made. */
	drop(&v, LAN);
	fra = v.keys[FRA];
	v.keys[FRA] = NULL;
	expect(&v, "fra: its statement is not authentic");
	v.keys[FRA] = v.keys[NYC];
	expect(&v, "fra: its statement is not authentic");
	v.keys[FRA] = key_generate(KEY_ED25519);
	expect(&v, "fra: its statement is not authentic");
	EVP_PKEY_free(v.keys[FRA]);
	v.keys[FRA] = fra;
	expect(&v, NULL);
	/* In a name that nobody has, however often. */
	for (size_t i = 1; i < COUNT; i++) {
		v.said[i] = statement(*state, PRIMARY);
		snprintf(v.said[i].perspective, sizeof(v.said[i].perspective), "new%zu", i);
	}
	expect(&v, "fra: it says nothing; nyc: it says nothing");
	/* One on the same machine shares the key: it is no second opinion about a captured va. */
	v.said[1] = statement(*state, LAN);
	expect(&v, "fra: it says nothing; nyc: it says nothing");
	votes_close(&v);
}

/* RFC 8659: CAA that was looked at again is said apart, and is counted by itself. */
static void
test_caa_renewed(void **state)
{
	struct votes v;

	votes_open(&v, *state);
	for (size_t i = 0; i < COUNT; i++) {
		v.said[i].validated -= 20 * 86400;
		v.said[i].caa_checked -= 20 * 86400;
		v.said[COUNT + i] = statement(*state, i);
		v.said[COUNT + i].validated = 0;
		v.said[COUNT + i].addresses[0] = '\0';
	}
	expect(&v, "its CAA records were checked too long ago");
	v.count = 2 * COUNT;
	expect(&v, NULL);
	/* Those who validated and those who looked at CAA need not be the same. */
	drop(&v, COUNT + FRA);
	drop(&v, LAN);
	expect(&v, NULL);
	/* Too few looked again. */
	v.count = 2 * COUNT - 3;
	expect(&v, "fra: its CAA records were checked too long ago");
	/* The primary must have. */
	votes_close(&v);
	votes_open(&v, *state);
	v.said[PRIMARY].caa_checked -= 20 * 86400;
	expect(&v, "a.test\": its CAA records were checked too long ago");
	v.said[v.count] = statement(*state, PRIMARY);
	v.said[v.count++].validated = 0;
	expect(&v, NULL);
	votes_close(&v);
}

/* What a count costs ca. */
static void
test_cost(void **state)
{
	struct votes v;
	struct world *w = *state;
	clock_t spent[2];

	for (int i = 0; i < 2; i++) {
		votes_open(&v, w);
		if (i == 0)
			w->config.va.perspective_count = 0;
		spent[i] = clock();
		for (int j = 0; j < 100; j++)
			expect(&v, NULL);
		spent[i] = clock() - spent[i];
		votes_close(&v);
	}
	print_message("two signed votes: %ld us of CPU more for one certificate\n", (spent[1] - spent[0]) / 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_quorum), T(test_failures_by_number), T(test_repeated), T(test_mixed), T(test_forged),
		T(test_caa_renewed), T(test_cost) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: votes", tests, NULL, NULL);
}
