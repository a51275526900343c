/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives back the descriptors of files that are no longer mapped, and finds such files again. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "symbols/module_internal.h"
#include "symbols/roots.h"
#include "util/hashmap.h"

void modules__give_back(struct modules *mods, struct module *mod)
{
	module__identify(mod);
	/* Both locks: one is for what reads the identity, the other for what borrows. */
	pthread_mutex_lock(&mods->lock);
	pthread_mutex_lock(&mod->lock);
	if (mod->fd >= 0) {
		close(mod->fd);
		mod->fd = -1;
		mod->error = -ESTALE;
		mods->given_back++;
	}
	pthread_mutex_unlock(&mod->lock);
	pthread_mutex_unlock(&mods->lock);
}

void modules__each_open(struct modules *mods, void (*fn)(void *ctx, struct module *mod), void *ctx)
{
	pthread_mutex_lock(&mods->lock);
	for (size_t i = 0; i < mods->n; i++)
		if (mods->by_id[i] && mods->by_id[i]->fd >= 0)
			fn(ctx, mods->by_id[i]);
	pthread_mutex_unlock(&mods->lock);
}

/* ---- forgetting ---- */

static void unlink_module(struct modules *mods, const struct module *mod)
{
	uint64_t key = hash__mix(mod->dev, mod->ino);
	struct module *at = hashmap__get_ptr(mods->by_key, key);

	if (at == mod && mod->same_key)
		hashmap__set_ptr(mods->by_key, key, mod->same_key); /* which needs no memory */
	else if (at == mod)
		hashmap__remove(mods->by_key, key, NULL);
	else
		for (; at; at = at->same_key)
			if (at->same_key == mod)
				at->same_key = mod->same_key;
}

static bool may_be_forgotten(const struct module *mod, const bool *used, size_t n)
{
	return mod && mod->fd < 0 && !mod->memory && mod->stamp.birth && mod->id < n &&
	       !used[mod->id];
}

size_t modules__forget(struct modules *mods, const bool *used, size_t n,
		       void (*fn)(void *ctx, uint32_t id), void *ctx)
{
	size_t forgotten = 0;

	pthread_mutex_lock(&mods->lock);
	for (size_t i = 0; i < mods->n; i++) {
		struct module *mod = mods->by_id[i];

		if (!may_be_forgotten(mod, used, n))
			continue;
		fn(ctx, mod->id);
		mods->by_id[i] = NULL;
		unlink_module(mods, mod);
		module__forget_loaded(mod);
		module__free(mod);
		forgotten++;
	}
	mods->forgotten += forgotten;
	pthread_mutex_unlock(&mods->lock);
	return forgotten;
}

/* ---- borrowing ---- */

static int duplicate(const struct module *mod)
{
	int fd = mod->fd < 0 ? -1 : fcntl(mod->fd, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? (mod->fd < 0 ? -ENOENT : -errno) : fd;
}

/* The file under its path, if it is the one that was mapped. */
static int reopen(struct module *mod)
{
	struct file_stamp stamp;
	struct stat st;
	int fd;

	if (!mod->stamp.birth)
		return -ENOENT;
	fd = roots__open(mod->places.roots, mod->places.root, mod->inside, &st);
	if (fd < 0)
		return fd;
	stamp = module__stamp(fd);
	if (module__same_stamp(&mod->stamp, &stamp))
		return fd;
	close(fd);
	return -ESTALE;
}

/* The build ID of a module that was given back does not change. */
static bool is_twin(const struct module *mod, struct module *other)
{
	bool twin;

	if (!other || other == mod || other->fd < 0 || other->stamp.size != mod->stamp.size)
		return false;
	module__identify(other);
	pthread_mutex_lock(&other->lock);
	twin = other->identified && other->build_id_len == mod->build_id_len &&
	       !memcmp(other->build_id, mod->build_id, mod->build_id_len);
	pthread_mutex_unlock(&other->lock);
	return twin;
}

int module__borrow(struct module *mod)
{
	struct modules *mods = mod->owner;
	int fd;

	pthread_mutex_lock(&mods->lock);
	fd = duplicate(mod);
	pthread_mutex_unlock(&mods->lock);
	if (fd != -ENOENT)
		return fd;
	fd = reopen(mod);
	if (fd >= 0 || !mod->build_id_len)
		return fd;
	pthread_mutex_lock(&mods->lock);
	for (size_t i = mods->n; i-- > 0 && fd < 0;)
		if (is_twin(mod, mods->by_id[i]))
			fd = duplicate(mods->by_id[i]);
	pthread_mutex_unlock(&mods->lock);
	return fd;
}
