#include "va/line.h"

#include <stdlib.h>
#include <string.h>

#include "lib/map.h"

/* One account's. */
struct line {
	char *account;
	struct waiter *first, *last;
	size_t waiting, under_way;
	struct line **ring; /* NULL: it has nothing in line, or may not have more under way */
	struct line *next, *prev;
};

struct lines {
	size_t most, waiting;
	struct map *by_account;
	struct line **rings; /* by how many are under way: whose turn it is among those */
	size_t least; /* below it every ring is empty */
};

struct lines *
lines_new(size_t most)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (l == NULL || (l->rings = calloc(most, sizeof(struct line *))) == NULL || (l->by_account = map_new()) == NULL) {
		free(l != NULL ? l->rings : NULL);
		free(l);
		return NULL;
	}
	l->most = l->least = most;
	return l;
}

void
lines_free(struct lines *l)
{
	if (l == NULL)
		return;
	map_free(l->by_account);
	free(l->rings);
	free(l);
}

static void
ring_remove(struct line *line)
{
	struct line **ring = line->ring;

	line->ring = NULL;
	if (line->next == line) {
		*ring = NULL;
		return;
	}
	line->prev->next = line->next;
	line->next->prev = line->prev;
	if (*ring == line)
		*ring = line->next;
}

/* At the end: right before whose turn it is. */
static void
ring_append(struct line **ring, struct line *line)
{
	line->ring = ring;
	if (*ring == NULL) {
		*ring = line->next = line->prev = line;
		return;
	}
	line->next = *ring;
	line->prev = (*ring)->prev;
	line->prev->next = line;
	line->next->prev = line;
}

/* After its numbers changed. */
static void
line_settle(struct lines *l, struct line *line)
{
	struct line **ring = line->waiting > 0 && line->under_way < l->most ? &l->rings[line->under_way] : NULL;

	if (line->ring != ring && line->ring != NULL)
		ring_remove(line);
	if (line->ring == NULL && ring != NULL) {
		ring_append(ring, line);
		l->least = line->under_way < l->least ? line->under_way : l->least;
	}
	if (line->waiting == 0 && line->under_way == 0) {
		map_remove(l->by_account, line->account, strlen(line->account));
		free(line->account);
		free(line);
	}
}

static struct line *
line_of(struct lines *l, const char *account)
{
	struct line *line = map_get(l->by_account, account, strlen(account));

	if (line != NULL || (line = calloc(1, sizeof(*line))) == NULL)
		return line;
	if ((line->account = strdup(account)) != NULL &&
	    map_put(l->by_account, account, strlen(account), line) == ERR_OK)
		return line;
	free(line->account);
	free(line);
	return NULL;
}

bool
lines_put(struct lines *l, struct waiter *w, const char *account)
{
	struct line *line = line_of(l, account);

	if ((w->line = line) == NULL)
		return false;
	w->waits = true;
	w->next = NULL;
	w->prev = line->last;
	if (line->last != NULL)
		line->last->next = w;
	else
		line->first = w;
	line->last = w;
	line->waiting++;
	l->waiting++;
	line_settle(l, line);
	return true;
}

static void
waiter_remove(struct lines *l, struct waiter *w)
{
	struct line *line = w->line;

	if (w->prev != NULL)
		w->prev->next = w->next;
	else
		line->first = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	else
		line->last = w->prev;
	w->waits = false;
	line->waiting--;
	l->waiting--;
}

struct waiter *
lines_take(struct lines *l)
{
	struct line *line;
	struct waiter *w;

	while (l->least < l->most && l->rings[l->least] == NULL)
		l->least++;
	if (l->least == l->most)
		return NULL;
	line = l->rings[l->least];
	w = line->first;
	waiter_remove(l, w);
	line->under_way++;
	line_settle(l, line);
	return w;
}

void
lines_leave(struct lines *l, struct waiter *w)
{
	struct line *line = w->line;

	if (line == NULL)
		return;
	if (w->waits)
		waiter_remove(l, w);
	else
		line->under_way--;
	w->line = NULL;
	line_settle(l, line);
}

size_t
lines_waiting(const struct lines *l)
{
	return l->waiting;
}

size_t
lines_of(const struct lines *l, const char *account)
{
	const struct line *line = map_get(l->by_account, account, strlen(account));

	return line != NULL ? line->waiting + line->under_way : 0;
}
