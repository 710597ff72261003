#include "lib/memory.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static bool strict;

_Noreturn void
memory_out(void)
{
	static const char text[] = "out of memory: this process ends, and is started again\n";

	/* The log would allocate. */
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

void *
memory_get(size_t size)
{
	void *data = malloc(size);

	if (data == NULL && size > 0 && strict)
		memory_out();
	return data;
}

static void *
openssl_allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size == 0 ? NULL : memory_get(size);
}

/* As CRYPTO_realloc(): nothing left to hold is freed. */
static void *
openssl_reallocate(void *data, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (size == 0) {
		free(data);
		return NULL;
	}
	if ((data = realloc(data, size)) == NULL)
		memory_out();
	return data;
}

static void
openssl_free(void *data, const char *file, int line)
{
	(void)file;
	(void)line;
	free(data);
}

void
memory_strict(void)
{
	strict = true;
	json_set_alloc_funcs(memory_get, free);
	if (CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_free) != 1)
		abort();	/* called too late */
}

enum err
memory_checked(enum err err)
{
	if (err == ERR_MEMORY)
		memory_out();
	return err;
}
