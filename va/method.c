#include "va/method.h"

static const struct method *const methods[] = {
	&http_01_method,
	&tls_alpn_01_method,
	&dns_01_method,
	&dns_account_01_method,
	&dns_persist_01_method,
};

const struct method *
method_of(enum challenge_type type)
{
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (methods[i]->type == type)
			return methods[i];
	return NULL;
}
