/* A line on the administration socket: what parses has the arguments that its command takes, each as its kind says;
 * what doesn't has a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/admin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static void
check_value(const struct admin_argument *argument, const struct admin_value *value)
{
	expect(value->given || !(argument->flags & ADMIN_REQUIRED));
	if (!value->given)
		return;
	switch (argument->kind) {
	case ADMIN_TEXT:
		expect(value->text[0] != '\0' && strlen(value->text) <= ADMIN_TEXT_MAX);
		break;
	case ADMIN_TEXTS:
		expect(json_array_size(value->list) > 0 && json_array_size(value->list) <= ADMIN_LIST_MAX);
		break;
	case ADMIN_WORD:
		expect(admin_word(argument->value, value->text));
		break;
	case ADMIN_COUNT:
	case ADMIN_DURATION:
		expect(value->number > 0);
		break;
	case ADMIN_TIME:
		expect(value->number >= 0);
		break;
	case ADMIN_FLAG:
		expect(value->number == 0 || value->number == 1);
		break;
	case ADMIN_OBJECT:
		expect(strlen(value->text) == ID_TEXT_SIZE - 1);
		break;
	case ADMIN_SERIAL:
		expect(value->serial_len > 0 && value->serial_len <= ADMIN_SERIAL_MAX && value->serial[0] != 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admin_request request;
	struct reason reason = { "" };

	if (admin_request_parse(slice_of(data, size), &request, &reason) != ERR_OK) {
		expect(request.json == NULL && reason.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; admin_commands[request.verb].arguments[i].name != NULL; i++)
		check_value(&admin_commands[request.verb].arguments[i], &request.values[i]);
	admin_request_free(&request);
	return 0;
}
