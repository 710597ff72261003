/* caa_set.h: what one CAA record set says about one issuance (RFC 8659, RFC 8657). Pure. */
#ifndef SIGNET_VA_CAA_SET_H
#define SIGNET_VA_CAA_SET_H

#include "config/config.h"
#include "lib/reason.h"
#include "va/dns_answer.h"

struct caa_question {
	bool			 wildcard;
	const struct strings	*identities;	/* ra.caa_identities: who we are */
	const char		*account_url;
	const char		*method;	/* challenge_name() */
};

enum caa_verdict {
	CAA_SET_EMPTY = 1,
	CAA_SET_ALLOWS,
	CAA_SET_FORBIDS		/* reason is a clause that begins with the record: "0 issue \"x\" ..." */
};

enum caa_verdict caa_set_judge(const struct dns_records *, const struct caa_question *, struct reason *);

#endif
