/* What each role is told: the table's options that bear its bit, in the table's order. */
#include "ipc/wire.h"

#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "config/parse.h"

#define PATH_BYTES_MAX 4096	/* Linux's PATH_MAX */

/* The supervisor knows everything. */
static bool
knows(enum role role, const struct option *o)
{
	return role == ROLE_SUPERVISOR || (o->roles & ROLE_BIT(role)) != 0;
}

static void
strings_put(struct buf *out, const struct strings *s)
{
	put_u32(out, (uint32_t)s->count);
	for (size_t i = 0; i < s->count; i++)
		put_str(out, s->items[i]);
}

static void
option_put(struct buf *out, enum role role, const struct option *o, const void *base)
{
	const void	*at = (const char *)base + o->offset;
	size_t		 count;
	const char	*items;
	int64_t		 number;
	unsigned	 value;

	switch (o->type->kind) {
	case KIND_STRING:
		memcpy(&items, at, sizeof(items));
		put_str(out, items);
		break;
	case KIND_STRINGS:
		strings_put(out, at);
		break;
	case KIND_INTEGER:
		memcpy(&number, at, sizeof(number));
		put_i64(out, number);
		break;
	case KIND_BOOL:
		put_bool(out, *(const bool *)at);
		break;
	case KIND_ENUM:
		memcpy(&value, at, sizeof(value));
		put_u8(out, (uint8_t)value);
		break;
	case KIND_RECORDS:
		items = records_get(base, o, &count);
		put_u32(out, (uint32_t)count);
		for (size_t i = 0; i < count; i++)
			for (size_t f = 0; f < o->record->field_count; f++)
				if (knows(role, &o->record->fields[f]))
					option_put(
					    out, role, &o->record->fields[f], items + i * o->record->size);
		break;
	}
}

void
config_encode(const struct config *config, enum role role, struct buf *out)
{
	put_u8(out, (uint8_t)role);
	put_str(out, config->dir);
	for (size_t i = 0; i < option_count; i++)
		if (knows(role, &options[i]))
			option_put(out, role, &options[i], config);
}

/* A decoder's state: the wire, and whether memory ran out (the rest is then ignored). */
struct decoder {
	struct wire	 in;
	enum role	 role;
	bool		 failed;
};

static char *
string_get(struct decoder *d, size_t max)
{
	struct slice	 text = get_bytes(&d->in, max);
	char		*copy;

	if (d->in.bad || d->failed)
		return NULL;
	if (text.len > 0 && memchr(text.data, '\0', text.len) != NULL) {
		d->in.bad = true;
		return NULL;
	}
	if ((copy = slice_dup(text)) == NULL)
		d->failed = true;
	return copy;
}

static void
strings_get(struct decoder *d, const struct option *o, struct strings *out)
{
	uint32_t	count = get_count(&d->in, (uint32_t)o->max);

	if (d->in.bad || d->failed || count == 0)
		return;
	if ((out->items = calloc(count, sizeof(*out->items))) == NULL) {
		d->failed = true;
		return;
	}
	while (out->count < count) {
		char	*text = string_get(d, OPTION_TEXT_MAX);

		if (text == NULL)
			return;
		out->items[out->count++] = text;
	}
}

static void
enum_get(struct decoder *d, const struct option *o, void *to)
{
	unsigned	value = get_u8(&d->in), names = 0;

	while (o->names[names] != NULL)
		names++;
	if (value >= names)
		d->in.bad = true;
	else
		memcpy(to, &value, sizeof(value));
}

static void	 option_get(struct decoder *, const struct option *, void *);

static void
records_decode(struct decoder *d, const struct option *o, void *base)
{
	uint32_t	 count = get_count(&d->in, (uint32_t)o->max);
	char		*items;

	if (d->in.bad || d->failed || count == 0)
		return;
	if ((items = calloc(count, o->record->size)) == NULL) {
		d->failed = true;
		return;
	}
	records_set(base, o, items, count);
	for (size_t i = 0; i < count && !d->in.bad && !d->failed; i++)
		for (size_t f = 0; f < o->record->field_count; f++)
			if (knows(d->role, &o->record->fields[f]))
				option_get(d, &o->record->fields[f], items + i * o->record->size);
}

static void
option_get(struct decoder *d, const struct option *o, void *base)
{
	void	*to = (char *)base + o->offset;
	char	*text;
	int64_t	 number;

	switch (o->type->kind) {
	case KIND_STRING:
		if ((text = string_get(d, OPTION_TEXT_MAX)) != NULL)
			memcpy(to, &text, sizeof(text));
		break;
	case KIND_STRINGS:
		strings_get(d, o, to);
		break;
	case KIND_INTEGER:
		number = get_i64(&d->in);
		d->in.bad = d->in.bad || number < o->min || number > o->max;
		memcpy(to, &number, sizeof(number));
		break;
	case KIND_BOOL:
		*(bool *)to = get_bool(&d->in);
		break;
	case KIND_ENUM:
		enum_get(d, o, to);
		break;
	case KIND_RECORDS:
		records_decode(d, o, base);
		break;
	}
}

enum err
config_decode(struct slice bytes, struct config **out)
{
	struct decoder	 d = { .in = wire_of(bytes) };
	struct config	*config = calloc(1, sizeof(*config));
	unsigned	 role = get_u8(&d.in);
	enum err	 err = ERR_OK;

	*out = NULL;
	if (config == NULL)
		return ERR_MEMORY;
	if (role >= ROLE_COUNT)
		d.in.bad = true;
	d.role = role >= ROLE_COUNT ? ROLE_SUPERVISOR : (enum role)role;
	config->dir = string_get(&d, PATH_BYTES_MAX);
	for (size_t i = 0; i < option_count && !d.in.bad && !d.failed; i++)
		if (knows(d.role, &options[i]))
			option_get(&d, &options[i], config);
	if (d.failed)
		err = ERR_MEMORY;
	else if (!wire_done(&d.in))
		err = ERR_MALFORMED;
	if (err == ERR_OK) {
		*out = config;
		config = NULL;
	}
	config_free(config);
	return err;
}
