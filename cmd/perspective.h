/* perspective.h: `signet perspective`. */
#ifndef SIGNET_CMD_PERSPECTIVE_H
#define SIGNET_CMD_PERSPECTIVE_H

int perspective_command(int argc, char **argv);

#endif
