#include "wfe/directory.h"

#include <jansson.h>

#include "acme/route.h"
#include "lib/json.h"

static bool
set_str(json_t *object, const char *name, const char *value)
{
	return json_object_set_new(object, name, json_string(value)) == 0;
}

static bool
put_resources(json_t *directory, const struct site *site)
{
	for (int r = ROUTE_NONE + 1; r < ROUTE_COUNT; r++) {
		const char	*name = route_directory_name((enum route)r);
		struct buf	 url = { 0 };
		char		*text;
		bool		 ok;

		if (name == NULL || !route_served(site->surface, (enum route)r))
			continue;
		route_url(&url, site, (enum route)r, NULL, NULL);
		text = buf_take_str(&url);
		ok = text != NULL && set_str(directory, name, text);
		free(text);
		if (!ok)
			return false;
	}
	return true;
}

/* meta.profiles maps each name to a description for people (draft-ietf-acme-profiles). */
static json_t *
profiles_json(const struct ca_config *ca, bool whole)
{
	json_t *profiles = json_object();

	for (size_t i = 0; profiles != NULL && i < ca->profile_count; i++) {
		const struct profile_config	*p = &ca->profiles[i];
		const char			*text = p->description;

		if (!set_str(profiles, p->name, text != NULL && (whole || *text != '\0') ? text : p->name)) {
			json_decref(profiles);
			profiles = NULL;
		}
	}
	return profiles;
}

static json_t *
strings_json(const struct strings *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < s->count; i++) {
		if (json_array_append_new(list, json_string(s->items[i])) != 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static bool
given(const char *text)
{
	return text != NULL && *text != '\0';
}

/* draft-ietf-acme-dns-persist-02; the earlier form knows no such members. */
static bool
put_persist(json_t *meta, const struct ra_config *ra)
{
	if (ra->issuer_domain_names.count == 0 || ra->persist_form != PERSIST_HASH)
		return true;
	return set_str(meta, "accountHashPrefix", ra->account_hash_prefix) &&
	    json_object_set_new(meta, "issuerDomainNames", strings_json(&ra->issuer_domain_names)) == 0;
}

/* RFC 8739, 3.2 */
static bool
put_auto_renewal(json_t *meta, const struct ca_config *ca)
{
	const struct auto_renewal_limits *limits = &ca->auto_renewal;
	json_t				 *object;

	if (limits->max_duration == 0 || !ca->auto_renewal_told)
		return true;
	object = json_pack("{s:I, s:I}", "min-lifetime", (json_int_t)limits->min_lifetime, "max-duration",
	    (json_int_t)limits->max_duration);
	if (limits->get && json_object_set_new(object, "allow-certificate-get", json_true()) != 0) {
		json_decref(object);
		return false;
	}
	return json_object_set_new(meta, "auto-renewal", object) == 0;
}

static bool
put_meta(json_t *meta, const struct config *c, const struct surface *surface)
{
	if (given(c->ra.terms_of_service) && !set_str(meta, "termsOfService", c->ra.terms_of_service))
		return false;
	if (given(c->wfe.website) && !set_str(meta, "website", c->wfe.website))
		return false;
	if (c->ra.caa_identities.count > 0 &&
	    json_object_set_new(meta, "caaIdentities", strings_json(&c->ra.caa_identities)) != 0)
		return false;
	if ((c->ra.external_account_required || surface->meta_whole) &&
	    json_object_set_new(meta, "externalAccountRequired", json_boolean(c->ra.external_account_required)) != 0)
		return false;
	if (!put_persist(meta, &c->ra) || !put_auto_renewal(meta, &c->ca))
		return false;
	return c->ca.profile_count == 0 ||
	    json_object_set_new(meta, "profiles", profiles_json(&c->ca, surface->meta_whole)) == 0;
}

enum err
directory_put(struct buf *out, const struct config *c, const struct site *site)
{
	json_t		*directory = json_object();
	json_t		*meta = json_object();
	enum err	 err = ERR_MEMORY;

	if (directory == NULL || meta == NULL || !put_resources(directory, site) ||
	    !put_meta(meta, c, site->surface))
		goto out;
	if (json_object_set(directory, "meta", meta) != 0)
		goto out;
	if (site->surface->sorted_directory)
		json_put_sorted(out, directory, site->surface->json_indent);
	else
		json_put_indented(out, directory, site->surface->json_indent);
	err = out->failed ? ERR_MEMORY : ERR_OK;
 out:
	json_decref(meta);
	json_decref(directory);
	return err;
}
