/* options.h: what the load generator was asked to do. */
#ifndef SIGNET_BENCH_OPTIONS_H
#define SIGNET_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PIDS_MAX 64
#define NAMES_MAX 100	/* per certificate, as the server's own limit */

struct options {
	const char	*directory;	/* URL */
	const char	*cacert;	/* PEM file that signed the server's TLS certificate */
	const char	*domain;	/* names are random labels under it */
	const char	*records;	/* file for JSON lines, or NULL */
	const char	*key_type;	/* of certificates */
	const char	*account_key;	/* "es256" or "rs256" */
	const char	*challenge;	/* its type */
	unsigned	 clients, issuances, accounts, names;
	unsigned	 duration;	/* s: when the issuances are done sooner, it begins with them again */
	unsigned	 timeout;	/* s for one whole issuance */
	unsigned	 rate;		/* issuances begun in a second, or 0: as fast as they go */
	unsigned	 idle;		/* connections beside those of the clients that do nothing */
	uint16_t	 http_port, dns_port, tls_port;
	bool		 fresh;		/* a new connection for each request */
	bool		 retry;		/* outlive a server whose processes are killed */
	bool		 json;
	pid_t		 pids[PIDS_MAX];	/* processes whose CPU time is reported */
	size_t		 pid_count;
	pid_t		 tree;		/* this one and all its descendants as well, or 0 */
};

/* Fills options with defaults and then from the command line; prints and exits on --help and mistakes. */
void options_read(struct options *, int argc, char **argv);

#endif
