/* The file that init writes: the options that init sets or that bear OPTION_SAMPLE, with their
 * help as comments. */
#include <stdlib.h>
#include <string.h>

#include "config/options.h"
#include "config/yaml_put.h"
#include "lib/utf8.h"

static uint32_t
code_point(const unsigned char *p, size_t n)
{
	uint32_t	c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/* A double-quoted YAML scalar (YAML 1.2, 5.7, 7.3.1). What a YAML stream may not hold as it is, or what an
 * editor would not show, is escaped; a byte that is no UTF-8 is taken for Latin-1. */
void
yaml_put_text(struct buf *out, const char *text)
{
	const unsigned char	*p = (const unsigned char *)text;
	size_t			 n;
	uint32_t		 c;

	buf_put_byte(out, '"');
	for (; *p != '\0'; p += n) {
		if ((n = utf8_length(p, strlen((const char *)p))) == 0) {
			buf_printf(out, "\\x%02X", *p);
			n = 1;
			continue;
		}
		c = code_point(p, n);
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (int)c);
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || c == 0xfeff ||
		    (c >= 0xfffe && c <= 0xffff))
			buf_printf(out, "\\U%08X", (unsigned)c);
		else
			buf_put(out, p, n);
	}
	buf_put_byte(out, '"');
}

void
yaml_put_list(struct buf *out, const struct strings *list)
{
	buf_put_str(out, "[");
	for (size_t i = 0; i < list->count; i++) {
		buf_put_str(out, i == 0 ? "" : ", ");
		yaml_put_text(out, list->items[i]);
	}
	buf_put_str(out, "]");
}

/* The caller's value for an option; false: it has none, the default stands. */
static bool
value_put(struct buf *out, const char *key, const struct sample *s)
{
	struct { const char *key, *text; } texts[] = {
		{ "name", s->name }, { "wfe.url", s->url }, { "wfe.listen", s->listen },
		{ "wfe.plain_listen", s->plain_listen },
	};
	/* Anybody may listen on 5002; the demo's names are all on this machine. */
	static const struct { const char *key, *yaml; } demo[] = {
		{ "va.http_port", "5002" }, { "va.targets.allow", "[loopback]" }, { "va.timeout", "10s" },
	};
	struct { const char *key; const struct strings *list; } lists[] = {
		{ "wfe.names", &s->names }, { "ra.policy.allow", &s->allow },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(key, texts[i].key) == 0 && texts[i].text != NULL) {
			bool	list = option_find(key)->type->kind == KIND_STRINGS;

			/* An empty address stands for no listener. */
			buf_put_str(out, list ? "[" : "");
			if (!list || texts[i].text[0] != '\0')
				yaml_put_text(out, texts[i].text);
			buf_put_str(out, list ? "]" : "");
			return true;
		}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (strcmp(key, lists[i].key) == 0 && lists[i].list->count > 0) {
			yaml_put_list(out, lists[i].list);
			return true;
		}
	for (size_t i = 0; s->demo && i < sizeof(demo) / sizeof(demo[0]); i++)
		if (strcmp(key, demo[i].key) == 0) {
			buf_put_str(out, demo[i].yaml);
			return true;
		}
	if (strcmp(key, "preset") == 0) {
		buf_put_str(out, option_find(key)->names[s->preset]);
		return true;
	}
	return false;
}

/* Writes the section lines that key stands in and the one before it does not. Returns its depth. */
static int
sections_put(struct buf *out, const char *key, char *open, size_t size)
{
	const char	*dot = strchr(key, '.'), *word = key;
	int		 depth = 0;

	for (; dot != NULL; dot = strchr(dot + 1, '.'), depth++) {
		size_t	len = (size_t)(dot - key);

		if (strncmp(open, key, len) != 0 || open[len] != '.')
			buf_printf(out, "%s%*s%.*s:\n", depth == 0 ? "\n" : "", depth * 2, "",
			    (int)(dot - word), word);
		word = dot + 1;
	}
	snprintf(open, size, "%s", key);
	return depth;
}

void
config_sample(const struct sample *s, struct buf *out)
{
	char		open[128] = "";
	struct buf	value = { 0 };

	buf_put_str(out, "# signet.yaml: what is not here has its default; signet.yaml(5) lists everything.\n"
	    "# After a change: signet check\n");
	for (size_t i = 0; i < option_count; i++) {
		const struct option	*o = &options[i];
		const char		*tail = strrchr(o->key, '.');
		int			 depth;
		bool			 set;

		buf_clear(&value);
		set = value_put(&value, o->key, s);
		if (!set && (!(o->flags & OPTION_SAMPLE) || o->flags & OPTION_DERIVED))
			continue;
		if (!set)
			buf_put_str(&value, o->defaults[s->preset]);
		depth = sections_put(out, o->key, open, sizeof(open));
		buf_printf(out, "%*s# %s\n%*s%s: %.*s\n", depth * 2, "", o->help, depth * 2, "",
		    tail == NULL ? o->key : tail + 1, (int)value.len, (const char *)value.data);
		out->failed = out->failed || value.failed;
	}
	buf_free(&value);
}
