/* test_config.c: the sample of DESIGN.md and the sample files are accepted; every kind of mistake is told
 * with its line, its key and what would be right; what is encoded comes back; what init writes is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/manual.h"
#include "lib/file.h"
#include "tests/unit/config_cases.h"

/* Parses yaml; *text is what was complained, on the heap. */
static enum err
parse(const char *yaml, struct config **out, char **text)
{
	size_t		 size;
	FILE		*complaints = open_memstream(text, &size);
	enum err	 err;

	assert_non_null(complaints);
	err = config_parse(slice_str(yaml), "f.yaml", "/srv/ca", out, complaints);
	assert_int_equal(fclose(complaints), 0);
	return err;
}

static struct config *
parse_sound(const char *yaml)
{
	struct config	*config;
	char		*text;

	if (parse(yaml, &config, &text) != ERR_OK)
		fail_msg("refused:\n%s\n%s", yaml, text);
	assert_string_equal(text, "");
	free(text);
	return config;
}

static void
test_sample_files(void **state)
{
	static const char *const files[] = { "config/private.yaml", "config/pebble.yaml",
		"config/webpki.yaml" };
	struct config	*config;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(config_read(files[i], &config, stderr), ERR_OK);
		assert_int_equal(config->preset, i);
		assert_int_equal(config->dir[0], '/');
		assert_string_equal(config->file, files[i]);
		config_free(config);
	}
}

static void
test_values(void **state)
{
	struct config	*c;

	(void)state;
	assert_int_equal(config_read("config/private.yaml", &c, stderr), ERR_OK);
	assert_string_equal(c->name, "Example Home CA");
	assert_string_equal(c->wfe.url, "https://ca.home.arpa:9443");
	assert_string_equal(c->wfe.names.items[0], "ca.home.arpa");
	assert_string_equal(c->wfe.plain_url, "http://ca.home.arpa:9080");
	assert_string_equal(c->wfe.metrics_listen, "127.0.0.1:9464");
	assert_int_equal(c->wfe.tls, TLS_AUTO);
	assert_int_equal(c->ra.order_lifetime, 7 * 86400);
	assert_int_equal(c->ra.finalize_wait_ms, 500);
	assert_int_equal(c->ra.allow.count, 1);
	assert_int_equal(c->va.zone_count, 1);
	assert_string_equal(c->va.zones[0].zone, "corp.example");
	assert_string_equal(c->va.zones[0].resolvers.items[0], "10.1.1.1:53");
	assert_int_equal(c->va.deny.count, 4);
	assert_string_equal(c->ca.issuers[0].key, "keys/intermediate.pem");
	assert_int_equal(c->ca.profile_count, 2);
	assert_string_equal(c->ca.profiles[0].name, "default");
	assert_int_equal(c->ca.profiles[1].lifetime, 160 * 3600);
	assert_string_equal(c->evidence_key, "keys/evidence.key");
	assert_string_equal(c->ledger, "ledger");
	assert_int_equal(c->log_level, LOG_INFO);
	config_free(c);
}

static void
test_tls(void **state)
{
	struct config	*c;

	(void)state;
	c = parse_sound("wfe: {url: 'http://[FD00::1]:80', tls: off, plain_listen: []}\n");
	assert_int_equal(c->wfe.tls, TLS_OFF);
	assert_string_equal(c->wfe.url, "http://[fd00::1]:80");
	assert_string_equal(c->wfe.names.items[0], "fd00::1");
	assert_string_equal(c->wfe.plain_url, "");
	config_free(c);
	c = parse_sound("wfe:\n  url: HTTPS://CA.example\n  tls: {certificate: a.pem, key: b.pem}\n"
	    "  plain_listen: [':80']\n");
	assert_int_equal(c->wfe.tls, TLS_FILES);
	assert_string_equal(c->wfe.url, "https://ca.example");
	assert_string_equal(c->wfe.tls_certificate, "a.pem");
	assert_string_equal(c->wfe.tls_key, "b.pem");
	assert_string_equal(c->wfe.plain_url, "http://ca.example");
	config_free(c);
}

static void
test_mistakes(void **state)
{
	char		 expected[300];
	struct config	*config;
	char		*text;

	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const struct mistake	*m = &mistakes[i];

		assert_int_equal(parse(m->yaml, &config, &text), ERR_CONFIG);
		assert_null(config);
		snprintf(expected, sizeof(expected), "f.yaml:%u: %s: ", m->line, m->key);
		if (strncmp(text, expected, strlen(expected)) != 0 || strstr(text, m->says) == NULL ||
		    strchr(text, '\n') != strrchr(text, '\n'))
			fail_msg("mistake %zu:\n%s\nexpected one line: %s... %s ...\ngot: %s", i, m->yaml,
			    expected, m->says, text);
		free(text);
	}
}

static void
test_all_at_once(void **state)
{
	struct config	*config;
	char		*text, *at;

	(void)state;
	assert_int_equal(parse(many_mistakes, &config, &text), ERR_CONFIG);
	at = text;
	for (size_t i = 0; i < sizeof(many_told) / sizeof(many_told[0]); i++) {
		if (strncmp(at, many_told[i], strlen(many_told[i])) != 0)
			fail_msg("expected %s\ngot %s", many_told[i], at);
		at = strchr(at, '\n') + 1;
	}
	assert_string_equal(at, "");
	free(text);
}

static void
test_hostile_yaml(void **state)
{
	struct config	*config;
	struct buf	 yaml = { 0 };
	FILE		*none = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(none);
	for (int i = 0; i < 100000; i++)
		buf_put_str(&yaml, "[");
	assert_int_equal(config_parse(buf_slice(&yaml), "f", "/", &config, none), ERR_CONFIG);
	buf_clear(&yaml);
	for (int i = 0; i < 70000; i++)
		buf_put_str(&yaml, "a: b\n");	/* over the size */
	assert_int_equal(config_parse(buf_slice(&yaml), "f", "/", &config, none), ERR_CONFIG);
	buf_clear(&yaml);
	for (int i = 0; i < 20000; i++)
		buf_printf(&yaml, "k%d: b\n", i);
	assert_int_equal(config_parse(buf_slice(&yaml), "f", "/", &config, none), ERR_CONFIG);
	assert_int_equal(config_parse(slice_of("\xff\xfe", 2), "f", "/", &config, none), ERR_CONFIG);
	assert_int_equal(config_parse(slice_of("a\0b: c", 6), "f", "/", &config, none), ERR_CONFIG);
	assert_int_equal(config_parse(slice_of("", 0), "f", "/", &config, none), ERR_CONFIG);
	assert_int_equal(config_read("/nonexistent/signet.yaml", &config, none), ERR_NOT_FOUND);
	assert_null(config);
	fclose(none);
	buf_free(&yaml);
}

/* A host that no DNS name is as long as, without a port and with one, whatever its length. */
static void
test_long_host(void **state)
{
	static const char *const ports[] = { "", ":443" };
	char		 yaml[400], host[320];
	struct config	*config;
	char		*text;

	(void)state;
	for (size_t len = 254; len < sizeof(host); len++)
		for (size_t i = 0; i < 2; i++) {
			for (size_t at = 0; at < len; at++)
				host[at] = at % 50 == 49 ? '.' : 'a';
			snprintf(yaml, sizeof(yaml), "wfe: {url: 'https://%.*s%s'}\n", (int)len, host, ports[i]);
			assert_int_equal(parse(yaml, &config, &text), ERR_CONFIG);
			assert_non_null(strstr(text, "f.yaml:1: wfe.url"));
			assert_non_null(strstr(text, "host"));
			free(text);
		}
}

/* What is decoded encodes to the same bytes; every shorter and every longer message is refused. */
static void
test_pair(void **state)
{
	struct config	*config, *part;
	struct buf	 a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(config_read("config/private.yaml", &config, stderr), ERR_OK);
	for (int role = 0; role < ROLE_COUNT; role++) {
		buf_clear(&a);
		buf_clear(&b);
		config_encode(config, (enum role)role, &a);
		assert_int_equal(config_decode(buf_slice(&a), &part), ERR_OK);
		config_encode(part, (enum role)role, &b);
		assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
		config_free(part);
		for (size_t len = 0; len < a.len; len++)
			assert_int_equal(config_decode(slice_of(a.data, len), &part), ERR_MALFORMED);
		buf_put_byte(&a, 0);
		assert_int_equal(config_decode(buf_slice(&a), &part), ERR_MALFORMED);
		assert_null(part);
	}
	config_free(config);
	buf_free(&a);
	buf_free(&b);
}

static struct config *
as(const struct config *config, enum role role)
{
	struct buf	 bytes = { 0 };
	struct config	*part;

	config_encode(config, role, &bytes);
	assert_int_equal(config_decode(buf_slice(&bytes), &part), ERR_OK);
	buf_free(&bytes);
	return part;
}

/* Who must not know what (DESIGN.md, 1). */
static void
test_roles(void **state)
{
	struct config	*config, *part;

	(void)state;
	assert_int_equal(config_read("config/private.yaml", &config, stderr), ERR_OK);
	part = as(config, ROLE_WFE);
	assert_string_equal(part->wfe.url, config->wfe.url);
	assert_null(part->storage);
	assert_null(part->evidence_key);
	assert_null(part->ca.issuers[0].key);
	assert_int_equal(part->va.resolvers.count, 0);
	config_free(part);
	part = as(config, ROLE_RA);
	assert_string_equal(part->storage, config->storage);
	assert_null(part->evidence_key);
	assert_null(part->ledger);
	assert_null(part->ca.issuers[0].key);
	config_free(part);
	part = as(config, ROLE_VA);
	assert_int_equal(part->va.http_port, 80);
	assert_null(part->storage);
	assert_null(part->ca.issuers);
	assert_null(part->wfe.url);
	config_free(part);
	part = as(config, ROLE_CA);
	assert_string_equal(part->ca.issuers[0].key, "keys/intermediate.pem");
	assert_null(part->storage);
	assert_int_equal(part->va.resolvers.count, 0);
	config_free(part);
	config_free(config);
}

static void
test_sample(void **state)
{
	char		*allow[] = { (char *)"*.home.arpa", (char *)"nas.lan" };
	char		*names[] = { (char *)"ca.home.arpa", (char *)"192.168.1.10", (char *)"fd00::1" };
	static const char *const titles[] = { "Home", "M\xc3\xbcller: \"x\" \\ # {a}", "true", "1.5", "- a",
		"'", "~", "\xe2\x80\xa8line",
		"\xff Latin-1" };
	struct sample s = { .url = "https://ca.home.arpa:9443",
		.names = { names, 3 },
		.allow = { allow, 2 },
		.listen = "[::]:9443",
		.plain_listen = "[::]:9080" };
	struct config	*c;
	char		*text;

	(void)state;
	for (size_t i = 0; i < 3 * sizeof(titles) / sizeof(titles[0]); i++) {
		struct buf	out = { 0 };

		s.name = titles[i / 3];
		s.preset = (enum preset)(i % 3);
		s.demo = i % 2 == 0;
		config_sample(&s, &out);
		text = buf_take_str(&out);
		assert_non_null(text);
		c = parse_sound(text);
		if (i / 3 < 7)
			assert_string_equal(c->name, s.name);
		assert_int_equal(c->preset, s.preset);
		assert_int_equal(c->wfe.names.count, 3);
		assert_int_equal(c->ra.allow.count, 2);
		if (s.demo) {
			assert_int_equal(c->va.http_port, 5002);
			assert_string_equal(c->va.allow.items[0], "loopback");
		}
		config_free(c);
		free(text);
	}
}

static void
test_address(void **state)
{
	static const struct { const char *text, *host; uint16_t port; } good[] = {
		{ "[::1]:443", "::1", 443 }, { ":80", "", 80 }, { "10.0.0.1:65535", "10.0.0.1", 65535 },
		{ "nas.lan:1", "nas.lan", 1 },
	};
	static const char *const bad[] = { "", ":", "a", "a:", "a:0", "a:65536", "a:080", "[::1]", "::1:80",
		"[a]:80", "a b:80", "[::1:80", "]:80", "1.2.3:80", "a:80x", "a:-1", "a..b:80" };
	char		host[64];
	uint16_t	port;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(config_address(good[i].text, host, sizeof(host), &port));
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (config_address(bad[i], host, sizeof(host), &port))
			fail_msg("taken for an address: %s", bad[i]);
	assert_false(config_address("nas.lan:1", host, 7, &port));
}

/* man/signet.yaml.5 is what `signet check --options` prints. */
static void
test_manual(void **state)
{
	struct buf	 page = { 0 };
	char		*text;
	size_t		 size;
	FILE		*out = open_memstream(&text, &size);

	(void)state;
	assert_non_null(out);
	options_print(out);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(file_read("man/signet.yaml.5", 1 << 20, &page), ERR_OK);
	assert_true(slice_eq_str(buf_slice(&page), text));
	free(text);
	buf_free(&page);
}

static void
test_subject_field(void **state)
{
	const char *value = NULL;
	int nid = 0;

	(void)state;
	assert_true(config_subject_field("O=Example = Inc", &nid, &value));
	assert_int_equal(nid, NID_organizationName);
	assert_string_equal(value, "Example = Inc");
	assert_false(config_subject_field("CN=a.test", &nid, &value));
	assert_false(config_subject_field("O", &nid, &value));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample_files),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_hostile_yaml),
		cmocka_unit_test(test_long_host),
		cmocka_unit_test(test_pair),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_subject_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
