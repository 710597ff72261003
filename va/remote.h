/* remote.h: a perspective on another machine, as the primary sees it: one connection, kept and made again.
 *
 *   connecting --HELLO--> up --lost--> resting --time--> connecting
 *     |  ^   +--failed, and its name has no other address--^
 *     +--+ failed, to its name's next address
 *
 * A host name is looked up each time, by the server's own resolvers. What it leads to needs no trust: only who has the
 * perspective's key is believed.
 *
 * What is asked while it connects waits for that; while it rests it is answered "down" at once, so that a quorum
 * without it decides. */
#ifndef SIGNET_VA_REMOTE_H
#define SIGNET_VA_REMOTE_H

#include "va/check.h"
#include "va/resolver.h"

struct remote;

/* All is borrowed; own is the key that shows that we are the primary. Reads what OpenSSL reads: before the sandbox.
 * NULL: it is logged why. */
struct remote	*remote_new(const struct perspective_config *, const struct va_config *, EVP_PKEY *own);
/* Begins to connect. The loop and the resolver outlive it. */
void		 remote_start(struct remote *, uv_loop_t *, struct resolver *);
/* A voter's ask() (ballot.h). */
void		 remote_ask(void *remote, const struct msg_check *, checker_answer *, void *arg);
/* The public key of its statements. */
EVP_PKEY	*remote_evidence_key(const struct remote *);

#endif
