/* constraints.h: the name constraints of an issuer and of the CA certificates above it (RFC 5280, 4.2.1.10), asked name by
 * name before anything is signed. Other forms than DNS names and addresses are left to the lints. Pure. */
#ifndef SIGNET_X509_CONSTRAINTS_H
#define SIGNET_X509_CONSTRAINTS_H

#include <openssl/x509.h>

#include "acme/identifier.h"
#include "lib/err.h"
#include "lib/reason.h"

struct constraints;

/* Of all certificates in the chain. On ERR_OK the caller owns *out, which is NULL when there are none.
 * ERR_MALFORMED: some that RFC 5280 doesn't allow, so that it is not known what they permit; ERR_MEMORY. */
enum err constraints_read(STACK_OF(X509) * chain, struct constraints **out, struct reason *);
void constraints_free(struct constraints *); /* NULL is fine */

/* Whether a certificate below may have that name; NULL permits all. Of a wildcard every name that it stands for must be
 * permitted, and none excluded: a verifier may look at the one it wants. False with the rule, and whose it is. */
bool constraints_allow(const struct constraints *, const struct identifier *, struct reason *);
/* Whether there is a name, or an address, of the pattern ("*", "*.home.arpa", "nas.lan", "10.0.0.0/8") that they permit.
 * False with the rule that stands against all of them. */
bool constraints_allow_any(const struct constraints *, const char *pattern, struct reason *);

#endif
