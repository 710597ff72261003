#include "x509/rsa.h"

unsigned
rsa_small_factor(const BIGNUM *n)
{
	unsigned candidate;

	/* Composite candidates can't divide before their own factors do, so testing odd numbers is enough. */
	for (candidate = 3; candidate <= RSA_SMALL_FACTOR_MAX; candidate += 2)
		if (BN_mod_word(n, candidate) == 0)
			return candidate;
	return 0;
}

/* Whether r is in the group that 65537 generates modulo the prime p. */
static bool
is_power(BN_ULONG r, BN_ULONG p)
{
	BN_ULONG power = 1;

	do {
		if (power == r)
			return true;
		power = power * 65537 % p;
	} while (power != 1);
	return false;
}

bool
rsa_is_roca(const BIGNUM *n)
{
	/* The primes at which 65537 generates a small enough group to tell. */
	static const BN_ULONG primes[] = { 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127,
		151, 157 };
	size_t i;

	for (i = 0; i < sizeof(primes) / sizeof(primes[0]); i++)
		if (!is_power(BN_mod_word(n, primes[i]), primes[i]))
			return false;
	return true;
}

/* root = floor(sqrt(n)) by Newton's method from above; false: out of memory. */
static bool
root_of(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
	BIGNUM *next = BN_CTX_get(ctx);

	if (next == NULL || !BN_set_word(root, 0) || !BN_set_bit(root, (BN_num_bits(n) + 1) / 2 + 1))
		return false;
	for (;;) {
		if (!BN_div(next, NULL, n, root, ctx) || !BN_add(next, next, root) || !BN_rshift1(next, next))
			return false;
		if (BN_cmp(next, root) >= 0)
			return true;
		if (BN_copy(root, next) == NULL)
			return false;
	}
}

/* Most non-squares show modulo 64 or a few small primes; only the others cost a root. */
static bool
may_be_square(const BIGNUM *n)
{
	static const BN_ULONG moduli[] = { 64, 63, 65, 11, 17, 19, 23, 31 };
	size_t i;

	for (i = 0; i < sizeof(moduli) / sizeof(moduli[0]); i++) {
		BN_ULONG m = moduli[i], r = BN_mod_word(n, m), x;

		for (x = 0; x < m && x * x % m != r; x++)
			;
		if (x == m)
			return false;
	}
	return true;
}

enum err
rsa_is_close(const BIGNUM *n, unsigned rounds)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *a, *b2, *root, *square;
	enum err err = ERR_MEMORY;

	if (ctx == NULL)
		return ERR_MEMORY;
	BN_CTX_start(ctx);
	a = BN_CTX_get(ctx);
	b2 = BN_CTX_get(ctx);
	root = BN_CTX_get(ctx);
	square = BN_CTX_get(ctx);
	if (square == NULL || !root_of(a, n, ctx) || !BN_sqr(b2, a, ctx))
		goto out;
	if (BN_cmp(b2, n) < 0 && (!BN_add_word(a, 1) || !BN_sqr(b2, a, ctx)))
		goto out;
	if (!BN_sub(b2, b2, n))
		goto out;
	for (; rounds > 0; rounds--) {
		if (may_be_square(b2)) {
			if (!root_of(root, b2, ctx) || !BN_sqr(square, root, ctx))
				goto out;
			if (BN_cmp(square, b2) == 0) {
				err = ERR_EXISTS;
				goto out;
			}
		}
		/* (a+1)^2 - n = a^2 - n + a + (a+1) */
		if (!BN_add(b2, b2, a) || !BN_add_word(a, 1) || !BN_add(b2, b2, a))
			goto out;
	}
	err = ERR_OK;
out:
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return err;
}
