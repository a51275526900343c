/* The symbols of images: loaded by the first look-up, dropped when there is too much of them. */
#include <errno.h>
#include <string.h>

#include "symbols/debuginfod.h"
#include "symbols/module_internal.h"

/* What symbols are made from stays in memory up to here; the rest is read again when needed. */
#define LOADED_BYTES (512u << 20)

static void count_loaded(struct image *im)
{
	struct images *is = im->owner;
	size_t before = im->loaded;

	im->loaded = im->symbols ? symbols__loaded(im->symbols) : 0;
	is->loaded += im->loaded - before;
	is->loaded_files += (size_t)!!im->loaded - (size_t)!!before;
}

void image__unload(struct image *im)
{
	if (im->symbols)
		symbols__unload(im->symbols);
	count_loaded(im);
}

/* Drops what was not used for longest, but for what is being used. */
static void make_room(struct image *used)
{
	struct images *is = used->owner;

	while (is->loaded > LOADED_BYTES || is->loaded_files > is->loaded_files_max) {
		struct image *oldest = NULL;
		size_t n = images__count(is);

		for (size_t i = 0; i < n; i++) {
			struct image *im = images__get(is, (uint32_t)i);

			if (im != used && im->loaded && (!oldest || im->named < oldest->named))
				oldest = im;
		}
		if (!oldest)
			break;
		image__unload(oldest);
	}
}

const char *image__debug_places(const struct image *im, struct debug_places *out)
{
	*out = (struct debug_places){ .roots = im->places.roots, .root = im->places.root };
	return im->inside;
}

int image__know(struct image *im, uint64_t offset, const struct symbol_frame *frames, int n)
{
	if (!im->symbols)
		im->symbols = symbols__new(&(struct symbols_source){ .fd = -1 });
	return im->symbols ? symbols__know(im->symbols, offset, frames, n) : -ENOMEM;
}

int image__symbolize(struct image *im, uint64_t offset, struct symbol_frame out[SYMBOL_FRAMES_MAX])
{
	struct symbols_source source = {
		.fd = im->fd,
		.memory = im->memory,
		.len = im->memory_len,
		.path = im->inside,
		.places = &im->places,
	};
	int n;

	if (!im->symbols && (im->memory || source.fd >= 0)) {
		im->places.server = im->owner->server;
		im->symbols = symbols__new(&source);
	}
	if (!im->symbols)
		return 0;
	n = symbols__lookup(im->symbols, offset, out);
	im->named = ++im->owner->clock;
	count_loaded(im);
	make_room(im);
	return n;
}

void images__use_server(struct images *is, struct debuginfod *server)
{
	is->server = server;
}

void images__new_report(struct images *is)
{
	size_t n = is->server ? images__count(is) : 0;

	if (is->server)
		debuginfod__new_report(is->server);
	for (size_t i = 0; i < n; i++) {
		struct image *im = images__get(is, (uint32_t)i);

		if (im->symbols)
			symbols__retry(im->symbols);
		count_loaded(im);
	}
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
