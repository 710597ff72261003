#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/json.h"
#include "va/record.h"

#define SHOWN_ADDRESSES 4 /* of a hop; more would crowd out other hops */
#define SHOWN_URL 160

void
record_add(json_t *array, const struct url *url, const struct address *resolved, size_t count,
    const struct address *used, const char *servers)
{
	char text[ADDRESS_TEXT_SIZE], port[8], shown[SHOWN_URL + 1], asked[SHOWN_URL + 1];
	json_t *hop, *list = json_array();
	size_t i;

	for (i = 0; i < count && i < SHOWN_ADDRESSES; i++) {
		address_text(&resolved[i], text);
		json_array_append_new(list, json_string(text));
	}
	text[0] = '\0';
	if (used != NULL)
		address_text(used, text);
	snprintf(port, sizeof(port), "%u", url->port);
	snprintf(shown, sizeof(shown), "%.*s", SHOWN_URL, url->text);
	hop = json_pack("{s:s*, s:s, s:s, s:o, s:s}", "url", shown[0] != '\0' ? shown : NULL, "hostname",
	    url->host, "port", port, "addressesResolved", list, "addressUsed", text);
	if (servers != NULL && servers[0] != '\0' && hop != NULL) {
		snprintf(asked, sizeof(asked), "%.*s", SHOWN_URL, servers);
		json_object_set_new(hop, "resolverAddrs", json_pack("[s]", asked));
	}
	json_array_append_new(array, hop);
}

void
record_add_dns(json_t *array, const char *name, const char *servers)
{
	char shown[SHOWN_URL + 1];

	snprintf(shown, sizeof(shown), "%.*s", SHOWN_URL, servers);
	json_array_append_new(array, json_pack("{s:s, s:[s]}", "hostname", name, "resolverAddrs", shown));
}

/* "before one, two" */
static void
put_list(struct buf *out, const char *before, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		buf_printf(out, "%s%s", i == 0 ? before : ", ", json_string_value(item));
}

void
record_words(const json_t *array, char *out, size_t size)
{
	struct buf words = { 0 };
	const json_t *hop;
	char *text;
	size_t i;

	json_array_foreach(array, i, hop) {
		const char *used = json_member_str(hop, "addressUsed");

		buf_printf(&words, "%s%s", i > 0 ? "; " : "", json_member_str(hop, "hostname"));
		put_list(&words, ", asked of ", json_object_get(hop, "resolverAddrs"));
		put_list(&words, ", resolved to ", json_object_get(hop, "addressesResolved"));
		if (used != NULL && used[0] != '\0')
			buf_printf(&words, ", tried %s port %s", used, json_member_str(hop, "port"));
	}
	text = buf_take_str(&words);
	snprintf(out, size, "%s", text != NULL ? text : "");
	free(text);
}

void
record_add_txt(json_t *array, struct slice text)
{
	json_t *hop = json_array_get(array, json_array_size(array) - 1), *txt = json_object_get(hop, "txt");

	if (txt == NULL) {
		json_object_set_new(hop, "txt", json_array());
		txt = json_object_get(hop, "txt");
	}
	if (json_array_size(txt) < RECORD_TXT_MAX)
		json_array_append_new(txt, json_stringn((const char *)text.data, text.len));
}

void
record_text(const json_t *array, char *out, size_t size)
{
	size_t hops = json_array_size(array), used = 2;
	size_t from = hops, i;
	struct buf text = { 0 };

	snprintf(out, size, "[]");
	json_put(&text, array);
	if (!text.failed && text.len < size) { /* all of it, as nearly always */
		memcpy(out, text.data, text.len);
		out[text.len] = '\0';
		buf_free(&text);
		return;
	}
	while (from > 0) { /* the last hop is the one that mattered: backwards while there is room */
		buf_clear(&text);
		json_put(&text, json_array_get(array, from - 1));
		if (text.failed || used + text.len + 2 > size)
			break;
		used += text.len + 1;
		from--;
	}
	buf_clear(&text);
	for (i = from; i < hops; i++) {
		buf_put_str(&text, i == from ? "[" : ",");
		json_put(&text, json_array_get(array, i));
	}
	buf_put_str(&text, "]");
	if (from < hops && !text.failed && text.len < size) {
		memcpy(out, text.data, text.len);
		out[text.len] = '\0';
	}
	buf_free(&text);
}
