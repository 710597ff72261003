/* tls-alpn-01 (RFC 8737; RFC 8738, 6 for addresses), with Boulder's numbers:
 *
 *   RESOLVING --addresses--> PROBING --handshake complete--> certificate judged: passed or failed
 *                             |   |
 *                             |   +--not connected, IPv4 left--> PROBING by IPv4, once
 *                             +--anything else--> failed
 *
 * Targets and their order are http-01's (dial.h). */
#include <stdlib.h>
#include <string.h>

#include "va/dial.h"
#include "va/method.h"
#include "va/probe.h"
#include "x509/acme_identifier.h"

enum state { RESOLVING, QUEUEING, PROBING };

struct tls_alpn_01 {
	enum state state;
	struct url url; /* host and port only */
	struct lookup *lookup;
	struct probe *probe;
	struct dial dial;
};

static void tls_alpn_01_probed(void *, const struct probe_answer *);

/* There is room at the address. */
static void
tls_alpn_01_connect(void *arg)
{
	struct check *c = arg;
	struct tls_alpn_01 *t = c->work;
	const struct address *address = dial_now(c, &t->dial, &t->url);
	char reverse[ADDRESS_REVERSE_SIZE];

	t->state = PROBING;
	if (t->url.literal.family != 0) /* RFC 8738, 6: SNI takes no addresses (RFC 6066, 3) */
		address_reverse(&t->url.literal, reverse);
	t->probe = probe_start(c->means->prober, address, t->url.port,
	    t->url.literal.family != 0 ? reverse : t->url.host, tls_alpn_01_probed, c);
	if (t->probe == NULL)
		check_fail(
		    c, PROBLEM_SERVER_INTERNAL, "the CA could not start a connection: try again later");
}

static void
tls_alpn_01_probe(struct check *c)
{
	struct tls_alpn_01 *t = c->work;

	t->state = QUEUEING;
	if (dial_enter(c, &t->dial, tls_alpn_01_connect))
		tls_alpn_01_connect(c);
}

#define ADVICE "is it the client's tls-alpn-01 responder that answers there?"

static void
tls_alpn_01_judge(struct check *c, const struct probe_answer *answer)
{
	struct tls_alpn_01 *t = c->work;
	uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE];
	char from[WHERE_SIZE];
	struct reason reason;

	dial_where(&t->dial, &t->url, from);
	acme_identifier_digest(c->asked.token, c->asked.thumbprint, digest);
	if (!answer->agreed) /* RFC 8737, 3 (3) */
		check_fail(c, PROBLEM_INCORRECT_RESPONSE,
		    "%s: the server chose %s ALPN protocol: it must answer " TLS_ALPN_PROTOCOL
		    "; " ADVICE " (RFC 8737, 3)",
		    from, answer->chose ? "another" : "no");
	else if (answer->certificate.len == 0)
		check_fail(c, PROBLEM_INCORRECT_RESPONSE, "%s: the server showed no certificate; " ADVICE, from);
	else if (acme_identifier_check(answer->certificate, &c->asked.identifier, digest, &reason) != ERR_OK)
		check_fail(c, PROBLEM_INCORRECT_RESPONSE, "%s: %s; " ADVICE, from, reason.text);
	else
		check_pass(c);
}

static void
tls_alpn_01_probed(void *arg, const struct probe_answer *answer)
{
	struct check *c = arg;
	struct tls_alpn_01 *t = c->work;
	char from[WHERE_SIZE];

	t->probe = NULL;
	if (answer->outcome == PROBE_SHOWN || answer->outcome == PROBE_TLS_FAILED)
		check_reached(c);
	if (answer->outcome == PROBE_SHOWN) {
		tls_alpn_01_judge(c, answer);
		return;
	}
	if (answer->outcome == PROBE_UNREACHABLE && dial_next(&t->dial, answer->why)) {
		tls_alpn_01_probe(c);
		return;
	}
	check_fail(c, answer->outcome == PROBE_NO_WAY ? PROBLEM_SERVER_INTERNAL :
	    answer->outcome == PROBE_TLS_FAILED ? PROBLEM_TLS : PROBLEM_CONNECTION, "%s %s%s: %s",
	    dial_where(&t->dial, &t->url, from), answer->why, t->dial.before, answer->advice);
}

static void
tls_alpn_01_resolved(void *arg, const struct lookup_answer *answer)
{
	struct check *c = arg;
	struct tls_alpn_01 *t = c->work;

	t->lookup = NULL;
	if (dial_resolved(c, &t->dial, &t->url, answer))
		tls_alpn_01_probe(c);
}

static void
tls_alpn_01_start(struct check *c)
{
	struct tls_alpn_01 *t = calloc(1, sizeof(*t));
	struct lookup *lookup;

	c->work = t;
	if (t == NULL) {
		check_fail(c, PROBLEM_SERVER_INTERNAL, "the CA is out of memory: try again later");
		return;
	}
	url_host(&t->url, &c->asked.identifier, (uint16_t)c->means->config->tls_port);
	if (t->url.literal.family != 0) { /* RFC 8738, 4: no DNS */
		if (dial_literal(c, &t->dial, &t->url))
			tls_alpn_01_probe(c);
		return;
	}
	t->state = RESOLVING;
	lookup = resolver_lookup(c->means->resolver, t->url.host, tls_alpn_01_resolved, c);
	if (lookup != NULL) /* else the check went on already, and may be gone */
		t->lookup = lookup;
}

static void
tls_alpn_01_late(struct check *c)
{
	const struct tls_alpn_01 *t = c->work;
	char from[WHERE_SIZE];

	switch (t->state) {
	case RESOLVING:
		dial_unresolved(c, &t->url, t->lookup);
		return;
	case QUEUEING:
		dial_crowded(c, &t->dial, &t->url);
		return;
	case PROBING:
		check_fail(c, PROBLEM_CONNECTION,
		    "%s %s, and the %lld s for one validation are over%s: is there a firewall that drops, or "
		    "a "
		    "server that is too slow?",
		    dial_where(&t->dial, &t->url, from), probe_waits(t->probe),
		    (long long)c->means->config->timeout, t->dial.before);
		return;
	}
}

static void
tls_alpn_01_end(struct check *c)
{
	struct tls_alpn_01 *t = c->work;

	if (t == NULL)
		return;
	lookup_cancel(t->lookup);
	probe_cancel(t->probe);
	free(t);
	c->work = NULL;
}

const struct method tls_alpn_01_method = { CHALLENGE_TLS_ALPN_01, tls_alpn_01_start, tls_alpn_01_late,
	tls_alpn_01_end };
