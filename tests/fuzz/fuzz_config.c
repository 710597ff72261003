/* fuzz_config.c: the first byte chooses. Even: the rest is YAML; what is accepted has all that the roles
 * need, encodes and decodes for each of them; what is not has a complaint on lines of its own, printable.
 * Odd: the rest is an encoded part; what decodes encodes to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static void
decode(struct slice bytes)
{
	struct config	*part;
	struct buf	 again = { 0 };
	enum err	 err = config_decode(bytes, &part);

	if (err != ERR_OK) {
		expect(err == ERR_MALFORMED && part == NULL);
		return;
	}
	config_encode(part, (enum role)bytes.data[0], &again);
	expect(!again.failed && slice_eq(buf_slice(&again), bytes));
	buf_free(&again);
	config_free(part);
}

static void
encode(const struct config *config)
{
	struct buf	bytes = { 0 };

	for (int role = 0; role < ROLE_COUNT; role++) {
		struct config	*part = NULL;

		buf_clear(&bytes);
		config_encode(config, (enum role)role, &bytes);
		expect(!bytes.failed && config_decode(buf_slice(&bytes), &part) == ERR_OK);
		config_free(part);
	}
	buf_free(&bytes);
}

static void
parse(struct slice yaml)
{
	struct config	*config;
	char		*text = NULL;
	size_t		 size = 0;
	FILE		*complaints = open_memstream(&text, &size);
	enum err	 err;

	expect(complaints != NULL);
	err = config_parse(yaml, "f", "/", &config, complaints);
	fclose(complaints);
	if (err == ERR_OK) {
		expect(size == 0 && config->wfe.url != NULL && config->wfe.plain_url != NULL &&
		       config->wfe.names.count > 0 && config->wfe.listen.count > 0 &&
		       config->ca.issuer_count > 0 && config->ca.profile_count > 0 &&
		       config->va.resolvers.count > 0);
		encode(config);
	} else {
		expect(err == ERR_CONFIG && config == NULL && size > 0 && strncmp(text, "f:", 2) == 0);
		for (size_t i = 0; i < size; i++)
			expect(text[i] == '\n' || ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f));
	}
	config_free(config);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] % 2 == 0)
		parse(slice_of(data + 1, len - 1));
	else
		decode(slice_of(data + 1, len - 1));
	return 0;
}
