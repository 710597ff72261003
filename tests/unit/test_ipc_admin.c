/* The requests of the administration socket: what is one, what isn't and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ipc/admin.h"

static void
good_requests(void **state)
{
	struct admin_request request;
	struct reason reason = { "" };
	static const char text[] = "{\"command\": \"cert list\", \"state\": \"valid\", \"limit\": 3, "
	    "\"expiring-before\": 1800000000, \"serial\": \"0A:bc\", \"account\": \"AaISNBFYsNygpwmQM11D3A\"}";

	(void)state;
	assert_int_equal(admin_request_parse(slice_str(text), &request, &reason), ERR_OK);
	assert_int_equal(request.verb, ADMIN_CERT_LIST);
	assert_string_equal(admin_value(&request, "state")->text, "valid");
	assert_int_equal(admin_value(&request, "limit")->number, 3);
	assert_int_equal(admin_value(&request, "expiring-before")->number, 1800000000);
	assert_int_equal(admin_value(&request, "serial")->serial_len, 2);
	assert_memory_equal(admin_value(&request, "serial")->serial, "\x0a\xbc", 2);
	assert_false(id_is_zero(admin_value(&request, "account")->id));
	assert_false(admin_value(&request, "name")->given);
	admin_request_free(&request);
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "object" },
	{ "[]", "object" },
	{ "{\"command\": \"cert list\"} x", "end of file" },
	{ "{\"command\": \"cert list\", \"command\": \"cert show\"}", "duplicate" },
	{ "{}", "there is no command \"\"" },
	{ "{\"command\": 7}", "there is no command \"\"" },
	{ "{\"command\": \"cert\"}", "there is no command \"cert\"" },
	{ "{\"command\": \"cert listen\"}", "there is no command \"cert listen\"" },
	{ "{\"command\": \"certlist\"}", "there is no command" },
	{ "{\"command\": \"cert list\", \"colour\": 1}", "\"cert list\" takes no \"colour\"" },
	{ "{\"command\": \"cert show\"}", "\"serial\" is missing" },
	{ "{\"command\": \"cert show\", \"serial\": 7}", "\"serial\" has to be a serial number in hexadecimal" },
	{ "{\"command\": \"cert show\", \"serial\": \"0x12\"}", "hexadecimal" },
	{ "{\"command\": \"cert list\", \"state\": \"\"}", "\"state\" has to be valid|revoked|expired" },
	{ "{\"command\": \"cert list\", \"state\": \"val\"}", "\"state\" has to be" },
	{ "{\"command\": \"cert list\", \"state\": \"valid|revoked\"}", "\"state\" has to be" },
	{ "{\"command\": \"cert list\", \"limit\": 0}", "\"limit\" has to be a whole number from 1 on" },
	{ "{\"command\": \"cert list\", \"limit\": \"3\"}", "\"limit\" has to be" },
	{ "{\"command\": \"cert list\", \"limit\": 1.5}", "\"limit\" has to be" },
	{ "{\"command\": \"cert list\", \"expiring-before\": -1}", "seconds since 1970" },
	{ "{\"command\": \"cert list\", \"name\": \"\"}", "\"name\" has to be a string" },
	{ "{\"command\": \"cert list\", \"name\": \"a\\u000ab\"}", "\"name\" has to be a string" },
	{ "{\"command\": \"cert list\", \"name\": null}", "\"name\" has to be a string" },
	{ "{\"command\": \"account show\", \"id\": \"short\"}", "\"id\" has to be an id of 22 characters" },
};

static void
bad_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct admin_request request;
		struct reason reason = { "" };

		assert_int_equal(admin_request_parse(slice_str(bad[i].text), &request, &reason), ERR_MALFORMED);
		if (strstr(reason.text, bad[i].why) == NULL)
			fail_msg("%s: %s", bad[i].text, reason.text);
		assert_null(request.json);
	}
}

static const struct {
	const char *text;
	bool good;
	size_t len;
	const char *bytes;
} serials[] = {
	{ "1", true, 1, "\x01" },
	{ "01", true, 1, "\x01" },
	{ "00:01", true, 1, "\x01" },
	{ "abc", true, 2, "\x0a\xbc" },
	{ "AB:CD", true, 2, "\xab\xcd" },
	{ "ffffffffffffffffffffffffffffffffffffffff", true, 20,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
	{ "00ffffffffffffffffffffffffffffffffffffffff", true, 20,
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
	{ "1ffffffffffffffffffffffffffffffffffffffff", false, 0, NULL },
	{ "", false, 0, NULL },
	{ "0", false, 0, NULL },
	{ ":", false, 0, NULL },
	{ ":ab", false, 0, NULL },
	{ "ab:", false, 0, NULL },
	{ "ab::cd", false, 0, NULL },
	{ "a:bc", false, 0, NULL },
	{ "xy", false, 0, NULL },
};

static void
serial_texts(void **state)
{
	uint8_t out[ADMIN_SERIAL_MAX];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
		if (admin_serial(serials[i].text, out, &len) != serials[i].good)
			fail_msg("%s", serials[i].text);
		if (serials[i].good) {
			assert_int_equal(len, serials[i].len);
			assert_memory_equal(out, serials[i].bytes, len);
		}
	}
}

/* What the program's commands make of the table: names that are no two things, an end, and no gap. */
static void
table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < ADMIN_VERB_COUNT; i++) {
		const struct admin_command *command = &admin_commands[i];
		size_t count = 0;

		assert_non_null(command->group);
		assert_non_null(command->verb);
		assert_non_null(command->help);
		for (; command->arguments[count].name != NULL; count++) {
			assert_true(count < ADMIN_ARGUMENTS_MAX);
			assert_non_null(command->arguments[count].help);
			if (command->arguments[count].kind != ADMIN_FLAG)
				assert_non_null(command->arguments[count].value);
			for (size_t k = 0; k < count; k++)
				assert_string_not_equal(command->arguments[k].name, command->arguments[count].name);
		}
		for (size_t k = 0; k < i; k++)
			assert_true(strcmp(admin_commands[k].group, command->group) != 0 ||
			    strcmp(admin_commands[k].verb, command->verb) != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_requests),
		cmocka_unit_test(bad_requests),
		cmocka_unit_test(serial_texts),
		cmocka_unit_test(table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
