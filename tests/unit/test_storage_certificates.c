/* Certificates and the walks through them, revocations, CRL numbers, keys that are blocked. */
#include "tests/unit/storage_world.h"

VERB(put_issuer, issuer_put(tx, c->row, slice_str(c->text)))
VERB(put_revocation, revocation_insert(tx, c->row))
VERB(compromise, revocation_compromise(tx, slice_str(c->text)))
VERB(put_crl_number, crl_number_put(tx, c->row, (unsigned)c->count, (uint64_t)c->number))
VERB(block_key, key_block(tx, c->text, c->number))
VERB(expire_revocations, revocations_expire(tx, c->number, (unsigned)c->count, &c->deleted))

static void
certificate_verbs(void **state)
{
	struct certificate	 c = { .id = id_new(), .not_before = 1, .not_after = 2 }, got;
	struct storage_tx	*tx;
	struct buf		 der = { 0 };

	(void)state;
	c.issuer[0] = 9;
	buf_put(&c.serial, "\0\1", 2);
	buf_put_str(&c.der, "der");
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_OK);
	assert_int_equal(CALL(put_issuer, .row = c.issuer, .text = "issuer"), ERR_OK);
	assert_int_equal(CALL(put_issuer, .row = c.issuer, .text = "issuer"), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(certificate_get(tx, c.id, &got), ERR_OK);
	assert_true(id_is_zero(got.order) && id_is_zero(got.account));
	assert_memory_equal(got.issuer, c.issuer, sizeof(c.issuer));
	assert_true(slice_eq(buf_slice(&got.serial), buf_slice(&c.serial)));
	assert_true(slice_eq(buf_slice(&got.der), buf_slice(&c.der)));
	certificate_free(&got);
	assert_int_equal(issuer_get(tx, c.issuer, &der), ERR_OK);
	assert_true(slice_eq_str(buf_slice(&der), "issuer"));
	c.issuer[0] = 8;
	assert_int_equal(issuer_get(tx, c.issuer, &der), ERR_NOT_FOUND);
	storage_read_end(tx);
	c.id = id_new();
	assert_int_equal(CALL(put_certificate, .row = &c), ERR_EXISTS);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(certificate_get(tx, c.id, &got), ERR_NOT_FOUND);
	storage_read_end(tx);
	buf_free(&der);
	certificate_free(&c);
}

/* Three certificates of two accounts; the second ends first and is revoked. */
static void
make_certificates(const struct id accounts[2], struct order orders[3], struct certificate made_ones[3])
{
	static const char *const names[] = { "a.example", "b.example", "c.example" };
	struct revocation r = { .revoked = 9, .reason = REVOCATION_SUPERSEDED, .serial = { 2 }, .serial_len = 1,
		.certificate = id_new() };
	static struct identifier identifiers[3];

	for (size_t i = 0; i < 3; i++) {
		identifiers[i].type = IDENTIFIER_DNS;
		strcpy(identifiers[i].value, names[i]);
		orders[i] = sample_order(accounts[i == 2], &identifiers[i], 1);
		orders[i].id.bytes[5] = (uint8_t)i;	/* made in one millisecond: their order is told here */
		made_ones[i] = (struct certificate){ .id = orders[i].id, .order = orders[i].id,
			.account = orders[i].account, .not_before = 1, .not_after = i == 1 ? 50 : 100 };
		buf_put_byte(&made_ones[i].serial, (uint8_t)(i + 1));
		buf_put_str(&made_ones[i].der, "der");
		assert_int_equal(CALL(put_order, .row = &orders[i]), ERR_OK);
		assert_int_equal(CALL(put_certificate, .row = &made_ones[i]), ERR_OK);
		assert_int_equal(CALL(begin_finalize, orders[i].id, .text = "jws"), ERR_OK);
		assert_int_equal(CALL(finish_order, orders[i].id, .ids = &made_ones[i].id), ERR_OK);
	}
	assert_int_equal(CALL(put_revocation, .row = &r), ERR_OK);
}

static void
expect_walk(struct certificate_walk walk, const char *serials)
{
	struct storage_tx *tx;
	struct certificate_row rows[2];
	size_t count = 2;
	char found[8] = "";

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	while (count == 2) {
		assert_int_equal(certificates_next(tx, &walk, rows, 2, &count), ERR_OK);
		for (size_t i = 0; i < count; i++)
			sprintf(found + strlen(found), "%c", '0' + rows[i].serial[0]);
		certificate_rows_free(rows, count);
	}
	storage_read_end(tx);
	assert_string_equal(found, serials);
}

static void
certificate_walks(void **state)
{
	struct id accounts[2] = { id_new(), id_new() };
	struct order orders[3];
	struct certificate certificates[3];
	struct certificate_row row;
	struct storage_tx *tx;

	(void)state;
	make_certificates(accounts, orders, certificates);
	expect_walk((struct certificate_walk){ .before = 0 }, "321");
	expect_walk((struct certificate_walk){ .account = accounts[0] }, "21");
	expect_walk((struct certificate_walk){ .account = accounts[1] }, "3");
	expect_walk((struct certificate_walk){ .before = 101 }, "213");
	expect_walk((struct certificate_walk){ .before = 100 }, "2");
	expect_walk((struct certificate_walk){ .before = 50 }, "");
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(certificate_row_get(tx, slice_of("\2", 1), &row), ERR_OK);
	assert_int_equal(row.revoked, 9);
	assert_int_equal(row.reason, REVOCATION_SUPERSEDED);
	assert_int_equal(row.identifier_count, 1);
	assert_string_equal(row.identifiers[0].value, "b.example");
	assert_string_equal(row.profile, "default");
	certificate_rows_free(&row, 1);
	assert_int_equal(certificate_row_get(tx, slice_of("\7", 1), &row), ERR_NOT_FOUND);
	storage_read_end(tx);
	for (size_t i = 0; i < 3; i++)
		certificate_free(&certificates[i]);
}

static struct revocation
sample_revocation(const char *serial, unsigned shard)
{
	struct revocation r = { .certificate = id_new(), .shard = shard, .revoked = 5,
		.reason = REVOCATION_NONE, .not_after = 500 };

	r.serial_len = strlen(serial);
	memcpy(r.serial, serial, r.serial_len);
	memset(r.issuer, 'i', sizeof(r.issuer));
	return r;
}

/* RFC 8555, 7.6; and what the lists are made of, page by page. */
static void
revocation_verbs(void **state)
{
	static const char *const serials[] = { "d", "a", "bbb", "c", "e" };
	struct revocation	 row, rows[4];
	struct storage_tx	*tx;
	uint8_t			 issuer[32];
	size_t			 count;
	struct call		 expiry = { .verb = expire_revocations, .number = 501, .count = 3 };

	(void)state;
	memset(issuer, 'i', sizeof(issuer));
	for (int i = 0; i < 5; i++) {
		row = sample_revocation(serials[i], i == 4 ? 1 : 0);
		assert_int_equal(CALL(put_revocation, .row = &row), ERR_OK);
		assert_int_equal(CALL(put_revocation, .row = &row), ERR_EXISTS);
	}
	assert_int_equal(CALL(compromise, .text = "bbb"), ERR_OK);
	assert_int_equal(CALL(compromise, .text = "bbb"), ERR_CONFLICT);
	assert_int_equal(CALL(compromise, .text = "zzz"), ERR_CONFLICT);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(revocation_get(tx, slice_str("zzz"), &row), ERR_NOT_FOUND);
	assert_int_equal(revocation_get(tx, slice_str("bbb"), &row), ERR_OK);
	assert_int_equal(row.reason, REVOCATION_KEY_COMPROMISE);
	assert_int_equal(row.revoked, 5);
	assert_int_equal(row.not_after, 500);
	assert_int_equal(revocations_of_shard(tx, issuer, 0, (struct slice){ 0 }, rows, 3, &count), ERR_OK);
	assert_int_equal(count, 3);
	assert_memory_equal(rows[0].serial, "a", 1);
	assert_memory_equal(rows[1].serial, "bbb", 3);
	assert_int_equal(rows[0].reason, REVOCATION_NONE);
	assert_int_equal(revocations_of_shard(tx, issuer, 0, slice_str("c"), rows, 3, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_memory_equal(rows[0].serial, "d", 1);
	assert_int_equal(revocations_of_shard(tx, issuer, 1, (struct slice){ 0 }, rows, 3, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(revocations_of_shard(tx, issuer, 2, (struct slice){ 0 }, rows, 3, &count), ERR_OK);
	assert_int_equal(count, 0);
	storage_read_end(tx);
	assert_int_equal(call(&expiry), ERR_OK);
	assert_int_equal(expiry.deleted, 3);
}

static void
crl_number_and_blocked_key_verbs(void **state)
{
	struct storage_tx	*tx;
	uint8_t			 issuer[32] = { 7 };
	uint64_t		 number;
	unsigned		 shards;

	(void)state;
	assert_int_equal(CALL(put_crl_number, .row = issuer, .count = 3, .number = 50), ERR_OK);
	assert_int_equal(CALL(put_crl_number, .row = issuer, .count = 3, .number = 40), ERR_OK); /* never back */
	assert_int_equal(CALL(block_key, .text = "thumb", .number = 1), ERR_OK);
	assert_int_equal(CALL(block_key, .text = "thumb", .number = 2), ERR_OK);
	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(crl_number_get(tx, issuer, 3, &number), ERR_OK);
	assert_int_equal(number, 50);
	assert_int_equal(crl_number_get(tx, issuer, 0, &number), ERR_OK);
	assert_int_equal(number, 0);
	assert_int_equal(crl_shards_known(tx, issuer, &shards), ERR_OK);
	assert_int_equal(shards, 4);
	issuer[0] = 8;
	assert_int_equal(crl_shards_known(tx, issuer, &shards), ERR_OK);
	assert_int_equal(shards, 0);
	assert_int_equal(key_blocked(tx, "thumb"), ERR_OK);
	assert_int_equal(key_blocked(tx, "other"), ERR_NOT_FOUND);
	storage_read_end(tx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(certificate_verbs),
		T(certificate_walks),
		T(revocation_verbs),
		T(crl_number_and_blocked_key_verbs),
	};

	return cmocka_run_group_tests_name("storage: certificates", tests, dir_make, dir_remove);
}
