#include "ra/nonce.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"

#define BLOCK 16

struct nonces {
	pthread_mutex_t	 lock;
	EVP_CIPHER_CTX	*encrypt, *decrypt;
	uint8_t		 tag[8];	/* the second half of every block: tells ours from noise */
	uint64_t	 issued;	/* the last counter given out; 0 is never given out */
	uint64_t	 used[NONCE_WINDOW / 64];
};

static EVP_CIPHER_CTX *
cipher_new(const uint8_t key[BLOCK], int encrypt)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

	/* One block of random-looking counter: ECB is the bare permutation, which is what we want. */
	if (context == NULL || EVP_CipherInit_ex(context, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) != 1)
		abort();
	EVP_CIPHER_CTX_set_padding(context, 0);
	return context;
}

struct nonces *
nonces_new(void)
{
	struct nonces	*nonces = calloc(1, sizeof(*nonces));
	uint8_t		 key[BLOCK];

	if (nonces == NULL)
		return NULL;
	if (RAND_bytes(key, sizeof(key)) != 1 || RAND_bytes(nonces->tag, sizeof(nonces->tag)) != 1)
		abort();
	pthread_mutex_init(&nonces->lock, NULL);
	nonces->encrypt = cipher_new(key, 1);
	nonces->decrypt = cipher_new(key, 0);
	OPENSSL_cleanse(key, sizeof(key));
	return nonces;
}

void
nonces_free(struct nonces *nonces)
{
	if (nonces == NULL)
		return;
	EVP_CIPHER_CTX_free(nonces->encrypt);
	EVP_CIPHER_CTX_free(nonces->decrypt);
	pthread_mutex_destroy(&nonces->lock);
	free(nonces);
}

static void
permute(EVP_CIPHER_CTX *context, uint8_t block[BLOCK])
{
	uint8_t out[BLOCK];
	int	len;

	if (EVP_CipherUpdate(context, out, &len, block, BLOCK) != 1 || len != BLOCK)
		abort();
	memcpy(block, out, BLOCK);
}

static uint64_t *
word_of(struct nonces *nonces, uint64_t counter)
{
	return &nonces->used[counter % NONCE_WINDOW / 64];
}

void
nonce_issue(struct nonces *nonces, char out[NONCE_SIZE])
{
	uint8_t	 block[BLOCK];
	uint64_t counter;

	pthread_mutex_lock(&nonces->lock);
	counter = ++nonces->issued;
	*word_of(nonces, counter) &= ~(1ull << counter % 64);
	memcpy(block, &counter, 8);
	memcpy(block + 8, nonces->tag, 8);
	permute(nonces->encrypt, block);
	pthread_mutex_unlock(&nonces->lock);
	base64url_text(block, BLOCK, out);
}

static enum err
redeem_block(struct nonces *nonces, uint8_t block[BLOCK])
{
	uint64_t counter, bit;

	permute(nonces->decrypt, block);
	memcpy(&counter, block, 8);
	if (memcmp(block + 8, nonces->tag, 8) != 0 || counter == 0 || counter > nonces->issued ||
	    nonces->issued - counter >= NONCE_WINDOW)
		return ERR_STALE;
	bit = 1ull << counter % 64;
	if ((*word_of(nonces, counter) & bit) != 0)
		return ERR_STALE;
	*word_of(nonces, counter) |= bit;
	return ERR_OK;
}

enum err
nonce_redeem(struct nonces *nonces, const char *text)
{
	struct buf bytes = { 0 };
	enum err   err;

	if (base64url_get(slice_str(text), &bytes) != ERR_OK || bytes.failed)
		err = ERR_MALFORMED;
	else if (bytes.len != BLOCK)
		err = ERR_STALE;
	else {
		pthread_mutex_lock(&nonces->lock);
		err = redeem_block(nonces, bytes.data);
		pthread_mutex_unlock(&nonces->lock);
	}
	buf_free(&bytes);
	return err;
}
