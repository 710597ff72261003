#include "ra/trial.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base64url.h"
#include "lib/clock.h"

#define PATIENCE_MS 330000 /* va.timeout is five minutes at the most */

struct trial {
	struct id id; /* zero: a free place */
	int64_t until; /* clock_monotonic_ms() */
	bool done, reached;
	char *votes; /* when done */
	struct reason why; /* "": the votes say it */
};

struct trials {
	pthread_mutex_t lock;
	struct trial all[TRIALS_MAX];
};

struct trials *
trials_new(void)
{
	struct trials *t = calloc(1, sizeof(*t));

	if (t != NULL)
		pthread_mutex_init(&t->lock, NULL);
	return t;
}

static void
forget(struct trial *trial)
{
	free(trial->votes);
	*trial = (struct trial){ .votes = NULL };
}

static struct trial *
find(struct trials *t, struct id id)
{
	for (size_t i = 0; i < TRIALS_MAX; i++)
		if (!id_is_zero(t->all[i].id) && id_eq(t->all[i].id, id))
			return &t->all[i];
	return NULL;
}

static bool
reserve(struct trials *t, struct id id)
{
	struct trial *place = NULL;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < TRIALS_MAX && place == NULL; i++)
		if (id_is_zero(t->all[i].id) || t->all[i].until <= clock_monotonic_ms())
			place = &t->all[i];
	if (place != NULL) {
		forget(place);
		place->id = id;
		place->until = clock_monotonic_ms() + PATIENCE_MS;
	}
	pthread_mutex_unlock(&t->lock);
	return place != NULL;
}

/* Nobody's: no request of an account can name it. */
static bool
random_thumbprint(char out[THUMBPRINT_SIZE])
{
	uint8_t bytes[32];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return false;
	base64url_text(bytes, sizeof(bytes), out);
	return true;
}

enum err
trial_begin(struct trials *t, struct channel *va, const struct msg_check *asked, struct id *id)
{
	struct msg_check check = *asked;
	struct buf out = { 0 };
	enum err err;

	check.authorization = id_new();
	check.trial = true;
	token_new(check.token);
	if (check.thumbprint[0] == '\0' && !random_thumbprint(check.thumbprint))
		return ERR_CRYPTO;
	if (!reserve(t, check.authorization))
		return ERR_BUSY;
	*id = check.authorization;
	put_check(&out, &check);
	err = channel_send(va, MSG_CHECK, &out);
	buf_free(&out);
	return err;
}

enum err
trial_take(struct trials *t, struct id id, bool *reached, char **votes, struct reason *why)
{
	struct trial *trial;
	enum err err = ERR_NOT_FOUND;

	pthread_mutex_lock(&t->lock);
	if ((trial = find(t, id)) != NULL)
		err = trial->done ? ERR_OK : trial->until > clock_monotonic_ms() ? ERR_BUSY : ERR_NOT_FOUND;
	if (err == ERR_OK) {
		*reached = trial->reached;
		*votes = trial->votes;
		*why = trial->why;
		trial->votes = NULL;
	}
	if (trial != NULL && err != ERR_BUSY)
		forget(trial);
	pthread_mutex_unlock(&t->lock);
	return err;
}

bool
trial_result(struct trials *t, const struct msg_result *result)
{
	struct trial *trial;

	pthread_mutex_lock(&t->lock);
	if ((trial = find(t, result->authorization)) != NULL && !trial->done) {
		trial->reached = result->reached;
		trial->votes = slice_dup(result->votes);
		reason_set(&trial->why, "%s", result->detail);
		trial->done = true;
	}
	pthread_mutex_unlock(&t->lock);
	return trial != NULL;
}
