/* conduct_look.c: whether a response still stands at the path of http-01 when its authorization is final (RFC 8555,
 * 8.3). Nobody tells, so va looks again, when the report is asked for. */
#include <string.h>

#include "ra/conduct_book.h"

/* A look's id says that it is one, of which round, and at what. */
static struct id
look_id(const struct book *book, size_t place)
{
	uint32_t  rest[2] = { book->round, (uint32_t)place };
	struct id id;

	memcpy(id.bytes, book->mark, sizeof(book->mark));
	memcpy(id.bytes + sizeof(book->mark), rest, sizeof(rest));
	return id;
}

_Static_assert(sizeof(((struct book *)NULL)->mark) + 2 * sizeof(uint32_t) == sizeof(struct id), "an id is filled");

void
book_look_begin(struct book *book)
{
	for (size_t i = 0; i < TRACKED_MAX; i++)
		if (book->tracked[i].remains == REMAINS_LOOKING)
			book->tracked[i].remains = REMAINS_UNKNOWN;
	book->looking = 0;
	book->round++;
}

bool
book_look_next(struct book *book, size_t *place, struct msg_check *check)
{
	for (; *place < TRACKED_MAX; (*place)++) {
		struct tracked *t = &book->tracked[*place];

		if (t->kind != TRACKED_TOKEN || t->method != CHALLENGE_HTTP_01 || t->until == 0 || t->remains == REMAINS_GONE)
			continue;
		*check = (struct msg_check){ .authorization = look_id(book, *place), .method = t->method,
			.identifier = t->identifier };
		memcpy(check->token, t->token, sizeof(check->token));
		memcpy(check->thumbprint, t->thumbprint, sizeof(check->thumbprint));
		t->remains = REMAINS_LOOKING;
		book->looking++;
		(*place)++;
		return true;
	}
	return false;
}

bool
book_look_result(struct book *book, const struct msg_result *result)
{
	if (memcmp(result->authorization.bytes, book->mark, sizeof(book->mark)) != 0)
		return false;
	for (size_t i = 0; i < TRACKED_MAX; i++) {
		struct tracked *t = &book->tracked[i];
		struct id	id = look_id(book, i);

		if (t->remains == REMAINS_LOOKING && id_eq(id, result->authorization)) {
			t->remains = result->ok ? REMAINS_LEFT : REMAINS_GONE;
			book->looking--;
		}
	}
	return true;
}
