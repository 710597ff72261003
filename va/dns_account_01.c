/* dns-account-01 (draft-ietf-acme-dns-account-label): dns-01 under a label of the account's own, so that several
 * accounts can delegate one name's challenges to different places. */
#include "va/dns_account_01.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "va/method.h"
#include "va/txt.h"

void
account_label(const char *account_url, char out[ACCOUNT_LABEL_SIZE])
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, 6 */
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)account_url, strlen(account_url), digest);
	out[0] = '_';
	for (unsigned i = 0; i < ACCOUNT_LABEL_SIZE - 2; i++) {
		unsigned bit = i * 5;
		unsigned pair = (unsigned)digest[bit / 8] << 8 | digest[bit / 8 + 1];

		out[1 + i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	out[ACCOUNT_LABEL_SIZE - 1] = '\0';
}

static void
dns_account_01_start(struct check *c)
{
	char label[ACCOUNT_LABEL_SIZE], prefix[64];

	account_label(c->asked.account_url, label);
	snprintf(prefix, sizeof(prefix), "%s._acme-challenge.", label);
	txt_start(c, &txt_digest_kind, prefix);
}

const struct method dns_account_01_method = { CHALLENGE_DNS_ACCOUNT_01, dns_account_01_start, txt_late, txt_end };
