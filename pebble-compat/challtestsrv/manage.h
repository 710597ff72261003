/* manage.h: the management interface of pebble-challtestsrv: JSON in, by any method, at the paths of one table. */
#ifndef SIGNET_CHALLTESTSRV_MANAGE_H
#define SIGNET_CHALLTESTSRV_MANAGE_H

#include "pebble-compat/challtestsrv/http.h"

/* A group's paths exist when its listeners were asked for. */
#define MANAGE_HTTP 1u
#define MANAGE_DNS 2u
#define MANAGE_TLSALPN 4u

/* Which groups there are; before the first request. */
void		manage_open(unsigned groups);
http_serve	manage_serve;

#endif
