/* bucket.c: GCRA. Of each bucket one time is kept: when it will be full again. It is full when that is past; taking one
 * moves the time by period / count; and there is one to take as long as the time then lies within count such steps. */
#include <string.h>

#include "storage/query.h"
#include "storage/storage.h"

#define MICRO 1000000

static int64_t
step(const struct bucket *bucket)
{
	int64_t step = bucket->period * MICRO / bucket->count;

	return step > 0 ? step : 1;
}

/* The bucket's time, not before now (microseconds). */
static enum err
read_time(struct storage_tx *tx, const char *name, int64_t now, int64_t *time)
{
	struct query query;
	int64_t stored;

	*time = now;
	query_start(&query, tx, STATEMENT_BUCKET_GET, VALUES(value_text(name)));
	if (query_next(&query) == ERR_OK && (stored = query_integer(&query)) > now)
		*time = stored;
	return query_end(&query);
}

static enum err
write_time(struct storage_tx *tx, const char *name, int64_t time)
{
	return query_run(tx, STATEMENT_BUCKET_PUT, VALUES(value_text(name), value_integer(time)), NULL);
}

/* Sets until, in whole milliseconds from which on it holds. */
static enum err
look(struct storage_tx *tx, struct bucket *bucket, int64_t now, int64_t *time)
{
	enum err err = read_time(tx, bucket->name, now, time);
	int64_t from = *time + step(bucket) - bucket->count * step(bucket);

	bucket->until = from > now ? (from + 999) / 1000 : 0;
	return err;
}

static enum err
take(struct storage_tx *tx, struct bucket *bucket, int64_t now)
{
	int64_t time;
	enum err err = look(tx, bucket, now, &time);

	if (err != ERR_OK || bucket->look || bucket->until != 0)
		return err;
	return write_time(tx, bucket->name, time + step(bucket));
}

enum err
buckets_take(struct storage_tx *tx, struct bucket *buckets, size_t count, int64_t now_ms)
{
	int64_t now = now_ms * 1000, time;
	bool empty = false;
	enum err err = ERR_OK;

	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		err = look(tx, &buckets[i], now, &time);
		empty = empty || buckets[i].until != 0;
	}
	if (err == ERR_OK && empty)
		return ERR_BUSY;
	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = take(tx, &buckets[i], now);
	return err;
}

enum err
buckets_drain(struct storage_tx *tx, struct bucket *buckets, size_t count, int64_t now_ms)
{
	enum err err = ERR_OK;

	for (size_t i = 0; i < count && err == ERR_OK; i++)
		err = take(tx, &buckets[i], now_ms * 1000);
	return err;
}

enum err
buckets_give_back(struct storage_tx *tx, struct bucket *buckets, size_t count, int64_t now_ms)
{
	int64_t now = now_ms * 1000, time;
	enum err err = ERR_OK;

	for (size_t i = 0; i < count && err == ERR_OK; i++) {
		err = read_time(tx, buckets[i].name, now, &time);
		if (err == ERR_OK && time > now)
			err = write_time(tx, buckets[i].name, time - step(&buckets[i]));
	}
	return err;
}

int64_t
bucket_used(const struct bucket *bucket, int64_t time, int64_t now_ms)
{
	int64_t left = time - now_ms * 1000;

	return left > 0 ? (left + step(bucket) - 1) / step(bucket) : 0;
}

enum err
bucket_fill(struct storage_tx *tx, const char *name)
{
	return query_set(tx, STATEMENT_BUCKET_DELETE, VALUES(value_text(name)), ERR_NOT_FOUND);
}

enum err
buckets_after(struct storage_tx *tx, const char *name, struct bucket_row *out, size_t max, size_t *count)
{
	struct query query;

	*count = 0;
	query_start(&query, tx, STATEMENT_BUCKETS_PAGE, VALUES(value_text(name), value_integer((int64_t)max)));
	while (*count < max && query_next(&query) == ERR_OK) {
		query_chars(&query, out[*count].name, sizeof(out[*count].name));
		out[*count].time = query_integer(&query);
		(*count)++;
	}
	return query_end(&query);
}
