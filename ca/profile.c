#include "ca/profile.h"

#include <string.h>

void
profile_form(const struct profile_config *profile, struct leaf_form *out)
{
	memset(out, 0, sizeof(*out));
	out->client_auth = profile->client_auth;
	out->no_server_auth = !profile->server_auth;
	out->no_encipherment = !profile->key_encipherment;
	out->public_names = profile->public_names;
	out->extended_usages = (const char *const *)profile->extended_key_usages.items;
	out->extended_usage_count = profile->extended_key_usages.count;
	for (size_t i = 0; i < profile->subject.count && out->subject_count < SUBJECT_FIELDS_MAX; i++) {
		struct subject_field *field = &out->subject[out->subject_count];

		if (config_subject_field(profile->subject.items[i], &field->nid, &field->value))
			out->subject_count++;
	}
	if (profile->policy != NULL && profile->policy[0] != '\0')
		out->policy = profile->policy;
	out->no_issuer_pointer = !profile->issuer_pointer;
	out->no_crl_pointer = !profile->crl_pointer;
	out->ocsp_pointer = profile->ocsp_pointer;
}
