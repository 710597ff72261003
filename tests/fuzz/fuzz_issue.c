/* Any bytes as an ISSUE message to ca: nothing may be signed, as no input holds evidence under a key drawn
 * here. */
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct config config;
	static struct ca ca = { .config = &config };
	static bool ready;
	struct msg_issue issue;
	struct problem problem = { 0 };
	struct jwk *jwk;
	struct jws *jws;
	struct csr *csr;

	if (!ready) {
		config.wfe.url = (char *)(uintptr_t) "https://ca.test:9443";
		config.ra.valid_authorization_lifetime = 30 * 86400;
		if (RAND_bytes(ca.evidence_key, sizeof(ca.evidence_key)) != 1)
			abort();
		ready = true;
	}
	if (!get_issue(slice_of(data, len), &issue))
		return 0;
	if (proof_request(&ca, &issue, &jwk, &jws, &problem)) {
		if (proof_csr(&ca, jwk, jws, &csr, &problem)) {
			if (proof_evidence(&ca, &issue, jwk, jws, NULL, csr, NULL, 1900000000, &problem))
				abort();
			csr_free(csr);
		}
		jws_free(jws);
		jwk_free(jwk);
	}
	if (problem.type == PROBLEM_NONE || problem.detail.text[0] == '\0')
		abort();
	problem_free(&problem);
	return 0;
}
