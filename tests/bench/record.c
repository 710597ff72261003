#include "tests/bench/record.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
record_open(const char *path)
{
	if (path != NULL && (file = fopen(path, "ae")) == NULL) {
		fprintf(stderr, "load: %s: %s\n", path, strerror(errno));
		exit(2);
	}
}

/* Takes object over. */
static void
put(json_t *object)
{
	struct timespec now;
	char *line;

	clock_gettime(CLOCK_REALTIME, &now);
	json_object_set_new(object, "time", json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
	line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (line == NULL)
		abort();
	pthread_mutex_lock(&lock);
	if (fprintf(file, "%s\n", line) < 0 || fflush(file) != 0) {
		perror("load: records");
		exit(2);
	}
	pthread_mutex_unlock(&lock);
	free(line);
}

void
record_account(const char *url)
{
	if (file != NULL)
		put(json_pack("{s:s, s:s}", "event", "account", "account", url));
}

void
record_order(const char *account, const char *order, const char *status)
{
	if (file != NULL)
		put(json_pack("{s:s, s:s, s:s, s:s}", "event", "order", "account", account, "order", order,
		    "status", status));
}

static void
hex(const uint8_t *bytes, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

void
record_certificate(const char *account, const char *order, X509 *leaf, struct slice pem)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
	char serial_text[2 * 64 + 1] = "", digest_text[2 * EVP_MAX_MD_SIZE + 1] = "";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (file == NULL)
		return;
	if (ASN1_STRING_length(serial) <= 64)
		hex(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), serial_text);
	if (X509_digest(leaf, EVP_sha256(), digest, &len) != 1)
		abort();
	hex(digest, len, digest_text);
	put(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s%}", "event", "certificate", "account", account, "order",
	    order, "serial", serial_text, "sha256", digest_text, "pem", (const char *)pem.data, pem.len));
}

void
record_failure(const char *order, const char *kind, const char *detail)
{
	json_t *text;

	if (file == NULL)
		return;
	text = json_string(detail);
	put(json_pack("{s:s, s:s, s:s, s:o}", "event", "failure", "order", order, "kind", kind, "detail",
	    text != NULL ? text : json_null()));
}
