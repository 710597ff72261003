/* check.h: `signet check`. */
#ifndef SIGNET_CMD_CHECK_H
#define SIGNET_CMD_CHECK_H

int check_command(int argc, char **argv);

#endif
