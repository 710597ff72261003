/* The messages of OCSP: each encoder with its decoder, and what no honest peer says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/msg.h"

/* Whatever is cut off or put after it is noticed. */
#define REFUSES_OTHER_LENGTHS(get, type, bytes)						\
	do {										\
		static type other;							\
											\
		for (size_t n = 0; n < (bytes)->len; n++)				\
			assert_false(get(slice_of((bytes)->data, n), &other));		\
		buf_put_byte((bytes), 0);						\
		assert_false(get(buf_slice(bytes), &other));				\
	} while (0)

static const struct ocsp_id ids[2] = {
	{ .hash = OCSP_SHA1, .name = "01234567890123456789", .key = "abcdefghijklmnopqrst", .serial = { 1, 2 },
	    .serial_len = 2 },
	{ .hash = OCSP_SHA256, .name = "0123456789012345678901234567890", .key = "abcdefghijklmnopqrstuvwxyzabcde",
	    .serial = { 9 }, .serial_len = 20 },
};

static void
test_ocsp(void **state)
{
	struct msg_ocsp msg = { .number = 5, .request = { .count = 2, .ids = { ids[0], ids[1] }, .nonce = "n",
	    .nonce_len = 1 } }, back = { .number = 0 };
	struct buf	out = { 0 };

	(void)state;
	put_ocsp(&out, &msg);
	assert_true(get_ocsp(buf_slice(&out), &back));
	assert_memory_equal(&back, &msg, sizeof(msg));
	REFUSES_OTHER_LENGTHS(get_ocsp, struct msg_ocsp, &out);
	buf_clear(&out);
	msg.request.count = 0;
	put_ocsp(&out, &msg);
	assert_false(get_ocsp(buf_slice(&out), &back));
	buf_clear(&out);
	msg.request.count = 1;
	msg.request.ids[0].serial_len = 0;
	put_ocsp(&out, &msg);
	assert_false(get_ocsp(buf_slice(&out), &back));
	/* A hash that nobody makes: its size is not known either. */
	buf_clear(&out);
	msg.request.ids[0].serial_len = 2;
	put_ocsp(&out, &msg);
	out.data[12] = OCSP_HASH_COUNT;
	assert_false(get_ocsp(buf_slice(&out), &back));
	out.data[12] = 0;
	assert_false(get_ocsp(buf_slice(&out), &back));
	/* More than there may be. */
	out.data[12] = OCSP_SHA1;
	out.data[11] = OCSP_IDS_MAX + 1;
	assert_false(get_ocsp(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_answer(void **state)
{
	struct msg_ocsp_answer msg = { .number = 5, .status = OCSP_SUCCESSFUL, .this_update = 7, .next_update = 8,
		.shared = true, .der = slice_str("DER") }, back;
	struct buf	       out = { 0 };

	(void)state;
	put_ocsp_answer(&out, &msg);
	assert_true(get_ocsp_answer(buf_slice(&out), &back));
	assert_true(back.number == 5 && back.status == OCSP_SUCCESSFUL && back.this_update == 7 && back.next_update == 8 &&
	    back.shared && slice_eq(back.der, msg.der));
	out.data[8] = 4;	/* no OCSPResponseStatus */
	assert_false(get_ocsp_answer(buf_slice(&out), &back));
	out.data[8] = OCSP_SUCCESSFUL;
	REFUSES_OTHER_LENGTHS(get_ocsp_answer, struct msg_ocsp_answer, &out);
	buf_clear(&out);
	msg.der.len = 0;
	put_ocsp_answer(&out, &msg);
	assert_false(get_ocsp_answer(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_sign(void **state)
{
	struct msg_ocsp_sign msg = { .number = 5, .key = { 1 }, .count = 2, .items = {
		{ .id = ids[0], .certificate = slice_str("DER"), .revoked = 9, .reason = REVOCATION_SUPERSEDED,
		    .not_after = 10 },
		{ .id = ids[1], .reason = REVOCATION_NONE } }, .nonce = "nn", .nonce_len = 2 }, back;
	struct buf	     out = { 0 };

	(void)state;
	put_ocsp_sign(&out, &msg);
	assert_true(get_ocsp_sign(buf_slice(&out), &back));
	assert_int_equal(back.count, 2);
	assert_memory_equal(back.key, msg.key, OCSP_KEY_SIZE);
	assert_true(slice_eq(back.items[0].certificate, msg.items[0].certificate));
	assert_int_equal(back.items[0].revoked, 9);
	assert_int_equal(back.items[0].reason, REVOCATION_SUPERSEDED);
	assert_int_equal(back.items[0].not_after, 10);
	assert_int_equal(back.items[1].certificate.len, 0);
	assert_int_equal(back.items[1].reason, REVOCATION_NONE);
	assert_int_equal(back.nonce_len, 2);
	REFUSES_OTHER_LENGTHS(get_ocsp_sign, struct msg_ocsp_sign, &out);
	/* A reason that is not for good, and a time that nobody can add to. */
	buf_clear(&out);
	msg.items[0].reason = REVOCATION_CERTIFICATE_HOLD;
	put_ocsp_sign(&out, &msg);
	assert_false(get_ocsp_sign(buf_slice(&out), &back));
	buf_clear(&out);
	msg.items[0].reason = REVOCATION_NONE;
	msg.items[0].revoked = INT64_MAX;
	put_ocsp_sign(&out, &msg);
	assert_false(get_ocsp_sign(buf_slice(&out), &back));
	buf_free(&out);
}

static void
test_signed(void **state)
{
	struct msg_ocsp_signed msg = { .number = 5, .key = { 1 }, .status = OCSP_SUCCESSFUL, .this_update = 7,
		.next_update = 8, .der = slice_str("DER") }, back;
	struct buf	       out = { 0 };

	(void)state;
	put_ocsp_signed(&out, &msg);
	assert_true(get_ocsp_signed(buf_slice(&out), &back));
	assert_true(back.number == 5 && back.next_update == 8 && slice_eq(back.der, msg.der));
	REFUSES_OTHER_LENGTHS(get_ocsp_signed, struct msg_ocsp_signed, &out);
	/* A success without a response, and a response that failed. */
	buf_clear(&out);
	msg.status = OCSP_UNAUTHORIZED;
	put_ocsp_signed(&out, &msg);
	assert_false(get_ocsp_signed(buf_slice(&out), &back));
	buf_clear(&out);
	msg.der.len = 0;
	put_ocsp_signed(&out, &msg);
	assert_true(get_ocsp_signed(buf_slice(&out), &back));
	buf_clear(&out);
	msg.status = OCSP_SUCCESSFUL;
	put_ocsp_signed(&out, &msg);
	assert_false(get_ocsp_signed(buf_slice(&out), &back));
	buf_free(&out);
}

/* Who may say it. */
static void
test_table(void **state)
{
	(void)state;
	assert_int_equal(msg_entry(MSG_OCSP)->from, ROLE_BIT(ROLE_WFE));
	assert_int_equal(msg_entry(MSG_OCSP)->to, ROLE_BIT(ROLE_RA));
	assert_int_equal(msg_entry(MSG_OCSP_SIGN)->from, ROLE_BIT(ROLE_RA));
	assert_int_equal(msg_entry(MSG_OCSP_SIGN)->to, ROLE_BIT(ROLE_CA));
	assert_int_equal(msg_entry(MSG_OCSP_SIGNED)->from, ROLE_BIT(ROLE_CA));
	assert_int_equal(msg_entry(MSG_OCSP_SIGNED)->to, ROLE_BIT(ROLE_RA));
	assert_int_equal(msg_entry(MSG_OCSP_ANSWER)->from, ROLE_BIT(ROLE_RA));
	assert_int_equal(msg_entry(MSG_OCSP_ANSWER)->to, ROLE_BIT(ROLE_WFE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ocsp), cmocka_unit_test(test_answer),
		cmocka_unit_test(test_sign), cmocka_unit_test(test_signed), cmocka_unit_test(test_table) };

	return cmocka_run_group_tests_name("ipc: OCSP", tests, NULL, NULL);
}
