#include "acme/auto_renewal.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "lib/rfc3339.h"

#define SECONDS_MAX INT32_MAX	/* 68 years, so that no sum of two times overflows */
#define TIME_SIZE 6		/* of an id: lib/id.h */

static bool refuse(struct reason *, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool
refuse(struct reason *reason, const char *format, ...)
{
	char	text[REASON_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reason_set(reason, "%s", text);
	return false;
}

/* --- what an order asks for (RFC 8739, 3.1.1) ----------------------------------------------------------- */

static bool
read_time(const json_t *object, const char *name, int64_t *out, struct reason *reason)
{
	const json_t *member = json_object_get(object, name);
	const char   *text = json_string_value(member);

	*out = 0;
	if (member == NULL)
		return true;
	if (text != NULL && clock_parse_rfc3339(text, out) && *out > 0)
		return true;
	return refuse(reason, "its \"%s\" is not a time in whole seconds as RFC 3339 writes it, such as "
	    "\"2027-01-31T00:00:00Z\"", name);
}

static bool
read_seconds(const json_t *object, const char *name, int64_t least, int64_t *out, struct reason *reason)
{
	const json_t *member = json_object_get(object, name);

	*out = json_integer_value(member);
	if (member == NULL || (json_is_integer(member) && *out >= least && *out <= SECONDS_MAX))
		return true;
	return refuse(reason, "its \"%s\" is not a number of seconds from %lld to %d", name, (long long)least,
	    SECONDS_MAX);
}

bool
auto_renewal_parse(const json_t *object, struct auto_renewal *out, struct reason *reason)
{
	const json_t *get = json_object_get(object, "allow-certificate-get");

	*out = (struct auto_renewal){ .lifetime = 0 };
	if (!json_is_object(object))
		return refuse(reason, "it is not an object");
	if (!read_time(object, "start-date", &out->start, reason) || !read_time(object, "end-date", &out->end, reason) ||
	    !read_seconds(object, "lifetime", 1, &out->lifetime, reason) ||
	    !read_seconds(object, "lifetime-adjust", 0, &out->adjust, reason))
		return false;
	if (out->end == 0 || out->lifetime == 0)
		return refuse(reason, "it has no \"%s\"", out->end == 0 ? "end-date" : "lifetime");
	if (get != NULL && !json_is_boolean(get))
		return refuse(reason, "its \"allow-certificate-get\" is neither true nor false");
	out->get = json_is_true(get);
	return true;
}

/* RFC 8739, 3.5: half the lifetime is the least. A sixteenth more, so that a restart or a slow look at CAA leaves the next
 * certificate out by half. */
static int64_t
padding(const struct auto_renewal *a)
{
	int64_t client = a->adjust < a->lifetime ? a->adjust : a->lifetime, server = (a->lifetime * 9 + 15) / 16;

	return client > server ? client : server;
}

bool
auto_renewal_settle(struct auto_renewal *a, const struct auto_renewal_limits *limits, int64_t made, int64_t ahead,
    int64_t longest, struct reason *reason)
{
	if (limits->max_duration == 0)
		return refuse(reason, "this CA doesn't renew certificates by itself: its directory's meta has no "
		    "\"auto-renewal\"");
	a->start = a->start > made ? a->start : made;
	a->adjust = padding(a);
	a->get = a->get && limits->get;
	if (a->start > made + ahead)
		return refuse(reason, "its \"start-date\" is more than %lld s ahead; order closer to it",
		    (long long)ahead);
	if (a->end <= a->start)
		return refuse(reason, "its \"end-date\" is not after its beginning");
	if (a->end - a->start > limits->max_duration)
		return refuse(reason, "from its beginning to its \"end-date\" are %lld s; %lld are the most "
		    "(max-duration)", (long long)(a->end - a->start), (long long)limits->max_duration);
	if (a->lifetime < limits->min_lifetime)
		return refuse(reason, "its \"lifetime\" is %lld s; %lld are the least (min-lifetime)",
		    (long long)a->lifetime, (long long)limits->min_lifetime);
	/* In X.509 the last second counts (RFC 5280, 4.1.2.5). */
	if (a->lifetime + a->adjust >= longest)
		return refuse(reason, "its \"lifetime\" and the %lld s by which certificates begin earlier make "
		    "more than the %lld s that the profile gives", (long long)a->adjust, (long long)longest);
	return true;
}

json_t *
auto_renewal_json(const struct auto_renewal *a)
{
	char	start[CLOCK_RFC3339_SIZE], end[CLOCK_RFC3339_SIZE];
	json_t *json;

	clock_rfc3339(a->start, start);
	clock_rfc3339(a->end, end);
	json = json_pack("{s:s, s:s, s:I, s:I}", "start-date", start, "end-date", end, "lifetime",
	    (json_int_t)a->lifetime, "lifetime-adjust", (json_int_t)a->adjust);
	/* RFC 8739, 3.4: told where it was agreed. */
	if (json != NULL && a->get && json_object_set_new(json, "allow-certificate-get", json_true()) != 0) {
		json_decref(json);
		json = NULL;
	}
	return json;
}

/* --- the certificates (RFC 8739, 3.5) --------------------------------------------------------------------- */

uint32_t
auto_renewal_count(const struct auto_renewal *a)
{
	return (uint32_t)((a->end - a->start + a->lifetime - 1) / a->lifetime);
}

uint32_t
auto_renewal_current(const struct auto_renewal *a, int64_t now)
{
	int64_t	 passed = (now - a->start + a->adjust) / a->lifetime;
	uint32_t count = auto_renewal_count(a);

	if (now < a->start || passed < 1)
		return 1;
	return passed + 1 < count ? (uint32_t)passed + 1 : count;
}

void
auto_renewal_dates(const struct auto_renewal *a, uint32_t number, int64_t *not_before, int64_t *not_after)
{
	int64_t nominal = a->start + (int64_t)(number - 1) * a->lifetime;

	*not_before = nominal - a->adjust > a->start ? nominal - a->adjust : a->start;
	*not_after = nominal + a->lifetime < a->end ? nominal + a->lifetime : a->end;
}

/* --- ids ------------------------------------------------------------------------------------------------- */

static struct id
id_make(int64_t ms, struct slice bytes)
{
	uint8_t	  digest[SHA256_DIGEST_LENGTH];
	struct id id;

	for (int i = TIME_SIZE - 1; i >= 0; i--, ms >>= 8)
		id.bytes[i] = (uint8_t)ms;
	SHA256(bytes.data, bytes.len, digest);
	memcpy(id.bytes + TIME_SIZE, digest, ID_SIZE - TIME_SIZE);
	return id;
}

struct id
auto_renewal_order(struct slice new_order, int64_t made_ms)
{
	return id_make(made_ms, new_order);
}

bool
auto_renewal_is_order(struct id order, struct slice new_order)
{
	return id_eq(order, id_make(id_time_ms(order), new_order));
}

struct id
auto_renewal_certificate(const struct auto_renewal *a, struct id order, uint32_t number)
{
	int64_t begin, end, out_ms = id_time_ms(order);
	uint8_t bytes[ID_SIZE + 4];

	auto_renewal_dates(a, number, &begin, &end);
	/* The first is out as soon as it can be, even if it begins later. */
	if (number > 1)
		out_ms = begin * 1000;
	memcpy(bytes, order.bytes, ID_SIZE);
	for (int i = 0; i < 4; i++)
		bytes[ID_SIZE + i] = (uint8_t)(number >> (24 - 8 * i));
	return id_make(out_ms, slice_of(bytes, sizeof(bytes)));
}
