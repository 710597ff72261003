/* CRLs from what ra sends, and from what it must not send. */
#include "tests/unit/ca_world.h"

static void
test_crl(void **state)
{
	struct world *w = *state;
	struct msg_crl_entries *part;
	struct buf der = { 0 };
	uint64_t first, number;
	const uint8_t *p;
	X509_CRL *crl;

	assert_int_equal(part_take(w, part_make(w, CRL_CHUNK, true, false), &der, &first), ERR_BUSY);
	assert_int_equal(part_take(w, part_make(w, 5, false, true), &der, &first), ERR_OK);
	p = der.data;
	assert_non_null(crl = d2i_X509_CRL(NULL, &p, (long)der.len));
	assert_int_equal(X509_CRL_verify(crl, w->ca->issuers[0].key), 1);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), CRL_CHUNK + 5);
	X509_CRL_free(crl);
	/* The number rises whatever the clock and whatever ra knows. */
	assert_int_equal(part_take(w, part_make(w, 0, true, true), &der, &number), ERR_OK);
	assert_true(number > first);
	part = part_make(w, 0, true, true);
	part->number = number + 1000000;
	assert_int_equal(part_take(w, part, &der, &first), ERR_OK);
	assert_true(first > number + 1000000);
	/* A clock that was set back: an entry from the future is listed nevertheless. */
	part = part_make(w, 1, true, true);
	part->entries[0].revoked += 86400;
	assert_int_equal(part_take(w, part, &der, &number), ERR_OK);
	assert_true(number > first);
	buf_free(&der);
}

/* A captured ra: what comes out of turn is told apart, and ends ca. */
static void
test_crl_hostile(void **state)
{
	struct world *w = *state;
	struct msg_crl_entries *part;
	struct buf der = { 0 };
	uint64_t number;

	assert_int_equal(part_take(w, part_make(w, 1, false, true), &der, &number), ERR_MALFORMED);
	assert_int_equal(part_take(w, part_make(w, 1, true, false), &der, &number), ERR_BUSY);
	part = part_make(w, 1, false, true);
	part->shard = 1;
	assert_int_equal(part_take(w, part, &der, &number), ERR_MALFORMED);
	part = part_make(w, 1, true, true);
	part->issuer[0] ^= 1;
	assert_int_equal(part_take(w, part, &der, &number), ERR_MALFORMED);
	/* The same certificate twice: no list rather than a wrong one. */
	part = part_make(w, 2, true, true);
	part->entries[1] = part->entries[0];
	assert_int_equal(part_take(w, part, &der, &number), ERR_OK);
	assert_int_equal(der.len, 0);
	part = part_make(w, 0, true, false);
	for (unsigned i = 0; i <= 500000 / CRL_CHUNK; i++) {
		assert_int_equal(part_take(w, part, &der, &number), ERR_BUSY);
		part = part_make(w, CRL_CHUNK, false, false);
	}
	part->last = true;
	assert_int_equal(part_take(w, part, &der, &number), ERR_DENIED);
	assert_int_equal(part_take(w, part_make(w, 0, true, true), &der, &number), ERR_OK);
	assert_true(der.len > 0);
	buf_free(&der);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_crl), T(test_crl_hostile) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: CRLs", tests, NULL, NULL);
}
