/* manual.h: the option table for people. */
#ifndef SIGNET_CONFIG_MANUAL_H
#define SIGNET_CONFIG_MANUAL_H

#include <stdio.h>

/* The man page signet.yaml(5). */
void	options_print(FILE *);

#endif
