/* OCSP in ca: what a captured ra can have signed, and the file of what was revoked. */
#include "tests/unit/ca_world.h"

#include <openssl/ocsp.h>

#include "ca/ocsp.h"

/* --- a question, as ra puts it ------------------------------------------------------------------------- */

struct question {
	struct msg_ocsp_sign asked;
	struct buf certificate;
	OCSP_CERTID *id; /* of the last one */
};

static void
id_fill(struct ocsp_id *id, OCSP_CERTID *theirs)
{
	ASN1_OCTET_STRING *name, *key;
	ASN1_INTEGER *serial;
	ASN1_OBJECT *md;

	assert_int_equal(OCSP_id_get0_info(&name, &md, &key, &serial, theirs), 1);
	id->hash = OBJ_obj2nid(md) == NID_sha1 ? OCSP_SHA1 : OCSP_SHA256;
	memcpy(id->name, ASN1_STRING_get0_data(name), ocsp_hash_size(id->hash));
	memcpy(id->key, ASN1_STRING_get0_data(key), ocsp_hash_size(id->hash));
	id->serial_len = (size_t)ASN1_STRING_length(serial);
	memcpy(id->serial, ASN1_STRING_get0_data(serial), id->serial_len);
}

static void
question_make(struct world *w, X509 *cert, struct question *q)
{
	memset(q, 0, sizeof(*q));
	q->id = OCSP_cert_to_id(EVP_sha256(), cert, w->ca->issuers[0].cert);
	assert_int_equal(certificate_der(cert, &q->certificate), ERR_OK);
	q->asked.number = 7;
	q->asked.count = 1;
	id_fill(&q->asked.items[0].id, q->id);
	q->asked.items[0].certificate = buf_slice(&q->certificate);
	q->asked.items[0].reason = REVOCATION_NONE;
}

static void
question_free(struct question *q)
{
	OCSP_CERTID_free(q->id);
	buf_free(&q->certificate);
}

/* What is said of it, and how it can be seen to be ca's word. */
static int
status_at(struct world *w, const struct question *q, int64_t now, int *reason, int64_t *revoked)
{
	ASN1_GENERALIZEDTIME *at = NULL, *this, *next;
	struct msg_ocsp_signed out;
	struct buf der = { 0 };
	const uint8_t *p;
	OCSP_RESPONSE *response;
	OCSP_BASICRESP *basic;
	STACK_OF(X509) *certs = sk_X509_new_null();
	struct tm tm;
	int status;

	assert_int_equal(ocsp_answer(w->ca, &q->asked, now, &der, &out), ERR_OK);
	assert_int_equal(out.number, 7);
	assert_int_equal(out.status, OCSP_SUCCESSFUL);
	p = out.der.data;
	assert_non_null(response = d2i_OCSP_RESPONSE(NULL, &p, (long)out.der.len));
	assert_non_null(basic = OCSP_response_get1_basic(response));
	sk_X509_push(certs, w->ca->issuers[0].cert);
	assert_int_equal(OCSP_basic_verify(basic, certs, NULL, OCSP_NOVERIFY), 1);
	assert_int_equal(OCSP_resp_find_status(basic, q->id, &status, reason, &at, &this, &next), 1);
	assert_int_equal(ASN1_TIME_to_tm(this, &tm), 1);
	assert_int_equal(timegm(&tm), out.this_update);
	assert_true(out.this_update <= now && out.this_update >= now - 300);
	assert_int_equal(out.next_update, out.this_update + 43200);
	if (status == V_OCSP_CERTSTATUS_REVOKED && revoked != NULL) {
		assert_int_equal(ASN1_TIME_to_tm(at, &tm), 1);
		*revoked = timegm(&tm);
	}
	sk_X509_free(certs);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	buf_free(&der);
	return status;
}

static int
status_of(struct world *w, const struct question *q)
{
	return status_at(w, q, clock_now(), NULL, NULL);
}

#define GOOD V_OCSP_CERTSTATUS_GOOD
#define REVOKED V_OCSP_CERTSTATUS_REVOKED
#define UNKNOWN V_OCSP_CERTSTATUS_UNKNOWN

static int
serving(void **state)
{
	struct world *w;

	world_open(state);
	w = *state;
	w->config.ca.ocsp = true;
	w->config.ca.ocsp_lifetime = 43200;
	w->config.ca.revocations_kept = true;
	world_reopen(w);
	assert_non_null(w->ca->revoked);
	return 0;
}

static X509 *
issued(struct world *w)
{
	return issue_by(w, "default", key_generate(KEY_P256));
}

/* --- what is said ---------------------------------------------------------------------------------------- */

static void
test_good_then_revoked(void **state)
{
	struct world *w = *state;
	X509 *cert = issued(w);
	struct question q;
	int64_t now = clock_now(), revoked;
	int reason;

	question_make(w, cert, &q);
	assert_int_equal(status_of(w, &q), GOOD);
	q.asked.items[0].revoked = now - 5;
	q.asked.items[0].reason = REVOCATION_SUPERSEDED;
	assert_int_equal(status_at(w, &q, now, &reason, &revoked), REVOKED);
	assert_int_equal(reason, OCSP_REVOKED_STATUS_SUPERSEDED);
	assert_int_equal(revoked, now - 5);
	question_free(&q);
	X509_free(cert);
}

/* "Good" needs the certificate itself: no serial that was not issued gets it, whatever is shown with it. */
static void
test_never_issued(void **state)
{
	struct world *w = *state;
	X509 *cert = issued(w), *other = issued(w), *forged;
	struct question q, of_other;
	struct buf der = { 0 };

	question_make(w, cert, &q);
	question_make(w, other, &of_other);
	q.asked.items[0].certificate = (struct slice){ 0 };
	assert_int_equal(status_of(w, &q), UNKNOWN);
	q.asked.items[0].certificate = slice_str("no DER at all");
	assert_int_equal(status_of(w, &q), UNKNOWN);
	q.asked.items[0].certificate = buf_slice(&of_other.certificate);
	assert_int_equal(status_of(w, &q), UNKNOWN);
	/* The same certificate by somebody else's key. */
	forged = X509_dup(cert);
	assert_true(X509_sign(forged, w->other, EVP_sha256()) > 0);
	assert_int_equal(certificate_der(forged, &der), ERR_OK);
	q.asked.items[0].certificate = buf_slice(&der);
	assert_int_equal(status_of(w, &q), UNKNOWN);
	/* Nor does a claim of revocation make one of it. */
	q.asked.items[0].revoked = clock_now();
	assert_int_equal(status_of(w, &q), UNKNOWN);
	buf_free(&der);
	X509_free(forged);
	question_free(&q);
	question_free(&of_other);
	X509_free(cert);
	X509_free(other);
}

static void
test_of_another_ca(void **state)
{
	struct world *w = *state;
	X509 *cert = issued(w);
	struct msg_ocsp_signed out;
	struct buf der = { 0 };
	struct question q;

	question_make(w, cert, &q);
	q.asked.items[0].id.key[0] ^= 1;
	assert_int_equal(ocsp_answer(w->ca, &q.asked, clock_now(), &der, &out), ERR_OK);
	assert_int_equal(out.status, OCSP_UNAUTHORIZED);
	assert_int_equal(out.der.len, 0);
	assert_int_equal(der.len, 0);
	/* Beside one of ours it is merely unknown. */
	q.asked.items[1] = q.asked.items[0];
	q.asked.items[1].id.key[0] ^= 1;
	q.asked.count = 2;
	assert_int_equal(status_of(w, &q), GOOD);
	question_free(&q);
	X509_free(cert);
}

static void
test_ended(void **state)
{
	struct world *w = *state;
	X509 *cert = issued(w);
	struct question q;

	question_make(w, cert, &q);
	assert_int_equal(status_at(w, &q, clock_now() + 89 * 86400, NULL, NULL), GOOD);
	assert_int_equal(status_at(w, &q, clock_now() + 91 * 86400, NULL, NULL), UNKNOWN);
	question_free(&q);
	X509_free(cert);
}

/* --- what is remembered ------------------------------------------------------------------------------------ */

static void
entries_tell(struct world *w, X509 *cert, enum revocation_reason reason)
{
	struct msg_crl_entries *part = part_make(w, 1, true, true);
	struct msg_crl_entry *entry = &part->entries[0];

	assert_int_equal(certificate_serial(cert, entry->serial, &entry->serial_len), ERR_OK);
	entry->reason = reason;
	entry->not_after = clock_now() + 90 * 86400;
	ocsp_heard(w->ca, part);
	free(part);
}

/* A ra that is captured later says nothing of the revocation, before and after a start. */
static void
test_revoked_stays_revoked(void **state)
{
	struct world *w = *state;
	X509 *by_list = issued(w), *by_request = issued(w);
	struct question a, b;
	int reason;

	question_make(w, by_list, &a);
	question_make(w, by_request, &b);
	entries_tell(w, by_list, REVOCATION_AFFILIATION_CHANGED);
	b.asked.items[0].revoked = clock_now();
	assert_int_equal(status_of(w, &b), REVOKED);
	b.asked.items[0].revoked = 0;
	for (int start = 0; start < 2; start++) {
		assert_int_equal(status_at(w, &a, clock_now(), &reason, NULL), REVOKED);
		assert_int_equal(reason, OCSP_REVOKED_STATUS_AFFILIATIONCHANGED);
		assert_int_equal(status_of(w, &b), REVOKED);
		world_reopen(w);
	}
	/* A reason can only become the worst one. */
	entries_tell(w, by_list, REVOCATION_SUPERSEDED);
	assert_int_equal(status_at(w, &a, clock_now(), &reason, NULL), REVOKED);
	assert_int_equal(reason, OCSP_REVOKED_STATUS_AFFILIATIONCHANGED);
	entries_tell(w, by_list, REVOCATION_KEY_COMPROMISE);
	entries_tell(w, by_list, REVOCATION_SUPERSEDED);
	world_reopen(w);
	assert_int_equal(status_at(w, &a, clock_now(), &reason, NULL), REVOKED);
	assert_int_equal(reason, OCSP_REVOKED_STATUS_KEYCOMPROMISE);
	question_free(&a);
	question_free(&b);
	X509_free(by_list);
	X509_free(by_request);
}

/* --- the file ------------------------------------------------------------------------------------------------ */

static struct revoked_entry
entry_make(unsigned number, int64_t not_after)
{
	return (struct revoked_entry){ .serial = { 1, (uint8_t)(number >> 8), (uint8_t)number }, .serial_len = 3,
		.revoked = 1000 + number, .reason = REVOCATION_NONE, .not_after = not_after };
}

static struct revoked *
revoked_reopen(const struct world *w, struct revoked *revoked, int64_t now)
{
	struct reason reason = { "" };

	revoked_close(revoked);
	if (revoked_open(w->dir, "revoked", now, &revoked, &reason) != ERR_OK)
		fail_msg("%s", reason.text);
	return revoked;
}

static void
revoked_fill(struct revoked *revoked, unsigned from, unsigned to, int64_t not_after)
{
	for (unsigned i = from; i < to; i++) {
		struct revoked_entry entry = entry_make(i, not_after);

		assert_int_equal(revoked_add(revoked, &entry), ERR_OK);
	}
	assert_int_equal(revoked_sync(revoked), ERR_OK);
}

static bool
knows(const struct revoked *revoked, unsigned number)
{
	struct revoked_entry entry = entry_make(number, 0);
	const struct revoked_entry *found = revoked_find(revoked, slice_of(entry.serial, entry.serial_len));

	return found != NULL && found->revoked == 1000 + number;
}

static off_t
file_size(const struct world *w)
{
	char *path = file_join(w->dir, "revoked.log");
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	free(path);
	return st.st_size;
}

static void
file_spoil(const struct world *w, off_t at, const char *bytes, size_t len, off_t cut)
{
	char *path = file_join(w->dir, "revoked.log");
	int fd = open(path, O_RDWR);

	free(path);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, at), len);
	if (cut > 0)
		assert_int_equal(ftruncate(fd, cut), 0);
	close(fd);
}

#define HEADER 16
#define RECORD 48

/* A crash in the middle of a write: what was whole stays, and the next is written where it should be. */
static void
test_file_torn(void **state)
{
	struct world *w = *state;
	struct revoked *revoked = revoked_reopen(w, NULL, 0);

	revoked_fill(revoked, 0, 3, 9000);
	assert_int_equal(file_size(w), HEADER + 3 * RECORD);
	file_spoil(w, 0, "s", 1, HEADER + 3 * RECORD - 1);
	revoked = revoked_reopen(w, revoked, 0);
	assert_true(knows(revoked, 0) && knows(revoked, 1) && !knows(revoked, 2));
	assert_int_equal(file_size(w), HEADER + 2 * RECORD);
	revoked_fill(revoked, 7, 8, 9000);
	/* A whole record of rubbish at the end. */
	file_spoil(w, HEADER + 3 * RECORD, "rubbish that is longer than forty-eight bytes are.", RECORD, 0);
	revoked = revoked_reopen(w, revoked, 0);
	assert_true(knows(revoked, 0) && knows(revoked, 1) && knows(revoked, 7));
	assert_int_equal(file_size(w), HEADER + 3 * RECORD);
	revoked_close(revoked);
}

static void
test_file_changed(void **state)
{
	struct world *w = *state;
	struct revoked *revoked = revoked_reopen(w, NULL, 0);
	struct reason reason = { "" };

	revoked_fill(revoked, 0, 3, 9000);
	revoked_close(revoked);
	file_spoil(w, HEADER + RECORD + 20, "x", 1, 0);
	assert_int_equal(revoked_open(w->dir, "revoked", 0, &revoked, &reason), ERR_MALFORMED);
	assert_non_null(strstr(reason.text, "record 2 is broken"));
	file_spoil(w, 0, "x", 1, 0);
	assert_int_equal(revoked_open(w->dir, "revoked", 0, &revoked, &reason), ERR_MALFORMED);
	assert_non_null(strstr(reason.text, "doesn't begin"));
}

/* The file is as long as there are certificates that live. */
static void
test_file_forgets(void **state)
{
	struct world *w = *state;
	struct revoked *revoked = revoked_reopen(w, NULL, 0);

	revoked_fill(revoked, 0, 1200, 5000);
	revoked_fill(revoked, 1200, 1300, 9000);
	assert_int_equal(revoked_forget(revoked, 5000), ERR_OK);
	assert_int_equal(file_size(w), HEADER + 1300 * RECORD);
	assert_int_equal(revoked_forget(revoked, 5001), ERR_OK);
	assert_int_equal(file_size(w), HEADER + 100 * RECORD);
	assert_true(knows(revoked, 1250) && !knows(revoked, 5));
	revoked_fill(revoked, 1300, 1301, 9000);
	revoked = revoked_reopen(w, revoked, 5001);
	assert_true(knows(revoked, 1250) && knows(revoked, 1300) && !knows(revoked, 5));
	revoked_close(revoked);
}

#define S(f) cmocka_unit_test_setup_teardown(f, serving, world_close)

int
main(void)
{
	const struct CMUnitTest tests[] = { S(test_good_then_revoked), S(test_never_issued), S(test_of_another_ca),
		S(test_ended), S(test_revoked_stays_revoked), T(test_file_torn), T(test_file_changed),
		T(test_file_forgets) };

	log_open("test", LOG_ERROR + 1, LOG_TEXT);
	return cmocka_run_group_tests_name("ca: OCSP", tests, NULL, NULL);
}
