#include "va/issue_value.h"

#include <string.h>
#include <strings.h>

/* The rest of the text. Not isalpha() and the like: they ask the locale. */
struct reader {
	const uint8_t *next, *end;
};

static bool
is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void
skip_space(struct reader *r)
{
	while (r->next < r->end && (*r->next == ' ' || *r->next == '\t'))
		r->next++;
}

static bool
take(struct reader *r, char c)
{
	if (r->next == r->end || *r->next != (uint8_t)c)
		return false;
	r->next++;
	return true;
}

/* (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)): a label of the domain, and a parameter's tag. Empty: none. */
static struct slice
take_label(struct reader *r)
{
	const uint8_t *start = r->next, *last = start;

	while (r->next < r->end && (is_alnum(*r->next) || *r->next == '-')) {
		if (*r->next != '-')
			last = r->next + 1;
		r->next++;
	}
	if (last != r->next || (last > start && *start == '-')) /* a hyphen at an end */
		return slice_of(NULL, 0);
	return slice_of(start, (size_t)(last - start));
}

static bool
take_domain(struct reader *r, char *out)
{
	struct slice label;
	size_t len = 0;

	if (r->next == r->end || *r->next == ';')
		return true;
	do {
		label = take_label(r);
		if (label.len == 0 || len + label.len + 1 > ISSUE_DOMAIN_MAX)
			return false;
		if (len > 0)
			out[len++] = '.';
		for (size_t i = 0; i < label.len; i++, len++)
			out[len] = (char)(label.data[i] >= 'A' && label.data[i] <= 'Z' ? label.data[i] + 32
											 : label.data[i]);
		out[len] = '\0';
	} while (take(r, '.'));
	return true;
}

static bool
take_parameter(struct reader *r, struct issue_value *out)
{
	struct slice tag = take_label(r);
	const uint8_t *start;

	skip_space(r);
	if (tag.len == 0 || out->count == ISSUE_PARAMETERS_MAX || !take(r, '='))
		return false;
	skip_space(r);
	start = r->next;
	while (r->next < r->end && *r->next >= 0x21 && *r->next <= 0x7e && *r->next != ';')
		r->next++;
	out->parameters[out->count].tag = tag;
	out->parameters[out->count++].value = slice_of(start, (size_t)(r->next - start));
	skip_space(r);
	return true;
}

bool
issue_value_read(struct slice text, struct issue_value *out)
{
	struct reader r;

	out->domain[0] = '\0';
	out->count = 0;
	if (text.len == 0)
		return true;
	r = (struct reader){ text.data, text.data + text.len };
	skip_space(&r);
	if (!take_domain(&r, out->domain))
		return false;
	skip_space(&r);
	if (r.next == r.end)
		return true;
	if (!take(&r, ';'))
		return false;
	skip_space(&r);
	/* A semicolon at the end is not in the grammar, but in everybody's zones. */
	while (r.next < r.end)
		if (!take_parameter(&r, out) || (r.next < r.end && !take(&r, ';')))
			return false;
		else
			skip_space(&r);
	return true;
}

size_t
issue_value_parameter(const struct issue_value *v, const char *tag, struct slice *value)
{
	size_t n = 0, len = strlen(tag);

	for (size_t i = 0; i < v->count; i++)
		if (v->parameters[i].tag.len == len &&
		    strncasecmp((const char *)v->parameters[i].tag.data, tag, len) == 0) {
			*value = v->parameters[i].value;
			n++;
		}
	return n;
}
