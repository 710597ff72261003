/* probe.h: one TLS handshake with one address, to see which certificate it shows for a name and a protocol
 * (ALPN), by OpenSSL on the loop. No byte of application data is sent or read: the connection ends with the
 * handshake (RFC 8737, 3). */
#ifndef SIGNET_VA_PROBE_H
#define SIGNET_VA_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "lib/address.h"
#include "lib/buf.h"
#include "va/connector.h"

#define PROBE_BYTES_MAX 32768	/* read in one handshake; four RSA-4096 certificates take 8,000 */
#define PROBE_CHAIN_MAX 16384	/* of which certificates: to decode each small one costs 0.4 ms */
#define PROBE_PROTOCOL_MAX 255	/* RFC 7301, 3.1 */
#define PROBE_MAX 2000		/* handshakes at once: 80 MiB; the oldest makes room for one more, and has failed */

enum probe_outcome {
	PROBE_SHOWN = 1,	/* the handshake is complete */
	PROBE_UNREACHABLE,	/* no TCP connection; another address may do */
	PROBE_NO_WAY,		/* nobody was asked, for a reason on this side */
	PROBE_TLS_FAILED,	/* connected, and then no handshake */
	PROBE_BROKEN		/* connected, and then the connection was lost */
};

struct probe_answer {
	enum probe_outcome outcome;
	bool		   agreed;	/* the server chose the protocol that was offered */
	bool		   chose;	/* it chose one at all */
	struct slice	   certificate;	/* its own, DER; empty when it showed none */
	const char	  *why;		/* when not shown: a clause, "refused the connection" */
	const char	  *advice;	/* when not shown: a clause, what to do */
};
typedef void probe_done(void *arg, const struct probe_answer *);	/* the answer lives for the call */

struct prober;
struct probe;

/* Reads what OpenSSL reads: before the sandbox. protocol is the one that is offered ("acme-tls/1"). NULL: out
 * of memory, or OpenSSL's configuration forbids what we need. */
struct prober	*prober_new(const char *protocol);
/* Begins to use the loop and the connector, which outlive the prober. */
void		 prober_start(struct prober *, uv_loop_t *, struct connector *);
void		 prober_free(struct prober *);	/* every probe must be over; NULL is fine */

/* name goes into SNI (RFC 6066, 3) and is borrowed for the call. done is called once, later, unless
 * cancelled; the probe is gone after it returns. NULL: out of memory or descriptors. */
struct probe	*probe_start(struct prober *, const struct address *, uint16_t port, const char *name,
    probe_done *, void *arg);
void		 probe_cancel(struct probe *);	/* NULL is fine; not from its own done */
/* What it is waiting for, a clause: "did not accept a connection". While it runs. */
const char	*probe_waits(const struct probe *);

#endif
