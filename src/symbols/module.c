#include "symbols/module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/elf.h"
#include "symbols/module_internal.h"
#include "symbols/roots.h"
#include "util/file.h"
#include "util/hashmap.h"
#include "util/util.h"

/* Descriptors left to the rest of the program: probes, tables, outputs. */
#define FDS_RESERVED 64
/* Files that symbols are made from and that may be open at a time. */
#define LOADED_FILES 512

/* A share of the descriptors that we may have. */
static size_t few_descriptors(size_t share, size_t most)
{
	struct rlimit rl;
	size_t n = most;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / share < n)
		n = (size_t)(rl.rlim_cur / share);
	return n;
}

struct images *images__new(void)
{
	struct images *is = calloc(1, sizeof(*is));

	if (!is)
		return NULL;
	pthread_mutex_init(&is->lock, NULL);
	is->loaded_files_max = few_descriptors(8, LOADED_FILES);
	is->by_key = hashmap__new();
	is->roots = roots__new(few_descriptors(8, ROOTS_MAX));
	if (is->by_key && is->roots)
		return is;
	images__free(is);
	errno = ENOMEM;
	return NULL;
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
	roots__free(is->roots);
	pthread_mutex_destroy(&is->lock);
	free(is);
}

/* ---- descriptors ---- */

static bool fds_are_scarce(int fd)
{
	rlim_t reserved;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur == RLIM_INFINITY)
		return false;
	reserved = rl.rlim_cur / 4 > FDS_RESERVED ? rl.rlim_cur / 4 : FDS_RESERVED;
	return (rlim_t)fd + reserved >= rl.rlim_cur;
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
	im->owner = is;
	im->seen = util__wall_ns();
	im->places = (struct debug_places){ .roots = is->roots, .root = -1 };
	snprintf(im->self_path, sizeof(im->self_path), "/proc/self/fd/-1");
	im->path = strdup(path);
	im->inside = im->path;
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

/* The latest image of dev and ino; NULL: none. */
static struct image *first_of(struct images *is, uint64_t dev, uint64_t ino)
{
	uintptr_t value = 0;

	hashmap__get(is->by_key, hashmap__mix(dev, ino), &value);
	return (struct image *)value;
}

/* As long as an image is open, its inode number cannot become another file's. */
static struct image *find_open(struct images *is, uint64_t dev, uint64_t ino)
{
	struct image *im = first_of(is, dev, ino);

	while (im && (im->dev != dev || im->ino != ino || im->fd < 0))
		im = im->same_key;
	return im;
}

/*
 * Of one that is not open, the number may since have been given to another file: one that is
 * younger than our knowledge of it, or, where nothing can be opened, one that is called otherwise.
 */
static struct image *find_closed(struct images *is, uint64_t dev, uint64_t ino, const char *path,
				 int fd)
{
	uint64_t birth = fd >= 0 ? image__birth(fd) : 0;

	for (struct image *im = first_of(is, dev, ino); im; im = im->same_key)
		if (im->dev == dev && im->ino == ino &&
		    (fd >= 0 ? birth <= im->seen : !strcmp(im->path, path)))
			return im;
	return NULL;
}

/* Found from now on by its dev and ino, in the place of an older one. */
static int index_image(struct images *is, struct image *im)
{
	uint64_t key = hashmap__mix(im->dev, im->ino);
	uintptr_t first = 0;

	if (hashmap__get(is->by_key, key, &first))
		im->same_key = (struct image *)first;
	return hashmap__set(is->by_key, key, (uintptr_t)im);
}

static struct image *make(struct images *is, uint64_t dev, uint64_t ino, const char *path,
			  int64_t root)
{
	struct image *im = new_image(is, dev, ino, path);

	if (!im)
		return NULL;
	im->places.root = root;
	im->inside = roots__inside(is->roots, root, im->path);
	if (index_image(is, im)) {
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
	int err = image__read_vdso(f, &memory, &len);

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
	if (!im || index_image(is, im)) {
		free_image(im);
		free(memory);
		return -ENOMEM;
	}
	im->memory = memory;
	im->memory_len = len;
	im->error = 0;
	publish(is, im);
	return im->id;
}

static int64_t add_file(struct images *is, const struct mapped_file *f)
{
	bool known = f->real_ino != 0;
	uint64_t dev = known ? f->real_dev : f->dev, ino = known ? f->real_ino : f->ino;
	struct image *im = find_open(is, dev, ino);
	int fd;

	if (im)
		return im->id;
	fd = image__open_mapped(f, is->roots);
	im = find_closed(is, dev, ino, f->path, fd);
	if (!im)
		im = make(is, dev, ino, f->path, roots__add(is->roots, f->pid));
	if (im)
		adopt_fd(im, fd);
	else if (fd >= 0)
		close(fd);
	return im ? (int64_t)im->id : -ENOMEM;
}

/* The vDSO of all, where there is but one kind of processes. */
static struct image *only_vdso(struct images *is)
{
	struct image *im = first_of(is, 0, 0);

	return im && !im->same_key ? im : NULL;
}

int64_t images__find(struct images *is, uint64_t dev, uint64_t ino)
{
	struct image *im;

	pthread_mutex_lock(&is->lock);
	im = dev || ino ? find_open(is, dev, ino) : only_vdso(is);
	pthread_mutex_unlock(&is->lock);
	return im ? (int64_t)im->id : -ENOENT;
}

int64_t images__add(struct images *is, const struct mapped_file *f)
{
	int64_t id;

	pthread_mutex_lock(&is->lock);
	id = f->ino ? add_file(is, f) : add_vdso(is, f);
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
	im = find_open(is, st.st_dev, st.st_ino);
	if (!im)
		im = find_closed(is, st.st_dev, st.st_ino, path, fd);
	if (!im)
		im = make(is, st.st_dev, st.st_ino, path, ROOT_OWN);
	if (im && im->fd < 0)
		adopt_fd(im, fd);
	else
		close(fd);
	if (im)
		id = im->error ? im->error : (int64_t)im->id;
	pthread_mutex_unlock(&is->lock);
	return id;
}

int64_t images__add_known(struct images *is, const char *path)
{
	struct image *im;
	int64_t id = -ENOMEM;

	pthread_mutex_lock(&is->lock);
	im = new_image(is, 0, 0, path);
	if (im) {
		publish(is, im);
		id = im->id;
	}
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

void image__identify_as(struct image *im, bool elf, const uint8_t *build_id, size_t len)
{
	pthread_mutex_lock(&im->lock);
	im->identified = true;
	im->is_elf = elf;
	im->build_id_len = len < BUILD_ID_MAX ? len : BUILD_ID_MAX;
	memcpy(im->build_id, build_id, im->build_id_len);
	pthread_mutex_unlock(&im->lock);
}

void images__stats(struct images *is, struct images_stats *out)
{
	struct roots_stats roots;

	roots__stats(is->roots, &roots);
	pthread_mutex_lock(&is->lock);
	*out = (struct images_stats){ .files = is->n, .roots = roots.open };
	for (size_t i = 0; i < is->n; i++) {
		out->open += is->by_id[i]->fd >= 0;
		out->no_descriptor += is->by_id[i]->error == -EMFILE;
	}
	pthread_mutex_unlock(&is->lock);
}
