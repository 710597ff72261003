/* conduct_report.c: the book for programs, for test runners and for people. */
#include <stdio.h>
#include <string.h>

#include "lib/json.h"
#include "ra/conduct_book.h"

/* --- what is owed --------------------------------------------------------------------------------------- */

static void
owe(struct verdict *v, const char *request, const char *detail)
{
	if (v->broken++ > 0)
		return;
	snprintf(v->request, sizeof(v->request), "%s", request);
	snprintf(v->detail, sizeof(v->detail), "%s", detail);
}

static void
owe_orders(const struct book *book, const struct conduct_client *client, enum conduct_rule rule, struct verdict *v)
{
	for (size_t i = 0; i < TRACKED_MAX; i++) {
		const struct tracked *t = &book->tracked[i];

		if (t->kind != TRACKED_ORDER || t->client != client)
			continue;
		/* Who gave up at a badNonce is told of that. */
		if (rule == RULE_ABANDONED && t->step == STEP_MADE && client->retry_nonce[0] == '\0')
			owe(v, t->request, "an order was made and neither finalized nor seen to its end");
		else if (rule == RULE_POLL && t->step == STEP_FINALIZED && t->polls == 0)
			owe(v, t->request, "an order was finalized and not polled");
		else if (rule == RULE_DOWNLOAD && t->step == STEP_ENDED && t->path[0] != '\0')
			owe(v, t->request, "a certificate was issued and not downloaded");
	}
}

static void
owe_tokens(const struct book *book, const struct conduct_client *client, struct verdict *v)
{
	char detail[REASON_MAX];

	for (size_t i = 0; i < TRACKED_MAX; i++) {
		const struct tracked *t = &book->tracked[i];

		if (t->kind != TRACKED_TOKEN || t->client != client)
			continue;
		v->kept += t->remains == REMAINS_GONE;
		snprintf(detail, sizeof(detail), "http://%.120s/.well-known/acme-challenge/%s still answers",
		    t->path, t->token);
		if (t->remains == REMAINS_LEFT)
			owe(v, t->request, detail);
	}
}

/* Nonces are the User-Agent's: it asks for them before anybody knows its account. A run begins with the directory and
 * one newNonce, and a run of one request is none too few. */
static bool
asks_each_time(const struct book *book, const struct conduct_client *client)
{
	uint64_t posts = 0;
	uint64_t needless = client->new_nonces > client->directories ? client->new_nonces - client->directories : 0;

	for (size_t i = 0; i < book->client_count; i++)
		if (strcmp(book->clients[i]->agent, client->agent) == 0)
			posts += book->clients[i]->posts;
	return needless > 3 && needless * 10 >= posts * 8;
}

struct verdict
book_verdict(const struct book *book, const struct conduct_client *client, enum conduct_rule rule)
{
	struct verdict v = client->of[rule];

	owe_orders(book, client, rule, &v);
	if (rule == RULE_TOKEN_STALE)
		owe_tokens(book, client, &v);
	if (rule == RULE_RETRY && client->retry_nonce[0] != '\0')
		owe(&v, client->retry_request, "a request was answered by badNonce and not sent again");
	if (rule == RULE_ORDERS_LIST && client->next_page[0] != '\0')
		owe(&v, client->next_request, "the next page of the orders list was not fetched");
	if (rule == RULE_NEW_NONCE && client->new_nonces > 0) {
		if (asks_each_time(book, client))
			owe(&v, "", "newNonce was asked for nearly every request");
		else
			v.kept++;
	}
	return v;
}

/* --- JSON --------------------------------------------------------------------------------------------------- */

static json_t *
rule_json(enum conduct_rule rule)
{
	const struct conduct_rule_text *text = &conduct_rules[rule];

	return json_pack("{s:s, s:s, s:s, s:s}", "rule", text->name, "section", text->section, "level", text->level,
	    "title", text->title);
}

static json_t *
broken_json(enum conduct_rule rule, const struct verdict *v)
{
	json_t *object = rule_json(rule);

	json_object_set_new(object, "times", json_integer(v->broken));
	json_object_set_new(object, "request", json_string(v->request));
	json_object_set_new(object, "detail", json_string(v->detail));
	json_object_set_new(object, "right", json_string(conduct_rules[rule].right));
	return object;
}

static json_t *
client_json(const struct book *book, const struct conduct_client *client)
{
	json_t *broken = json_array(), *kept = json_array(), *unseen = json_array();

	for (enum conduct_rule rule = 0; rule < RULE_COUNT; rule++) {
		struct verdict v = book_verdict(book, client, rule);

		if (v.broken > 0)
			json_array_append_new(broken, broken_json(rule, &v));
		else
			json_array_append_new(v.kept > 0 ? kept : unseen, json_string(conduct_rules[rule].name));
	}
	return json_pack("{s:s, s:s, s:o, s:o, s:o}", "userAgent", client->agent, "account", client->account, "broken",
	    broken, "kept", kept, "notExercised", unseen);
}

void
book_put_json(const struct book *book, unsigned indent, struct buf *out)
{
	json_t *clients = json_array(), *report;

	for (size_t i = 0; i < book->client_count; i++)
		json_array_append_new(clients, client_json(book, book->clients[i]));
	report = json_pack("{s:o}", "clients", clients);
	json_put_indented(out, report, indent);
	json_decref(report);
}

/* --- XML and HTML --------------------------------------------------------------------------------------------- */

static void
put_escaped(struct buf *out, const char *text)
{
	static const char special[] = "<>&\"'";
	static const char *const names[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&#39;" };

	for (; *text != '\0'; text++) {
		const char *found = strchr(special, *text);

		if (found != NULL)
			buf_put_str(out, names[found - special]);
		else
			buf_put_byte(out, (uint8_t)*text);
	}
}

static void
put_case(struct buf *out, const struct conduct_client *client, enum conduct_rule rule, const struct verdict *v)
{
	buf_put_str(out, "    <testcase classname=\"");
	put_escaped(out, conduct_rules[rule].section);
	buf_put_str(out, "\" name=\"");
	put_escaped(out, conduct_rules[rule].title);
	buf_put_str(out, "\">");
	if (v->broken > 0) {
		buf_printf(out, "<failure type=\"%s\" message=\"", conduct_rules[rule].level);
		put_escaped(out, v->detail);
		buf_printf(out, "\">request %s, %u times; right: ", v->request, v->broken);
		put_escaped(out, conduct_rules[rule].right);
		buf_put_str(out, "</failure>");
	} else if (v->kept == 0) {
		buf_put_str(out, "<skipped message=\"never exercised\"/>");
	}
	buf_put_str(out, "</testcase>\n");
	(void)client;
}

void
book_put_junit(const struct book *book, struct buf *out)
{
	buf_put_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
	for (size_t i = 0; i < book->client_count; i++) {
		const struct conduct_client *client = book->clients[i];
		struct buf		     cases = { 0 };
		unsigned		     failures = 0, skipped = 0;

		for (enum conduct_rule rule = 0; rule < RULE_COUNT; rule++) {
			struct verdict v = book_verdict(book, client, rule);

			failures += v.broken > 0;
			skipped += v.broken == 0 && v.kept == 0;
			put_case(&cases, client, rule, &v);
		}
		buf_put_str(out, "  <testsuite name=\"");
		put_escaped(out, client->agent[0] != '\0' ? client->agent : "(no User-Agent)");
		buf_printf(out, "%s%s\" tests=\"%d\" failures=\"%u\" skipped=\"%u\">\n", client->account[0] != '\0' ? " " : "",
		    client->account, RULE_COUNT, failures, skipped);
		buf_put(out, cases.data, cases.len);
		buf_put_str(out, "  </testsuite>\n");
		buf_free(&cases);
	}
	buf_put_str(out, "</testsuites>\n");
}

static void
put_row(struct buf *out, enum conduct_rule rule, const struct verdict *v)
{
	const struct conduct_rule_text *text = &conduct_rules[rule];

	buf_printf(out, "<tr><td>%s</td><td>%s</td><td>%s</td><td>", text->section, text->level, text->title);
	put_escaped(out, v->detail);
	buf_printf(out, "</td><td>%s</td><td>%u</td><td>%s</td></tr>\n", v->request, v->broken, text->right);
}

void
book_put_page(const struct book *book, struct buf *out)
{
	buf_put_str(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Conformance of clients</title>\n"
	    "<style>body{font-family:sans-serif;max-width:80em;margin:1em auto}table{border-collapse:collapse}"
	    "td,th{border:1px solid #999;padding:.3em;text-align:left;vertical-align:top}</style></head><body>\n"
	    "<h1>Conformance of clients</h1>\n");
	for (size_t i = 0; i < book->client_count; i++) {
		const struct conduct_client *client = book->clients[i];
		unsigned		     broken = 0;

		buf_put_str(out, "<h2>");
		put_escaped(out, client->agent[0] != '\0' ? client->agent : "(no User-Agent)");
		buf_printf(out, " %s</h2>\n<table><tr><th>section</th><th>level</th><th>rule</th><th>what was seen</th>"
		    "<th>request</th><th>times</th><th>right</th></tr>\n", client->account);
		for (enum conduct_rule rule = 0; rule < RULE_COUNT; rule++) {
			struct verdict v = book_verdict(book, client, rule);

			if (v.broken > 0)
				put_row(out, rule, &v);
			broken += v.broken > 0;
		}
		buf_printf(out, "</table>\n<p>%u rules broken. Never exercised:", broken);
		for (enum conduct_rule rule = 0; rule < RULE_COUNT; rule++) {
			struct verdict v = book_verdict(book, client, rule);

			if (v.broken == 0 && v.kept == 0)
				buf_printf(out, " %s (%s);", conduct_rules[rule].title, conduct_rules[rule].section);
		}
		buf_put_str(out, "</p>\n");
	}
	buf_put_str(out, "</body></html>\n");
}
