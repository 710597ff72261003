#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/json.h"
#include "wfe/directory.h"
#include "wfe/metrics.h"
#include "wfe/tls.h"

static json_t *
directory(const struct config *c)
{
	struct buf	 text = { 0 };
	struct reason	 reason;
	json_t		*json = NULL;

	assert_int_equal(directory_put(&text, c, &(struct site){ &surface_native, c->wfe.url }), ERR_OK);
	assert_int_equal(json_object_parse(buf_slice(&text), &json, &reason), ERR_OK);
	buf_free(&text);
	return json;
}

static void
directory_plain(void **state)
{
	static char	 url[] = "https://ca.example:9443";
	struct config	 c = { .wfe.url = url };
	json_t		*json = directory(&c);

	(void)state;
	assert_string_equal(json_member_str(json, "newNonce"), "https://ca.example:9443/new-nonce");
	assert_string_equal(json_member_str(json, "newAccount"), "https://ca.example:9443/new-account");
	assert_string_equal(json_member_str(json, "newOrder"), "https://ca.example:9443/new-order");
	assert_int_equal(json_object_size(json_object_get(json, "meta")), 0);
	json_decref(json);
}

static void
directory_meta(void **state)
{
	static char		 url[] = "https://ca.example", website[] = "https://www.example";
	static char		 terms[] = "https://www.example/terms", domain[] = "ca.example", none[] = "";
	static char		 first[] = "default", text[] = "90 days", second[] = "shortlived";
	char			*caa[] = { domain };
	struct profile_config	 profiles[] = { { .name = first, .description = text, .lifetime = 1 },
		{ .name = second, .description = none, .lifetime = 1 } };
	struct config		 c = { .wfe.url = url, .wfe.website = website, .ra.terms_of_service = terms,
			   .ra.caa_identities = { caa, 1 }, .ra.external_account_required = true,
			   .ca.profiles = profiles, .ca.profile_count = 2 };
	json_t			*json = directory(&c), *meta = json_object_get(json, "meta"), *list;

	(void)state;
	assert_string_equal(json_member_str(meta, "termsOfService"), "https://www.example/terms");
	assert_string_equal(json_member_str(meta, "website"), "https://www.example");
	list = json_object_get(meta, "caaIdentities");
	assert_string_equal(json_string_value(json_array_get(list, 0)), "ca.example");
	assert_true(json_is_true(json_object_get(meta, "externalAccountRequired")));
	assert_string_equal(json_member_str(json_object_get(meta, "profiles"), "default"), "90 days");
	assert_string_equal(json_member_str(json_object_get(meta, "profiles"), "shortlived"), "shortlived");
	json_decref(json);
}

static void
metrics_text(void **state)
{
	struct metrics	*m = metrics_new();
	struct buf	 out = { 0 };
	struct gauges	 gauges = { 3, 2, 4, 1 };
	char		*text;

	(void)state;
	metrics_count(m, ROUTE_NEW_ORDER, 201, 1500);
	metrics_count(m, ROUTE_NEW_ORDER, 418, 1);
	metrics_count(m, ROUTE_NONE, 404, 0);
	metrics_put(&out, m, &gauges);
	text = buf_take_str(&out);
	assert_non_null(strstr(text, "signet_wfe_requests_total{route=\"new-order\",status=\"201\"} 1\n"));
	assert_non_null(strstr(text, "signet_wfe_requests_total{route=\"new-order\",status=\"0\"} 1\n"));
	assert_non_null(strstr(text, "signet_wfe_requests_total{route=\"other\",status=\"404\"} 1\n"));
	assert_non_null(strstr(text, "signet_wfe_request_duration_seconds_sum{route=\"new-order\"} 1.501\n"));
	assert_non_null(strstr(text, "signet_wfe_connections 3\n"));
	assert_non_null(strstr(text, "signet_wfe_requests_waiting 4\n"));
	free(text);
	metrics_free(m);
}

static void
renewal(void **state)
{
	(void)state;
	assert_int_equal(tls_renewal_time(1000, 1000 + 90), 1060);
	assert_int_equal(tls_back_off_ms(0), 1000);
	assert_int_equal(tls_back_off_ms(3), 8000);
	assert_int_equal(tls_back_off_ms(99), 300000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(directory_plain),
		cmocka_unit_test(directory_meta), cmocka_unit_test(metrics_text), cmocka_unit_test(renewal) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
