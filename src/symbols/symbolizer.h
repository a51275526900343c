/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbolizes the frames of a stack: functions, files and lines from the modules, JIT code from the
 * process's perf map, otherwise module and offset. A bare address appears only where the module is
 * unknown.
 */
#ifndef MEMTRACE_SYMBOLS_SYMBOLIZER_H
#define MEMTRACE_SYMBOLS_SYMBOLIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/stacks.h"

struct modules;
struct symbolizer;

struct symbolizer *symbolizer__new(struct modules *modules); /* NULL on failure, errno set */
/* For a recording: reads no files, and knows run-time code only from symbolizer__know. */
struct symbolizer *symbolizer__new_offline(struct modules *modules);
void symbolizer__free(struct symbolizer *s);

struct named_frame {
	const char *func;   /* NULL: unknown. Owned by the symbolizer */
	const char *module; /* path; NULL: unknown */
	const char *file;   /* NULL: unknown */
	uint32_t line;	    /* 0: unknown */
	uint64_t
	    offset; /* of the return address in the module's file; without a module, the address */
	uint64_t address;   /* as the process saw it */
	uint32_t module_id; /* FRAME_NO_MODULE: none */
	bool inlined;
	bool run_time; /* code in no file, or in one that is not ELF */
};

/* Symbolizes one frame of a process: its function, preceded by the calls inlined there. Returns the
 * number of frames written, at most cap. */
size_t symbolizer__frame(struct symbolizer *s, uint32_t pid, const struct frame *f,
			 struct named_frame *out, size_t cap);
/* Sets the name of the run-time code at an address of a process; NULL: unknown. 0 or -ENOMEM. */
int symbolizer__know(struct symbolizer *s, uint32_t pid, uint64_t addr, const char *name);

/* Likewise for a stack: inlined calls become frames of their own. */
size_t symbolizer__stack(struct symbolizer *s, const struct stack *st, struct named_frame *out,
			 size_t cap);

/* Notes that a frame or stack will be symbolized, so that many are looked up at once. */
void symbolizer__expect_frame(struct symbolizer *s, const struct frame *f);
void symbolizer__expect(struct symbolizer *s, const struct stack *st);

/* Returns an ID of the stack that is the same in every run: a hash of each frame's build ID and
 * file offset (or module path and offset if a file has no build ID), never of an address. */
uint64_t symbolizer__stable_id(struct symbolizer *s, const struct stack *st);

/* To be called at the start of each report: JIT symbols are read again at most once per report. */
void symbolizer__new_report(struct symbolizer *s);
size_t symbolizer__memory(const struct symbolizer *s);

#endif
