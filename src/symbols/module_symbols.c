/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the symbols of modules on the first lookup, and drops them when they take too much
 * memory. */
#include <errno.h>
#include <string.h>

#include "symbols/debuginfod.h"
#include "symbols/module_internal.h"

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

/* Drops the least recently used symbols, except those in use. */
static void unload_least_used(struct module *used)
{
	struct modules *mods = used->owner;

	while (mods->loaded > LOADED_BYTES || mods->loaded_files > mods->loaded_files_max) {
		struct module *oldest = NULL;
		size_t n = modules__count(mods);

		for (size_t i = 0; i < n; i++) {
			struct module *mod = modules__get(mods, (uint32_t)i);

			if (mod != used && mod->loaded && (!oldest || mod->named < oldest->named))
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
		mod->symbols = symbols__new(&(struct symbols_source){ .fd = -1 });
	return mod->symbols ? symbols__know(mod->symbols, offset, frames, n) : -ENOMEM;
}

int module__symbolize(struct module *mod, uint64_t offset,
		      struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	struct symbols_source source = {
		.fd = mod->fd,
		.memory = mod->memory,
		.len = mod->memory_len,
		.path = mod->inside,
		.places = &mod->places,
	};
	int n;

	if (!mod->symbols && (mod->memory || source.fd >= 0)) {
		mod->places.server = mod->owner->server;
		mod->places.checksums = mod->owner->checksums;
		mod->symbols = symbols__new(&source);
	}
	if (!mod->symbols)
		return 0;
	n = symbols__lookup(mod->symbols, offset, out);
	mod->named = ++mod->owner->clock;
	count_loaded(mod);
	unload_least_used(mod);
	return n;
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
	for (size_t i = 0; i < n; i++) {
		struct module *mod = modules__get(mods, (uint32_t)i);

		if (mod->symbols)
			symbols__retry(mod->symbols);
		count_loaded(mod);
	}
}

size_t modules__memory(struct modules *mods)
{
	size_t sum = 0, n = modules__count(mods);

	for (size_t i = 0; i < n; i++) {
		struct module *mod = modules__get(mods, (uint32_t)i);

		sum += mod->memory_len + (mod->symbols ? symbols__memory(mod->symbols) : 0);
	}
	return sum;
}
