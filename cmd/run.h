/* run.h: `signet run`. */
#ifndef SIGNET_CMD_RUN_H
#define SIGNET_CMD_RUN_H

int run_command(int argc, char **argv);
int va_command(int argc, char **argv);	/* `signet va`: a perspective on a machine of its own */

#endif
