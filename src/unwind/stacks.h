/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interns call stacks: each is stored once, resolved to (module, file offset) when it arrives,
 * because the process or its mappings may be gone when it is printed.
 */
#ifndef MEMTRACE_UNWIND_STACKS_H
#define MEMTRACE_UNWIND_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stacks;

#define FRAME_NO_MODULE UINT32_MAX

struct frame {
	uint64_t pc;	 /* the return address, in the process named below */
	uint64_t offset; /* of pc in the module's file; pc itself if there is no module */
	uint32_t module; /* module id (module.h), or FRAME_NO_MODULE */
};

struct stack {
	uint64_t id;  /* from the event */
	uint32_t pid; /* the first process seen with it */
	uint16_t n;
	uint8_t end;	       /* enum stack_end (event.h) */
	uint8_t guessed;       /* 1: a frame without CFI was passed by its frame pointer */
	struct frame frames[]; /* leaf first */
};

/* How the walk ended, packed into one byte. */
#define STACK_HOW(st) ((uint8_t)((st)->end | (st)->guessed << 7))
#define STACK_HOW_END(how) ((how) >> 0 & 0x7f)
#define STACK_HOW_GUESSED(how) ((how) >> 7 & 1)

struct stacks *stacks__new(void); /* NULL on failure, errno set */
void stacks__free(struct stacks *s);
/*
 * Stores a copy. Returns 0; 1: already known, and equal; -EEXIST: already known with other frames
 * (the old one stays); or -ENOMEM. A stack that resolves to the same code as one with another id is
 * the same stack: its id becomes an alias of the first. This happens because ids differ between
 * processes, and because the BPF side assigns new ones when a process's mapped files change. A
 * stack with a frame outside any file is private to its process.
 */
int stacks__add(struct stacks *s, const struct stack *st);
/* Finds a stack; NULL: unknown. It stays valid until a sweep frees it. Its own id may differ from
 * `id`: it is the one that was stored first. */
const struct stack *stacks__get(const struct stacks *s, uint64_t id);
/* Forgets an ID that will not come again. A stack that was stored under it stays. */
void stacks__forget(struct stacks *s, uint64_t id);

/* Returns whether there are so many more stacks than after the last sweep that one is worth it;
 * scarce: that is so for fewer, since memory is. */
bool stacks__due(const struct stacks *s, bool scarce);
/*
 * Frees the stacks that `keeps` returns false for, and all their IDs: nothing may point to them.
 * Returns how many, or -ENOMEM, which leaves all as they were.
 */
typedef bool (*stacks_keep_fn)(void *ctx, const struct stack *st);
int64_t stacks__sweep(struct stacks *s, stacks_keep_fn keeps, void *ctx);
/* Iterates over all ids and their stacks, in no order: start with *pos = 0; false at the end. */
bool stacks__next(const struct stacks *s, size_t *pos, uint64_t *id, const struct stack **st);
size_t stacks__memory(const struct stacks *s);

/* ---- for tests ---- */

size_t stacks__count(const struct stacks *s); /* without aliases */

#endif
