/* reply.h: libmicrohttpd's responses from ours. Every function gives NULL or false when memory is out (or a
 * header's value can't be sent); the caller owns the response (MHD_destroy_response). */
#ifndef SIGNET_WFE_REPLY_H
#define SIGNET_WFE_REPLY_H

#include <microhttpd.h>
#include <stdbool.h>

#include "acme/surface.h"
#include "ipc/msg.h"

/* Takes body's bytes over and empties it; media type NULL: none. */
struct MHD_Response *reply_take(struct buf *body, const char *media_type);
/* Body borrowed for as long as the process lives. */
struct MHD_Response *reply_borrow(struct slice body, const char *media_type);
bool	 reply_header(struct MHD_Response *, const char *name, const char *value);
bool	 reply_retry_after(struct MHD_Response *, uint32_t seconds);

/* What an ACME answer's headers depend on beside the answer. Borrowed. */
struct form {
	const struct surface	*surface;
	const char		*index_link;	/* NULL: the directory itself (RFC 8555, 7.1) */
	bool			 cors;		/* RFC 8555, 6.1 */
};
/* What ra said, with the headers that every ACME answer has; directory is the body of MEDIA_DIRECTORY. */
struct MHD_Response *reply_from_ra(const struct form *, const struct msg_reply *, struct slice directory);
/* Our own refusal; nonce may be "". */
struct MHD_Response *reply_from_problem(const struct form *, const struct problem *, const char *nonce);
/* The headers that every ACME answer has. */
bool	 reply_acme(struct MHD_Response *, const struct form *);
/* For an answer that no cache may keep; nonce may be "". */
bool	 reply_private(struct MHD_Response *, const struct form *, const char *nonce);

#endif
