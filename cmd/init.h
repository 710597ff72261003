/* init.h: `signet init`. */
#ifndef SIGNET_CMD_INIT_H
#define SIGNET_CMD_INIT_H

int init_command(int argc, char **argv);

#endif
