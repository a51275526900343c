#include "model/image.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ground/file.h"
#include "ground/hashmap.h"
#include "model/elf.h"

/* Descriptors left to the rest of the program: probes, tables, outputs. */
#define FDS_RESERVED 64
#define VDSO_MAX (1u << 20)

struct image {
	uint32_t id;
	uint64_t dev, ino;	/* 0, 0 for a vDSO */
	struct image *same_key;	/* the next one whose dev and ino hash alike */
	char *path;
	void *memory;
	size_t memory_len;

	/* Written once, under the registry's lock; read by any thread. */
	_Atomic int fd;
	_Atomic int error;
	char self_path[32];

	pthread_mutex_t lock;	/* of the four below */
	bool identified, is_elf;
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_len;

	struct symbols *symbols;	/* made by the first look-up */
};

struct images {
	pthread_mutex_t lock;
	struct image **by_id;
	size_t n, cap;
	struct hashmap *by_key;
};

struct images *images__new(void)
{
	struct images *is = calloc(1, sizeof(*is));

	if (!is)
		return NULL;
	is->by_key = hashmap__new();
	if (!is->by_key) {
		free(is);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&is->lock, NULL);
	return is;
}

static void free_image(struct image *im)
{
	if (!im)
		return;
	symbols__free(im->symbols);
	if (im->fd >= 0)
		close(im->fd);
	pthread_mutex_destroy(&im->lock);
	free(im->memory);
	free(im->path);
	free(im);
}

void images__free(struct images *is)
{
	if (!is)
		return;
	for (size_t i = 0; i < is->n; i++)
		free_image(is->by_id[i]);
	free(is->by_id);
	hashmap__free(is->by_key);
	pthread_mutex_destroy(&is->lock);
	free(is);
}

/* ---- opening ---- */

/*
 * Whether a file found by its path is the one that is mapped. An overlay or a btrfs subvolume shows
 * one device in maps and another to stat, neither of them a block device's (major 0): then the
 * inode number alone has to do.
 */
static bool same_file(const struct stat *st, uint64_t dev, uint64_t ino)
{
	return st->st_ino == ino && (st->st_dev == dev || !major(dev) || !major(st->st_dev));
}

static bool fds_are_scarce(int fd)
{
	struct rlimit rl;

	return getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY &&
	       (rlim_t)fd + FDS_RESERVED >= rl.rlim_cur;
}

static void adopt_fd(struct image *im, int fd)
{
	if (fd >= 0 && fds_are_scarce(fd)) {
		close(fd);
		fd = -EMFILE;
	}
	im->error = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	snprintf(im->self_path, sizeof(im->self_path), "/proc/self/fd/%d", fd);
	im->fd = fd;
}

/* The mapped file itself; by its path only where map_files may not be read. */
static int open_mapped(const struct mapped_file *f)
{
	char proc[96];
	struct stat st;
	int fd;

	snprintf(proc, sizeof(proc), "/proc/%d/map_files/%llx-%llx", f->pid,
		 (unsigned long long)f->start, (unsigned long long)f->end);
	fd = file__open_regular(proc, 0, &st);
	if (fd >= 0 || f->path[0] != '/')
		return fd;
	snprintf(proc, sizeof(proc), "/proc/%d/root", f->pid);
	fd = file__open_regular_in(proc, f->path, 0, &st);
	if (fd >= 0 && !same_file(&st, f->dev, f->ino)) {
		close(fd);
		fd = -ESTALE;
	}
	return fd;
}

static int read_vdso(const struct mapped_file *f, void **memory, size_t *len)
{
	uint64_t size = f->end - f->start;
	char path[32];
	ssize_t got;
	int fd, err = 0;
	void *p;

	if (f->end <= f->start || size > VDSO_MAX)
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/%d/mem", f->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	p = malloc(size);
	got = p ? pread(fd, p, size, (off_t)f->start) : -1;
	if (got != (ssize_t)size)
		err = p ? -EIO : -ENOMEM;
	close(fd);
	if (err) {
		free(p);
		return err;
	}
	*memory = p;
	*len = size;
	return 0;
}

/* ---- the registry ---- */

static struct image *new_image(struct images *is, uint64_t dev, uint64_t ino, const char *path)
{
	struct image *im;

	if (is->n == is->cap) {
		size_t cap = is->cap ? is->cap * 2 : 64;
		struct image **bigger = realloc(is->by_id, cap * sizeof(*bigger));

		if (!bigger)
			return NULL;
		is->by_id = bigger;
		is->cap = cap;
	}
	im = calloc(1, sizeof(*im));
	if (!im)
		return NULL;
	pthread_mutex_init(&im->lock, NULL);
	im->dev = dev;
	im->ino = ino;
	im->fd = -1;
	im->error = -ENOENT;
	snprintf(im->self_path, sizeof(im->self_path), "/proc/self/fd/-1");
	im->path = strdup(path);
	if (!im->path) {
		free_image(im);
		return NULL;
	}
	return im;
}

static void publish(struct images *is, struct image *im)
{
	im->id = (uint32_t)is->n;
	is->by_id[is->n++] = im;
}

static struct image *find_key(struct images *is, uint64_t key, uint64_t dev, uint64_t ino)
{
	uintptr_t value = 0;
	struct image *im;

	hashmap__get(is->by_key, key, &value);
	for (im = (struct image *)value; im && (im->dev != dev || im->ino != ino);
	     im = im->same_key)
		;
	return im;
}

/* The image of dev and ino, made if it is new. */
static struct image *find_or_make(struct images *is, uint64_t dev, uint64_t ino, const char *path)
{
	uint64_t key = hashmap__mix(dev, ino);
	struct image *im = find_key(is, key, dev, ino);
	uintptr_t first = 0;

	if (im)
		return im;
	im = new_image(is, dev, ino, path);
	if (!im)
		return NULL;
	if (hashmap__get(is->by_key, key, &first))
		im->same_key = (struct image *)first;
	if (hashmap__set(is->by_key, key, (uintptr_t)im)) {
		free_image(im);
		return NULL;
	}
	publish(is, im);
	return im;
}

/* Processes of one kind (64-bit, say) share one vDSO: it is known by its bytes. */
static int64_t add_vdso(struct images *is, const struct mapped_file *f)
{
	void *memory = NULL;
	struct image *im;
	size_t len = 0;
	int err = read_vdso(f, &memory, &len);

	if (err)
		return err;
	for (size_t i = 0; i < is->n; i++) {
		im = is->by_id[i];
		if (im->memory_len == len && !memcmp(im->memory, memory, len)) {
			free(memory);
			return im->id;
		}
	}
	im = new_image(is, 0, 0, f->path);
	if (!im) {
		free(memory);
		return -ENOMEM;
	}
	im->memory = memory;
	im->memory_len = len;
	im->error = 0;
	publish(is, im);
	return im->id;
}

int64_t images__add(struct images *is, const struct mapped_file *f)
{
	bool known = f->real_ino != 0;
	int64_t id = -ENOMEM;
	struct image *im;

	pthread_mutex_lock(&is->lock);
	if (!f->ino) {
		id = add_vdso(is, f);
	} else {
		im = find_or_make(is, known ? f->real_dev : f->dev, known ? f->real_ino : f->ino,
				  f->path);
		/* As long as it is open, its inode number cannot become another file's. */
		if (im && im->fd < 0)
			adopt_fd(im, open_mapped(f));
		if (im)
			id = im->id;
	}
	pthread_mutex_unlock(&is->lock);
	return id;
}

int64_t images__add_path(struct images *is, const char *path)
{
	int64_t id = -ENOMEM;
	struct image *im;
	struct stat st;
	int fd;

	fd = file__open_regular(path, 0, &st);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&is->lock);
	im = find_or_make(is, st.st_dev, st.st_ino, path);
	if (im && im->fd < 0)
		adopt_fd(im, fd);
	else
		close(fd);
	if (im)
		id = im->error ? im->error : (int64_t)im->id;
	pthread_mutex_unlock(&is->lock);
	return id;
}

struct image *images__get(struct images *is, uint32_t id)
{
	struct image *im;

	pthread_mutex_lock(&is->lock);
	im = id < is->n ? is->by_id[id] : NULL;
	pthread_mutex_unlock(&is->lock);
	return im;
}

size_t images__count(struct images *is)
{
	size_t n;

	pthread_mutex_lock(&is->lock);
	n = is->n;
	pthread_mutex_unlock(&is->lock);
	return n;
}

/* ---- one image ---- */

uint32_t image__id(const struct image *im)
{
	return im->id;
}

const char *image__path(const struct image *im)
{
	return im->path;
}

const char *image__name(const struct image *im)
{
	const char *slash = strrchr(im->path, '/');

	return slash ? slash + 1 : im->path;
}

int image__fd(const struct image *im)
{
	return im->fd;
}

int image__error(const struct image *im)
{
	return im->error;
}

const char *image__self_path(const struct image *im)
{
	return im->self_path;
}

const void *image__memory(const struct image *im, size_t *len)
{
	*len = im->memory_len;
	return im->memory;
}

/* Looks at the file once. Call with the image's lock held. */
static void identify(struct image *im)
{
	struct elf *e;

	if (im->identified || (!im->memory && im->fd < 0))
		return;
	im->identified = true;
	e = im->memory ? elf__open_memory(im->memory, im->memory_len) : elf__open(im->fd);
	if (!e)
		return;
	im->is_elf = true;
	im->build_id_len = elf__build_id(e, im->build_id, BUILD_ID_MAX);
	elf__close(e);
}

bool image__is_elf(struct image *im)
{
	bool is_elf;

	pthread_mutex_lock(&im->lock);
	identify(im);
	is_elf = im->is_elf;
	pthread_mutex_unlock(&im->lock);
	return is_elf;
}

size_t image__build_id(struct image *im, uint8_t out[BUILD_ID_MAX])
{
	size_t len;

	pthread_mutex_lock(&im->lock);
	identify(im);
	len = im->build_id_len;
	memcpy(out, im->build_id, len);
	pthread_mutex_unlock(&im->lock);
	return len;
}

int image__symbolize(struct image *im, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	struct symbols_source source = {
		.fd = im->fd,
		.memory = im->memory,
		.len = im->memory_len,
		.path = im->path,
	};

	if (!im->symbols && (im->memory || source.fd >= 0))
		im->symbols = symbols__new(&source);
	return im->symbols ? symbols__lookup(im->symbols, offset, out) : 0;
}

void image__unload(struct image *im)
{
	if (im->symbols)
		symbols__unload(im->symbols);
}

size_t images__memory(struct images *is)
{
	size_t sum = 0, n = images__count(is);

	for (size_t i = 0; i < n; i++) {
		struct image *im = images__get(is, (uint32_t)i);

		sum += im->memory_len + (im->symbols ? symbols__memory(im->symbols) : 0);
	}
	return sum;
}
