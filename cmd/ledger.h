/* ledger.h: `signet ledger`. */
#ifndef SIGNET_CMD_LEDGER_H
#define SIGNET_CMD_LEDGER_H

int ledger_command(int argc, char **argv);

#endif
