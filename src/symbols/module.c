/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/module.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf/elf.h"
#include "symbols/checksums.h"
#include "symbols/module_internal.h"
#include "symbols/roots.h"
#include "util/array.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/hashmap.h"

/* Descriptors reserved for the rest of the program: probes, tables, outputs. */
#define FDS_RESERVED 64
/* The most files of which symbols are kept loaded. */
#define LOADED_FILES 512

/* Returns a share of the descriptors that this process may have, at most `most`. */
static size_t descriptor_share(size_t share, size_t most)
{
	struct rlimit rl;
	size_t n = most;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur / share < n)
		n = (size_t)(rl.rlim_cur / share);
	return n;
}

struct modules *modules__new(void)
{
	struct modules *mods = calloc(1, sizeof(*mods));

	if (!mods)
		return NULL;
	pthread_mutex_init(&mods->lock, NULL);
	mods->loaded_files_max = descriptor_share(8, LOADED_FILES);
	mods->by_key = hashmap__new();
	mods->roots = roots__new(descriptor_share(8, ROOTS_MAX));
	mods->checksums = checksums__new();
	if (mods->by_key && mods->roots && mods->checksums)
		return mods;
	modules__free(mods);
	errno = ENOMEM;
	return NULL;
}

void module__free(struct module *mod)
{
	if (!mod)
		return;
	symbols__free(mod->symbols);
	if (mod->fd >= 0)
		close(mod->fd);
	if (mod->names_fd >= 0)
		close(mod->names_fd);
	pthread_mutex_destroy(&mod->lock);
	free(mod->memory);
	free(mod->path);
	free(mod);
}

void modules__free(struct modules *mods)
{
	if (!mods)
		return;
	for (size_t i = 0; i < mods->n; i++)
		module__free(mods->by_id[i]);
	free(mods->by_id);
	hashmap__free(mods->by_key);
	roots__free(mods->roots);
	checksums__free(mods->checksums);
	pthread_mutex_destroy(&mods->lock);
	free(mods);
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

static void adopt_fd(struct module *mod, int fd)
{
	if (fd >= 0 && fds_are_scarce(fd)) {
		close(fd);
		fd = -EMFILE;
	}
	mod->error = fd < 0 ? fd : 0;
	if (fd < 0)
		return;
	mod->stamp = module__stamp(fd);
	snprintf(mod->self_path, sizeof(mod->self_path), "/proc/self/fd/%d", fd);
	mod->fd = fd;
}

/* ---- the registry ---- */

static struct module *new_module(struct modules *mods, uint64_t dev, uint64_t ino, const char *path)
{
	struct module *mod;

	if (array__grow(&mods->by_id, &mods->cap, mods->n + 1, sizeof(struct module *)))
		return NULL;
	mod = calloc(1, sizeof(*mod));
	if (!mod)
		return NULL;
	pthread_mutex_init(&mod->lock, NULL);
	mod->dev = dev;
	mod->ino = ino;
	mod->fd = -1;
	mod->names_fd = -1;
	mod->error = -ENOENT;
	mod->owner = mods;
	mod->seen = clock__wall_ns();
	mod->places = (struct debug_places){ .roots = mods->roots, .root = -1 };
	snprintf(mod->self_path, sizeof(mod->self_path), "/proc/self/fd/-1");
	mod->path = strdup(path);
	mod->inside = mod->path;
	if (!mod->path) {
		module__free(mod);
		return NULL;
	}
	return mod;
}

static void assign_id(struct modules *mods, struct module *mod)
{
	mod->id = (uint32_t)mods->n;
	mods->by_id[mods->n++] = mod;
}

/* Finds the latest module with this device and inode; NULL: none. */
static struct module *latest_by_key(struct modules *mods, uint64_t dev, uint64_t ino)
{
	return hashmap__get_ptr(mods->by_key, hash__mix(dev, ino));
}

/* As long as a module is open, its inode number cannot be reused for another file. */
static struct module *find_open(struct modules *mods, uint64_t dev, uint64_t ino)
{
	struct module *mod = latest_by_key(mods, dev, ino);

	while (mod && (mod->dev != dev || mod->ino != ino || mod->fd < 0))
		mod = mod->same_key;
	return mod;
}

/* What is known of a file that was open tells whether this is it; a file that never was is the
 * module's if it is no younger. */
static bool is_file_of(const struct module *mod, const struct file_stamp *stamp)
{
	return mod->stamp.birth ? module__same_stamp(&mod->stamp, stamp)
				: stamp->birth <= mod->seen;
}

/*
 * The inode number of a module that is not open may have been reused for another file; if nothing
 * can be opened, one with another path.
 */
static struct module *find_closed(struct modules *mods, uint64_t dev, uint64_t ino,
				  const char *path, int fd)
{
	struct file_stamp stamp = { 0 };

	if (fd >= 0)
		stamp = module__stamp(fd);
	for (struct module *mod = latest_by_key(mods, dev, ino); mod; mod = mod->same_key)
		if (mod->dev == dev && mod->ino == ino &&
		    (fd >= 0 ? is_file_of(mod, &stamp) : !strcmp(mod->path, path)))
			return mod;
	return NULL;
}

/* Makes the module findable by its device and inode, ahead of an older one. */
static int index_module(struct modules *mods, struct module *mod)
{
	uint64_t key = hash__mix(mod->dev, mod->ino);

	mod->same_key = hashmap__get_ptr(mods->by_key, key);
	return hashmap__set_ptr(mods->by_key, key, mod);
}

static struct module *create_module(struct modules *mods, uint64_t dev, uint64_t ino,
				    const char *path, int64_t root)
{
	struct module *mod = new_module(mods, dev, ino, path);

	if (!mod)
		return NULL;
	mod->places.root = root;
	mod->inside = roots__inside(mods->roots, root, mod->path);
	if (index_module(mods, mod)) {
		module__free(mod);
		return NULL;
	}
	assign_id(mods, mod);
	return mod;
}

/* Processes of one kind (64-bit, say) share one vDSO, which is identified by its bytes. */
static int64_t add_vdso(struct modules *mods, const struct mapped_file *f)
{
	void *memory = NULL;
	struct module *mod;
	size_t len = 0;
	int err = module__read_vdso(f, &memory, &len);

	if (err)
		return err;
	for (size_t i = 0; i < mods->n; i++) {
		mod = mods->by_id[i];
		if (mod && mod->memory_len == len && !memcmp(mod->memory, memory, len)) {
			free(memory);
			return mod->id;
		}
	}
	mod = new_module(mods, 0, 0, f->path);
	if (!mod || index_module(mods, mod)) {
		module__free(mod);
		free(memory);
		return -ENOMEM;
	}
	mod->memory = memory;
	mod->memory_len = len;
	mod->error = 0;
	assign_id(mods, mod);
	return mod->id;
}

static int64_t add_file(struct modules *mods, const struct mapped_file *f)
{
	bool known = f->real_ino != 0;
	uint64_t dev = known ? f->real_dev : f->dev, ino = known ? f->real_ino : f->ino;
	struct module *mod = find_open(mods, dev, ino);
	int fd;

	if (mod)
		return mod->id;
	fd = module__open_mapped(f, mods->roots);
	mod = find_closed(mods, dev, ino, f->path, fd);
	if (!mod)
		mod = create_module(mods, dev, ino, f->path, roots__add(mods->roots, f->pid));
	if (mod)
		adopt_fd(mod, fd);
	else if (fd >= 0)
		close(fd);
	return mod ? (int64_t)mod->id : -ENOMEM;
}

/* Returns the vDSO, if all processes are of one kind. */
static struct module *only_vdso(struct modules *mods)
{
	struct module *mod = latest_by_key(mods, 0, 0);

	return mod && !mod->same_key ? mod : NULL;
}

int64_t modules__find(struct modules *mods, uint64_t dev, uint64_t ino)
{
	struct module *mod;

	pthread_mutex_lock(&mods->lock);
	mod = dev || ino ? find_open(mods, dev, ino) : only_vdso(mods);
	pthread_mutex_unlock(&mods->lock);
	return mod ? (int64_t)mod->id : -ENOENT;
}

int64_t modules__add(struct modules *mods, const struct mapped_file *f)
{
	int64_t id;

	pthread_mutex_lock(&mods->lock);
	id = f->ino ? add_file(mods, f) : add_vdso(mods, f);
	pthread_mutex_unlock(&mods->lock);
	return id;
}

int64_t modules__add_path(struct modules *mods, const char *path)
{
	int64_t id = -ENOMEM;
	struct module *mod;
	struct stat st;
	int fd;

	fd = file__open_regular(path, 0, &st);
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&mods->lock);
	mod = find_open(mods, st.st_dev, st.st_ino);
	if (!mod)
		mod = find_closed(mods, st.st_dev, st.st_ino, path, fd);
	if (!mod)
		mod = create_module(mods, st.st_dev, st.st_ino, path, ROOT_OWN);
	if (mod && mod->fd < 0)
		adopt_fd(mod, fd);
	else
		close(fd);
	if (mod)
		id = mod->error ? mod->error : (int64_t)mod->id;
	pthread_mutex_unlock(&mods->lock);
	return id;
}

int64_t modules__add_known(struct modules *mods, const char *path)
{
	struct module *mod;
	int64_t id = -ENOMEM;

	pthread_mutex_lock(&mods->lock);
	mod = new_module(mods, 0, 0, path);
	if (mod) {
		assign_id(mods, mod);
		id = mod->id;
	}
	pthread_mutex_unlock(&mods->lock);
	return id;
}

struct module *modules__get(struct modules *mods, uint32_t id)
{
	struct module *mod;

	pthread_mutex_lock(&mods->lock);
	mod = id < mods->n ? mods->by_id[id] : NULL;
	pthread_mutex_unlock(&mods->lock);
	return mod;
}

size_t modules__count(struct modules *mods)
{
	size_t n;

	pthread_mutex_lock(&mods->lock);
	n = mods->n;
	pthread_mutex_unlock(&mods->lock);
	return n;
}

/* ---- one module ---- */

uint32_t module__id(const struct module *mod)
{
	return mod->id;
}

const char *module__path(const struct module *mod)
{
	return mod->path;
}

const char *module__name(const struct module *mod)
{
	const char *slash = strrchr(mod->path, '/');

	return slash ? slash + 1 : mod->path;
}

int module__fd(const struct module *mod)
{
	return mod->fd;
}

void module__key(const struct module *mod, uint64_t *dev, uint64_t *ino)
{
	*dev = mod->dev;
	*ino = mod->ino;
}

int module__error(const struct module *mod)
{
	return mod->error;
}

const char *module__self_path(const struct module *mod)
{
	return mod->self_path;
}

const void *module__memory(const struct module *mod, size_t *len)
{
	*len = mod->memory_len;
	return mod->memory;
}

/* Reads the file's kind and build ID, once. Call with the module's lock held. */
static void read_identity(struct module *mod)
{
	struct elf *e;

	if (mod->identified || (!mod->memory && mod->fd < 0))
		return;
	mod->identified = true;
	e = mod->memory ? elf__open_memory(mod->memory, mod->memory_len) : elf__open(mod->fd);
	if (!e)
		return;
	mod->is_elf = true;
	mod->build_id_len = elf__build_id(e, mod->build_id, BUILD_ID_MAX);
	elf__close(e);
}

void module__identify(struct module *mod)
{
	pthread_mutex_lock(&mod->lock);
	read_identity(mod);
	pthread_mutex_unlock(&mod->lock);
}

bool module__is_elf(struct module *mod)
{
	bool is_elf;

	pthread_mutex_lock(&mod->lock);
	read_identity(mod);
	is_elf = mod->is_elf;
	pthread_mutex_unlock(&mod->lock);
	return is_elf;
}

size_t module__build_id(struct module *mod, uint8_t out[BUILD_ID_MAX])
{
	size_t len;

	pthread_mutex_lock(&mod->lock);
	read_identity(mod);
	len = mod->build_id_len;
	memcpy(out, mod->build_id, len);
	pthread_mutex_unlock(&mod->lock);
	return len;
}

void module__identify_as(struct module *mod, bool elf, const uint8_t *build_id, size_t len)
{
	pthread_mutex_lock(&mod->lock);
	mod->identified = true;
	mod->is_elf = elf;
	mod->build_id_len = len < BUILD_ID_MAX ? len : BUILD_ID_MAX;
	memcpy(mod->build_id, build_id, mod->build_id_len);
	pthread_mutex_unlock(&mod->lock);
}

void modules__stats(struct modules *mods, struct modules_stats *out)
{
	struct roots_stats roots;

	roots__stats(mods->roots, &roots);
	pthread_mutex_lock(&mods->lock);
	*out = (struct modules_stats){
		.files = mods->n,
		.given_back = mods->given_back,
		.forgotten = mods->forgotten,
		.roots = roots.open,
	};
	for (size_t i = 0; i < mods->n; i++) {
		const struct module *mod = mods->by_id[i];

		out->open += mod && mod->fd >= 0;
		out->no_descriptor += mod && mod->error == -EMFILE;
	}
	pthread_mutex_unlock(&mods->lock);
}
