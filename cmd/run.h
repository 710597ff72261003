/* run.h: `signet run`. */
#ifndef SIGNET_CMD_RUN_H
#define SIGNET_CMD_RUN_H

int run_command(int argc, char **argv);

#endif
