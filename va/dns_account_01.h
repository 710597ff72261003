/* dns_account_01.h: the label that belongs to an account (draft-ietf-acme-dns-account-label). Pure. */
#ifndef SIGNET_VA_DNS_ACCOUNT_01_H
#define SIGNET_VA_DNS_ACCOUNT_01_H

#define ACCOUNT_LABEL_SIZE 18	/* "_", 16 characters of base32, the NUL */

/* "_" and the lower-case base32 of the first 10 bytes of SHA-256(account URL). */
void	 account_label(const char *account_url, char out[ACCOUNT_LABEL_SIZE]);

#endif
