/* surface.h: what an ACME server looks like where RFC 8555 leaves it free: its paths, the forms of its ids, headers,
 * the layout of its JSON, the words of some problems. There is one for ours and one for Pebble's
 * (pebble-compat/surface.c); the configuration chooses, and no code asks which it is. Pure data. */
#ifndef SIGNET_ACME_SURFACE_H
#define SIGNET_ACME_SURFACE_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/challenge.h"
#include "acme/problem.h"
#include "acme/route.h"

enum surface_kind { SURFACE_NATIVE, SURFACE_PEBBLE, SURFACE_PEBBLE_MOVED, SURFACE_COUNT };

/* In Go's words a detail may repeat what the request had: "{}" in text stands for it. */
struct retold {
	enum problem_type	 type;		/* PROBLEM_NONE: as it is */
	uint16_t		 status;	/* 0: the type's own */
	const char		*text;		/* NULL: this surface says it as we do; "<>" is what it is about */
	bool			 bare;		/* the status alone, without a body */
	bool			 lone;		/* without subproblems */
};

struct surface {
	const char	*paths[ROUTE_COUNT];	/* see route.h; NULL: not served */
	const char	*json_type, *problem_type, *pem_type;	/* whole Content-Types */
	unsigned	 json_indent;		/* spaces a level; 0: one line */
	const char	*cache_control;		/* of every answer; NULL: no-store, or as the answer allows */
	const char	*expose;		/* Access-Control-Expose-Headers */
	const char	*allow_get, *allow_post;	/* what Allow says where GET is served, and where not */
	const char	*max_age;		/* of a preflight, in seconds */
	const char	*not_found;		/* the text for a path that is none, or NULL: a problem document */
	bool		 cors_on_origin;	/* CORS headers only for a request with Origin */
	bool		 quiet;			/* no Request-Id, no Content-Language */
	bool		 meta_whole;		/* the directory's meta has externalAccountRequired when it is false, too, and "" as a description */
	bool		 query_ignored;		/* what follows a '?' is nothing; else no URL has it */
	bool		 agent_required;	/* RFC 8555, 6.1: a request without User-Agent is refused */
	bool		 nonce_header_refused;	/* Replay-Nonce is a response's header (RFC 8555, 6.5.1) */
	bool		 odd_nonces;		/* one that is no base64url is a bad one, and not malformed (6.5.2) */
	bool		 sorted_directory;	/* by the members' names */
	bool		 exact_media_type;	/* of a POST: no parameters */
	bool		 open_ids;		/* a path whose id is none is that of an unknown object */
	bool		 classic_algorithms;	/* RS256 and the ES family alone */
	bool		 mismatch_unauthorized;	/* a wrong response to a challenge is "unauthorized" */
	const char	*mismatch[CHALLENGE_TYPE_COUNT];	/* how it is told; NULL: as we do */
	bool		 short_ids;		/* of accounts and serial numbers: 63 bits */
	bool		 numbered_pages;	/* of the orders list, oldest order first */
	bool		 refuses_empty_update;	/* an account's update that changes nothing */
	bool		 challenge_once;	/* only a pending challenge takes a POST, and without keyAuthorization */
	bool		 shows_key;		/* an account object has its JWK */
	bool		 sparse_account;	/* and neither termsOfServiceAgreed nor an empty list of contacts */
	bool		 lax_members;		/* a payload's null, and "" in an order, are as if they weren't there */
	struct retold	 problems[SAID_COUNT];
};

extern const struct surface surface_native, surface_pebble;
const struct surface *surface_pebble_moved(void);	/* Pebble's, and all but the directory is elsewhere */
const struct surface *surface_of(enum surface_kind);
/* Puts the problem into the surface's words, if it has some of its own. */
void	surface_retell(const struct surface *, struct problem *);

#endif
