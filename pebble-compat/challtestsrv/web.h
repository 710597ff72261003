/* web.h: what the challenge server answers by HTTP: http-01, plain and by TLS, and DNS by HTTPS (RFC 8484). */
#ifndef SIGNET_CHALLTESTSRV_WEB_H
#define SIGNET_CHALLTESTSRV_WEB_H

#include "pebble-compat/challtestsrv/http.h"

/* A redirect on the plain side; else the token's content; else 200 and nothing. */
http_serve	web_http01;
/* RFC 8484, 4.1, by POST; whatever the path. */
http_serve	web_doh;

#endif
