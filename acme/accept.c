#include "acme/accept.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *const names[FORM_COUNT] = {
	[FORM_PEM_CHAIN] = "application/pem-certificate-chain",
	[FORM_DER] = "application/pkix-cert",
	[FORM_PKCS7] = "application/pkcs7-mime",
};

/* How well a media range fits a form, and how much the client likes it, in thousandths. */
struct preference {
	int precision; /* 0: not named; 1: all types; 2: all of application; 3: this one */
	unsigned quality;
};

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

/* RFC 9110, 5.6.2 */
static size_t
token_length(const char *p)
{
	return strspn(p, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* The end of a token or of a quoted string; p itself when there is neither. */
static const char *
skip_value(const char *p)
{
	const char *start = p;

	if (*p != '"')
		return p + token_length(p);
	for (p++; *p != '\0' && *p != '"'; p++)
		if (*p == '\\' && *++p == '\0')
			return start;
	return *p == '"' ? p + 1 : start;
}

/* RFC 9110, 12.4.2: 0 to 1 with at most three decimals. */
static bool
read_quality(const char *p, const char *end, unsigned *out)
{
	unsigned unit = 1000;

	if (end - p < 1 || end - p > 5 || (*p != '0' && *p != '1') || (end - p > 1 && p[1] != '.'))
		return false;
	*out = (unsigned)(*p - '0') * 1000;
	for (p += 2; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		unit /= 10;
		*out += (unsigned)(*p - '0') * unit;
	}
	return *out <= 1000;
}

/* The parameters after a media range; NULL when they are none. Only the weight counts. */
static const char *
read_parameters(const char *p, unsigned *quality)
{
	const char *name, *value;
	size_t len;

	while (*(p = skip_space(p)) == ';') {
		name = skip_space(p + 1);
		if ((len = token_length(name)) == 0 || name[len] != '=')
			return NULL;
		value = name + len + 1;
		if ((p = skip_value(value)) == value)
			return NULL;
		if (len == 1 && (*name == 'q' || *name == 'Q') && !read_quality(value, p, quality))
			return NULL;
	}
	return *p == ',' || *p == '\0' ? p : NULL;
}

static int
precision(const char *range, size_t len, const char *name)
{
	if (len == strlen(name) && strncasecmp(range, name, len) == 0)
		return 3;
	if (len == strlen("application/*") && strncasecmp(range, "application/*", len) == 0)
		return 2;
	return len == 3 && memcmp(range, "*/*", 3) == 0 ? 1 : 0;
}

/* One media range with its parameters; a broken one counts for nothing. */
static const char *
read_range(const char *p, struct preference wanted[FORM_COUNT])
{
	const char *range = p = skip_space(p), *end;
	size_t len = token_length(p);
	unsigned quality = 1000;

	if (p[len] == '/')
		len += 1 + token_length(p + len + 1);
	if ((end = read_parameters(p + len, &quality)) == NULL) {
		while (*p != '\0' && *p != ',')
			p++;
		return p;
	}
	for (unsigned i = 0; i < FORM_COUNT; i++) {
		int fit = precision(range, len, names[i]);

		if (fit > wanted[i].precision)
			wanted[i] = (struct preference){ fit, quality };
	}
	return end;
}

enum certificate_form
accept_form(const char *accept)
{
	struct preference wanted[FORM_COUNT] = { { 0, 0 } };
	unsigned best = FORM_PEM_CHAIN;

	while (*accept != '\0') {
		accept = read_range(accept, wanted);
		if (*accept == ',')
			accept++;
	}
	for (unsigned i = 0; i < FORM_COUNT; i++)
		if (wanted[i].quality > wanted[best].quality)
			best = i;
	return (enum certificate_form)best;
}
