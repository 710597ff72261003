/* orders_list.c: an account's orders (RFC 8555, 7.1.2.1), newest first, a page at a time. The cursor is the last
 * order that was listed; it stands in the path, so the client signs it with the url. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "ra/request.h"

#define ORDERS_PER_PAGE_MAX 100 /* the option's; some 7 KiB of URLs */

/* Where the page begins: the cursor, or above every order. */
static bool
page_start(struct request *request, struct id *before)
{
	const char *cursor = request->target.tail;

	memset(before, 0xff, sizeof(*before));
	if (request->target.route == ROUTE_ORDERS || id_parse(cursor, strlen(cursor), before))
		return true;
	return request_no_object(request,
	    "there is no such page of the orders list; begin with the account's \"orders\" and follow its "
	    "Link;rel=\"next\" (RFC 8555, 7.1.2.1)");
}

static bool
link_next(struct request *request, const char *cursor)
{
	struct buf url = { 0 };
	char *text;

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

/* --- numbered pages, oldest order first -------------------------------------------------------------- */

#define BATCH 100

struct list {
	struct id *ids;
	size_t count;
};

/* All that the account has, newest first. */
static enum err
list_load(struct storage_tx *tx, struct id account, struct list *list)
{
	struct id before = id_last();
	size_t found = BATCH;
	enum err err = ERR_OK;

	while (err == ERR_OK && found == BATCH) {
		struct id *more = realloc(list->ids, (list->count + BATCH) * sizeof(*more));

		if (more == NULL)
			return ERR_MEMORY;
		list->ids = more;
		err = orders_of_account(tx, account, before, clock_now(), more + list->count, BATCH, &found);
		list->count += err == ERR_OK ? found : 0;
		if (list->count > 0)
			before = more[list->count - 1];
	}
	return err;
}

static bool
read_number(struct request *request, size_t *page)
{
	const char *tail = request->target.tail;

	*page = 1;
	if (request->target.route == ROUTE_ORDERS)
		return true;
	*page = strspn(tail, "0123456789") == strlen(tail) && strlen(tail) < 7 ? (size_t)atoi(tail) : 0;
	return *page >= 2 || request_no_object(request, "pages after the first have numbers from 2 on");
}

static bool
show_numbered(struct request *request, struct list *list, size_t page)
{
	size_t size = (size_t)request->ra->config->ra.orders_per_page;
	size_t first = (page - 1) * size < list->count ? (page - 1) * size : list->count;
	size_t count = list->count - first < size ? list->count - first : size;
	struct id *shown = calloc(size, sizeof(*shown));
	char number[24];
	bool done = shown != NULL;

	for (size_t i = 0; done && i < count; i++)
		shown[i] = list->ids[list->count - 1 - first - i];
	snprintf(number, sizeof(number), "%zu", page + 1);
	if (done && first + count < list->count)
		done = link_next(request, number);
	done = done && reply_json(request, 200,
	    json_pack("{s:o}", "orders", urls_json(&request->site, shown, count)));
	free(shown);
	return done || request_broken(request, "show_numbered", ERR_MEMORY);
}

static bool
numbered_orders(struct request *request)
{
	struct list list = { 0 };
	struct storage_tx *tx;
	size_t page;
	enum err err;
	bool done;

	if (!read_number(request, &page) || (tx = request_tx(request)) == NULL)
		return false;
	err = list_load(tx, request->account.id, &list);
	done = err == ERR_OK ? show_numbered(request, &list, page) : request_broken(request, "list_load", err);
	free(list.ids);
	return done;
}

bool
account_orders(struct request *request)
{
	size_t size = (size_t)request->ra->config->ra.orders_per_page;
	struct storage_tx *tx;
	struct id before, ids[ORDERS_PER_PAGE_MAX + 1];
	char cursor[ID_TEXT_SIZE];
	size_t count = 0;
	enum err err;

	if (!account_is_own(request))
		return false;
	if (request->site.surface->numbered_pages)
		return numbered_orders(request);
	if (!page_start(request, &before) || (tx = request_tx(request)) == NULL)
		return false;
	/* One more than the page holds tells whether there is another. */
	err = orders_of_account(tx, request->account.id, before, clock_now(), ids, size + 1, &count);
	if (err != ERR_OK)
		return request_broken(request, "orders_of_account", err);
	if (count > size) {
		id_text(ids[--count - 1], cursor);
		if (!link_next(request, cursor))
			return false;
	}
	return reply_json(
	    request, 200, json_pack("{s:o}", "orders", urls_json(&request->site, ids, count)));
}
