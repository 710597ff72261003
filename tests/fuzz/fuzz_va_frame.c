/* What comes over the wire between the primary and a perspective, once TLS has let it through. What decodes must encode
 * to the same bytes again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "va/frame.h"

#define ROUND_TRIP(type, get, put)							\
	do {										\
		static type frame;							\
		struct buf  out = { 0 };						\
											\
		memset(&frame, 0, sizeof(frame));					\
		if (get(body, &frame)) {						\
			put(&out, &frame);						\
			if (!out.failed && (out.len != FRAME_HEAD + body.len ||		\
			    !slice_eq(slice_of(out.data + FRAME_HEAD, body.len), body)))	\
				abort();						\
		}									\
		buf_free(&out);								\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice body = slice_of(data, size);

	if (size > FRAME_MAX)
		return 0;
	switch (frame_type(body)) {
	case FRAME_HELLO:
		ROUND_TRIP(struct frame_hello, frame_get_hello, frame_put_hello);
		break;
	case FRAME_ASK:
		ROUND_TRIP(struct frame_ask, frame_get_ask, frame_put_ask);
		break;
	case FRAME_ANSWER:
		ROUND_TRIP(struct frame_answer, frame_get_answer, frame_put_answer);
		break;
	default:
		break;
	}
	return 0;
}
