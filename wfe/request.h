/* request.h: one HTTP request's life, from its request line to the last byte of its answer.
 *
 *   HEAD --headers--> TURN --its turn--> BODY --all read--> WHOLE --answer queued--> (sent)
 *                      |  ^               |                  |     ^                     ^
 *            suspended +--+ resumed       |        suspended +-----+ resumed by a reply, |
 *                                         |                          or by nonces        |
 *                                         +--refused, and the body not worth reading-----+
 */
#ifndef SIGNET_WFE_REQUEST_H
#define SIGNET_WFE_REQUEST_H

#include "acme/problem.h"
#include "acme/route.h"
#include "ipc/msg.h"
#include "wfe/reply.h"
#include "wfe/server.h"

enum request_state { REQUEST_HEAD, REQUEST_TURN, REQUEST_BODY, REQUEST_WHOLE };

struct request {
	struct server		*server;
	struct MHD_Connection	*connection;
	struct connection	*peer;
	struct turn		 turn;
	enum request_state	 state;
	int64_t			 started;	/* monotonic ms */
	char			 id[REQUEST_ID_SIZE];
	char			 remote[REMOTE_MAX + 1];	/* whom it comes from: hops.h */
	char			 method[METHOD_MAX + 1];
	char			 path[URL_PATH_MAX + 1];
	char			 user_agent[HEADER_TEXT_MAX + 1];
	char			 base[BASE_MAX + 1];	/* by which this client knows the server */
	char			 index_link[BASE_MAX + 64];	/* "": the server's own */
	bool			 query;		/* the target has one */
	bool			 long_path;
	struct target		 target;
	bool			 close;		/* the connection ends with this answer */
	uint64_t		 received;	/* bytes of body, kept or not */
	struct buf		 body;
	struct problem		 refusal;	/* ours */
	const char		*allow;		/* of 405 */
	uint32_t		 retry_after;
	bool			 reset;		/* the connection ends without an answer */
	struct MHD_Response	*response;
	unsigned		 status;
	char			 account[ID_TEXT_SIZE];		/* what ra said, for the log */
	char			 problem[48];
	char			 detail[REASON_MAX];
};

/* How its answer looks. Borrowed from the request. */
struct form	 request_form(const struct request *);
/* Appends the directory when it is not the one that all clients see; false: it is. */
bool		 request_directory(const struct request *, struct buf *);
/* Where its client finds the server. */
struct site	 request_site(const struct request *);

/* libmicrohttpd's callbacks; closure: struct server *. */
void		*request_begin(void *server, const char *target, struct MHD_Connection *);
enum MHD_Result	 request_serve(void *server, struct MHD_Connection *, const char *url, const char *method,
    const char *version, const char *data, size_t *size, void **request);
void		 request_end(void *server, struct MHD_Connection *, void **request,
    enum MHD_RequestTerminationCode);

/* Refuses it ourselves; the first refusal stands. */
void		 request_refuse(struct request *, enum problem_type, uint16_t status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* For a request that the caller took from in_flight: hand it what it waited for, and back to its thread.
 * The caller must forget it. */
void		 request_resume(struct request *);		/* there may be nonces now */
void		 request_reply(struct request *, const struct msg_reply *);
void		 request_ra_gone(struct request *);

#endif
