/*
 * Interned call stacks: a stack is stored once, resolved to (module, file offset) when it arrives,
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
	uint64_t pc;	 /* where the call returns to, in the process named below */
	uint64_t offset; /* in the module's file, of pc; the pc itself where there is no module */
	uint32_t module; /* module id (module.h), or FRAME_NO_MODULE */
};

struct stack {
	uint64_t id;  /* from the event */
	uint32_t pid; /* that had the stack first */
	uint16_t n;
	uint8_t end;	       /* enum stack_end (event.h) */
	uint8_t guessed;       /* 1: a frame without unwind data was passed by its frame pointer */
	struct frame frames[]; /* leaf first */
};

/* How the walk went, in one byte, where stacks are kept. */
#define STACK_HOW(st) ((st)->end | (st)->guessed << 7)
#define STACK_HOW_END(how) ((how)&0x7f)
#define STACK_HOW_GUESSED(how) ((how) >> 7 & 1)

struct stacks *stacks__new(void); /* NULL and errno */
void stacks__free(struct stacks *s);
/*
 * Stores a copy. 0; 1: known already, the same; -EEXIST: known already with other frames (the old
 * one stays); -ENOMEM. A stack that resolves to the same code as one with another id is the same
 * stack: its id becomes another name of the first. Ids differ for each process, and the kernel's
 * side gives new ones when the mapped files change. A stack with a frame in no file is its
 * process's own.
 */
int stacks__add(struct stacks *s, const struct stack *st);
/* NULL: not known; stays valid. Its own id may be an older one: that which stands for the stack. */
const struct stack *stacks__get(const struct stacks *s, uint64_t id);
/* Every id and the stack that it names, in no order: start with *pos = 0; false at the end. */
bool stacks__next(const struct stacks *s, size_t *pos, uint64_t *id, const struct stack **st);
size_t stacks__count(const struct stacks *s);
size_t stacks__memory(const struct stacks *s);

#endif
