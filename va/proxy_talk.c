#include "va/proxy_talk.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define SOCKS_VERSION 5
#define AUTHENTICATION_VERSION 1 /* RFC 1929, 2 */
#define METHOD_NONE 0x00
#define METHOD_PASSWORD 0x02
#define METHOD_UNACCEPTABLE 0xff

static struct talk_result
on(void)
{
	return (struct talk_result){ TALK_ON, 0, "" };
}

static struct talk_result
useless(const char *why)
{
	return (struct talk_result){ TALK_PROXY, 0, why };
}

static struct talk_result
through(const struct proxy_talk *t, size_t used)
{
	if (t->heard.len > used)
		return useless("sent more than its answer");
	return (struct talk_result){ TALK_THROUGH, 0, "" };
}

/* --- SOCKS5 -------------------------------------------------------------------------------------- */

static bool
has_user(const struct proxy *proxy)
{
	return proxy->user[0] != '\0';
}

/* RFC 1928, 3. */
static void
put_methods(const struct proxy *proxy, struct buf *out)
{
	static const uint8_t one[] = { SOCKS_VERSION, 1, METHOD_NONE };
	static const uint8_t two[] = { SOCKS_VERSION, 2, METHOD_NONE, METHOD_PASSWORD };

	if (has_user(proxy))
		buf_put(out, two, sizeof(two));
	else
		buf_put(out, one, sizeof(one));
}

/* RFC 1929, 2. */
static void
put_text(struct buf *out, const char *text)
{
	buf_put_byte(out, (uint8_t)strlen(text));
	buf_put_str(out, text);
}

/* RFC 1928, 4. */
static void
put_request(const struct proxy_talk *t, struct buf *out)
{
	uint8_t head[] = { SOCKS_VERSION, 1, 0, t->target.family == AF_INET ? 1 : 4 };

	buf_put(out, head, sizeof(head));
	buf_put(out, t->target.bytes, address_size(&t->target));
	buf_put_byte(out, (uint8_t)(t->port >> 8));
	buf_put_byte(out, (uint8_t)t->port);
}

static void
take(struct proxy_talk *t, size_t len)
{
	struct buf rest = { 0 };

	buf_put(&rest, t->heard.data + len, t->heard.len - len);
	buf_free(&t->heard);
	t->heard = rest;
}

static struct talk_result
hear_method(struct proxy_talk *t, struct buf *out)
{
	uint8_t method;

	if (t->heard.len < 2)
		return on();
	method = t->heard.data[1];
	if (method == METHOD_UNACCEPTABLE)
		return useless(has_user(t->proxy) ? "wants another authentication than by user and password"
						  : "asks for a user and a password, and none is configured");
	if (method != METHOD_NONE && (method != METHOD_PASSWORD || !has_user(t->proxy)))
		return useless("chose a method that it was not offered");
	take(t, 2);
	if (method == METHOD_NONE) {
		t->state = TALK_REQUEST;
		put_request(t, out);
		return on();
	}
	t->state = TALK_AUTHENTICATION;
	buf_put_byte(out, AUTHENTICATION_VERSION);
	put_text(out, t->proxy->user);
	put_text(out, t->proxy->password);
	return on();
}

static struct talk_result
hear_authentication(struct proxy_talk *t, struct buf *out)
{
	if (t->heard.len < 2)
		return on();
	if (t->heard.data[1] != 0)
		return useless("refused the user or the password");
	take(t, 2);
	t->state = TALK_REQUEST;
	put_request(t, out);
	return on();
}

/* RFC 1928, 6: what its number means; those of the target as connect() says it. */
static struct talk_result
refused(struct proxy_talk *t, uint8_t reply)
{
	static const struct {
		enum talk_outcome outcome;
		int error;
		const char *why;
	} replies[] = {
		[1] = { TALK_TARGET, 0, "could not connect to it" },
		[2] = { TALK_PROXY, 0, "does not allow connections to it" },
		[3] = { TALK_TARGET, ENETUNREACH, "has no route to it" },
		[4] = { TALK_TARGET, EHOSTUNREACH, "has no route to it" },
		[5] = { TALK_TARGET, ECONNREFUSED, "was refused the connection" },
		[6] = { TALK_TARGET, ETIMEDOUT, "got no answer from it" },
		[7] = { TALK_PROXY, 0, "does not make connections" },
		[8] = { TALK_TARGET, EAFNOSUPPORT, "does not know that kind of address" },
	};

	if (reply < sizeof(replies) / sizeof(replies[0]))
		return (struct talk_result){ replies[reply].outcome, replies[reply].error, replies[reply].why };
	snprintf(t->why, sizeof(t->why), "answered with the unknown reply %u", reply);
	return useless(t->why);
}

static struct talk_result
hear_reply(struct proxy_talk *t)
{
	size_t bound;

	if (t->heard.len < 2)
		return on();
	if (t->heard.data[1] != 0)
		return refused(t, t->heard.data[1]);
	if (t->heard.len < 5)
		return on();
	switch (t->heard.data[3]) { /* the address that it connects from */
	case 1:
		bound = 4;
		break;
	case 3:
		bound = 1u + t->heard.data[4];
		break;
	case 4:
		bound = 16;
		break;
	default:
		return useless("did not answer in SOCKS5");
	}
	return t->heard.len < 4 + bound + 2 ? on() : through(t, 4 + bound + 2);
}

static struct talk_result
hear_socks(struct proxy_talk *t, struct buf *out)
{
	struct talk_result result = on();
	enum talk_state before = t->state;

	if (t->heard.data[0] != (t->state == TALK_AUTHENTICATION ? AUTHENTICATION_VERSION : SOCKS_VERSION))
		return useless("did not answer in SOCKS5");
	if (t->state == TALK_METHOD)
		result = hear_method(t, out);
	else if (t->state == TALK_AUTHENTICATION)
		result = hear_authentication(t, out);
	else
		result = hear_reply(t);
	if (t->state != before && t->heard.len > 0)
		return useless("answered what it was not asked");
	return result;
}

/* --- HTTP ---------------------------------------------------------------------------------------- */

static void
put_authority(const struct proxy_talk *t, struct buf *out)
{
	char text[ADDRESS_TEXT_SIZE];

	address_text(&t->target, text);
	buf_printf(out, t->target.family == AF_INET6 ? "[%s]:%u" : "%s:%u", text, t->port);
}

/* RFC 7617. */
static void
put_credentials(const struct proxy *proxy, struct buf *out)
{
	char plain[sizeof(proxy->user) + sizeof(proxy->password)];
	unsigned char text[sizeof(plain) / 3 * 4 + 5];
	int len = snprintf(plain, sizeof(plain), "%s:%s", proxy->user, proxy->password);

	EVP_EncodeBlock(text, (const unsigned char *)plain, len);
	buf_printf(out, "Proxy-Authorization: Basic %s\r\n", (const char *)text);
}

static void
put_connect(const struct proxy_talk *t, struct buf *out)
{
	buf_put_str(out, "CONNECT ");
	put_authority(t, out);
	buf_put_str(out, " HTTP/1.1\r\nHost: ");
	put_authority(t, out);
	buf_put_str(out, "\r\n");
	if (has_user(t->proxy))
		put_credentials(t->proxy, out);
	buf_put_str(out, "\r\n");
}

/* "HTTP/1.1 200 ": the number, or 0. RFC 9112, 4. */
static unsigned
status_of(const struct buf *heard)
{
	const uint8_t *at = heard->data + 9;

	if (heard->len < 13 || memcmp(heard->data, "HTTP/1.", 7) != 0 || heard->data[8] != ' ' ||
	    (heard->data[7] != '0' && heard->data[7] != '1') || (at[3] != ' ' && at[3] != '\r'))
		return 0;
	for (size_t i = 0; i < 3; i++)
		if (at[i] < '0' || at[i] > '9')
			return 0;
	return (at[0] - '0') * 100u + (at[1] - '0') * 10u + (at[2] - '0');
}

static struct talk_result
judge_status(struct proxy_talk *t, unsigned status, size_t used)
{
	if (status >= 200 && status < 300)
		return through(t, used);
	if (status == 407)
		return useless(has_user(t->proxy) ? "refused the user or the password (status 407)"
						  : "asks for a user and a password, and none is configured (status 407)");
	if (status == 403)
		return useless("does not allow connections to it (status 403)");
	snprintf(t->why, sizeof(t->why), "answered CONNECT with status %u", status);
	/* RFC 9110, 15.6.3 and 15.6.5, and what Squid says of a target that it can't reach. */
	if (status == 502 || status == 503 || status == 504)
		return (struct talk_result){ TALK_TARGET, 0, t->why };
	return useless(t->why);
}

static struct talk_result
hear_http(struct proxy_talk *t)
{
	static const char end[] = "\r\n\r\n", name[] = "HTTP/1.";
	const uint8_t *at;
	unsigned status;
	size_t used;

	for (;;) {
		used = t->heard.len < sizeof(name) - 1 ? t->heard.len : sizeof(name) - 1;
		if (memcmp(t->heard.data, name, used) != 0)
			return useless("did not answer in HTTP");
		if ((at = memmem(t->heard.data, t->heard.len, end, sizeof(end) - 1)) == NULL)
			return t->heard.len < PROXY_ANSWER_MAX ? on() : useless("sent more than 8 KiB of headers");
		used = (size_t)(at - t->heard.data) + sizeof(end) - 1;
		if ((status = status_of(&t->heard)) < 100)
			return useless("did not answer in HTTP");
		if (status >= 200 || status == 101) /* RFC 9110, 15.2: others go before the answer */
			return judge_status(t, status, used);
		take(t, used);
		if (t->heard.len == 0)
			return on();
	}
}

/* ------------------------------------------------------------------------------------------------- */

void
proxy_talk_begin(struct proxy_talk *t, const struct proxy *proxy, const struct address *target, uint16_t port,
    struct buf *out)
{
	*t = (struct proxy_talk){ .proxy = proxy, .target = *target, .port = port,
		.state = proxy->kind == PROXY_SOCKS5 ? TALK_METHOD : TALK_STATUS };
	if (proxy->kind == PROXY_SOCKS5)
		put_methods(proxy, out);
	else
		put_connect(t, out);
}

struct talk_result
proxy_talk_hear(struct proxy_talk *t, struct slice data, struct buf *out)
{
	if (data.len == 0)
		return on();
	buf_put(&t->heard, data.data, data.len);
	if (t->heard.failed)
		return useless("could not be heard: the CA is out of memory");
	return t->state == TALK_STATUS ? hear_http(t) : hear_socks(t, out);
}

bool
proxy_talk_asked(const struct proxy_talk *t)
{
	return t->state == TALK_REQUEST || t->state == TALK_STATUS;
}

void
proxy_talk_end(struct proxy_talk *t)
{
	buf_free(&t->heard);
}
