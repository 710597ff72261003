#include "wfe/management.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/log.h"
#include "wfe/reply.h"

#define PAGE_MAX 262144
#define LINK_MAX 600	/* a base and a path */

struct management {
	const struct config	*config;
	struct buf		*bodies;	/* as config->wfe.pages */
};

enum err
management_open(const struct config *config, struct management **out)
{
	struct management	*m = calloc(1, sizeof(*m));
	enum err		 err = ERR_OK;

	*out = m;
	if (m == NULL || (m->bodies = calloc(config->wfe.page_count + 1, sizeof(*m->bodies))) == NULL)
		return ERR_MEMORY;
	m->config = config;
	for (size_t i = 0; i < config->wfe.page_count && err == ERR_OK; i++) {
		char *path = file_join(config->dir, config->wfe.pages[i].file);

		err = path == NULL ? ERR_MEMORY : file_read(path, PAGE_MAX, &m->bodies[i]);
		if (err != ERR_OK && path != NULL)
			log_event(LOG_ERROR, "page not readable", F_STR("file", path), F_STR("cause", err_text(err)));
		free(path);
	}
	return err;
}

void
management_free(struct management *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; m->bodies != NULL && i < m->config->wfe.page_count; i++)
		buf_free(&m->bodies[i]);
	free(m->bodies);
	free(m);
}

static struct MHD_Response *
page_response(const struct page_config *page, const struct buf *body, const char *base)
{
	struct MHD_Response	*response = reply_borrow(buf_slice(body), page->media_type);
	char			 link[LINK_MAX];

	for (size_t i = 0; response != NULL && i < page->alternates.count; i++) {
		snprintf(link, sizeof(link), "<%s%s>;rel=\"alternate\"", base, page->alternates.items[i]);
		if (!reply_header(response, "Link", link)) {
			MHD_destroy_response(response);
			response = NULL;
		}
	}
	return response;
}

bool
management_page(const struct management *m, const char *path, const char *base, struct MHD_Response **out)
{
	for (size_t i = 0; i < m->config->wfe.page_count; i++)
		if (strcmp(m->config->wfe.pages[i].path, path) == 0) {
			*out = page_response(&m->config->wfe.pages[i], &m->bodies[i], base);
			return true;
		}
	return false;
}
