/* choose.h: which of the configured issuers signs a certificate. */
#ifndef SIGNET_CA_CHOOSE_H
#define SIGNET_CA_CHOOSE_H

#include "acme/problem.h"
#include "ca/authority.h"
#include "x509/key.h"

struct wanted {
	const struct profile_config *profile;
	enum key_type key_type;
	int64_t not_after;
	const struct identifier *names;
	size_t name_count;
};

/* Of the issuers that serve the profile and take the key: those that ask for its type go before those that take every
 * one. Among them, of those whose name constraints permit the names, the first that lives until not_after; failing that
 * the first that lives at all, and the certificate must be shorter. NULL with the problem: badCSR when another key would
 * find one, rejectedIdentifier when none would sign these names; each name that is forbidden is a subproblem. Of ca, the
 * configuration and the issuers' times and constraints are read. */
const struct issuer *issuer_choose(
    const struct ca *, const struct wanted *, int64_t now, struct problem *);

#endif
