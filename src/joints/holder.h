/*
 * Holds threads of traced processes until their new code is probed, by ptrace: a thread of its own seizes
 * them, so that they stop before their next instruction, and detaches when told. The kernel lets them
 * go by itself should this process end in any way. A parent that waits for them, a shell's job control
 * included, sees nothing of it. Whoever is being debugged already cannot be held.
 */
#ifndef MEMTRACE_HOLDER_H
#define MEMTRACE_HOLDER_H

#include <stdint.h>
#include <sys/types.h>

struct hold_request;
struct holder;

struct holder_ops {
	int fd;			/* readable when there are requests */
	int (*take)(void *ctx);	/* makes holder__request be called for each */
	void (*grant)(void *ctx, uint64_t number);	/* the thread cannot run on */
	void *ctx;
};

/* NULL and errno. */
struct holder *holder__new(void);
/* Starts its thread. 0 or a negative errno. */
int holder__start(struct holder *h, const struct holder_ops *ops);
/* Ends it, and every hold. */
void holder__free(struct holder *h);

/* A child of ours: its end is not taken from whoever waits for it. */
void holder__spare(struct holder *h, pid_t child);

/* From ops.take only. */
void holder__request(void *holder, const struct hold_request *r);
/* Ends a hold, or one that is yet to begin. Any thread. */
void holder__release(struct holder *h, uint64_t number);

#endif
