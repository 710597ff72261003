/* Any bytes as an ISSUE message to ca: nothing may be signed, as no input holds evidence under a key drawn
 * here. */
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/proof.h"
#include "ca/star.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct profile_config profile = { .name = (char *)(uintptr_t) "default", .lifetime = 90 * 86400 };
	static struct config config;
	static struct ca ca = { .config = &config };
	static bool ready;
	struct msg_issue issue;
	struct problem problem = { 0 };
	struct ca_star star = { .payload = NULL };
	struct jwk *jwk;
	struct jws *jws;
	struct csr *csr;

	if (!ready) {
		config.wfe.url = (char *)(uintptr_t) "https://ca.test:9443";
		config.ra.valid_authorization_lifetime = 30 * 86400;
		config.ra.order_lifetime = 7 * 86400;
		config.ca.auto_renewal = (struct auto_renewal_limits){ 3600, 100 * 86400, true };
		if (RAND_bytes(ca.evidence_key, sizeof(ca.evidence_key)) != 1)
			abort();
		ready = true;
	}
	if (!get_issue(slice_of(data, len), &issue))
		return 0;
	if (proof_request(&ca, &issue, &jwk, &jws, &problem)) {
		bool star_ok = issue.number == 0 || ca_star_read(&ca, &issue, jws, &profile, &star, &problem);

		if (star_ok && proof_csr(&ca, jwk, jws, &csr, &problem)) {
			/* All but this may be sound, in what somebody once signed. */
			if (issue.number != 0)
				(void)ca_star_due(&ca, &issue, csr, id_time_ms(issue.order) / 1000, &star, &problem);
			if (proof_evidence(&ca, &issue, jwk, jws, NULL, csr, issue.number != 0 ? &star : NULL, 1900000000,
				&problem))
				abort();
			csr_free(csr);
		}
		ca_star_free(&star);
		jws_free(jws);
		jwk_free(jwk);
	}
	if (problem.type == PROBLEM_NONE || problem.detail.text[0] == '\0')
		abort();
	problem_free(&problem);
	return 0;
}
