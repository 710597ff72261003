#include <string.h>

#include "acme/identifier.h"
#include "acme/public_name.h"
#include "x509/lint_view.h"

static bool
no(struct reason *reason, const char *text)
{
	reason_set(reason, "%s", text);
	return false;
}

static bool
is_oid(const ASN1_OBJECT *object, const char *dotted)
{
	char text[128];
	int len = OBJ_obj2txt(text, sizeof(text), object, 1);

	return len > 0 && (size_t)len < sizeof(text) && strcmp(text, dotted) == 0;
}

/* Whether the form asks for this one. */
static bool
is_asked(const struct leaf_form *form, const ASN1_OBJECT *usage)
{
	int nid = OBJ_obj2nid(usage);

	if (nid == NID_server_auth)
		return !form->no_server_auth;
	if (nid == NID_client_auth)
		return form->client_auth;
	for (size_t i = 0; i < form->extended_usage_count; i++)
		if (is_oid(usage, form->extended_usages[i]))
			return true;
	return false;
}

bool
lint_extended_profile(const struct lint_view *view, struct reason *reason)
{
	const struct leaf_form *form = view->form;
	size_t want = !form->no_server_auth + (size_t)form->client_auth + form->extended_usage_count;
	int count = view->extended != NULL ? sk_ASN1_OBJECT_num(view->extended) : 0;

	if (count == 0)
		return true; /* another lint's business */
	for (int i = 0; i < count; i++) {
		const ASN1_OBJECT *usage = sk_ASN1_OBJECT_value(view->extended, i);

		if (!is_asked(form, usage) && OBJ_obj2nid(usage) != NID_anyExtendedKeyUsage)
			return no(reason, "it has an extended key usage that the profile doesn't give");
		for (int j = 0; j < i; j++)
			if (OBJ_cmp(usage, sk_ASN1_OBJECT_value(view->extended, j)) == 0)
				return no(reason, "it has an extended key usage twice");
	}
	return (size_t)count >= want || no(reason, "it lacks an extended key usage of the profile");
}

bool
lint_policy_profile(const struct lint_view *view, struct reason *reason)
{
	const char *policy = view->form->policy;

	if (policy == NULL)
		return view->policies == NULL || no(reason, "it has a policy, and the profile names none");
	return (sk_POLICYINFO_num(view->policies) == 1 &&
		   is_oid(sk_POLICYINFO_value(view->policies, 0)->policyid, policy)) ||
	       no(reason, "its one policy is not the profile's");
}

static bool
is_field(const X509_NAME_ENTRY *entry, const struct subject_field *field)
{
	uint8_t *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry));
	bool same = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == field->nid && len >= 0 &&
		    slice_eq(slice_of(text, (size_t)len), slice_str(field->value));

	OPENSSL_free(text);
	return same;
}

/* The common name has lints of its own. */
bool
lint_subject_profile(const struct lint_view *view, struct reason *reason)
{
	const struct leaf_form *form = view->form;
	X509_NAME *subject = X509_get_subject_name(view->cert);
	size_t seen = 0;

	for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);

		if (OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) == NID_commonName)
			continue;
		if (seen == form->subject_count || !is_field(entry, &form->subject[seen]))
			return no(reason, "its subject has a field that the profile doesn't give");
		seen++;
	}
	return seen == form->subject_count || no(reason, "its subject lacks a field of the profile");
}

bool
lint_dns_public_suffix(const struct lint_view *view, struct reason *reason)
{
	char text[IDENTIFIER_VALUE_SIZE];

	for (int i = 0; view->form->public_names && view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++) {
		struct slice name = lint_san_name(view, i, GEN_DNS);

		if (name.len == 0 || name.len >= sizeof(text))
			continue;
		memcpy(text, name.data, name.len);
		text[name.len] = '\0';
		if (name_is_public_suffix(text)) {
			reason_set(reason, "\"%s\" is a public suffix, or all names right below one", text);
			return false;
		}
	}
	return true;
}

bool
lint_ip_reserved(const struct lint_view *view, struct reason *reason)
{
	for (int i = 0; view->form->public_names && view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++) {
		struct slice bytes = lint_san_name(view, i, GEN_IPADD);
		struct address address;

		if (bytes.len != 4 && bytes.len != 16)
			continue;
		address = address_of(bytes.len == 4 ? AF_INET : AF_INET6, bytes.data);
		if (address_is_reserved(&address))
			return no(reason, "an iPAddress is for special use");
	}
	return true;
}
