#include "pebble-compat/challtestsrv/answer.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/address.h"

#define STRING_MAX 255		/* a <character-string>: RFC 1035, 3.3 */

/* One question on its way to an answer. */
struct work {
	struct store		*store;
	struct message		 message;
	const struct dns_name	*owner;
	bool			 may_wait;
};

static void
add_address(struct work *work, const struct address *address)
{
	message_add(&work->message, work->owner, address->family == AF_INET ? DNS_A : DNS_AAAA,
	    slice_of(address->bytes, address_size(address)));
}

/* Whether an address stands earlier in the list: /etc/hosts with both 127.0.0.1 and ::1 yields 127.0.0.1 twice. */
static bool
is_repeated(const struct addrinfo *list, const struct addrinfo *at)
{
	for (const struct addrinfo *a = list; a != at; a = a->ai_next) {
		if (a->ai_addrlen == at->ai_addrlen && memcmp(a->ai_addr, at->ai_addr, at->ai_addrlen) == 0)
			return true;
	}
	return false;
}

/* A host's addresses, as this machine resolves them. */
static void
add_host(struct work *work, const char *host, int family)
{
	struct addrinfo	 hints = { .ai_family = family, .ai_socktype = SOCK_STREAM }, *found = NULL;
	struct address	 address;

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return;
	for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		if (address_from_sockaddr(a->ai_addr, &address) && address.family == family && !is_repeated(found, a))
			add_address(work, &address);
	}
	freeaddrinfo(found);
}

/* Whether text may be the name of a host: Pebble leaves out the addresses of the other family. */
static bool
may_be_host(const char *text)
{
	return strchr(text, ':') == NULL && strspn(text, "0123456789.") != strlen(text);
}

static enum err
add_addresses(struct work *work, const char *name, int family)
{
	bool		 v4 = family == AF_INET;
	json_t		*values = store_get(work->store, v4 ? TABLE_A : TABLE_AAAA, name), *value;
	enum err	 err = ERR_OK;
	struct address	 address;
	size_t		 i;

	if (values == NULL)
		values = store_get(work->store, TABLE_DEFAULT, v4 ? "ipv4" : "ipv6");
	json_array_foreach(values, i, value) {
		const char *text = json_string_value(value);

		if (address_parse(text, &address)) {
			if (address.family == family && !(family == AF_INET6 &&
			    IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)address.bytes)))
				add_address(work, &address);
		} else if (may_be_host(text) && !work->may_wait) {
			err = ERR_BUSY;
		} else if (may_be_host(text)) {
			add_host(work, text, family);
		}
	}
	json_decref(values);
	return err;
}

static void
add_txt(struct work *work, const char *name)
{
	json_t	*values = store_get(work->store, TABLE_TXT, name), *value;
	size_t	 i;

	json_array_foreach(values, i, value) {
		const char	*text = json_string_value(value);
		size_t		 left = json_string_length(value), n;
		struct buf	 data = { 0 };

		do {
			n = left > STRING_MAX ? STRING_MAX : left;
			buf_put_byte(&data, (uint8_t)n);
			buf_put(&data, text, n);
			text += n;
			left -= n;
		} while (left > 0);
		if (data.failed || data.len > UINT16_MAX)
			work->message.out->failed |= data.failed;
		else
			message_add(&work->message, work->owner, DNS_TXT, buf_slice(&data));
		buf_free(&data);
	}
	json_decref(values);
}

/* RFC 8659, 4.1; flags are 0. */
static void
add_caa(struct work *work, const char *name)
{
	json_t	*values = store_get(work->store, TABLE_CAA, name), *value;
	size_t	 i;

	json_array_foreach(values, i, value) {
		const char	*tag = json_string_value(json_object_get(value, "tag"));
		const char	*text = json_string_value(json_object_get(value, "value"));
		struct buf	 data = { 0 };

		buf_put_byte(&data, 0);
		buf_put_byte(&data, (uint8_t)strlen(tag));
		buf_put_str(&data, tag);
		buf_put_str(&data, text);
		work->message.out->failed |= data.failed;
		if (!data.failed)
			message_add(&work->message, work->owner, DNS_CAA, buf_slice(&data));
		buf_free(&data);
	}
	json_decref(values);
}

/* Adds the record and says where it leads. False: there is none. */
static bool
add_cname(struct work *work, const char *name, struct dns_name *target, char **text)
{
	*text = store_text(work->store, TABLE_CNAME, name);
	if (*text == NULL || !name_read(*text, target)) {
		free(*text);
		*text = NULL;
		return false;
	}
	message_add(&work->message, work->owner, DNS_CNAME, slice_of(target->wire, target->len));
	return true;
}

/* The answer to type for name; *code when it is an error. */
static enum err
add_type(struct work *work, const char *name, uint16_t type, unsigned *code)
{
	struct dns_name	 target;
	char		*text;

	switch (type) {
	case DNS_A:
		return add_addresses(work, name, AF_INET);
	case DNS_AAAA:
		return add_addresses(work, name, AF_INET6);
	case DNS_TXT:
		add_txt(work, name);
		return ERR_OK;
	case DNS_CAA:
		add_caa(work, name);
		return ERR_OK;
	case DNS_CNAME:
		if (add_cname(work, name, &target, &text))
			free(text);
		return ERR_OK;
	default:
		*code = DNS_NOTIMP;
		return ERR_OK;
	}
}

static enum err
build(struct store *store, const struct dns_query *query, bool may_wait, struct buf *out)
{
	struct work	 work = { .store = store, .owner = &query->name, .may_wait = may_wait };
	json_t		*failing = store_get(store, TABLE_SERVFAIL, query->text);
	unsigned	 code = DNS_NOERROR;
	enum err	 err = ERR_OK;
	struct dns_name	 target;
	char		*text = NULL;

	message_begin(&work.message, out, query);
	if (failing != NULL) {
		code = DNS_SERVFAIL;
	} else {
		/* One level: what the target is an alias of itself is not looked at, unless that was asked. */
		if (add_cname(&work, query->text, &target, &text))
			work.owner = &target;
		err = add_type(&work, text != NULL ? text : query->text, query->type, &code);
	}
	free(text);
	json_decref(failing);
	if (err == ERR_OK)
		err = message_end(&work.message, code);
	if (err == ERR_BUSY || err == ERR_TOO_LARGE)
		buf_clear(out);
	/* More records than a message has room for. */
	return err == ERR_TOO_LARGE ? message_refuse(out, query, DNS_SERVFAIL) : err;
}

static void
note(struct store *store, const struct dns_query *query, const char *user_agent)
{
	store_event(store, HISTORY_DNS, query->text,
	    json_pack("{s:{s:s,s:i,s:i},s:o}", "Question", "Name", query->text, "Qtype", (int)query->type,
	    "Qclass", (int)query->class, "UserAgent", store_string(user_agent, strlen(user_agent))));
}

enum err
answer(struct store *store, struct slice packet, const char *user_agent, struct dns_query *query, struct buf *out)
{
	enum err err = message_read(packet, query);

	if (err == ERR_CLOSED)
		return err;
	if (err != ERR_OK)
		return message_refuse(out, query, err == ERR_UNSUPPORTED ? DNS_NOTIMP : DNS_FORMERR);
	note(store, query, user_agent);
	return build(store, query, false, out);
}

enum err
answer_wait(struct store *store, const struct dns_query *query, struct buf *out)
{
	return build(store, query, true, out);
}
