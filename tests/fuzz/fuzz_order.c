/* The payloads of newOrder and newAccount: identifiers, policy, profile, times, contacts; then the URL that routes a
 * request. Whatever is taken must be in normal form, and every refusal must say why. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acme/route.h"
#include "lib/json.h"
#include "ra/contact.h"
#include "ra/order_read.h"
#include "ra/order_view.h"

#define NOW 1795445388

static char allow_example[] = "*.example", allow_nas[] = "nas.lan", deny_secret[] = "secret.example";
static char name_default[] = "default", name_short[] = "shortlived";
static char *allow[] = { allow_example, allow_nas };
static char *deny[] = { deny_secret };
static struct profile_config profiles[] = { { .name = name_default, .lifetime = 7776000 },
	{ .name = name_short, .lifetime = 600000 } };
static const struct ra_config ra = { .allow = { allow, 2 }, .deny = { deny, 1 }, .wildcards = true,
	.order_lifetime = 604800 };
static const struct ca_config ca = { .profiles = profiles, .profile_count = 2, .backdate = 300,
	.auto_renewal = { 86400, 31536000, true } };

static void
check_problem(struct problem *problem)
{
	json_t *json = problem_json(problem);

	if (json == NULL || problem->type == PROBLEM_NONE || problem->detail.text[0] == '\0')
		abort();
	json_decref(json);
	problem_free(problem);
}

/* Each certificate lies within what was ordered, and the next one is there before it is over (RFC 8739, 3.5). */
static void
check_renewal(const struct auto_renewal *renewal)
{
	uint32_t count = auto_renewal_count(renewal);
	int64_t begin, end, before = renewal->start;

	for (uint32_t n = 1; n <= count; n += n < 4 || n + 4 > count ? 1 : count - n - 3) {
		auto_renewal_dates(renewal, n, &begin, &end);
		if (begin < renewal->start || end > renewal->end || begin >= end || end - begin >= 7776000 ||
		    (n < 5 && begin > before) || auto_renewal_current(renewal, begin) < n)
			abort();
		before = end;
	}
}

static void
check_order(struct order *order)
{
	struct authorization none = { .state = AUTHORIZATION_PENDING, .expires = NOW + 1 };
	json_t		    *json;

	for (size_t i = 0; i < order->identifier_count; i++) {
		struct identifier again, base = identifier_base(&order->identifiers[i]);

		if (identifier_check(order->identifiers[i].type, order->identifiers[i].value, &again, NULL) !=
			ERR_OK ||
		    !identifier_eq(&again, &order->identifiers[i]) || identifier_is_wildcard(&base))
			abort();
	}
	if (order->auto_renewal.lifetime != 0)
		check_renewal(&order->auto_renewal);
	order->state = ORDER_OPEN;
	order->expires = NOW + 1;
	if ((json = order_json(&(struct site){ &surface_native, "https://ca" }, order, &none, 1, NOW)) == NULL)
		abort();
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice   text = slice_of(data, size);
	struct order   order = { 0 };
	struct problem problem = { 0 };
	struct target  target;
	json_t	      *payload;
	char	      *contact = NULL;

	(void)(route_parse(&surface_native, text, &target) || route_parse(&surface_pebble, text, &target));
	if (json_object_parse(text, &payload, NULL) != ERR_OK)
		return 0;
	if (order_read(payload, &(struct policy){ .ra = &ra, .ca = &ca }, NOW, &order, &problem))
		check_order(&order);
	else
		check_problem(&problem);
	order_free(&order);
	if (!contact_check(json_object_get(payload, "contact"), 10, &contact, &problem))
		check_problem(&problem);
	free(contact);
	json_decref(payload);
	return 0;
}
