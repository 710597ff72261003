/* nonce_stock.h: nonces that ra made and nobody has yet; ra alone knows whether one is still good.
 * Safe from any thread. */
#ifndef SIGNET_WFE_NONCE_STOCK_H
#define SIGNET_WFE_NONCE_STOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/msg.h"

#define NONCE_STOCK_MAX 1024	/* four messages: a burst of as many new clients between two round trips */

struct nonce_stock;

struct nonce_stock *nonce_stock_new(void);		/* NULL: out of memory */
void	 nonce_stock_free(struct nonce_stock *);	/* NULL is fine */
/* Takes the oldest. False, and out is "": there is none. */
bool	 nonce_stock_take(struct nonce_stock *, char out[NONCE_SIZE]);
/* What ra sent; what doesn't fit is dropped. */
void	 nonce_stock_fill(struct nonce_stock *, const struct msg_nonces *);
/* True when the stock is under half and no answer is outstanding: the caller then sends
 * MSG_NONCES_WANTED, once; nonce_stock_fill() is the answer. */
bool	 nonce_stock_wants(struct nonce_stock *);
/* The message could not be sent: ask again later. */
void	 nonce_stock_not_asked(struct nonce_stock *);
/* Waits so long, in milliseconds, for the first filling. False: there was none yet. */
bool	 nonce_stock_wait(struct nonce_stock *, int ms);
size_t	 nonce_stock_count(struct nonce_stock *);

#endif
