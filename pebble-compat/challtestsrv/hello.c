#include "pebble-compat/challtestsrv/hello.h"

#include "pebble-compat/challtestsrv/store.h"

#define LIST_LENGTH 2
#define NAME_HEADER 3		/* its type and its length */
#define HOST_NAME 0

/* The list that fills the extension; empty when it doesn't. */
static struct slice
list_of(struct slice extension)
{
	if (extension.len < LIST_LENGTH ||
	    (size_t)(extension.data[0] << 8 | extension.data[1]) != extension.len - LIST_LENGTH)
		return slice_of(NULL, 0);
	return slice_of(extension.data + LIST_LENGTH, extension.len - LIST_LENGTH);
}

struct slice
hello_server_name(struct slice extension)
{
	struct slice	list = list_of(extension);
	size_t		len;

	if (list.len < NAME_HEADER || list.data[0] != HOST_NAME)
		return slice_of(NULL, 0);
	len = (size_t)(list.data[1] << 8 | list.data[2]);
	return len > list.len - NAME_HEADER ? slice_of(NULL, 0) : slice_of(list.data + NAME_HEADER, len);
}

/* Takes the first protocol off the list. False: there is none, or it is cut off. */
static bool
protocol_take(struct slice *list, struct slice *protocol)
{
	if (list->len == 0 || list->data[0] == 0 || list->data[0] > list->len - 1)
		return false;
	*protocol = slice_of(list->data + 1, list->data[0]);
	*list = slice_of(list->data + 1 + protocol->len, list->len - 1 - protocol->len);
	return true;
}

json_t *
hello_protocols(struct slice extension)
{
	struct slice	 list = list_of(extension), protocol;
	json_t		*out = json_array();

	if (list.len == 0) {
		json_decref(out);
		return json_null();
	}
	while (protocol_take(&list, &protocol))
		(void)json_array_append_new(out, store_string(protocol.data, protocol.len));
	return out;
}

bool
hello_is_acme(struct slice extension)
{
	struct slice list = list_of(extension), protocol;

	return protocol_take(&list, &protocol) && list.len == 0 && slice_eq_str(protocol, "acme-tls/1");
}
