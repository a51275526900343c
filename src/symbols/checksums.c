/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/checksums.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "util/clock.h"
#include "util/hash.h"
#include "util/hashmap.h"

#define REMEMBERED_MAX 4096
#define BURST CHECKSUMS_FILE_MAX
#define RATE (32ll << 20)

struct checksums {
	struct hashmap *known; /* by the file's identity and state */
	size_t n;
	int64_t burst, rate, budget; /* bytes, bytes/s, bytes */
	uint64_t refilled, bytes_read;
};

struct checksums *checksums__new(void)
{
	struct checksums *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	checksums__limit(c, BURST, RATE);
	c->known = hashmap__new();
	if (c->known)
		return c;
	free(c);
	errno = ENOMEM;
	return NULL;
}

void checksums__free(struct checksums *c)
{
	if (!c)
		return;
	hashmap__free(c->known);
	free(c);
}

static void refill_budget(struct checksums *c)
{
	uint64_t now = clock__now_ns();
	double more = (double)(now - c->refilled) / 1e9 * (double)c->rate;

	c->refilled = now;
	c->budget = more < (double)(c->burst - c->budget) ? c->budget + (int64_t)more : c->burst;
}

static int read_whole(struct checksums *c, int fd, off_t size, uint32_t *crc)
{
	uLong sum = crc32(0, NULL, 0);
	unsigned char buf[65536];
	ssize_t got = 1;
	off_t at = 0;

	while (at <= size && (got = pread(fd, buf, sizeof(buf), at)) > 0) {
		sum = crc32(sum, buf, (uInt)got);
		at += got;
	}
	c->bytes_read += (uint64_t)at;
	*crc = (uint32_t)sum;
	if (got < 0)
		return -errno;
	return at == size ? 0 : -ESTALE; /* it grew or shrank */
}

int checksums__of(struct checksums *c, int fd, uint32_t *crc)
{
	uint64_t key = HASH_START;
	struct stat st;
	uintptr_t known;
	int err;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (st.st_size > CHECKSUMS_FILE_MAX)
		return -EFBIG;
	key = hash__mix(hash__mix(key, st.st_dev), st.st_ino);
	key = hash__mix(key, (uint64_t)st.st_size);
	key = hash__mix(hash__mix(key, (uint64_t)st.st_ctim.tv_sec), (uint64_t)st.st_ctim.tv_nsec);
	if (hashmap__get(c->known, key, &known)) {
		*crc = (uint32_t)known;
		return 0;
	}
	refill_budget(c);
	if (st.st_size > c->budget)
		return -EAGAIN;
	c->budget -= st.st_size;
	err = read_whole(c, fd, st.st_size, crc);
	if (!err && c->n < REMEMBERED_MAX && !hashmap__set(c->known, key, *crc))
		c->n++;
	return err;
}

void checksums__limit(struct checksums *c, int64_t burst, int64_t rate)
{
	c->burst = c->budget = burst;
	c->rate = rate;
	c->refilled = clock__now_ns();
}

uint64_t checksums__read(const struct checksums *c)
{
	return c->bytes_read;
}
