/* msg.h: every message between our processes: type, sender, receiver, size, and a struct with its encoder
 * and decoder. One table (msg.c) holds who may say what.
 *
 * Encoders append to a buf. Decoders return false on any malformed byte or trailing bytes; slices they fill
 * are borrowed from the input. Slices and strings in a struct that is encoded are borrowed for the call. */
#ifndef SIGNET_IPC_MSG_H
#define SIGNET_IPC_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/challenge.h"
#include "acme/evidence.h"
#include "acme/identifier.h"
#include "acme/ocsp.h"
#include "acme/problem.h"
#include "acme/revocation.h"
#include "ipc/role.h"
#include "lib/buf.h"
#include "jose/jws.h"
#include "jose/key_change.h"
#include "lib/id.h"

enum msg_type {
	MSG_CONFIG = 1,		/* supervisor -> role: its own section */
	MSG_READY,		/* role -> supervisor: sandboxed and serving */
	MSG_STOP,		/* supervisor -> role: finish what is in hand and exit */
	MSG_REQUEST,		/* wfe -> ra: a POST */
	MSG_REPLY,		/* ra -> wfe: its answer */
	MSG_NONCES_WANTED,	/* wfe -> ra: the stock runs low */
	MSG_NONCES,		/* ra -> wfe: fresh nonces */
	MSG_CHECK,		/* ra -> va: validate one challenge */
	MSG_RESULT,		/* va -> ra: what came of it, with evidence */
	MSG_ISSUE,		/* ra -> ca: the proof for one certificate */
	MSG_CERTIFICATE,	/* ca -> ra: the certificate */
	MSG_REFUSED,		/* ca -> ra: no, and why */
	MSG_SERVER_CSR,		/* wfe -> ra -> ca: a certificate for the server itself */
	MSG_SERVER_CERTIFICATE,	/* ca -> ra -> wfe */
	MSG_CRL_ENTRIES,	/* ra -> ca: what a CRL shall list, in parts */
	MSG_CRL,		/* ca -> ra -> wfe: the CRL, in parts */
	MSG_LOOKUP,		/* wfe -> ra: a GET that nobody signs (RFC 9773, 4.1); the answer is a REPLY */
	MSG_MANAGE,		/* wfe -> ra: what the management listener was asked; the answer is a REPLY */
	MSG_SEEN,		/* wfe -> ra: a request that wfe answered itself, for who watches clients */
	MSG_CLOCK,		/* ra -> wfe, va, ca: a test moved the clock */
	MSG_OCSP,		/* wfe -> ra: what an OCSP request asks */
	MSG_OCSP_ANSWER,	/* ra -> wfe: the response */
	MSG_OCSP_SIGN,		/* ra -> ca: the same, with the certificates, and what ra knows of their revocation */
	MSG_OCSP_SIGNED,	/* ca -> ra: the response */
	MSG_CANCELED,		/* ra -> ca: an auto-renewal order is over before its end (RFC 8739) */
	MSG_BUSY,		/* role -> supervisor: READY will take as long as it takes */
	MSG_TYPE_COUNT
};

/* The largest packet: a Unix socket takes a little less than its send buffer of 208 KiB (Linux). */
#define MSG_MAX 180000

struct msg_entry {
	const char	*name;
	unsigned	 from;		/* ROLE_BITs */
	unsigned	 to;
	uint32_t	 max;		/* bytes of body */
};
/* NULL for a number that is no type. */
const struct msg_entry *msg_entry(unsigned type);

#define REMOTE_MAX 63			/* an address in text, with a scope */
#define HEADER_TEXT_MAX 255		/* what we keep of User-Agent and Accept */
#define URL_PATH_MAX 255		/* our longest is 60 */
#define REQUEST_ID_SIZE 13	/* 48 random bits in hex and the NUL: enough to find a line in a log */
#define BASE_MAX 300			/* a scheme and a host name of 253 characters with its port */

struct msg_request {
	uint64_t	number;		/* chosen by wfe; the reply repeats it */
	char		remote[REMOTE_MAX + 1];
	char		path[URL_PATH_MAX + 1];		/* as in the request line; unproven */
	char		base[BASE_MAX + 1];		/* what the client calls the server; "": what the configuration does */
	char		id[REQUEST_ID_SIZE];		/* as in the log */
	char		user_agent[HEADER_TEXT_MAX + 1];
	char		accept[HEADER_TEXT_MAX + 1];
	struct slice	body;		/* at most JWS_BODY_MAX */
};
void put_request(struct buf *, const struct msg_request *);
bool get_request(struct slice, struct msg_request *);

struct msg_lookup {
	uint64_t	number;		/* as in a REQUEST */
	char		remote[REMOTE_MAX + 1];
	char		path[URL_PATH_MAX + 1];
	char		base[BASE_MAX + 1];
	char		user_agent[HEADER_TEXT_MAX + 1];
	char		id[REQUEST_ID_SIZE];
};
void put_lookup(struct buf *, const struct msg_lookup *);
bool get_lookup(struct slice, struct msg_lookup *);

/* Only where the configuration has a management listener: ra refuses it otherwise. */
#define METHOD_MAX 15			/* ours are shorter; the rest is for the log */
struct msg_manage {
	uint64_t	number;		/* as in a REQUEST */
	char		method[METHOD_MAX + 1];
	char		path[URL_PATH_MAX + 1];
	char		base[BASE_MAX + 1];
	struct slice	body;		/* at most JWS_BODY_MAX */
};
void put_manage(struct buf *, const struct msg_manage *);
bool get_manage(struct slice, struct msg_manage *);

/* Only where ra.observe is set. */
enum sighting {
	SEEN_NO_AGENT = 1,	/* RFC 8555, 6.1 */
	SEEN_MEDIA_TYPE,	/* 6.2 */
	SEEN_GET,		/* 6.3: of what needs a POST */
	SEEN_NO_RESOURCE,	/* 7.1.1: a path that was never given out */
	SEEN_NEW_NONCE,		/* 7.2 */
	SEEN_COUNT
};
struct msg_seen {
	enum sighting	what;
	char		user_agent[HEADER_TEXT_MAX + 1];
	char		id[REQUEST_ID_SIZE];
	char		path[URL_PATH_MAX + 1];
};
void put_seen(struct buf *, const struct msg_seen *);
bool get_seen(struct slice, struct msg_seen *);

/* Only with preset pebble: whoever gets one elsewhere dies. */
struct msg_clock {
	int64_t		shift;		/* seconds, forward */
};
void put_clock(struct buf *, const struct msg_clock *);
bool get_clock(struct slice, struct msg_clock *);

/* What wfe does to the answer on its way: for tests of clients. */
enum wire_fault { WIRE_SOUND, WIRE_RESET, WIRE_TRUNCATE, WIRE_FAULT_COUNT };

#define NONCE_SIZE 23			/* 22 characters and the NUL */
#define REPLY_BODY_MAX (2 << 20)		/* an order of 100 names takes 64 KiB; the conformance report of many clients more */
#define REPLY_LINKS_MAX 8		/* alternate chains, and the issuer */

enum media_type {
	MEDIA_NONE = 0,			/* no body */
	MEDIA_JSON,			/* application/json */
	MEDIA_PROBLEM,			/* application/problem+json */
	MEDIA_PEM_CHAIN,		/* application/pem-certificate-chain */
	MEDIA_DIRECTORY,		/* no body: wfe puts its directory there */
	MEDIA_PKIX_CERT,		/* application/pkix-cert */
	MEDIA_PKCS7,			/* application/pkcs7-mime */
	MEDIA_TEXT,			/* text/plain */
	MEDIA_HTML,			/* text/html */
	MEDIA_XML,			/* application/xml */
	MEDIA_TYPE_COUNT
};

struct msg_reply {
	uint64_t	number;
	uint16_t	status;
	enum media_type	media;
	uint32_t	retry_after;	/* seconds; 0: no header */
	bool		retry_date;	/* shown as a date */
	int64_t		not_before;	/* RFC 8739, 3.3: what the certificate in the body says; 0: no headers */
	int64_t		not_after;
	uint32_t	fresh;		/* seconds for which a cache may keep a LOOKUP's answer; 0: a while */
	enum wire_fault	fault;
	char		nonce[NONCE_SIZE];	/* "" : of a LOOKUP, and caches may keep it a while */
	char		location[512];	/* "" : no header */
	uint32_t	link_count;
	char		links[REPLY_LINKS_MAX][512];	/* whole header values: <url>;rel="up" */
	struct slice	body;
	/* For the log line only. */
	char		account[ID_TEXT_SIZE];		/* "" when not authenticated */
	char		route[24];			/* route_name() */
	char		problem[48];			/* problem_name(), or "" */
	char		detail[REASON_MAX];		/* the problem's, or "" */
};
void put_reply(struct buf *, const struct msg_reply *);
bool get_reply(struct slice, struct msg_reply *);

#define NONCES_MAX 256
struct msg_nonces {
	uint32_t	count;
	char		nonces[NONCES_MAX][NONCE_SIZE];
};
void put_nonces(struct buf *, const struct msg_nonces *);
bool get_nonces(struct slice, struct msg_nonces *);

/* How often an account's key may change while evidence is fresh. */
#define KEY_CHANGES_MAX 8
struct msg_check {
	struct id		authorization;
	enum challenge_type	method;
	bool			wildcard;
	struct identifier	identifier;		/* base name */
	char			token[TOKEN_SIZE];
	char			thumbprint[THUMBPRINT_SIZE];
	char			account_url[ACCOUNT_URL_SIZE];
	/* The account's keys before that one, when what they prove stays (challenge_persists()). */
	uint32_t		former_count;
	char			former[KEY_CHANGES_MAX][THUMBPRINT_SIZE];
	/* Only to see how far it gets: each perspective tells, and nothing is stated. */
	bool			trial;
	/* Set when only the CAA records of what was proven already are to be looked at again, for an order that
	 * is being finalized: then evidence is the bundle to renew. */
	struct id		order;
	struct slice		evidence;
};
void put_check(struct buf *, const struct msg_check *);
bool get_check(struct slice, struct msg_check *);

#define RESULT_DETAIL_MAX 1023
#define VOTES_MAX 16384			/* nine perspectives, each with a detail and a record of that length, and quotes in them */
struct msg_result {
	struct id		authorization;
	bool			ok;
	enum problem_type	problem;		/* when not ok */
	char			detail[RESULT_DETAIL_MAX + 1];	/* for the client, when not ok */
	char			record[RESULT_DETAIL_MAX + 1];	/* JSON validationRecord, for people */
	int64_t			validated;		/* seconds; when ok */
	int64_t			until;			/* the same: the authorization ends then; 0: not said */
	int64_t			caa_checked;		/* the same; 0: not checked */
	struct slice		evidence;		/* when ok: a bundle; of one perspective a statement */
	/* Of a trial, which is neither ok nor has a problem when all can be reached and CAA lets us. */
	bool			reached;
	struct slice		votes;			/* what each perspective said, JSON; empty when there is one */
	int64_t			next_try;		/* not 0: a failure that is not final (RFC 8555, 8.2) */
	struct id		order;			/* the CHECK's */
	enum challenge_type	method;			/* the same; of what one perspective says, none */
};
void put_result(struct buf *, const struct msg_result *);
bool get_result(struct slice, struct msg_result *);

#define PROFILE_NAME_MAX 63
/* 100 names, each proven to all perspectives there can be. */
#define ISSUE_MAX (IDENTIFIERS_MAX * (BUNDLE_MAX + 4) + 2 * JWS_BODY_MAX + KEY_CHANGES_MAX * (KEY_CHANGE_MAX + 4) + 8192)
struct msg_issue {
	struct id	order;
	char		profile[PROFILE_NAME_MAX + 1];
	int64_t		not_before;			/* as the order asked; 0: not asked */
	int64_t		not_after;
	struct slice	jwk;				/* the account's public key, canonical JSON */
	struct slice	jws;				/* the finalize request, as the client signed it */
	uint32_t	evidence_count;
	struct slice	evidence[IDENTIFIERS_MAX];	/* bundles */
	/* Of an auto-renewal order (RFC 8739): the newOrder request as the client signed it, from which its id is made, the
	 * key that signed, and which of its certificates is due. Empty and 0: it is none. */
	uint32_t	number;
	struct slice	new_order;
	struct slice	new_order_jwk;
	/* How the key that evidence names became jwk: keyChange requests as they were signed, in their order, the
	 * last one handing over to jwk. None when no key changed since. */
	uint32_t	key_change_count;
	struct slice	key_changes[KEY_CHANGES_MAX];
};
void put_issue(struct buf *, const struct msg_issue *);
bool get_issue(struct slice, struct msg_issue *);

#define FINGERPRINT_SIZE 32		/* SHA-256 of a certificate's DER */
#define CERTIFICATE_DER_MAX 49152
struct msg_certificate {
	struct id	order;
	uint32_t	number;				/* as in the ISSUE */
	uint8_t		issuer[FINGERPRINT_SIZE];
	struct slice	serial;				/* at most 20 */
	int64_t		not_before, not_after;
	struct slice	der;
};
void put_certificate(struct buf *, const struct msg_certificate *);
bool get_certificate(struct slice, struct msg_certificate *);

#define REFUSED_MAX (PROBLEM_SUBS_MAX * (IDENTIFIER_VALUE_SIZE + REASON_MAX + 16) + 4096)
struct msg_refused {
	struct id		order;
	uint32_t		number;		/* as in the ISSUE */
	struct problem		problem;	/* for the client; badCSR leaves the order ready, others end it */
};
void put_refused(struct buf *, const struct msg_refused *);
/* On true the caller frees the problem. */
bool get_refused(struct slice, struct msg_refused *);

#define CRL_CHUNK 2000			/* entries in one message: 64 KiB */
#define CRL_PART_MAX 131072
#define CRL_DER_MAX (32 << 20)		/* 800,000 entries */
struct msg_crl_entry {
	uint8_t			serial[20];
	size_t			serial_len;	/* 1 to 20 */
	int64_t			revoked;
	enum revocation_reason	reason;
	int64_t			not_after;	/* the certificate's */
};
/* A list begins with first, ends with last, and is not mixed with another. */
struct msg_crl_entries {
	uint8_t			issuer[FINGERPRINT_SIZE];
	uint32_t		shard;
	uint64_t		number;		/* the last one's, 0 when there was none */
	bool			first, last;
	uint32_t		count;
	struct msg_crl_entry	entries[CRL_CHUNK];
};
void put_crl_entries(struct buf *, const struct msg_crl_entries *);
bool get_crl_entries(struct slice, struct msg_crl_entries *);

/* Parts come in order, and those of two lists are not mixed. */
struct msg_crl {
	uint8_t		issuer[FINGERPRINT_SIZE];
	uint32_t	shard;
	uint64_t	number;
	uint32_t	total, offset;			/* bytes: of the whole, and before this part */
	struct slice	part;
};
void put_crl(struct buf *, const struct msg_crl *);
bool get_crl(struct slice, struct msg_crl *);

/* Of a request only what it asks crosses: ra never sees its bytes. */
struct msg_ocsp {
	uint64_t		number;		/* as in a REQUEST */
	struct ocsp_request	request;
};
void put_ocsp(struct buf *, const struct msg_ocsp *);
bool get_ocsp(struct slice, struct msg_ocsp *);

struct msg_ocsp_answer {
	uint64_t		number;
	enum ocsp_status	status;
	/* When it is OCSP_SUCCESSFUL: */
	int64_t			this_update, next_update;
	bool			shared;		/* caches may keep it: it is the same for all who ask */
	struct slice		der;		/* at most OCSP_RESPONSE_MAX */
};
void put_ocsp_answer(struct buf *, const struct msg_ocsp_answer *);
bool get_ocsp_answer(struct slice, struct msg_ocsp_answer *);

#define OCSP_KEY_SIZE 32
struct ocsp_item {
	struct ocsp_id		id;
	struct slice		certificate;	/* empty: ra has none of that serial */
	int64_t			revoked;	/* 0: ra knows of no revocation */
	enum revocation_reason	reason;
	int64_t			not_after;	/* the certificate's; when it was revoked */
};
struct msg_ocsp_sign {
	uint64_t		number;
	uint8_t			key[OCSP_KEY_SIZE];	/* ra's own: the answer repeats it */
	uint32_t		count;		/* 1 to OCSP_IDS_MAX */
	struct ocsp_item	items[OCSP_IDS_MAX];
	uint8_t			nonce[OCSP_NONCE_MAX];
	size_t			nonce_len;
};
void put_ocsp_sign(struct buf *, const struct msg_ocsp_sign *);
bool get_ocsp_sign(struct slice, struct msg_ocsp_sign *);

struct msg_ocsp_signed {
	uint64_t		number;
	uint8_t			key[OCSP_KEY_SIZE];
	enum ocsp_status	status;
	int64_t			this_update, next_update;
	struct slice		der;		/* empty unless OCSP_SUCCESSFUL */
};
void put_ocsp_signed(struct buf *, const struct msg_ocsp_signed *);
bool get_ocsp_signed(struct slice, struct msg_ocsp_signed *);

struct msg_canceled {
	struct id		order;
};
void put_canceled(struct buf *, const struct msg_canceled *);
bool get_canceled(struct slice, struct msg_canceled *);

/* MSG_SERVER_CSR: the body is the CSR's DER and wfe's tag of it (ca/server.h), which ra can't make.
 * MSG_SERVER_CERTIFICATE: the body is the PEM chain, leaf first, empty when ca refused. MSG_CONFIG: config_encode().
 * MSG_READY, MSG_BUSY, MSG_STOP, MSG_NONCES_WANTED: empty. */

#endif
