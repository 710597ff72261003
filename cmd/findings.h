/* findings.h: what `signet check` found, and its checks of the files that a configuration names. */
#ifndef SIGNET_CMD_FINDINGS_H
#define SIGNET_CMD_FINDINGS_H

#include "config/config.h"

enum finding { FINDING_OK, FINDING_NOTE, FINDING_PROBLEM };

/* Prints one line: "ok", "note" or "problem", the key, and the sentence; counts the problems. */
struct findings {
	unsigned	problems;
	unsigned	notes;
};
void	finding(struct findings *, enum finding, const char *key, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether only its owner can read a secret's file; finds a problem when not. */
bool	findings_private(struct findings *, const char *key, const char *path);
/* Certificates, keys, folders and the database. Secrets are read and cleansed, never shown. */
void	findings_files(struct findings *, const struct config *);
/* Whether each profile's certificates find an issuer, and one that lives as long; and whether its name constraints leave
 * anything of each pattern that is allowed. Silent while a certificate can't be read. */
void	findings_profiles(struct findings *, const struct config *);
/* va.perspectives and their quorum; and the file of one, for its own machine. */
void	findings_perspectives(struct findings *, const struct config *);
void	findings_own_perspective(struct findings *, const struct config *, const char *file);

#endif
