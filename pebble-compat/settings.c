#include "pebble-compat/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "acme/challenge.h"
#include "lib/base64url.h"
#include "lib/buf.h"
#include "lib/file.h"
#include "pebble-compat/hierarchy.h"

#define FILE_MAX 262144
#define ORDERS_PER_PAGE_MAX 100	/* ra.orders_per_page and va.sleep take no more */
#define SLEEP_MAX 60

const json_t *
settings_member(const json_t *object, const char *name)
{
	const json_t *found = NULL, *value;
	const char   *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (strcasecmp(key, name) == 0 && !json_is_null(value))
			found = value;
	return found;
}

/* --- the file --------------------------------------------------------------------------------------- */

/* A reader that has failed stays so, and reason says why. */
struct reader {
	const json_t	*object;
	struct reason	*reason;
	bool		 failed;
};

static const json_t *
member(struct reader *r, const char *name, bool (*is)(const json_t *), const char *what)
{
	const json_t *value = settings_member(r->object, name);

	if (value == NULL || is(value))
		return value;
	if (!r->failed)
		reason_set(r->reason, "pebble.%s is not %s", name, what);
	r->failed = true;
	return NULL;
}

static bool
is_string(const json_t *value)
{
	return json_is_string(value);
}

static bool
is_integer(const json_t *value)
{
	return json_is_integer(value);
}

static bool
is_bool(const json_t *value)
{
	return json_is_boolean(value);
}

static bool
is_object(const json_t *value)
{
	return json_is_object(value);
}

static bool
is_strings(const json_t *value)
{
	const json_t *item;
	size_t	      i;

	json_array_foreach((json_t *)(uintptr_t)value, i, item)
		if (!json_is_string(item))
			return false;
	return json_is_array(value);
}

static bool
is_string_map(const json_t *value)
{
	const json_t *item;
	const char   *key;

	json_object_foreach((json_t *)(uintptr_t)value, key, item)
		if (!json_is_string(item))
			return false;
	return json_is_object(value);
}

static const char *
text(struct reader *r, const char *name)
{
	const json_t *value = member(r, name, is_string, "a string");

	return value != NULL ? json_string_value(value) : "";
}

static int64_t
number(struct reader *r, const char *name)
{
	return json_integer_value(member(r, name, is_integer, "a whole number"));
}

static void
read_key_algorithm(struct reader *r, struct settings *s)
{
	const char *name = text(r, "keyAlgorithm");

	s->ecdsa = strcmp(name, "ecdsa") == 0;
	if (s->ecdsa || name[0] == '\0' || strcmp(name, "rsa") == 0 || r->failed)
		return;
	reason_set(r->reason, "pebble.keyAlgorithm is \"%.40s\"; write \"rsa\" or \"ecdsa\"", name);
	r->failed = true;
}

/* Pebble takes no padding either. */
static const json_t *
read_mac_keys(struct reader *r)
{
	const json_t *keys = member(r, "externalAccountMACKeys", is_string_map, "a map of strings"), *value;
	struct buf    key = { 0 };
	const char   *id;

	json_object_foreach((json_t *)(uintptr_t)keys, id, value) {
		if (!r->failed && base64url_get(slice_str(json_string_value(value)), &key) != ERR_OK) {
			reason_set(r->reason, "pebble.externalAccountMACKeys: the key of \"%.60s\" is not base64url without padding", id);
			r->failed = true;
		}
		buf_free(&key);
	}
	return keys;
}

/* A file that is named and isn't there. */
static const char *
file_text(struct reader *r, const char *name)
{
	const char *file = text(r, name);

	if (file[0] != '\0' && !r->failed && access(file, R_OK) != 0) {
		reason_set(r->reason, "pebble.%s: open %.160s: %s", name, file, strerror(errno));
		r->failed = true;
	}
	return file;
}

static void
read_file(struct reader *r, struct settings *s)
{
	struct reader after = { NULL, r->reason, false };

	s->listen = text(r, "listenAddress");
	s->management = text(r, "managementListenAddress");
	s->certificate = file_text(r, "certificate");
	s->private_key = file_text(r, "privateKey");
	s->ocsp_url = text(r, "ocspResponderURL");
	s->http_port = number(r, "httpPort");
	s->tls_port = number(r, "tlsPort");
	s->external_account_required =
	    json_is_true(member(r, "externalAccountBindingRequired", is_bool, "true or false"));
	s->mac_keys = read_mac_keys(r);
	s->caa_identities = member(r, "caaIdentities", is_strings, "a list of strings");
	if (json_array_size(s->caa_identities) == 0)
		s->caa_identities = NULL;
	s->blocked = member(r, "domainBlocklist", is_strings, "a list of strings");
	s->profiles = member(r, "profiles", is_object, "a map of profiles");
	(void)number(r, "certificateValidityPeriod");
	read_key_algorithm(r, s);
	after.object = member(r, "retryAfter", is_object, "a map");
	s->retry_authorization = number(&after, "authz");
	s->retry_order = number(&after, "order");
	r->failed |= after.failed;
}

/* --- the environment --------------------------------------------------------------------------------- */

/* As strconv.ParseInt takes it; what isn't a number, or is less than min, is as if it wasn't there. */
static int64_t
env_number(const char *name, int64_t normal, int64_t min)
{
	const char *value = getenv(name);
	char	   *end;
	long long   n;

	if (value == NULL || *value == '\0' || *value == ' ')
		return normal;
	errno = 0;
	n = strtoll(value, &end, 10);
	return errno != 0 || *end != '\0' || n < min ? normal : n;
}

/* Pebble has no most: who asks for more than ours gets as much as there is. */
static int64_t
env_number_to(const char *name, int64_t normal, int64_t min, int64_t max)
{
	int64_t n = env_number(name, normal, min);

	return n < max ? n : max;
}

static bool
env_truth(const char *name)
{
	static const char *const yes[] = { "1", "true", "True", "TRUE" };
	const char *value = getenv(name);

	for (size_t i = 0; value != NULL && i < sizeof(yes) / sizeof(yes[0]); i++)
		if (strcmp(value, yes[i]) == 0)
			return true;
	return false;
}

/* Clients older than dns-persist-01 want a token in each challenge, and Pebble gives them no way out. */
static void
read_challenges(struct reader *r, struct settings *s)
{
	char name[32];

	s->challenges = getenv("PEBBLE_CHALLENGES");
	if (s->challenges == NULL)
		s->challenges = "";
	for (const char *at = s->challenges; *at != '\0'; at += strspn(at, ",")) {
		size_t len = strcspn(at, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		if (challenge_by_name(name) == CHALLENGE_NONE && !r->failed) {
			reason_set(r->reason, "PEBBLE_CHALLENGES has \"%s\", which is no challenge; write them as "
			    "http-01,dns-01", name);
			r->failed = true;
		}
		at += len;
	}
}

static void
read_environment(struct settings *s)
{
	s->nonce_reject = env_number_to("PEBBLE_WFE_NONCEREJECT", 5, INT64_MIN, 99);
	s->nonce_reject = s->nonce_reject < 0 ? 0 : s->nonce_reject;
	s->authz_reuse = env_number("PEBBLE_AUTHZREUSE", 50, 0);
	s->authz_reuse = s->authz_reuse > 100 ? 50 : s->authz_reuse;
	s->orders_per_page = env_number_to("PEBBLE_WFE_ORDERS_PER_PAGE", 3, 1, ORDERS_PER_PAGE_MAX);
	s->no_sleep = env_truth("PEBBLE_VA_NOSLEEP");
	s->sleep = s->no_sleep ? 0 : env_number_to("PEBBLE_VA_SLEEPTIME", 5, 0, SLEEP_MAX);
	s->always_valid = env_truth("PEBBLE_VA_ALWAYS_VALID");
	s->alternate_roots = env_number_to("PEBBLE_ALTERNATE_ROOTS", 0, 0, CHAINS_MAX - 1);
	s->moved_paths = env_truth("PEBBLE_MOVED_PATHS");
	s->show_revoked = env_truth("PEBBLE_SHOW_REVOKED");
	s->chain_length = env_number_to("PEBBLE_CHAIN_LENGTH", 1, 1, CHAIN_LENGTH_MAX);
}

enum err
settings_read(const char *file, struct settings *out, struct reason *reason)
{
	struct reader reader = { NULL, reason, false };
	struct buf    bytes = { 0 };
	json_error_t  error;
	enum err      err = file_read(file, FILE_MAX, &bytes);

	memset(out, 0, sizeof(*out));
	if (err != ERR_OK) {
		reason_set(reason, "open %.180s: %s", file, err == ERR_NOT_FOUND ? "no such file or directory" : err_text(err));
		return err;
	}
	out->root = json_loadb((const char *)bytes.data, bytes.len, 0, &error);
	buf_free(&bytes);
	if (out->root == NULL) {
		reason_set(reason, "%.120s, line %d, column %d: %.100s", file, error.line, error.column, error.text);
		return ERR_CONFIG;
	}
	reader.object = settings_member(out->root, "pebble");
	if (reader.object != NULL && !json_is_object(reader.object)) {
		reason_set(reason, "pebble is not a map");
		reader.failed = true;
	} else {
		read_file(&reader, out);
	}
	read_environment(out);
	read_challenges(&reader, out);
	if (!reader.failed)
		return ERR_OK;
	settings_free(out);
	return ERR_CONFIG;
}

void
settings_free(struct settings *s)
{
	json_decref(s->root);
	s->root = NULL;
}
