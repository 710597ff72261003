/* dns-01 (RFC 8555, 8.4): the digest in a TXT record at _acme-challenge.NAME. The resolver follows aliases, so the
 * label may be delegated elsewhere; several records may be there, one has to match. */
#include "va/method.h"
#include "va/txt.h"

static void
dns_01_start(struct check *c)
{
	txt_start(c, &txt_digest_kind, "_acme-challenge.");
}

const struct method dns_01_method = { CHALLENGE_DNS_01, dns_01_start, txt_late, txt_end };
