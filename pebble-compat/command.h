/* command.h: `signet pebble`, or the program under the name pebble: Pebble's command line. */
#ifndef SIGNET_PEBBLE_COMMAND_H
#define SIGNET_PEBBLE_COMMAND_H

int pebble_command(int argc, char **argv);

#endif
