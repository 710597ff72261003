/* status.h: the states of RFC 8555, 7.1.6, as the database keeps them and as clients read them. Pure. */
#ifndef SIGNET_ACME_STATUS_H
#define SIGNET_ACME_STATUS_H

#include <stddef.h>

enum account_status { ACCOUNT_VALID = 1, ACCOUNT_DEACTIVATED, ACCOUNT_REVOKED };

/*  What is stored of an order. pending, ready, and the invalid that comes from an authorization or from
 *  time, are not stored: order_status() derives them, so they can't disagree with their cause.
 *
 *      open --finalize--> processing --certificate--> valid --canceled by who asked (RFC 8739)--> canceled
 *       ^                     |
 *       +---- bad CSR --------+--- refused by ca ---> invalid
 */
enum order_state { ORDER_OPEN = 1, ORDER_PROCESSING, ORDER_VALID, ORDER_INVALID, ORDER_CANCELED };

enum order_status {
	ORDER_STATUS_PENDING, ORDER_STATUS_READY, ORDER_STATUS_PROCESSING, ORDER_STATUS_VALID,
	ORDER_STATUS_INVALID, ORDER_STATUS_CANCELED
};

/*  pending --challenge POST--> processing --RESULT--> valid --> deactivated | revoked | (expired)
 *     |                            +----------------> invalid
 *     +--> deactivated | (expired)
 *  processing is "pending" to clients, whose challenge says "processing" (7.1.6). */
enum authorization_state {
	AUTHORIZATION_PENDING = 1, AUTHORIZATION_PROCESSING, AUTHORIZATION_VALID,
	AUTHORIZATION_INVALID, AUTHORIZATION_DEACTIVATED, AUTHORIZATION_REVOKED
};

const char *account_status_text(enum account_status);
const char *order_status_text(enum order_status);
/* The status that clients see; expired at now (seconds) shows as "expired", or "invalid" if it was pending.
 * In processing it is "pending" whatever the time: the validation decides. */
const char *authorization_status_text(enum authorization_state, long long expires, long long now);

#endif
