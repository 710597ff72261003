/* lint.h: the last look at a certificate before it is signed for real (PROTOCOL.md, part C).
 *
 * The caller signs the to-be-signed certificate with a throw-away key of the issuer's type, lints that,
 * and signs for real only when nothing complains. One table row per lint, each with its source. Pure. */
#ifndef SIGNET_X509_LINT_H
#define SIGNET_X509_LINT_H

#include <openssl/x509.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "x509/blocklist.h"
#include "x509/certificate.h"
#include "x509/constraints.h"

enum lint_kind { LINT_LEAF = 1, LINT_CA = 2 };

struct lint_context {
	enum lint_kind	 kind;		/* 0: LINT_LEAF */
	X509		*issuer;
	STACK_OF(X509)	*chain;		/* the issuer and those above it, if there are some; or NULL */
	const struct constraints *constraints;	/* theirs, as constraints_read() gives them */
	int64_t		 now;
	int64_t		 lifetime_max;	/* seconds, from the profile */
	int64_t		 backdate_max;	/* seconds that notBefore may lie in the past */
	const struct leaf_form *form;	/* what the profile makes of a leaf; NULL: as leaf_build() */
	const struct blocklist *blocked;	/* or NULL */
	EVP_PKEY	*key;		/* the subject's, if the caller has it decoded and it passed key_check(); else NULL */
	struct slice	 der;		/* the certificate's, if the caller has it encoded; else empty */
};

/* ERR_DENIED with the lint's name and what it saw; the first that complains. */
enum err lint_check(X509 *, const struct lint_context *, struct reason *);
/* Whether a lint complains about the i-th name of subjectAltName, whatever the rest is like: so lint_check()'s complaint
 * is told name by name. Name constraints are constraints_allow()'s. */
enum err lint_check_name(X509 *, const struct lint_context *, int i, struct reason *);
/* The same as lint_check(), but all that complain: fired has lint_count() places. */
void	 lint_all(X509 *, const struct lint_context *, bool *fired);
/* The table, for tests and docs: count and the i-th row's name and source; static. */
size_t	 lint_count(void);
const char *lint_name(size_t i);
const char *lint_source(size_t i);

#endif
