/* yaml_put.h: values as the files that signet writes have them (sample.c). */
#ifndef SIGNET_CONFIG_YAML_PUT_H
#define SIGNET_CONFIG_YAML_PUT_H

#include "config/config.h"

void	yaml_put_text(struct buf *, const char *);		/* in double quotes */
void	yaml_put_list(struct buf *, const struct strings *);	/* of such, in brackets */

#endif
