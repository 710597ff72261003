#include "va/gate.h"

#include <stdlib.h>

#include "lib/map.h"

struct row {
	struct turn *first, *last;
};

/* One address where somebody is. */
struct place {
	struct address address;
	size_t inside; /* those that were called are counted already */
	struct row line;
};

struct gates {
	size_t most;
	struct map *places;
	struct row called; /* they go when the loop comes round: nobody goes from within another's end */
	uv_timer_t timer;
};

static void
row_append(struct row *row, struct turn *t)
{
	t->next = NULL;
	t->prev = row->last;
	if (row->last != NULL)
		row->last->next = t;
	else
		row->first = t;
	row->last = t;
}

static void
row_remove(struct row *row, struct turn *t)
{
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		row->first = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	else
		row->last = t->prev;
}

static void
gates_call(uv_timer_t *timer)
{
	struct gates *g = timer->data;
	struct turn *t;

	while ((t = g->called.first) != NULL) {
		row_remove(&g->called, t);
		t->state = TURN_INSIDE;
		t->go(t->arg);
	}
}

struct gates *
gates_new(uv_loop_t *loop, size_t most)
{
	struct gates *g = calloc(1, sizeof(*g));

	if (g == NULL || (g->places = map_new()) == NULL) {
		free(g);
		return NULL;
	}
	g->most = most;
	uv_timer_init(loop, &g->timer);
	g->timer.data = g;
	return g;
}

static void
gates_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
gates_free(struct gates *g)
{
	if (g == NULL)
		return;
	map_free(g->places);
	uv_close((uv_handle_t *)&g->timer, gates_closed);
}

/* NULL: out of memory. */
static struct place *
place_of(struct gates *g, const struct address *address)
{
	size_t size = address_size(address); /* tells the families apart */
	struct place *p = map_get(g->places, address->bytes, size);

	if (p != NULL || (p = calloc(1, sizeof(*p))) == NULL)
		return p;
	p->address = *address;
	if (map_put(g->places, address->bytes, size, p) == ERR_OK)
		return p;
	free(p);
	return NULL;
}

bool
gate_enter(struct gates *g, struct turn *t, const struct address *address, void (*go)(void *arg), void *arg)
{
	gate_leave(g, t);
	t->go = go;
	t->arg = arg;
	/* Without memory for the place nobody is counted there: then the number of validations is the bound. */
	if ((t->place = place_of(g, address)) == NULL)
		return true;
	if (t->place->inside < g->most) {
		t->place->inside++;
		t->state = TURN_INSIDE;
		return true;
	}
	t->state = TURN_IN_LINE;
	row_append(&t->place->line, t);
	return false;
}

/* Somebody went: the next in line takes the room. */
static void
place_give(struct gates *g, struct place *p)
{
	struct turn *t = p->line.first;

	if (t == NULL) {
		if (--p->inside == 0) {
			map_remove(g->places, p->address.bytes, address_size(&p->address));
			free(p);
		}
		return;
	}
	row_remove(&p->line, t);
	t->state = TURN_CALLED;
	row_append(&g->called, t);
	uv_timer_start(&g->timer, gates_call, 0, 0);
}

void
gate_leave(struct gates *g, struct turn *t)
{
	struct place *p = t->place;

	if (p == NULL)
		return;
	t->place = NULL;
	if (t->state == TURN_IN_LINE) {
		row_remove(&p->line, t);
		return;
	}
	if (t->state == TURN_CALLED)
		row_remove(&g->called, t);
	place_give(g, p);
}

bool
gate_waits(const struct turn *t)
{
	return t->place != NULL && t->state != TURN_INSIDE;
}

size_t
gates_most(const struct gates *g)
{
	return g->most;
}
