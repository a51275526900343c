/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the symbols of modules on the first lookup, and drops them when they take too much
 * memory. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/debuginfod.h"
#include "symbols/module_internal.h"
#include "symbols/names_client.h"

/* Symbol data may take this much memory; what is dropped is read again when needed. */
#define LOADED_BYTES (512u << 20)

static void count_loaded(struct module *mod)
{
	struct modules *mods = mod->owner;
	size_t before = mod->loaded;

	mod->loaded = mod->symbols ? symbols__loaded(mod->symbols) : 0;
	mods->loaded += mod->loaded - before;
	mods->loaded_files += (size_t)(mod->loaded != 0) - (size_t)(before != 0);
}

void module__unload(struct module *mod)
{
	if (mod->symbols)
		symbols__unload(mod->symbols);
	count_loaded(mod);
}

void module__forget_loaded(struct module *mod)
{
	struct modules *mods = mod->owner;

	mods->loaded -= mod->loaded;
	mods->loaded_files -= mod->loaded != 0;
}

/* Drops the least recently used symbols, except those in use. */
static void unload_least_used(struct module *used)
{
	struct modules *mods = used->owner;

	while (mods->loaded > LOADED_BYTES || mods->loaded_files > mods->loaded_files_max) {
		struct module *oldest = NULL;
		size_t n = modules__count(mods);

		for (size_t i = 0; i < n; i++) {
			struct module *mod = modules__get(mods, (uint32_t)i);

			if (mod && mod != used && mod->loaded &&
			    (!oldest || mod->named < oldest->named))
				oldest = mod;
		}
		if (!oldest)
			break;
		module__unload(oldest);
	}
}

const char *module__debug_places(const struct module *mod, struct debug_places *out)
{
	*out = (struct debug_places){ .roots = mod->places.roots, .root = mod->places.root };
	return mod->inside;
}

int module__know(struct module *mod, uint64_t offset, const struct symbol_frame *frames, int n)
{
	if (!mod->symbols)
		mod->symbols = symbols__new(&(struct symbols_source){ .code.fd = -1 });
	return mod->symbols ? symbols__know(mod->symbols, offset, frames, n) : -ENOMEM;
}

/* Puts a vDSO where a descriptor leads to it. */
static int share_memory(struct module *mod)
{
	if (mod->names_fd >= 0)
		return mod->names_fd;
	mod->names_fd = memfd_create("vdso", MFD_CLOEXEC);
	if (mod->names_fd >= 0 &&
	    pwrite(mod->names_fd, mod->memory, mod->memory_len, 0) != (ssize_t)mod->memory_len) {
		close(mod->names_fd);
		mod->names_fd = -1;
	}
	return mod->names_fd;
}

static int borrow_file(void *mod)
{
	return module__borrow(mod);
}

static void make_symbols(struct module *mod)
{
	struct modules *mods = mod->owner;
	struct symbols_source source = {
		.code = { .fd = -1, .path = mod->inside },
		.client = mods->names,
		.number = mod->id,
	};

	if (mod->memory && mods->names) {
		source.code.fd = share_memory(mod);
	} else if (mod->memory) {
		source.code.memory = mod->memory;
		source.code.len = mod->memory_len;
	} else {
		source.code.places = &mod->places;
		if (mods->names)
			source.borrow = borrow_file;
		else
			source.code.fd = mod->names_fd = module__borrow(mod);
		source.ctx = mod;
	}
	if (source.code.fd < 0 && !source.code.memory && !source.borrow)
		return;
	mod->places.server = mods->server;
	mod->places.checksums = mods->checksums;
	mod->symbols = symbols__new(&source);
}

void module__expect(struct module *mod, uint64_t offset)
{
	if (!mod->symbols)
		make_symbols(mod);
	if (mod->symbols)
		symbols__expect(mod->symbols, offset);
}

int module__symbolize(struct module *mod, uint64_t offset,
		      struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	int n;

	if (!mod->symbols)
		make_symbols(mod);
	if (!mod->symbols)
		return 0;
	n = symbols__lookup(mod->symbols, offset, out);
	mod->named = ++mod->owner->clock;
	count_loaded(mod);
	unload_least_used(mod);
	return n;
}

bool module__names_read(const struct module *mod)
{
	return mod->symbols && symbols__all_read(mod->symbols);
}

void modules__use_names(struct modules *mods, struct names_client *names)
{
	mods->names = names;
}

void modules__use_server(struct modules *mods, struct debuginfod *server)
{
	mods->server = server;
}

void modules__new_report(struct modules *mods)
{
	size_t n = modules__count(mods);

	if (mods->server)
		debuginfod__new_report(mods->server);
	if (mods->names)
		names_client__new_report(mods->names);
	for (size_t i = 0; i < n; i++) {
		struct module *mod = modules__get(mods, (uint32_t)i);

		if (!mod)
			continue;
		if (mod->symbols)
			symbols__retry(mod->symbols);
		count_loaded(mod);
	}
}

void modules__unnamed(struct modules *mods, struct names_stats *out)
{
	if (mods->names)
		names_client__stats(mods->names, out);
	else
		*out = (struct names_stats){ 0 };
}

size_t modules__memory(struct modules *mods)
{
	size_t sum = 0, n = modules__count(mods);

	for (size_t i = 0; i < n; i++) {
		struct module *mod = modules__get(mods, (uint32_t)i);

		if (mod)
			sum += mod->memory_len + (mod->symbols ? symbols__memory(mod->symbols) : 0);
	}
	return sum;
}
