/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of names processes, and what they answered. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "programs.h"
#include "symbols/debug_paths.h"
#include "symbols/names_client.h"
#include "symbols/names_channel.h"
#include "symbols/roots.h"
#include "symbols/sandbox.h"
#include "test.h"
#include "util/clock.h"

#define FOUND_MAX 1024

struct found {
	size_t n;
	uint64_t offsets[FOUND_MAX];
	char func[FOUND_MAX][64]; /* of the last frame; "": none */
	int frames[FOUND_MAX];
};

static inline void note(void *ctx, uint64_t offset, const struct code_frame *frames, int n)
{
	struct found *f = ctx;

	MUST(f->n < FOUND_MAX);
	f->offsets[f->n] = offset;
	f->frames[f->n] = n;
	snprintf(f->func[f->n], sizeof(f->func[0]), "%s",
		 n && frames[n - 1].func ? frames[n - 1].func : "");
	f->n++;
}

static int started;

static inline void count_start(void *ctx, pid_t pid)
{
	(void)ctx;
	CHECK(pid > 0);
	started++;
}

static inline struct names_client *client(int (*serve)(int fd), unsigned int deadline_ms)
{
	struct names_client *c = names_client__new(&(struct names_client_opts){
	    .started = count_start, .serve = serve, .deadline_ms = deadline_ms });

	MUST(c);
	started = 0;
	return c;
}

static inline struct names_stats stats(struct names_client *c)
{
	struct names_stats st;

	names_client__stats(c, &st);
	return st;
}

static inline int ask(struct names_client *c, struct names_file *f, const uint64_t *offsets,
		      size_t n, struct found *out)
{
	bool unsettled = false;

	*out = (struct found){ 0 };
	return names_client__look_up(c, f, offsets, n, note, out, &unsettled);
}

static inline uint64_t file_offset(const char *path, const char *name)
{
	struct program p = open_program(path);
	uint64_t offset = 0;

	MUST(elf__vaddr_to_offset(p.elf, function(&p, name).vaddr, &offset));
	close_program(&p);
	return offset;
}

static inline const char *nested(void)
{
	const char *path = in_scratch("nested");

	if (access(path, F_OK) != 0)
		MUST(run("gcc", "-O2", "-g", "-Wl,--build-id", "-o", path,
			 write_source("nested.c", nested_source), NULL));
	return path;
}

#endif
