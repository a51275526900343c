/*
 * Names the frames of a stack: functions, files and lines through the modules, JIT code through the
 * process's perf map, else module and offset. Never a bare number where the module is known.
 */
#ifndef MEMTRACE_SYMBOLS_SYMBOLIZER_H
#define MEMTRACE_SYMBOLS_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/stacks.h"

struct modules;
struct symbolizer;

struct symbolizer *symbolizer__new(struct modules *modules); /* NULL and errno */
/* For a recording: code made at run time is known by symbolizer__know alone, and nothing is read.
 */
struct symbolizer *symbolizer__new_offline(struct modules *modules);
void symbolizer__free(struct symbolizer *s);

struct named_frame {
	const char *func;   /* NULL: unknown. Owned by the symbolizer */
	const char *module; /* path; NULL: unknown */
	const char *file;   /* NULL: unknown */
	uint32_t line;	    /* 0: unknown */
	uint64_t offset;    /* of the return address in the module's file; else the address */
	uint64_t address;   /* as the process saw it */
	uint32_t module_id; /* FRAME_NO_MODULE: none */
	bool inlined;
};

/* One frame of a process: what its call and those inlined into it are called. As below. */
size_t symbolizer__frame(struct symbolizer *s, uint32_t pid, const struct frame *f,
			 struct named_frame *out, size_t cap);
/* The run-time code that an address of a process lies in; NULL: not known any more. 0 or -ENOMEM.
 */
int symbolizer__know(struct symbolizer *s, uint32_t pid, uint64_t addr, const char *name);

/* Inlined calls become frames of their own. Returns how many frames were written, at most cap. */
size_t symbolizer__stack(struct symbolizer *s, const struct stack *st, struct named_frame *out,
			 size_t cap);

/* The stable id of a stack: it hashes each frame's build ID and file offset, never an address
 * (module path and offset where a file has no build ID). */
uint64_t symbolizer__stable_id(struct symbolizer *s, const struct stack *st);

/* A process's JIT symbols are read again at most once a report: call this at its start. */
void symbolizer__new_report(struct symbolizer *s);
size_t symbolizer__memory(const struct symbolizer *s);

#endif
