#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "va/body.h"

/* RFC 8555, 8.3: "the server SHOULD ignore whitespace characters at the end of the body". */
static struct slice
trimmed(struct slice s)
{
	while (s.len > 0 && isspace(s.data[s.len - 1]))
		s.len--;
	return s;
}

static bool
starts(struct slice s, const char *prefix)
{
	size_t len = strlen(prefix);

	return s.len >= len && strncasecmp((const char *)s.data, prefix, len) == 0;
}

static bool
is_base64url(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!isalnum(s.data[i]) && s.data[i] != '-' && s.data[i] != '_')
			return false;
	return s.len > 0;
}

/* Something, a dot, and 43 characters of base64url: a SHA-256 thumbprint. */
static bool
is_key_authorization(struct slice s, struct slice *token)
{
	const uint8_t *dot = s.len > 0 ? memchr(s.data, '.', s.len) : NULL;

	if (dot == NULL)
		return false;
	*token = slice_of(s.data, (size_t)(dot - s.data));
	return is_base64url(*token) && s.len - token->len - 1 == 43 &&
	       is_base64url(slice_of(dot + 1, s.len - token->len - 1));
}

bool
body_check(struct slice body, bool cut, const char *token, const char *thumbprint, struct reason *reason)
{
	struct slice text = trimmed(body), first;
	size_t token_len = strlen(token);

	if (!cut && text.len == token_len + 1 + strlen(thumbprint) &&
	    memcmp(text.data, token, token_len) == 0 && text.data[token_len] == '.' &&
	    memcmp(text.data + token_len + 1, thumbprint, strlen(thumbprint)) == 0)
		return true;
	if (cut)
		reason_set(reason,
		    "longer than %d bytes; a key authorization has 87: some other page is served there",
		    BODY_MAX);
	else if (text.len == 0)
		reason_set(reason, "empty");
	else if (is_key_authorization(text, &first) && slice_eq_str(first, token))
		reason_set(reason,
		    "the right token with another account's thumbprint: the responder answers for a "
		    "different account key than the one that ordered");
	else if (is_key_authorization(text, &first))
		reason_set(reason,
		    "a key authorization for another token: perhaps an older one, or a second client "
		    "or host answers for this name");
	else if (slice_eq_str(text, token))
		reason_set(reason, "the token alone: the dot and the account key's thumbprint are missing");
	else if (starts(text, "<!doctype") || starts(text, "<html"))
		reason_set(reason,
		    "an HTML page of %zu bytes: a web server answers there and not the client's responder",
		    body.len);
	else
		reason_set(reason, "%zu bytes of something else: is it the client's responder that answers there?", body.len);
	return false;
}
