/* nonce.h: anti-replay nonces (RFC 8555, 6.5) that are not stored: a counter encrypted under a key of this
 * start, redeemed by decrypting it and setting one bit in a window. Unpredictable, single use, constant
 * memory. From any thread. */
#ifndef SIGNET_RA_NONCE_H
#define SIGNET_RA_NONCE_H

#include "ipc/msg.h"
#include "lib/err.h"

/* How many of the newest nonces can still be redeemed: 512 KiB of bits; at 10,000 requests a second seven
 * minutes' worth, and weeks at a homelab's pace. */
#define NONCE_WINDOW (1u << 22)

struct nonces;

struct nonces	*nonces_new(void);		/* NULL: out of memory */
void		 nonces_free(struct nonces *);	/* NULL is fine */
void		 nonce_issue(struct nonces *, char out[NONCE_SIZE]);
/* ERR_MALFORMED: not even the form of a nonce. ERR_STALE: not ours, used, or fallen out of the window. */
enum err	 nonce_redeem(struct nonces *, const char *text);

#endif
