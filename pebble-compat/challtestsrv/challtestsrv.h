/* challtestsrv.h: `signet challtestsrv`, which is also pebble-challtestsrv by that program name. */
#ifndef SIGNET_CHALLTESTSRV_CHALLTESTSRV_H
#define SIGNET_CHALLTESTSRV_CHALLTESTSRV_H

/* argv[0] is what it is called. The status to exit with: 0 after SIGTERM, SIGINT or SIGHUP, 1 when there is nothing
 * to serve, 2 after a mistake in the arguments. */
int	challtestsrv_command(int argc, char **argv);

#endif
