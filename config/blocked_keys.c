#include "config/blocked_keys.h"

#include <stdlib.h>

#include "lib/file.h"

enum err
config_blocked_keys(const struct config *config, struct blocklist **out, struct reason *reason)
{
	struct reason	 cause = { "" };
	struct buf	 text = { 0 };
	char		*path;
	enum err	 err;

	*out = NULL;
	if (config->ca.blocked_keys == NULL || config->ca.blocked_keys[0] == '\0')
		return ERR_OK;
	if ((path = file_join(config->dir, config->ca.blocked_keys)) == NULL)
		return ERR_MEMORY;
	if ((err = file_read(path, BLOCKLIST_TEXT_MAX, &text)) != ERR_OK)
		reason_set(&cause, "%s", err_text(err));
	else
		err = blocklist_parse(buf_slice(&text), out, &cause);
	if (err != ERR_OK && err != ERR_MEMORY) {
		reason_set(reason, "ca.blocked_keys: %s: %s", path, cause.text);
		err = ERR_CONFIG;
	}
	buf_free(&text);
	free(path);
	return err;
}
