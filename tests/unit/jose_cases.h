/* jose_cases.h: hostile JWS and JWK, each with the code and a part of the sentence it must produce. */
#ifndef SIGNET_TESTS_JOSE_CASES_H
#define SIGNET_TESTS_JOSE_CASES_H

#include "lib/err.h"

struct jose_case {
	enum err	 err;		/* ERR_OK ends the table */
	const char	*says;
	const char	*header;	/* JSON text of the protected header */
	const char	*body;		/* "%H" is that header; NULL: JWS_BODY; in jwk_cases the JWK */
};

#define JWS_BODY(h) "{\"protected\":\"" h "\",\"payload\":\"e30\",\"signature\":\"AAAA\"}"
#define HEAD(...) "{" __VA_ARGS__ "}"
#define ALG "\"alg\":\"ES256\""
#define REST ",\"nonce\":\"AAAA\",\"url\":\"https://ca.test/x\""
#define KID ",\"kid\":\"https://ca.test/account/1\""
#define GOOD HEAD(ALG REST KID)

static const struct jose_case jws_cases[] = {
	/* The outer object. */
	{ ERR_MALFORMED, "empty text", "", "" },
	{ ERR_MALFORMED, "invalid JSON at line 1, column", "", "not JSON" },
	{ ERR_MALFORMED, "expected", "", "[]" },
	{ ERR_MALFORMED, "invalid JSON", "", "\"text\"" },
	{ ERR_MALFORMED, "no \"protected\"", "", "{}" },
	{ ERR_MALFORMED, "end of file expected", GOOD, JWS_BODY("%H") "{}" },
	{ ERR_MALFORMED, "invalid JSON", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":\"AA" },
	{ ERR_MALFORMED, "duplicate", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":\"AAAA\",\"payload\":\"e30\"}" },
	{ ERR_MALFORMED, "duplicate", GOOD,
	    "{\"protected\":\"%H\",\"protected\":\"e30\",\"payload\":\"e30\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "invalid JSON", GOOD,
	    "{'protected':'%H','payload':'e30','signature':'AAAA'}" },
	{ ERR_MALFORMED, "invalid JSON", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":\"AAAA\",}" },
	{ ERR_MALFORMED, "unable to decode byte 0xff", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"\xff\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "invalid JSON", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"\\u0000\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "nests deeper than 16", "",
	    "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}" },
	{ ERR_MALFORMED, "\"signatures\"", GOOD,
	    "{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"%H\",\"signature\":\"AAAA\"}]}" },
	{ ERR_MALFORMED, "unprotected \"header\"", GOOD,
	    "{\"protected\":\"%H\",\"header\":{\"kid\":\"x\"},\"payload\":\"e30\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "unprotected \"header\"", GOOD,
	    "{\"protected\":\"%H\",\"header\":null,\"payload\":\"e30\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "no \"payload\"", GOOD, "{\"protected\":\"%H\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "no \"signature\"", GOOD, "{\"protected\":\"%H\",\"payload\":\"e30\"}" },
	{ ERR_MALFORMED, "\"payload\" is not a string", GOOD,
	    "{\"protected\":\"%H\",\"payload\":{},\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"payload\" is not a string", GOOD,
	    "{\"protected\":\"%H\",\"payload\":null,\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"protected\" is not a string", GOOD,
	    "{\"protected\":{\"alg\":\"ES256\"},\"payload\":\"e30\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"signature\" is not a string", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":7}" },
	/* base64url: RFC 8555, 6.1. */
	{ ERR_MALFORMED, "\"payload\" is not base64url", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30=\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"payload\" is not base64url", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e3+/\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"payload\" is not base64url", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e31\",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"payload\" is not base64url", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30 \",\"signature\":\"AAAA\"}" },
	{ ERR_MALFORMED, "\"signature\" is not base64url", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":\"AAAAA\"}" },
	{ ERR_MALFORMED, "\"signature\" is not base64url", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":\"AA\\nAA\"}" },
	{ ERR_MALFORMED, "\"signature\" is empty", GOOD,
	    "{\"protected\":\"%H\",\"payload\":\"e30\",\"signature\":\"\"}" },
	{ ERR_MALFORMED, "\"protected\" is empty", "", JWS_BODY("") },
	{ ERR_MALFORMED, "\"protected\" is not base64url", "", JWS_BODY("{}") },
	/* The protected header. */
	{ ERR_MALFORMED, "JWS protected header: invalid JSON", "{", NULL },
	{ ERR_MALFORMED, "JWS protected header: JSON array", "[]", NULL },
	{ ERR_MALFORMED, "no \"alg\"", HEAD("\"url\":\"u\"" KID), NULL },
	{ ERR_MALFORMED, "\"alg\" is not a string", HEAD("\"alg\":[\"ES256\"]" REST KID), NULL },
	{ ERR_MALFORMED, "\"alg\" is not a string", HEAD("\"alg\":null" REST KID), NULL },
	{ ERR_MALFORMED, "duplicate", HEAD(ALG ",\"alg\":\"RS256\"" REST KID), NULL },
	{ ERR_MALFORMED, "duplicate", HEAD(ALG REST KID ",\"\\u006bid\":\"x\""), NULL },
	{ ERR_MALFORMED, "end of file expected", GOOD " x", NULL },
	{ ERR_BAD_ALGORITHM, "unsigned", HEAD("\"alg\":\"none\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "is not supported", HEAD("\"alg\":\"nOnE\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "is a MAC", HEAD("\"alg\":\"HS256\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "is a MAC", HEAD("\"alg\":\"HS512\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "use one of ES256", HEAD("\"alg\":\"PS256\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "\"es256\"", HEAD("\"alg\":\"es256\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "\"ES256K\"", HEAD("\"alg\":\"ES256K\"" REST KID), NULL },
	{ ERR_BAD_ALGORITHM, "\"\"", HEAD("\"alg\":\"\"" REST KID), NULL },
	{ ERR_MALFORMED, "\"crit\"", HEAD(ALG REST KID ",\"crit\":[\"exp\"],\"exp\":1"), NULL },
	{ ERR_MALFORMED, "\"crit\"", HEAD(ALG REST KID ",\"crit\":[]"), NULL },
	{ ERR_MALFORMED, "\"b64\"", HEAD(ALG REST KID ",\"b64\":false"), NULL },
	{ ERR_MALFORMED, "\"b64\"", HEAD(ALG REST KID ",\"b64\":true"), NULL },
	{ ERR_MALFORMED, "no \"url\"", HEAD(ALG ",\"nonce\":\"AAAA\"" KID), NULL },
	{ ERR_MALFORMED, "\"url\" is not a string", HEAD(ALG ",\"url\":7" KID), NULL },
	{ ERR_MALFORMED, "\"nonce\" is not a string", HEAD(ALG ",\"url\":\"u\",\"nonce\":7" KID), NULL },
	{ ERR_MALFORMED, "\"nonce\" is not base64url",
	    HEAD(ALG ",\"url\":\"u\",\"nonce\":\"AA=\"" KID), NULL },
	{ ERR_MALFORMED, "\"nonce\" is not base64url",
	    HEAD(ALG ",\"url\":\"u\",\"nonce\":\"a b\"" KID), NULL },
	{ ERR_MALFORMED, "both \"jwk\" and \"kid\"", HEAD(ALG REST KID ",\"jwk\":{}"), NULL },
	{ ERR_MALFORMED, "neither \"jwk\" nor \"kid\"", HEAD(ALG REST), NULL },
	{ ERR_MALFORMED, "\"jwk\" is not an object", HEAD(ALG REST ",\"jwk\":\"x\""), NULL },
	{ ERR_MALFORMED, "\"jwk\" is not an object", HEAD(ALG REST ",\"jwk\":null"), NULL },
	{ ERR_MALFORMED, "\"kid\" is not a string", HEAD(ALG REST ",\"kid\":7"), NULL },
	{ ERR_MALFORMED, "\"kid\" is not a string", HEAD(ALG REST ",\"kid\":null"), NULL },
	{ ERR_OK, NULL, NULL, NULL },
};

/* RFC 7517, A.1's key. */
#define EC_X "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
#define EC_Y "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
#define EC_KEY(crv, x, y) "{\"kty\":\"EC\",\"crv\":\"" crv "\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define ONES43 "__________________________________________8"
#define ZEROS43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct jose_case jwk_cases[] = {
	{ ERR_MALFORMED, "empty text", "", "" },
	{ ERR_MALFORMED, "JSON array", "", "[]" },
	{ ERR_MALFORMED, "\"kty\" is missing", "", "{}" },
	{ ERR_MALFORMED, "\"kty\" is not a string", "", "{\"kty\":1}" },
	{ ERR_MALFORMED, "duplicate", "", "{\"kty\":\"EC\",\"kty\":\"RSA\"}" },
	{ ERR_UNSUPPORTED, "key type \"oct\"", "", "{\"kty\":\"oct\"}" },
	{ ERR_UNSUPPORTED, "key type \"ec\"", "", "{\"kty\":\"ec\"}" },
	{ ERR_BAD_KEY, "never send that", "", "{\"kty\":\"oct\",\"k\":\"AAAA\"}" },
	{ ERR_BAD_KEY, "never send that", "",
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\",\"d\":\"" EC_X "\"}" },
	{ ERR_BAD_KEY, "holds \"d\"", "", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":null}" },
	{ ERR_BAD_KEY, "holds \"dp\"", "", "{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\",\"dp\":\"AQ\"}" },
	{ ERR_BAD_KEY, "holds \"oth\"", "", "{\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\",\"oth\":[]}" },
	{ ERR_MALFORMED, "\"crv\" is missing", "", "{\"kty\":\"EC\"}" },
	{ ERR_UNSUPPORTED, "\"secp256k1\" is not supported; use P-256", "", EC_KEY("secp256k1", EC_X, EC_Y) },
	{ ERR_UNSUPPORTED, "\"P-224\"", "", EC_KEY("P-224", EC_X, EC_Y) },
	{ ERR_MALFORMED, "\"x\" is missing", "", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" EC_Y "\"}" },
	{ ERR_MALFORMED, "\"y\" is not a string", "",
	    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":true}" },
	{ ERR_MALFORMED, "\"x\" is not base64url", "", EC_KEY("P-256", EC_X "=", EC_Y) },
	{ ERR_MALFORMED, "\"y\" is not base64url", "", EC_KEY("P-256", EC_X, "4Etl6SRW2YiLUrN5vfv+Hu") },
	{ ERR_MALFORMED, "\"x\" has 3 octets", "", EC_KEY("P-256", "AAAA", EC_Y) },
	{ ERR_MALFORMED, "this curve's has 48", "", EC_KEY("P-384", EC_X, EC_Y) },
	{ ERR_MALFORMED, "\"x\" has 0 octets", "", EC_KEY("P-256", "", EC_Y) },
	{ ERR_BAD_KEY, "not a point on curve P-256", "", EC_KEY("P-256", EC_Y, EC_X) },
	{ ERR_BAD_KEY, "not a point on curve P-256", "", EC_KEY("P-256", ZEROS43, ZEROS43) },
	{ ERR_BAD_KEY, "not a point on curve P-256", "", EC_KEY("P-256", ONES43, EC_Y) },
	/* x = p, which stands for x = 0 with its y: the same point twice under two thumbprints. */
	{ ERR_BAD_KEY, "not a point on curve P-256", "", EC_KEY("P-256",
	    "_____wAAAAEAAAAAAAAAAAAAAAD_______________8", "ZkhbK_Q8v7hxEyiZ3FPqbKDcNHo9Uf1JGRCcOw2EO6Q") },
	{ ERR_UNSUPPORTED, "\"X25519\" is not supported; use Ed25519", "",
	    "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" EC_X "\"}" },
	{ ERR_MALFORMED, "this curve's has 57", "",
	    "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" EC_X "\"}" },
	{ ERR_MALFORMED, "\"x\" is missing", "", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"}" },
	{ ERR_MALFORMED, "\"n\" is missing", "", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}" },
	{ ERR_MALFORMED, "\"e\" is missing", "", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}" },
	{ ERR_MALFORMED, "\"n\" is empty", "", "{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}" },
	{ ERR_MALFORMED, "\"n\" is not base64url", "", "{\"kty\":\"RSA\",\"n\":\"AQAB=\",\"e\":\"AQAB\"}" },
	{ ERR_MALFORMED, "begins with a zero octet", "",
	    "{\"kty\":\"RSA\",\"n\":\"AAEAAQ\",\"e\":\"AQAB\"}" },
	{ ERR_MALFORMED, "\"e\" begins with a zero", "",
	    "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AAEAAQ\"}" },
	{ ERR_BAD_KEY, "17 bits", "", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}" },
	{ ERR_BAD_KEY, "modulus is even", "", "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\""
	    "_____________________________________________________________________________________g\"}" },
	{ ERR_OK, NULL, NULL, NULL },
};

#endif
