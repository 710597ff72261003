/* orders_list.c: an account's orders (RFC 8555, 7.1.2.1), newest first, a page at a time. The cursor is the last
 * order that was listed; it stands in the path, so the client signs it with the url. */
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "ra/request.h"

#define ORDERS_PER_PAGE 100 /* some 7 KiB of URLs */

/* Where the page begins: the cursor, or above every order. */
static bool
page_start(struct request *request, struct id *before)
{
	const char *cursor = request->target.tail;

	memset(before, 0xff, sizeof(*before));
	if (request->target.route == ROUTE_ORDERS || id_parse(cursor, strlen(cursor), before))
		return true;
	return request_no_object(request, "there is no such page of the orders list; begin with the account's \"orders\" and follow its "
	    "Link;rel=\"next\" (RFC 8555, 7.1.2.1)");
}

static bool
link_next(struct request *request, struct id last)
{
	struct buf url = { 0 };
	char cursor[ID_TEXT_SIZE];
	char *text;

	id_text(last, cursor);
	route_url(&url, &request->site, ROUTE_ORDERS_PAGE, &request->account.id, cursor);
	if ((text = buf_take_str(&url)) == NULL)
		return request_broken(request, "link_next", ERR_MEMORY);
	reply_link(request, text, "next");
	free(text);
	return true;
}

static json_t *
urls_json(const struct site *site, const struct id *ids, size_t count)
{
	json_t *list = json_array();
	struct buf url = { 0 };

	for (size_t i = 0; i < count && list != NULL; i++) {
		buf_clear(&url);
		route_url(&url, site, ROUTE_ORDER, &ids[i], NULL);
		if (url.failed ||
		    json_array_append_new(list, json_stringn((const char *)url.data, url.len)) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	buf_free(&url);
	return list;
}

bool
account_orders(struct request *request)
{
	struct storage_tx *tx;
	struct id before, ids[ORDERS_PER_PAGE + 1];
	size_t count = 0;
	enum err err;

	if (!account_is_own(request) || !page_start(request, &before) || (tx = request_tx(request)) == NULL)
		return false;
	/* One more than the page holds tells whether there is another. */
	err =
	    orders_of_account(tx, request->account.id, before, clock_now(), ids, ORDERS_PER_PAGE + 1, &count);
	if (err != ERR_OK)
		return request_broken(request, "orders_of_account", err);
	if (count > ORDERS_PER_PAGE && !link_next(request, ids[--count - 1]))
		return false;
	return reply_json(
	    request, 200, json_pack("{s:o}", "orders", urls_json(&request->site, ids, count)));
}
