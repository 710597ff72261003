/* storage_world.h: what the tests of storage share: a folder for the file, a fresh database in it for each test
 * by T(), rows to put there, and the verbs, called by CALL(). A verb that one file alone needs stands in that file. */
#ifndef SIGNET_TESTS_STORAGE_WORLD_H
#define SIGNET_TESTS_STORAGE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/storage.h"

static char		 dir[] = "/tmp/test_storage.XXXXXX";
static struct storage	*storage;
static unsigned		 made;		/* databases; the last one's number is its name */

/* --- a folder, and databases in it --------------------------------------------------------------- */

/* A fresh database for each test. */
static inline int
setup(void **state)
{
	char		url[32];
	struct reason	reason = { "" };

	(void)state;
	snprintf(url, sizeof(url), "sqlite:%u.db", ++made);
	assert_int_equal(storage_open(url, dir, 2, &storage, &reason), ERR_OK);
	assert_int_equal(storage_start(storage), ERR_OK);
	return 0;
}

static inline int
teardown(void **state)
{
	(void)state;
	storage_close(storage);
	return 0;
}

static inline int
dir_make(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL;
}

static inline int
dir_remove(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

/* --- rows ---------------------------------------------------------------------------------------- */

static inline struct account
sample_account(char first)
{
	struct account account = { .id = id_new(), .jwk = (char *)"{}", .status = ACCOUNT_VALID,
		.contact = (char *)"[]", .terms_agreed = 5, .created = 7 };

	memset(account.thumbprint, first, sizeof(account.thumbprint) - 1);
	return account;
}

static inline struct authorization
sample_authorization(struct id account, const char *name)
{
	struct authorization a = { .id = id_new(), .account = account, .state = AUTHORIZATION_PENDING,
		.expires = 1000, .offered = 2 };

	a.identifier.type = IDENTIFIER_DNS;
	snprintf(a.identifier.value, sizeof(a.identifier.value), "%s", name);
	memset(a.token, 't', sizeof(a.token) - 1);
	return a;
}

static inline struct order
sample_order(struct id account, struct identifier *identifiers, size_t count)
{
	return (struct order){ .id = id_new(), .account = account, .state = ORDER_OPEN, .expires = 1000,
		.identifiers = identifiers, .identifier_count = count, .profile = (char *)"default",
		.created = 10 };
}

/* --- verbs, each in a transaction of its own ----------------------------------------------------- */

struct call {
	enum err	(*verb)(struct storage_tx *, struct call *);
	struct id	 id;
	const void	*row;
	const char	*text;
	const struct id	*ids;
	size_t		 count;
	unsigned	 deleted;
	int64_t		 number;
};

static inline enum err
call_run(struct storage_tx *tx, void *arg)
{
	struct call *call = arg;

	return call->verb(tx, call);
}

static inline enum err
call(struct call *c)
{
	return storage_write(storage, call_run, c);
}

#define CALL(...) call(&(struct call){ .verb = __VA_ARGS__ })

/* inline, for no file has a use for all of those below. */
#define VERB(name, expression)							\
	static inline enum err							\
	name(struct storage_tx *tx, struct call *c)				\
	{									\
		return expression;						\
	}
VERB(put_account, account_insert(tx, c->row))
VERB(put_contact, account_set_contact(tx, c->id, c->text))
VERB(put_authorization, authorization_insert(tx, c->row))
VERB(begin_authorization, authorization_begin(tx, c->id, CHALLENGE_HTTP_01))
VERB(validate, authorization_set_valid(tx, c->id, 50, c->number, c->text, slice_str("evidence"), 40))
VERB(invalidate, authorization_set_invalid(tx, c->id, "rec", c->text))
VERB(deactivate_authorization, authorization_deactivate(tx, c->id))
VERB(put_order, order_insert(tx, c->row, c->ids, c->count))
VERB(begin_finalize, order_begin_finalize(tx, c->id, slice_str(c->text), (unsigned)c->number))
VERB(fail_order, order_set_invalid(tx, c->id, c->text))
VERB(finish_order, order_set_valid(tx, c->id, *c->ids))
VERB(put_certificate, certificate_insert(tx, c->row))
VERB(expire, storage_expire(tx, c->number, (unsigned)c->count, &c->deleted))

/* --- orders with their authorizations ------------------------------------------------------------ */

static inline struct order
make_order(struct authorization *first, struct authorization *second, struct identifier names[2])
{
	struct id	account = id_new(), ids[2];
	struct order	o;

	/* The later name first: rows come in the order's order, not in their ids'. */
	*first = sample_authorization(account, "z.example");
	*second = sample_authorization(account, "a.example");
	names[0] = second->identifier;
	names[1] = first->identifier;
	ids[0] = second->id;
	ids[1] = first->id;
	o = sample_order(account, names, 2);
	assert_int_equal(CALL(put_order, .row = &o, .ids = ids, .count = 2), ERR_NOT_FOUND);
	assert_int_equal(CALL(put_authorization, .row = first), ERR_OK);
	assert_int_equal(CALL(put_authorization, .row = second), ERR_OK);
	assert_int_equal(CALL(put_order, .row = &o, .ids = ids, .count = 2), ERR_OK);
	return o;
}

static inline void
authorization_check(struct id id, enum authorization_state want, const char *record, const char *error,
    const char *evidence)
{
	struct storage_tx	*tx;
	struct authorization	 got;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(authorization_get(tx, id, &got), ERR_OK);
	storage_read_end(tx);
	assert_int_equal(got.state, want);
	assert_string_equal(got.record != NULL ? got.record : "-", record);
	assert_string_equal(got.error != NULL ? got.error : "-", error);
	assert_true(slice_eq_str(buf_slice(&got.evidence), evidence));
	assert_string_equal(got.identifier.value, "a.example");
	authorization_free(&got);
}

static inline void
order_check(struct id id, enum order_state want, const char *error, const char *finalize)
{
	struct storage_tx	*tx;
	struct order		 got;

	assert_int_equal(storage_read(storage, &tx), ERR_OK);
	assert_int_equal(order_get_finalize(tx, id, &got), ERR_OK);
	storage_read_end(tx);
	assert_int_equal(got.state, want);
	assert_string_equal(got.error != NULL ? got.error : "-", error);
	assert_true(slice_eq_str(buf_slice(&got.finalize), finalize));
	assert_string_equal(got.profile, "default");
	order_free(&got);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
