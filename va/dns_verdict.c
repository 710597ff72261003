#include "va/dns_verdict.h"

#include <stddef.h>

/* What statuses mean to people. */
static const struct {
	enum dns_status status;
	const char *verdict, *advice;
} verdicts[] = {
	{ DNS_BOGUS, "answered SERVFAIL, because DNSSEC validation failed",
	    "the zone's signatures don't verify, or somebody changed the answer: check its DS, DNSKEY and RRSIG records" },
	{ DNS_UNSIGNED, "gave an answer that it did not validate (no AD)",
	    "this CA takes only what DNSSEC proves for this zone (dnssec: required): sign the zone, or check that the "
	    "resolver validates" },
	{ DNS_REFUSED, "answered REFUSED",
	    "the resolver does not serve the CA for this name: check its access list, or set va.zones" },
	{ DNS_SERVFAIL, "answered SERVFAIL",
	    "the resolver could not get an answer: check the zone's name servers and its DNSSEC signatures" },
	{ DNS_NOTIMP, "answered NOTIMP", "that is no resolver: check va.resolvers" },
	{ DNS_FORMERR, "answered FORMERR", "that is no resolver: check va.resolvers" },
	{ DNS_OTHER_RCODE, "answered with an error code", "check va.resolvers" },
	{ DNS_MALFORMED, "answered something that is not a DNS answer", "check va.resolvers" },
	{ DNS_REFERRED, "is not authoritative for the name", "check the zone's NS records; a zone that is delegated "
	    "further needs an entry of its own in va.zones" },
	{ DNS_NO_TCP, "answered by UDP what was cut off or may be forged, and could not be asked by TCP",
	    "let it answer the CA by TCP too, and let no firewall stand between" },
	{ DNS_UNREACHABLE, "could not be reached", "check va.resolvers, and that the resolver runs and serves the CA" },
	{ DNS_TIMEOUT, "did not answer in time",
	    "check va.resolvers, and that the resolver is reachable from the CA" },
	{ DNS_BAD_NAME, "can't be asked for this name", "check its spelling" },
	{ DNS_NO_MEMORY, "could not be asked: the CA is out of memory or descriptors", "try again later" },
	{ DNS_NO_NAME, "answered NXDOMAIN: the name does not exist", "add the record, or wait until it is visible there" },
	{ DNS_NO_DATA, "answered that the name exists without an address", "add an A or AAAA record to it" },
};

const char *
dns_verdict(enum dns_status status, const char **advice)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (status == verdicts[i].status) {
			*advice = verdicts[i].advice;
			return verdicts[i].verdict;
		}
	*advice = "check va.resolvers";
	return "gave no answer that can be used";
}
