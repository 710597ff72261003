/* method.h: how a name is proven to the server: one row for each challenge type that the tool speaks. */
#ifndef SIGNET_BENCH_METHOD_H
#define SIGNET_BENCH_METHOD_H

struct method {
	const char	*type;		/* as in the challenge object */
	/* Has the responder answer for that name, and stop doing so. */
	void		(*publish)(const char *name, const char *token, const char *thumbprint);
	void		(*withdraw)(const char *name, const char *token);
};

/* NULL for a type that is none of ours. */
const struct method *method_find(const char *type);

#endif
