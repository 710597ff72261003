/* manage.h: what the management listener answers from the database and from memory: for whoever tests a client against
 * this server. Only a configuration with wfe.management_listen has it, which only preset pebble takes. */
#ifndef SIGNET_RA_MANAGE_H
#define SIGNET_RA_MANAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "ipc/msg.h"
#include "lib/buf.h"
#include "ra/ra.h"

/* A call under way. */
struct manage {
	struct ra	*ra;
	struct msg_manage msg;
	struct msg_reply reply;		/* status 404 until a handler says otherwise */
	struct buf	 out;		/* its body */
	bool		 later;		/* the handler has somebody else answer: manage_reply() */
};

/* Decodes, answers. A malformed message kills. */
void	 manage_take(struct ra *, struct slice body);

/* Sends reply with this body, or 500 when it is too long. */
void	 manage_reply(struct ra *, struct msg_reply *, struct buf *body);
/* For handlers: 200 with this object, which is taken over. */
void	 manage_json(struct manage *, json_t *owned);
/* The status, and a line that says why. */
void	 manage_say(struct manage *, uint16_t status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The body as an object, the caller's; NULL after an answer. */
json_t	*manage_object(struct manage *);

/* The handlers; rest is the path after what the table has. */
typedef void manage_handler(struct manage *, const char *rest);
manage_handler manage_certificate_status, manage_set_renewal_info;	/* manage_certificate.c */

manage_handler manage_faults_show, manage_faults_set, manage_faults_clear, manage_clock_show, manage_clock_move,
    manage_reset, manage_snapshot, manage_restore;	/* manage_test.c */
manage_handler manage_conformance_page, manage_conformance_json, manage_conformance_junit,
    manage_conformance_reset;	/* manage_conformance.c */

/* manage_test.c: {"faults": [...], "limits": {...}}, either of which may be missing: then there are none, and the rates
 * are the configured ones. ERR_MALFORMED with the reason, and nothing has changed. */
enum err	 script_set(struct ra *, const json_t *script, struct reason *);

/* manage_certificate.c: what renewalInfo shall answer for a certificate, instead of a window. */
struct renewal_overrides;
struct renewal_overrides *renewal_overrides_new(void);	/* NULL: out of memory */
void	 renewal_overrides_clear(struct renewal_overrides *);
/* Appends the text; false: there is none. */
bool	 renewal_override(struct renewal_overrides *, struct slice serial, struct buf *out);

#endif
