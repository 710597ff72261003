/* An Accept field: any bytes give a form, and the same one again when more space stands around. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/accept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 3);
	enum certificate_form form;

	if (text == NULL)
		abort();
	text[0] = ' ';
	memcpy(text + 1, data, size);
	text[size + 1] = ' ';
	text[size + 2] = '\0';
	if (strlen(text) == size + 2) {
		form = accept_form(text);
		text[size + 1] = '\0';
		if (form >= FORM_COUNT || accept_form(text + 1) != form)
			abort();
	}
	free(text);
	return 0;
}
