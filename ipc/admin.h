/* admin.h: what is said on DATA/admin.sock, for both of its ends. A request is one line of JSON:
 *
 *   {"command": "cert list", "state": "valid", "limit": 10}
 *
 * Its answer is lines of JSON: any number of rows, then an end or an error, and the next request may follow:
 *
 *   {"row": {"serial": "6f0c...", ...}}
 *   {"end": {"rows": 1}}
 *   {"error": {"code": "not-found", "message": "no certificate has the serial 6f0c"}}
 *
 * One table says which commands there are and what each takes; ra checks requests by it, and the program's commands
 * make their options and their help from it. Pure. */
#ifndef SIGNET_IPC_ADMIN_H
#define SIGNET_IPC_ADMIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/id.h"
#include "lib/reason.h"

#define ADMIN_SOCKET "admin.sock"	/* in the folder of the database */
#define ADMIN_LINE_MAX 32768	/* of a request: a hundred names of 253 bytes, and as much as that needs */
#define ADMIN_TEXT_MAX 1024	/* bytes in one text: as in signet.yaml */
#define ADMIN_LIST_MAX 100	/* texts in one list */
#define ADMIN_SERIAL_MAX 20	/* RFC 5280, 4.1.2.2 */
#define ADMIN_ARGUMENTS_MAX 12

enum admin_verb {
	ADMIN_CERT_LIST,
	ADMIN_CERT_SHOW,
	ADMIN_CERT_REVOKE,
	ADMIN_ACCOUNT_LIST,
	ADMIN_ACCOUNT_SHOW,
	ADMIN_ACCOUNT_DEACTIVATE,
	ADMIN_ACCOUNT_POLICY,
	ADMIN_EAB_CREATE,
	ADMIN_EAB_LIST,
	ADMIN_EAB_REVOKE,
	ADMIN_LIMIT_RATES,
	ADMIN_LIMIT_LIST,
	ADMIN_LIMIT_PAUSED,
	ADMIN_LIMIT_OVERRIDE,
	ADMIN_LIMIT_RESET,
	ADMIN_LIMIT_UNPAUSE,
	ADMIN_AUTHZ_SHOW,
	ADMIN_TRY,
	ADMIN_VERB_COUNT
};

/* How an argument stands in the request; on the command line it is text, and a duration is "30d". */
enum admin_kind {
	ADMIN_TEXT,	/* a string of 1 to ADMIN_TEXT_MAX bytes without control characters */
	ADMIN_TEXTS,	/* an array of such */
	ADMIN_WORD,	/* one of words */
	ADMIN_COUNT,	/* a number from 1 on */
	ADMIN_FLAG,	/* true or false */
	ADMIN_TIME,	/* seconds since 1970 */
	ADMIN_DURATION,	/* seconds, from 1 on */
	ADMIN_OBJECT,	/* the id of an account, an order, ...: 22 characters */
	ADMIN_SERIAL	/* hexadecimal; colons between the bytes are fine */
};

enum admin_flag {
	ADMIN_REQUIRED = 1,
	ADMIN_PLACED = 2	/* on the command line it stands alone, without its name */
};

struct admin_argument {
	const char	*name;		/* NULL: the end */
	enum admin_kind	 kind;
	unsigned	 flags;
	const char	*value;		/* what the help calls it: "NAME"; of ADMIN_WORD the words, "a|b" */
	const char	*help;
};

struct admin_command {
	const char		*group, *verb;	/* "cert", "list"; "try" has the verb "" */
	const char		*help;
	struct admin_argument	 arguments[ADMIN_ARGUMENTS_MAX + 1];
};

extern const struct admin_command admin_commands[ADMIN_VERB_COUNT];

#define ADMIN_NAME_SIZE 64
/* "cert list", "try"; returns out. */
const char *admin_command_name(const struct admin_command *, char out[ADMIN_NAME_SIZE]);

struct admin_value {
	bool		 given;
	const char	*text;		/* ADMIN_TEXT, ADMIN_WORD, ADMIN_OBJECT and ADMIN_SERIAL as they were sent */
	int64_t		 number;	/* ADMIN_COUNT, ADMIN_FLAG, ADMIN_TIME, ADMIN_DURATION */
	struct id	 id;		/* ADMIN_OBJECT */
	uint8_t		 serial[ADMIN_SERIAL_MAX];	/* ADMIN_SERIAL */
	size_t		 serial_len;
	const json_t	*list;		/* ADMIN_TEXTS: an array of strings */
};

/* Zero-initialised is empty. The values' pointers live as long as it. */
struct admin_request {
	enum admin_verb		 verb;
	json_t			*json;
	struct admin_value	 values[ADMIN_ARGUMENTS_MAX];	/* as the command's arguments stand */
};

/* Reads one line, without its end. ERR_MALFORMED with what is wrong, ERR_MEMORY. On ERR_OK admin_request_free(). */
enum err admin_request_parse(struct slice line, struct admin_request *out, struct reason *);
void	 admin_request_free(struct admin_request *);
/* The value of that name; aborts when the command takes none. */
const struct admin_value *admin_value(const struct admin_request *, const char *name);

/* Whether the word is one of words, "a|b". */
bool	 admin_word(const char *words, const char *word);
/* Hexadecimal, in either case, colons allowed between bytes, zeros in front not counted. False: it is none. */
bool	 admin_serial(const char *text, uint8_t out[ADMIN_SERIAL_MAX], size_t *len);

#endif
