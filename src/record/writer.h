/*
 * Writes a recording. What it is given is copied into buffers; a thread of its own packs, deflates
 * and writes them, so that whoever empties the kernel's ring spends no time on that. There are only
 * so many buffers: where the disk cannot follow, the giver waits, and what the ring loses meanwhile
 * is counted there as ever. Before that happens, deflating is left out.
 *
 * One giver at a time: whoever holds the collector's lock. Failure to write is kept, and from then
 * on all that is given is thrown away; recording__error tells.
 *
 * A recording that nears its limit begins a second file with a state, which stands for all that
 * came before; both are written from then on, and once the first is full, the second takes its
 * place. So it keeps at least the last half of what fits. Both together may take one and a half
 * times the limit.
 */
#ifndef MEMTRACE_RECORD_WRITER_H
#define MEMTRACE_RECORD_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/recording.h"
#include "util/strbuf.h"

#define RECORDING_LIMIT_MIN (1ull << 20)

struct recording;

/* limit: bytes of the file at most; 0: none. An existing file is replaced. NULL and errno. */
struct recording *recording__create(const char *path, uint64_t limit);
/*
 * Writes all that was given, and the end. 0, or the negative errno of what failed first: -EFBIG
 * where what is outstanding takes more than half of the limit, so that nothing can be left out.
 */
int recording__close(struct recording *r);
void recording__free(
    struct recording *r); /* takes NULL; without close, the file ends as if cut off */

void recording__event(struct recording *r, const void *ev, size_t size);
void recording__put(struct recording *r, enum record_kind kind, const struct strbuf *bytes);
/* What was given so far is to be in the file soon. */
void recording__flush(struct recording *r);

/* Whether a state is wanted. Then, with nothing given in between: begin, any number of records,
 * end. */
bool recording__wants_state(const struct recording *r);
void recording__begin_state(struct recording *r);
void recording__put_state(struct recording *r, enum record_kind kind, const struct strbuf *bytes);
void recording__end_state(struct recording *r);

int recording__error(const struct recording *r); /* 0 or a negative errno; any thread */

struct recording_stats {
	uint64_t events;	   /* packed so far */
	uint64_t bytes;		   /* in the file */
	uint64_t waits, waited_ns; /* how often the giver had to wait */
	uint64_t plain_chunks;	   /* that there was no time to deflate */
	uint64_t compactions;
};

void recording__stats(struct recording *r, struct recording_stats *out);

#endif
