/* Every lint can fail: for each row of the table, a certificate that breaks just what the row forbids. */
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "x509/certificate.h"
#include "x509/key.h"
#include "x509/lint.h"
#include "x509/rsa.h"

#define NOW INT64_C(1900000000) /* 2030 */
#define LIFE (90 * 86400)

static X509 *issuer;
static EVP_PKEY *issuer_key, *leaf_key;
static const uint8_t serial[SERIAL_SIZE] = { 0x41, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17 };

/* What a row may change before the certificate is built, and after. */
struct spoil {
	struct leaf leaf;
	struct identifier names[2];
	struct lint_context context;
	struct leaf_form form;
	struct blocklist *blocked; /* owned, or NULL */
	EVP_PKEY *key; /* owned */
	X509 *issuer; /* owned, or NULL: the usual one */
};

static X509 *
ca_build(int64_t not_after)
{
	struct ca_certificate ca = { .common_name = "Lint CA",
		.key = issuer_key,
		.not_before = NOW - 1000,
		.not_after = not_after,
		.path_length = 0,
		.serial = serial };
	X509 *out;

	assert_int_equal(ca_certificate_build(&ca, NULL, &out, NULL), ERR_OK);
	assert_int_equal(certificate_sign(out, issuer_key), ERR_OK);
	return out;
}

static void
spoil_open(struct spoil *s)
{
	memset(s, 0, sizeof(*s));
	s->names[0].type = s->names[1].type = IDENTIFIER_DNS;
	strcpy(s->names[0].value, "a.test");
	s->leaf = (struct leaf){ .serial = serial,
		.names = s->names,
		.name_count = 1,
		.key = leaf_key,
		.not_before = NOW - 300,
		.not_after = NOW - 300 + LIFE - 1,
		.issuer_url = "http://ca.test/i.crt",
		.crl_url = "http://ca.test/c.crl" };
	s->context = (struct lint_context){ .now = NOW, .lifetime_max = LIFE, .backdate_max = 3600 };
}

static void
extension_set(X509 *cert, int nid, const char *hex, int critical)
{
	long len;
	uint8_t *bytes = hex != NULL ? OPENSSL_hexstr2buf(hex, &len) : NULL;
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	int at = X509_get_ext_by_NID(cert, nid, -1);
	X509_EXTENSION *extension = at >= 0 ? X509_delete_ext(cert, at) : NULL;

	if (hex != NULL) {
		X509_EXTENSION_free(extension);
		ASN1_OCTET_STRING_set(value, bytes, (int)len);
		extension = X509_EXTENSION_create_by_NID(NULL, nid, critical, value);
	} else
		assert_int_equal(X509_EXTENSION_set_critical(extension, critical), 1);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	OPENSSL_free(bytes);
}

static void
extension_drop(X509 *cert, int nid)
{
	X509_EXTENSION_free(X509_delete_ext(cert, X509_get_ext_by_NID(cert, nid, -1)));
}

/* subjectAltName with one name of a tag and these bytes, all short. */
static void
san_set(X509 *cert, const char *tag, const char *text)
{
	char hex[1024], body[1024] = "";
	size_t i, n = strlen(text);

	for (i = 0; i < n; i++)
		snprintf(body + 2 * i, 3, "%02x", (uint8_t)text[i]);
	if (n < 100)
		snprintf(hex, sizeof(hex), "30%02zx%s%02zx%s", n + 2, tag, n, body);
	else
		snprintf(hex, sizeof(hex), "3082%04zx%s82%04zx%s", n + 4, tag, n, body);
	extension_set(cert, NID_subject_alt_name, hex, 1);
}

static void
subject_add(X509 *cert, const char *text)
{
	assert_int_equal(X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName,
			     MBSTRING_UTF8, (const uint8_t *)text, -1, -1, 0),
	    1);
	extension_set(cert, NID_subject_alt_name, NULL, 0);
}

/* An RSA public key with this modulus and exponent. */
static EVP_PKEY *
rsa_key(BIGNUM *n, unsigned long exponent)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *e = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	BN_set_word(e, exponent);
	OSSL_PARAM_BLD_push_BN(builder, "n", n);
	OSSL_PARAM_BLD_push_BN(builder, "e", e);
	params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_fromdata_init(ctx);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	BN_free(n);
	return key;
}

/* 2048 bits with a fault: divisible by 3; a power of 65537 modulo every prime; two neighbouring primes. */
static BIGNUM *
weak_modulus(const char *fault)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_new(), *a = BN_new(), *b = BN_new();

	if (strcmp(fault, "factor") == 0) {
		BN_set_bit(n, 2046);
		BN_add_word(n, 1);
		while (BN_mod_word(n, 3) != 0)
			BN_add_word(n, 2);
		BN_set_bit(n, 2047);
		while (BN_mod_word(n, 3) != 0)
			BN_add_word(n, 2);
	} else if (strcmp(fault, "roca") == 0) {
		/* k * M + 65537 with M the product of all small primes: = 65537 modulo each of them */
		BN_set_word(a, 1);
		for (unsigned p = 2; p <= 751; p++) {
			unsigned d = 2;

			while (d < p && p % d != 0)
				d++;
			if (d == p)
				BN_mul_word(a, p);
		}
		BN_set_bit(n, 2047);
		BN_div(n, NULL, n, a, ctx);
		BN_add_word(n, 1);
		BN_mul(n, n, a, ctx);
		BN_add_word(n, 65537);
	} else {
		BN_set_bit(b, 1023);
		BN_set_bit(b, 1022);
		BN_add_word(b, 1234567);
		while (BN_check_prime(b, ctx, NULL) != 1)
			BN_add_word(b, 2);
		BN_copy(a, b);
		do
			BN_add_word(a, 2);
		while (BN_check_prime(a, ctx, NULL) != 1);
		BN_mul(n, a, b, ctx);
	}
	BN_free(a);
	BN_free(b);
	BN_CTX_free(ctx);
	assert_int_equal(BN_num_bits(n), 2048);
	return n;
}

#define BEFORE(name) static void name(struct spoil *s)
#define AFTER(name) static void name(struct spoil *s, X509 *c)
#define UNUSED (void)s

AFTER(after_version)
{
	UNUSED;
	X509_set_version(c, 1);
}
AFTER(after_serial_zero)
{
	UNUSED;
	X509_get_serialNumber(c)->type = V_ASN1_NEG_INTEGER;
}
AFTER(after_serial_long)
{
	UNUSED;
	ASN1_STRING_set(X509_get_serialNumber(c), "abcdefghijklmnopqrstu", 21);
}
AFTER(after_serial_short)
{
	UNUSED;
	ASN1_INTEGER_set(X509_get_serialNumber(c), 12345);
}
AFTER(after_unique)
{
	/* No function sets one: through DER, where the first byte after the key is [1]. Done in build(). */
	UNUSED;
	(void)c;
}
AFTER(after_issuer)
{
	UNUSED;
	X509_NAME_add_entry_by_NID(
	    X509_get_issuer_name(c), NID_commonName, MBSTRING_UTF8, (const uint8_t *)"x", -1, -1, 0);
}
AFTER(after_validity)
{
	UNUSED;
	ASN1_TIME_set(X509_getm_notAfter(c), NOW - 400);
}
BEFORE(before_lifetime)
{
	s->leaf.not_after += 1;
}
AFTER(after_encoding)
{
	UNUSED;
	ASN1_GENERALIZEDTIME_set(X509_getm_notBefore(c), NOW - 300);
}
AFTER(after_zulu)
{
	UNUSED;
	ASN1_STRING_set(X509_getm_notBefore(c), "300317174140+0000", 17);
}
BEFORE(before_backdate)
{
	s->leaf.not_before = NOW - 4000;
	s->leaf.not_after = NOW;
}
BEFORE(before_issuer_ends)
{
	s->issuer = ca_build(NOW + 86400);
}
AFTER(after_dsa)
{
	/* 1.2.840.10040.4.1 with parameters and a key of three small numbers each, as RFC 3279, 2.3.2 has it */
	const char *hex = "301b301406072a8648ce380401300902012f02010b020102030300"
			  "0211";
	long len;
	uint8_t *der = OPENSSL_hexstr2buf(hex, &len);
	const uint8_t *p = der;
	X509_PUBKEY *spki = d2i_X509_PUBKEY(NULL, &p, len);
	ASN1_OBJECT *object;
	X509_ALGOR *algorithm;
	const uint8_t *bits;
	int bits_len;
	void *parameters;
	const void *value;
	int type;

	UNUSED;
	assert_non_null(spki);
	assert_int_equal(X509_PUBKEY_get0_param(&object, &bits, &bits_len, &algorithm, spki), 1);
	X509_ALGOR_get0(NULL, &type, &value, algorithm);
	parameters = ASN1_STRING_dup(value);
	assert_int_equal(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(c), OBJ_nid2obj(NID_dsa), type, parameters,
			     OPENSSL_memdup(bits, (size_t)bits_len), bits_len),
	    1);
	X509_PUBKEY_free(spki);
	OPENSSL_free(der);
}
BEFORE(before_size)
{
	s->key = EVP_RSA_gen(1024);
}
BEFORE(before_exponent)
{
	EVP_PKEY *sound = key_generate(KEY_RSA2048);
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(sound, "n", &n), 1);
	s->key = rsa_key(n, 3);
	EVP_PKEY_free(sound);
}
BEFORE(before_even)
{
	EVP_PKEY *sound = key_generate(KEY_RSA2048);
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(sound, "n", &n), 1);
	BN_sub_word(n, 1);
	s->key = rsa_key(n, 65537);
	EVP_PKEY_free(sound);
}
BEFORE(before_factor)
{
	s->key = rsa_key(weak_modulus("factor"), 65537);
}
BEFORE(before_roca)
{
	s->key = rsa_key(weak_modulus("roca"), 65537);
}
BEFORE(before_close)
{
	s->key = rsa_key(weak_modulus("close"), 65537);
}
BEFORE(before_issuers_key)
{
	s->key = EVP_PKEY_dup(issuer_key);
}
/* The same certificate with these bytes of its key's point changed: OpenSSL takes them as they are. */
AFTER(after_point)
{
	ASN1_OBJECT *object;
	const uint8_t *bits;
	int len;
	uint8_t *copy;

	UNUSED;
	assert_int_equal(X509_PUBKEY_get0_param(&object, &bits, &len, NULL, X509_get_X509_PUBKEY(c)), 1);
	copy = OPENSSL_memdup(bits, (size_t)len);
	copy[len - 1] ^= 1;
	assert_int_equal(X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(c), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
			     V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1), copy, len),
	    1);
}
BEFORE(before_curve)
{
	s->key = EVP_EC_gen("secp256k1");
}
BEFORE(before_blocked)
{
	uint8_t hash[SPKI_HASH_SIZE];
	char text[2 * SPKI_HASH_SIZE + 1];

	assert_int_equal(key_spki_hash(leaf_key, hash), ERR_OK);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(text + 2 * i, 3, "%02x", hash[i]);
	assert_int_equal(blocklist_parse(slice_str(text), &s->blocked, NULL), ERR_OK);
	s->context.blocked = s->blocked;
}
AFTER(after_explicit)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	UNUSED;
	assert_int_equal(EVP_PKEY_set_utf8_string_param(key, "encoding", "explicit"), 1);
	assert_int_equal(X509_set_pubkey(c, key), 1);
	EVP_PKEY_free(key);
}
AFTER(after_twice)
{
	X509_EXTENSION *e = X509_EXTENSION_dup(X509_get_ext(c, X509_get_ext_by_NID(c, NID_info_access, -1)));

	UNUSED;
	X509_add_ext(c, e, -1);
	X509_EXTENSION_free(e);
}
AFTER(after_no_extensions)
{
	UNUSED;
	while (X509_get_ext_count(c) > 0)
		X509_EXTENSION_free(X509_delete_ext(c, 0));
}
AFTER(after_syntax)
{
	UNUSED;
	extension_set(c, NID_info_access, "0500", 0);
}
AFTER(after_der)
{
	UNUSED;
	extension_set(c, NID_ext_key_usage, "30810a06082b06010505070301", 0); /* a length in too many bytes */
}
AFTER(after_unknown)
{
	UNUSED;
	extension_set(c, NID_netscape_comment, "1600", 0);
}
AFTER(after_no_aki)
{
	UNUSED;
	extension_drop(c, NID_authority_key_identifier);
}
AFTER(after_aki_form)
{
	/* The issuer's key identifier, and a serial number behind it. */
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(issuer);
	char hex[100] = "30198014";

	UNUSED;
	assert_int_equal(ASN1_STRING_length(id), 20);
	for (int i = 0; i < 20; i++)
		snprintf(hex + 8 + 2 * i, 3, "%02x", ASN1_STRING_get0_data(id)[i]);
	strcat(hex, "820102");
	extension_set(c, NID_authority_key_identifier, hex, 0);
}
AFTER(after_aki_critical)
{
	UNUSED;
	extension_set(c, NID_authority_key_identifier, NULL, 1);
}
AFTER(after_aki_other)
{
	UNUSED;
	extension_set(c, NID_authority_key_identifier, "3003800101", 0);
}
AFTER(after_ca_no_ski)
{
	UNUSED;
	extension_drop(c, NID_subject_key_identifier);
}
AFTER(after_ski_critical)
{
	UNUSED;
	extension_set(c, NID_subject_key_identifier, "040101", 1);
}
AFTER(after_leaf_ca)
{
	UNUSED;
	extension_set(c, NID_basic_constraints, "30030101ff", 1);
}
AFTER(after_leaf_path)
{
	UNUSED;
	extension_set(c, NID_basic_constraints, "3003020100", 1);
}
AFTER(after_ca_not_critical)
{
	UNUSED;
	extension_set(c, NID_basic_constraints, NULL, 0);
}
AFTER(after_cert_sign)
{
	UNUSED;
	extension_set(c, NID_key_usage, "03020284", 1);
}
AFTER(after_ku_not_critical)
{
	UNUSED;
	extension_set(c, NID_key_usage, NULL, 0);
}
AFTER(after_ku_empty)
{
	UNUSED;
	extension_set(c, NID_key_usage, "030100", 1);
}
AFTER(after_ku_trailing)
{
	UNUSED;
	extension_set(c, NID_key_usage, "03020080", 1);
}
AFTER(after_ku_key)
{
	UNUSED;
	extension_set(c, NID_key_usage, "030205a0", 1);
}
AFTER(after_no_eku)
{
	UNUSED;
	extension_drop(c, NID_ext_key_usage);
}
AFTER(after_any_eku)
{
	UNUSED;
	extension_set(c, NID_ext_key_usage, "301006082b060105050703010604551d2500", 0);
}
AFTER(after_eku_critical)
{
	UNUSED;
	extension_set(c, NID_ext_key_usage, NULL, 1);
}
/* timeStamping beside serverAuth */
AFTER(after_eku_more)
{
	UNUSED;
	extension_set(c, NID_ext_key_usage, "301406082b0601050507030106082b06010505070308", 0);
}
BEFORE(before_eku_fewer)
{
	static const struct leaf_form asked = { .client_auth = true };

	s->context.form = &asked;
}
AFTER(after_policy)
{
	UNUSED;
	extension_set(c, NID_certificate_policies, "300a3008060667810c010201", 0);
}
BEFORE(before_policy)
{
	s->form.policy = "2.23.140.1.2.1";
}
AFTER(after_policies)
{
	UNUSED;
	extension_set(c, NID_certificate_policies, "30143008060667810c0102013008060667810c010202", 0);
}
AFTER(after_policy_critical)
{
	UNUSED;
	extension_set(c, NID_certificate_policies, NULL, 1);
}
AFTER(after_feature)
{
	UNUSED;
	extension_set(c, NID_tlsfeature, "3003020111", 0);
}
BEFORE(before_suffix)
{
	s->form.public_names = true;
	strcpy(s->names[0].value, "*.co.uk");
}
BEFORE(before_reserved)
{
	s->form.public_names = true;
	s->names[0].type = IDENTIFIER_IP;
	strcpy(s->names[0].value, "10.1.2.3");
}
BEFORE(before_subject)
{
	s->form.subject[0] = (struct subject_field){ NID_organizationName, "Example" };
	s->form.subject_count = 1;
}
AFTER(after_subject)
{
	UNUSED;
	X509_NAME_add_entry_by_NID(X509_get_subject_name(c), NID_organizationalUnitName, MBSTRING_UTF8,
	    (const uint8_t *)"Lab", -1, -1, 0);
}
AFTER(after_disagree)
{
	UNUSED;
	extension_set(c, NID_key_usage, "03020640", 1);
}
BEFORE(before_aia_https)
{
	s->leaf.issuer_url = "https://ca.test/i.crt";
}
AFTER(after_aia_twice)
{
	UNUSED;
	extension_set(c, NID_info_access,
	    "302c301406082b060105050730028608687474703a2f2f61301406082b060105050730028608687474703a2f2f61",
	    0);
}
AFTER(after_aia_critical)
{
	UNUSED;
	extension_set(c, NID_info_access, NULL, 1);
}
BEFORE(before_cdp_ldap)
{
	s->leaf.crl_url = "ldap://ca.test/c";
}
AFTER(after_cdp_twice)
{
	UNUSED;
	extension_set(c, NID_crl_distribution_points,
	    "3020300ea00ca00a8608687474703a2f2f61300ea00ca00a8608687474703a2f2f62", 0);
}
AFTER(after_cdp_critical)
{
	UNUSED;
	extension_set(c, NID_crl_distribution_points, NULL, 1);
}
AFTER(after_no_san)
{
	UNUSED;
	extension_drop(c, NID_subject_alt_name);
}
AFTER(after_san_not_critical)
{
	UNUSED;
	extension_set(c, NID_subject_alt_name, NULL, 0);
}
AFTER(after_san_email)
{
	UNUSED;
	san_set(c, "81", "a@a.test");
}
BEFORE(before_san_twice)
{
	s->names[1] = s->names[0];
	s->leaf.name_count = 2;
}
AFTER(after_dns_space)
{
	UNUSED;
	san_set(c, "82", "a b.test");
}
AFTER(after_dns_underscore)
{
	UNUSED;
	san_set(c, "82", "a_b.test");
}
AFTER(after_dns_labels)
{
	UNUSED;
	san_set(c, "82", "a..test");
}
AFTER(after_dns_long)
{
	char name[301] = "";

	UNUSED;
	while (strlen(name) < 300)
		strcat(name, strlen(name) % 10 == 9 ? "." : "a");
	name[265] = '\0';
	san_set(c, "82", name);
}
AFTER(after_dns_wildcard)
{
	UNUSED;
	san_set(c, "82", "a.*.test");
}
AFTER(after_dns_idn)
{
	UNUSED;
	san_set(c, "82", "xn--zzzzzz99999.test");
}
AFTER(after_dns_hyphens)
{
	UNUSED;
	san_set(c, "82", "ab--cd.test");
}
AFTER(after_ip)
{
	UNUSED;
	san_set(c, "87", "abc");
}
AFTER(after_cn_two)
{
	UNUSED;
	subject_add(c, "a.test");
	subject_add(c, "a.test");
}
AFTER(after_cn_other)
{
	UNUSED;
	subject_add(c, "b.test");
}
BEFORE(before_cn_long)
{
	strcpy(s->names[0].value,
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test");
}
AFTER(after_cn_long)
{
	X509_NAME_ENTRY *entry = NULL;

	/* The usual function minds the limit; this entry doesn't. */
	entry = X509_NAME_ENTRY_new();
	X509_NAME_ENTRY_set_object(entry, OBJ_nid2obj(NID_commonName));
	X509_NAME_ENTRY_set_data(entry, V_ASN1_UTF8STRING, (const uint8_t *)s->names[0].value, -1);
	assert_int_equal(X509_NAME_add_entry(X509_get_subject_name(c), entry, -1, 0), 1);
	X509_NAME_ENTRY_free(entry);
	extension_set(c, NID_subject_alt_name, NULL, 0);
}
BEFORE(before_constraints)
{
	s->issuer = ca_build(NOW + 10 * LIFE);
	extension_set(s->issuer, NID_name_constraints,
	    "3011a00f300d820b686f6d652e61727061"
	    "2e61",
	    1);
}

static const struct row {
	const char *lint;
	void (*before)(struct spoil *);
	void (*after)(struct spoil *, X509 *);
	bool ca;
} rows[] = {
	{ "strict_der", NULL, after_der, false },
	{ "version_3", NULL, after_version, false },
	{ "serial_positive", NULL, after_serial_zero, false },
	{ "serial_20_octets", NULL, after_serial_long, false },
	{ "serial_64_bits", NULL, after_serial_short, false },
	{ "algorithms_equal", NULL, NULL, false },
	{ "algorithm_allowed", NULL, NULL, false },
	{ "rsa_parameters_null", NULL, NULL, false },
	{ "parameters_absent", NULL, NULL, false },
	{ "no_unique_ids", NULL, after_unique, false },
	{ "issuer_bytes", NULL, after_issuer, false },
	{ "validity_order", NULL, after_validity, false },
	{ "lifetime", before_lifetime, NULL, false },
	{ "time_encoding", NULL, after_encoding, false },
	{ "time_zulu", NULL, after_zulu, false },
	{ "backdating", before_backdate, NULL, false },
	{ "within_issuer", before_issuer_ends, NULL, false },
	{ "key_kind", NULL, after_dsa, false },
	{ "rsa_size", before_size, NULL, false },
	{ "rsa_exponent", before_exponent, NULL, false },
	{ "rsa_odd", before_even, NULL, false },
	{ "rsa_small_factor", before_factor, NULL, false },
	{ "rsa_roca", before_roca, NULL, false },
	{ "rsa_close_primes", before_close, NULL, false },
	{ "ec_named_curve", NULL, after_explicit, false },
	{ "ec_named_curve", before_curve, NULL, false },
	{ "ec_point", NULL, after_point, false },
	{ "key_not_blocked", before_blocked, NULL, false },
	{ "key_not_issuers", before_issuers_key, NULL, false },
	{ "extension_once", NULL, after_twice, false },
	{ "extensions_not_empty", NULL, after_no_extensions, false },
	{ "extension_syntax", NULL, after_syntax, false },
	{ "extension_known", NULL, after_unknown, false },
	{ "aki_present", NULL, after_no_aki, false },
	{ "aki_key_id_only", NULL, after_aki_form, false },
	{ "aki_not_critical", NULL, after_aki_critical, false },
	{ "aki_is_issuers_ski", NULL, after_aki_other, false },
	{ "ca_ski_present", NULL, after_ca_no_ski, true },
	{ "ski_not_critical", NULL, after_ski_critical, false },
	{ "leaf_not_ca", NULL, after_leaf_ca, false },
	{ "leaf_no_path_length", NULL, after_leaf_path, false },
	{ "ca_constraints_critical", NULL, after_ca_not_critical, true },
	{ "cert_sign_only_ca", NULL, after_cert_sign, false },
	{ "key_usage_critical", NULL, after_ku_not_critical, false },
	{ "key_usage_not_empty", NULL, after_ku_empty, false },
	{ "key_usage_no_trailing_zero", NULL, after_ku_trailing, false },
	{ "key_usage_fits_key", NULL, after_ku_key, false },
	{ "eku_present", NULL, after_no_eku, false },
	{ "eku_not_any", NULL, after_any_eku, false },
	{ "eku_not_critical", NULL, after_eku_critical, false },
	{ "eku_as_profile", NULL, after_eku_more, false },
	{ "eku_as_profile", before_eku_fewer, NULL, false },
	{ "ku_and_eku_agree", NULL, after_disagree, false },
	{ "aia_http", before_aia_https, NULL, false },
	{ "aia_unique", NULL, after_aia_twice, false },
	{ "aia_not_critical", NULL, after_aia_critical, false },
	{ "cdp_http", before_cdp_ldap, NULL, false },
	{ "cdp_unique", NULL, after_cdp_twice, false },
	{ "cdp_not_critical", NULL, after_cdp_critical, false },
	{ "policy_not_critical", before_policy, after_policy_critical, false },
	{ "policy_as_profile", NULL, after_policy, false },
	{ "policy_as_profile", before_policy, after_policies, false },
	{ "tls_feature", NULL, after_feature, false },
	{ "san_present", NULL, after_no_san, false },
	{ "san_critical", NULL, after_san_not_critical, false },
	{ "san_types", NULL, after_san_email, false },
	{ "san_unique", before_san_twice, NULL, false },
	{ "dns_characters", NULL, after_dns_space, false },
	{ "dns_underscore", NULL, after_dns_underscore, false },
	{ "dns_labels", NULL, after_dns_labels, false },
	{ "dns_length", NULL, after_dns_long, false },
	{ "dns_wildcard", NULL, after_dns_wildcard, false },
	{ "dns_idn", NULL, after_dns_idn, false },
	{ "dns_hyphens", NULL, after_dns_hyphens, false },
	{ "dns_public_suffix", before_suffix, NULL, false },
	{ "ip_length", NULL, after_ip, false },
	{ "ip_reserved", before_reserved, NULL, false },
	{ "subject_as_profile", before_subject, after_subject, false },
	{ "common_name_once", NULL, after_cn_two, false },
	{ "common_name_in_san", NULL, after_cn_other, false },
	{ "common_name_length", before_cn_long, after_cn_long, false },
	{ "name_constraints", before_constraints, NULL, false },
};

/* Faults that only bytes can have: find, replace (the same length or longer, outer lengths mended),
 * decode. */
static X509 *
through_der(X509 *cert, const char *lint)
{
	static const uint8_t ecdsa_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04,
		0x03, 0x02 };
	uint8_t *der = NULL;
	int i, hits = 0, len = i2d_X509(cert, &der);
	const uint8_t *p = der;
	X509 *out;

	for (i = 0; i + 12 <= len; i++) {
		if (memcmp(der + i, ecdsa_sha256, 12) != 0)
			continue;
		hits++;
		if (strcmp(lint, "algorithms_equal") == 0 && hits == 2)
			der[i + 11] = 0x03;
		if (strcmp(lint, "algorithm_allowed") == 0)
			der[i + 11] = 0x01; /* ecdsa-with-SHA224 */
	}
	out = d2i_X509(NULL, &p, len);
	OPENSSL_free(der);
	X509_free(cert);
	assert_non_null(out);
	return out;
}

/* Algorithms with the wrong parameters: X509_sign() can't, but the identifiers can be changed behind it. */
static void
parameters_spoil(X509 *cert, const char *lint)
{
	X509_ALGOR *algorithms[2];
	int i;

	algorithms[0] = (X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(cert);
	X509_get0_signature(NULL, (const X509_ALGOR **)&algorithms[1], cert);
	for (i = 0; i < 2; i++)
		if (strcmp(lint, "parameters_absent") == 0)
			X509_ALGOR_set0(algorithms[i], OBJ_nid2obj(NID_ecdsa_with_SHA256), V_ASN1_NULL, NULL);
		else
			X509_ALGOR_set0(
			    algorithms[i], OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_UNDEF, NULL);
}

static X509 *
unique_id_add(X509 *cert)
{
	/* The TBS ends with [3] extensions; [1] issuerUniqueID goes before it. Lengths are two bytes here. */
	static const uint8_t unique[] = { 0x81, 0x02, 0x00, 0x01 };
	uint8_t *der = NULL, *big;
	int i, len = i2d_X509(cert, &der);
	const uint8_t *p;
	X509 *out;

	big = malloc((size_t)len + sizeof(unique));
	for (i = 8; i < len - 4 && !(der[i] == 0xa3 && der[i + 1] >= 0x81 && der[i + 1] <= 0x82); i++)
		;
	memcpy(big, der, (size_t)i);
	memcpy(big + i, unique, sizeof(unique));
	memcpy(big + i + 4, der + i, (size_t)(len - i));
	for (i = 2; i <= 6; i += 4) {
		unsigned n = (unsigned)(big[i] << 8 | big[i + 1]) + 4;

		big[i] = (uint8_t)(n >> 8);
		big[i + 1] = (uint8_t)n;
	}
	p = big;
	out = d2i_X509(NULL, &p, len + 4);
	assert_non_null(out);
	free(big);
	OPENSSL_free(der);
	X509_free(cert);
	return out;
}

static X509 *
build(const struct row *row, struct spoil *s)
{
	struct ca_certificate ca = { .common_name = "Sub",
		.key = leaf_key,
		.not_before = NOW - 300,
		.not_after = NOW + 86400,
		.path_length = -1,
		.serial = serial };
	X509 *cert;

	if (row->before != NULL)
		row->before(s);
	if (s->key != NULL)
		s->leaf.key = s->key;
	s->context.issuer = s->issuer != NULL ? s->issuer : issuer;
	if (row->ca)
		s->context.kind = LINT_CA;
	s->leaf.form = &s->form;
	if (s->context.form == NULL)
		s->context.form = &s->form;
	if (row->ca)
		assert_int_equal(ca_certificate_build(&ca, s->context.issuer, &cert, NULL), ERR_OK);
	else
		assert_int_equal(leaf_build(&s->leaf, s->context.issuer, &cert, NULL), ERR_OK);
	if (row->after != NULL)
		row->after(s, cert);
	assert_int_equal(certificate_sign(cert, issuer_key), ERR_OK);
	if (strcmp(row->lint, "no_unique_ids") == 0)
		return unique_id_add(cert);
	if (strcmp(row->lint, "algorithms_equal") == 0 || strcmp(row->lint, "algorithm_allowed") == 0)
		return through_der(cert, row->lint);
	if (strcmp(row->lint, "rsa_parameters_null") == 0 || strcmp(row->lint, "parameters_absent") == 0)
		parameters_spoil(cert, row->lint);
	return cert;
}

static void
test_sound(void **state)
{
	static const struct row leaf = { "", NULL, NULL, false }, ca = { "", NULL, NULL, true };
	const struct row *rows_here[] = { &leaf, &ca };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct spoil s;
		struct reason reason = { "" };
		X509 *cert;

		spoil_open(&s);
		cert = build(rows_here[i], &s);
		if (lint_check(cert, &s.context, &reason) != ERR_OK)
			fail_msg("%s", reason.text);
		X509_free(cert);
	}
}

static void
spoil_close(struct spoil *s)
{
	X509_free(s->issuer);
	EVP_PKEY_free(s->key);
	blocklist_free(s->blocked);
}

/* The names of all that fire, separated by blanks. */
static void
fired_text(X509 *cert, const struct lint_context *context, char *out, size_t size)
{
	bool fired[200];

	assert_true(lint_count() <= 200);
	lint_all(cert, context, fired);
	out[0] = '\0';
	for (size_t i = 0; i < lint_count(); i++)
		if (fired[i])
			snprintf(out + strlen(out), size - strlen(out), "%s%s", out[0] != '\0' ? " " : "", lint_name(i));
}

/* What can't be broken without breaking others too. */
static const struct {
	const char *lint, *all;
} together[] = { { "extensions_not_empty",
    "extensions_not_empty aki_present leaf_not_ca key_usage_critical key_usage_not_empty eku_present san_present" } };

static const char *
expected_of(const char *lint)
{
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++)
		if (strcmp(together[i].lint, lint) == 0)
			return together[i].all;
	return lint;
}

/* lint_check() tells of the first; the table's order is its business. */
static bool
row_holds(const struct row *row, X509 *cert, const struct lint_context *context)
{
	struct reason reason = { "" };
	char fired[500], want[64];

	fired_text(cert, context, fired, sizeof(fired));
	if (strcmp(fired, expected_of(row->lint)) != 0) {
		print_error("wanted %s, fired %s\n", row->lint, fired);
		return false;
	}
	assert_int_equal(lint_check(cert, context, &reason), ERR_DENIED);
	snprintf(want, sizeof(want), "lint %.*s (", (int)strcspn(fired, " "), fired);
	if (strncmp(reason.text, want, strlen(want)) == 0)
		return true;
	print_error("wanted %s, got \"%s\"\n", want, reason.text);
	return false;
}

static void
test_each_lint_fails(void **state)
{
	size_t i, n = 0, wrong = 0;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct spoil s;
		X509 *cert;

		/* At least one row for each lint, in the table's order. */
		if (i > 0 && strcmp(rows[i].lint, rows[i - 1].lint) != 0)
			n++;
		assert_string_equal(rows[i].lint, lint_name(n));
		assert_true(lint_source(n)[0] != '\0');
		spoil_open(&s);
		cert = build(&rows[i], &s);
		wrong += !row_holds(&rows[i], cert, &s.context);
		X509_free(cert);
		spoil_close(&s);
	}
	assert_int_equal(n + 1, lint_count());
	assert_int_equal(wrong, 0);
}

static void
test_has_key(void **state)
{
	struct spoil s;
	X509 *cert;

	(void)state;
	spoil_open(&s);
	s.context.issuer = issuer;
	assert_int_equal(leaf_build(&s.leaf, issuer, &cert, NULL), ERR_OK);
	assert_true(certificate_has_ec_key(cert, leaf_key));
	assert_false(certificate_has_ec_key(cert, issuer_key));
	X509_free(cert);
}

static void
test_keys(void **state)
{
	EVP_PKEY *sound[] = { key_generate(KEY_P256), key_generate(KEY_P521), key_generate(KEY_RSA2048),
		key_generate(KEY_ED25519), key_generate(KEY_ED448) };
	EVP_PKEY *weak[] = { EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"),
		rsa_key(weak_modulus("factor"), 65537), rsa_key(weak_modulus("roca"), 65537),
		rsa_key(weak_modulus("close"), 65537), rsa_key(weak_modulus("close"), 3) };
	static const char *const words[] = { "1024 bits", "curve", "divisible by 3", "ROCA", "Fermat",
		"exponent" };
	struct reason reason;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sound) / sizeof(sound[0]); i++) {
		assert_int_equal(key_check(sound[i], &reason), ERR_OK);
		assert_int_equal(
		    key_type_by_name(key_type_name(key_type_of(sound[i]))), key_type_of(sound[i]));
		EVP_PKEY_free(sound[i]);
	}
	for (i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
		assert_int_equal(key_check(weak[i], &reason), ERR_BAD_KEY);
		if (strstr(reason.text, words[i]) == NULL)
			fail_msg("%s: %s", words[i], reason.text);
		EVP_PKEY_free(weak[i]);
	}
}

static int
setup(void **state)
{
	(void)state;
	issuer_key = key_generate(KEY_P256);
	leaf_key = key_generate(KEY_P256);
	issuer = ca_build(NOW + 10 * LIFE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	X509_free(issuer);
	EVP_PKEY_free(issuer_key);
	EVP_PKEY_free(leaf_key);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_sound),
		cmocka_unit_test(test_each_lint_fails), cmocka_unit_test(test_has_key),
		cmocka_unit_test(test_keys) };

	return cmocka_run_group_tests_name("x509_lint", tests, setup, teardown);
}
