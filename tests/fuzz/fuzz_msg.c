/* Every decoder of ipc/msg.h and of acme/evidence.h: the first byte chooses. What decodes must encode to the
 * same bytes again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/msg.h"

#define ROUND_TRIP(type, get, put)							\
	do {										\
		static type msg;							\
		struct buf  out = { 0 };						\
											\
		memset(&msg, 0, sizeof(msg));						\
		if (get(body, &msg)) {							\
			put(&out, &msg);						\
			if (!out.failed && !slice_eq(buf_slice(&out), body))		\
				abort();						\
		}									\
		buf_free(&out);								\
	} while (0)

/* Keyed with zeros, so that the fuzzer's corpus can hold statements that verify. */
static void
evidence(struct slice body)
{
	static const uint8_t zeros[EVIDENCE_KEY_SIZE];
	struct evidence_key  key = { .mac = zeros };
	struct evidence	     said;
	struct buf	     out = { 0 };
	char		     name[PERSPECTIVE_MAX + 1];

	(void)evidence_by(body, name);
	if (evidence_get(body, &key, &said) != ERR_OK)
		return;
	evidence_put(&out, &said, &key);
	if (!out.failed && !slice_eq(buf_slice(&out), body))
		abort();
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
refused(struct slice body)
{
	struct msg_refused msg;
	struct buf out = { 0 };

	if (!get_refused(body, &msg))
		return;
	put_refused(&out, &msg);
	if (!out.failed && !slice_eq(buf_slice(&out), body))
		abort();
	buf_free(&out);
	problem_free(&msg.problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body;

	if (size == 0)
		return 0;
	body = slice_of(data + 1, size - 1);
	switch (data[0]) {
	case MSG_REQUEST:
		ROUND_TRIP(struct msg_request, get_request, put_request);
		break;
	case MSG_LOOKUP:
		ROUND_TRIP(struct msg_lookup, get_lookup, put_lookup);
		break;
	case MSG_REPLY:
		ROUND_TRIP(struct msg_reply, get_reply, put_reply);
		break;
	case MSG_NONCES:
		ROUND_TRIP(struct msg_nonces, get_nonces, put_nonces);
		break;
	case MSG_CHECK:
		ROUND_TRIP(struct msg_check, get_check, put_check);
		break;
	case MSG_RESULT:
		ROUND_TRIP(struct msg_result, get_result, put_result);
		break;
	case MSG_ISSUE:
		ROUND_TRIP(struct msg_issue, get_issue, put_issue);
		break;
	case MSG_CERTIFICATE:
		ROUND_TRIP(struct msg_certificate, get_certificate, put_certificate);
		break;
	case MSG_REFUSED:
		refused(body);
		break;
	case MSG_CANCELED:
		ROUND_TRIP(struct msg_canceled, get_canceled, put_canceled);
		break;
	case MSG_CRL_ENTRIES:
		ROUND_TRIP(struct msg_crl_entries, get_crl_entries, put_crl_entries);
		break;
	case MSG_CRL:
		ROUND_TRIP(struct msg_crl, get_crl, put_crl);
		break;
	case MSG_OCSP:
		ROUND_TRIP(struct msg_ocsp, get_ocsp, put_ocsp);
		break;
	case MSG_OCSP_ANSWER:
		ROUND_TRIP(struct msg_ocsp_answer, get_ocsp_answer, put_ocsp_answer);
		break;
	case MSG_OCSP_SIGN:
		ROUND_TRIP(struct msg_ocsp_sign, get_ocsp_sign, put_ocsp_sign);
		break;
	case MSG_OCSP_SIGNED:
		ROUND_TRIP(struct msg_ocsp_signed, get_ocsp_signed, put_ocsp_signed);
		break;
	case 'B':
		ROUND_TRIP(struct bundle, bundle_get, bundle_put);
		break;
	default:
		evidence(body);
	}
	return 0;
}
