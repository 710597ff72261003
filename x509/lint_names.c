#include <idn2.h>
#include <string.h>
#include <strings.h>

#include "acme/identifier.h"
#include "lib/address.h"
#include "x509/lint_view.h"

static bool
no(struct reason *reason, const char *text)
{
	reason_set(reason, "%s", text);
	return false;
}

struct slice
lint_san_name(const struct lint_view *view, int i, int type)
{
	const GENERAL_NAME *name = sk_GENERAL_NAME_value(view->san, i);
	const ASN1_STRING *text;

	if (name->type != type)
		return slice_of(NULL, 0);
	text = type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
	return slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
}

static struct slice
dns_name(const struct lint_view *view, int i)
{
	return lint_san_name(view, i, GEN_DNS);
}

/* Runs check over every dNSName; complains with text and the name. */
static bool
each_name(const struct lint_view *view, bool (*check)(struct slice), const char *text, struct reason *reason)
{
	int i;

	for (i = 0; view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++) {
		struct slice name = dns_name(view, i);

		if (sk_GENERAL_NAME_value(view->san, i)->type != GEN_DNS || check(name))
			continue;
		reason_set(reason, "\"%.*s\" %s", (int)(name.len > 100 ? 100 : name.len),
		    name.data != NULL ? (const char *)name.data : "", text);
		return false;
	}
	return true;
}

bool
lint_san_present(const struct lint_view *view, struct reason *reason)
{
	return (view->san != NULL && sk_GENERAL_NAME_num(view->san) > 0) ||
	       no(reason, "subjectAltName is absent or empty");
}

bool
lint_san_critical(const struct lint_view *view, struct reason *reason)
{
	bool empty = X509_NAME_entry_count(X509_get_subject_name(view->cert)) == 0;

	return view->san_critical == EXTENSION_ABSENT || (view->san_critical == 1) == empty ||
	       no(reason, "subjectAltName is to be critical exactly when the subject is empty");
}

bool
lint_san_types(const struct lint_view *view, struct reason *reason)
{
	int i;

	for (i = 0; view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++) {
		int type = sk_GENERAL_NAME_value(view->san, i)->type;

		if (type != GEN_DNS && type != GEN_IPADD)
			return no(reason, "subjectAltName holds other names than DNS names and addresses");
	}
	return true;
}

bool
lint_san_twice(const struct lint_view *view, struct reason *reason)
{
	int i, j;

	for (i = 0; view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++)
		for (j = 0; j < i; j++)
			if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(view->san, i),
				sk_GENERAL_NAME_value(view->san, j)) == 0)
				return no(reason, "subjectAltName holds a name twice");
	return true;
}

/* A leading "*." is another lint's business. */
static struct slice
without_wildcard(struct slice name)
{
	return name.len > 2 && memcmp(name.data, "*.", 2) == 0 ? slice_of(name.data + 2, name.len - 2) : name;
}

static bool
characters_fine(struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++) {
		uint8_t c = name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '*' &&
		    c != '_')
			return false;
	}
	return true;
}

bool
lint_dns_characters(const struct lint_view *view, struct reason *reason)
{
	return each_name(
	    view, characters_fine, "holds other characters than a-z, 0-9, hyphen and dot", reason);
}

static bool
underscore_absent(struct slice name)
{
	return name.len == 0 || memchr(name.data, '_', name.len) == NULL;
}

/* No profile allows one. */
bool
lint_dns_underscore(const struct lint_view *view, struct reason *reason)
{
	return each_name(view, underscore_absent, "has an underscore", reason);
}

/* Cuts the first label off name. */
static struct slice
label_next(struct slice *name)
{
	const uint8_t *dot = memchr(name->data, '.', name->len);
	struct slice label = *name;

	if (dot == NULL) {
		*name = slice_of(NULL, 0);
		return label;
	}
	label.len = (size_t)(dot - name->data);
	*name = slice_of(dot + 1, name->len - label.len - 1);
	return label;
}

static bool
labels_fine(struct slice name)
{
	if (name.len == 0 || name.data[name.len - 1] == '.')
		return false;
	while (name.len > 0) {
		struct slice label = label_next(&name);

		if (label.len == 0 || label.len > 63 || label.data[0] == '-' ||
		    label.data[label.len - 1] == '-')
			return false;
	}
	return true;
}

bool
lint_dns_labels(const struct lint_view *view, struct reason *reason)
{
	return each_name(view, labels_fine,
	    "has a label that is empty, over 63 bytes or begins or ends with a hyphen", reason);
}

static bool
length_fine(struct slice name)
{
	return name.len <= IDENTIFIER_VALUE_MAX;
}

bool
lint_dns_length(const struct lint_view *view, struct reason *reason)
{
	return each_name(view, length_fine, "is longer than 253 bytes", reason);
}

static bool
wildcard_fine(struct slice name)
{
	struct slice rest = without_wildcard(name);

	return rest.len == 0 || memchr(rest.data, '*', rest.len) == NULL;
}

bool
lint_dns_wildcard(const struct lint_view *view, struct reason *reason)
{
	return each_name(view, wildcard_fine, "has a wildcard that is not its whole leftmost label", reason);
}

static bool
is_a_label(struct slice label)
{
	return label.len >= 4 && strncasecmp((const char *)label.data, "xn--", 4) == 0;
}

/* RFC 5890, 2.3.2.1: an A-label is what its U-label converts back to. */
static bool
a_label_fine(struct slice label)
{
	char text[64], *unicode = NULL, *back = NULL;
	bool ok;

	if (label.len >= sizeof(text))
		return false;
	memcpy(text, label.data, label.len);
	text[label.len] = '\0';
	ok = idn2_to_unicode_8z8z(text, &unicode, 0) == IDN2_OK &&
	     idn2_lookup_u8((const uint8_t *)unicode, (uint8_t **)&back, IDN2_NONTRANSITIONAL) == IDN2_OK &&
	     strcasecmp(text, back) == 0;
	idn2_free(unicode);
	idn2_free(back);
	return ok;
}

static bool
idn_fine(struct slice name)
{
	while (name.len > 0) {
		struct slice label = label_next(&name);

		if (is_a_label(label) && !a_label_fine(label))
			return false;
	}
	return true;
}

bool
lint_dns_idn(const struct lint_view *view, struct reason *reason)
{
	return each_name(view, idn_fine, "has an xn-- label that is no internationalised name", reason);
}

static bool
hyphens_fine(struct slice name)
{
	while (name.len > 0) {
		struct slice label = label_next(&name);

		if (label.len >= 4 && label.data[2] == '-' && label.data[3] == '-' && !is_a_label(label))
			return false;
	}
	return true;
}

bool
lint_dns_hyphens(const struct lint_view *view, struct reason *reason)
{
	return each_name(view, hyphens_fine, "has a label with \"--\" at 3 and 4 that is not xn--", reason);
}

bool
lint_ip_length(const struct lint_view *view, struct reason *reason)
{
	int i;

	for (i = 0; view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(view->san, i);
		int len;

		if (name->type != GEN_IPADD)
			continue;
		len = ASN1_STRING_length(name->d.iPAddress);
		if (len != 4 && len != 16)
			return no(reason, "an iPAddress has neither 4 nor 16 bytes");
	}
	return true;
}

/* The subject's i-th common name from at on, or NULL; at moves. */
static const ASN1_STRING *
common_name(const struct lint_view *view, int *at)
{
	X509_NAME *subject = X509_get_subject_name(view->cert);

	*at = X509_NAME_get_index_by_NID(subject, NID_commonName, *at);
	return *at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, *at));
}

bool
lint_common_name_one(const struct lint_view *view, struct reason *reason)
{
	int at = -1;

	return common_name(view, &at) == NULL || common_name(view, &at) == NULL ||
	       no(reason, "the subject has more than one common name");
}

bool
lint_common_name_san(const struct lint_view *view, struct reason *reason)
{
	int i, at = -1;
	const ASN1_STRING *text = common_name(view, &at);
	struct slice name;

	if (text == NULL)
		return true;
	name = slice_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
	for (i = 0; view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++)
		if (slice_eq(name, dns_name(view, i)))
			return true;
	return no(reason, "the common name is not one of the subjectAltNames");
}

bool
lint_common_name_length(const struct lint_view *view, struct reason *reason)
{
	int at = -1;
	const ASN1_STRING *text = common_name(view, &at);
	uint8_t *utf8 = NULL;
	const uint8_t *p;
	int len, characters = 0;

	if (text == NULL)
		return true;
	if ((len = ASN1_STRING_to_UTF8(&utf8, text)) < 0)
		return no(reason, "the common name can't be read");
	for (p = utf8; p < utf8 + len; p++)
		if ((*p & 0xc0) != 0x80)
			characters++;
	OPENSSL_free(utf8);
	return characters <= 64 || no(reason, "the common name is longer than 64 characters");
}

/* OpenSSL's reading, which knows directory names too. */
static bool
within_constraints(X509 *cert, X509 *issuer, struct reason *reason)
{
	int critical, result;
	NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(issuer, NID_name_constraints, &critical, NULL);

	if (constraints == NULL)
		return critical == EXTENSION_ABSENT || no(reason, "the name constraints of a CA can't be read");
	X509_check_purpose(cert, -1, 0); /* fills the certificate's cache of names, which the check reads */
	result = NAME_CONSTRAINTS_check(cert, constraints);
	NAME_CONSTRAINTS_free(constraints);
	if (result == X509_V_OK)
		return true;
	reason_set(reason, "a name is outside the name constraints of a CA (%s)", X509_verify_cert_error_string(result));
	return false;
}

/* Ours, which minds what a wildcard stands for. */
static bool
names_allowed(const struct lint_view *view, struct reason *reason)
{
	for (int i = 0; view->san != NULL && i < sk_GENERAL_NAME_num(view->san); i++) {
		struct slice dns = lint_san_name(view, i, GEN_DNS), bytes = lint_san_name(view, i, GEN_IPADD);
		struct identifier name = { .type = IDENTIFIER_DNS };
		struct address address;

		if (bytes.len == 4 || bytes.len == 16) {
			name.type = IDENTIFIER_IP;
			address = address_of(bytes.len == 4 ? AF_INET : AF_INET6, bytes.data);
			address_text(&address, name.value);
		} else if (dns.len > 0 && dns.len < sizeof(name.value))
			memcpy(name.value, dns.data, dns.len);
		else
			continue; /* other lints' business */
		if (!constraints_allow(view->context->constraints, &name, reason))
			return false;
	}
	return true;
}

bool
lint_name_constraints(const struct lint_view *view, struct reason *reason)
{
	STACK_OF(X509) *chain = view->context->chain;

	if (!within_constraints(view->cert, view->context->issuer, reason))
		return false;
	for (int i = 1; chain != NULL && i < sk_X509_num(chain); i++)
		if (!within_constraints(view->cert, sk_X509_value(chain, i), reason))
			return false;
	return view->context->constraints == NULL || names_allowed(view, reason);
}
