/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Made code: parts of functions at round addresses, each with its own bounds. */
#include "probe/exits.h"

#include "util/array.h"

#include "test.h"

#define SLOT_OWN 0x8000	    /* leads to PART_B */
#define SLOT_SEEN 0x8008    /* leads to a function that has a probe */
#define SLOT_UNKNOWN 0x8010 /* leads to another file */

#define A 0x1000
#define B 0x2000
#define C 0x3000
#define PROBED 0x4000
#define PLT 0x5000

struct made {
	uint64_t start;
	size_t len;
	uint8_t bytes[32];
};

#define CODE(at, ...)                                                                              \
	{                                                                                          \
		at, sizeof((const uint8_t[]){ __VA_ARGS__ }),                                      \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define TO(from, to)                                                                               \
	(uint8_t)((to) - (from)), (uint8_t)(((to) - (from)) >> 8),                                 \
	    (uint8_t)(((to) - (from)) >> 16), (uint8_t)(((to) - (from)) >> 24)
#define JMP(at, to) 0xe9, TO((at) + 5, to)
#define CALL(at, to) 0xe8, TO((at) + 5, to)
#define JMP_SLOT(at, slot) 0xff, 0x25, TO((at) + 6, slot)
#define RET 0xc3
#define NOP 0x90
#define PUSH_RBX 0x53
#define POP_RBX 0x5b
#define JMP_RAX 0xff, 0xe0

struct program {
	const struct made *parts;
	size_t n;
};

static const struct made *part_at(const struct program *p, uint64_t vaddr)
{
	for (size_t i = 0; i < p->n; i++)
		if (vaddr >= p->parts[i].start && vaddr < p->parts[i].start + p->parts[i].len)
			return &p->parts[i];
	return NULL;
}

static bool extent(void *ctx, uint64_t vaddr, uint64_t *start, uint64_t *end)
{
	const struct made *m = part_at(ctx, vaddr);

	if (!m)
		return false;
	*start = m->start;
	*end = m->start + m->len;
	return true;
}

static const uint8_t *code(void *ctx, uint64_t vaddr, size_t want, size_t *got)
{
	const struct made *m = part_at(ctx, vaddr);
	size_t left = m ? m->len - (vaddr - m->start) : 0;

	*got = want < left ? want : left;
	return m ? m->bytes + (vaddr - m->start) : NULL;
}

static enum exits_way function(void *ctx, uint64_t vaddr)
{
	(void)ctx;
	return vaddr == PROBED ? EXITS_SEEN : EXITS_CODE;
}

static enum exits_way slot(void *ctx, uint64_t at, uint64_t *vaddr)
{
	(void)ctx;
	*vaddr = B;
	return at == SLOT_OWN ? EXITS_CODE : at == SLOT_SEEN ? EXITS_SEEN : EXITS_UNKNOWN;
}

static struct exits find(const struct made *parts, size_t n)
{
	struct program p = { parts, n };
	struct exits_source source = { &p, extent, code, function, slot };
	struct exits x;

	CHECK_EQ(exits__find(&source, A, &x), 0);
	return x;
}

static void check_exits(const struct made *parts, size_t n, const uint64_t *want, size_t nwant)
{
	struct exits x = find(parts, n);

	CHECK_STR(x.why, "");
	CHECK_EQ(x.n, nwant);
	for (size_t i = 0; i < x.n && i < nwant; i++)
		CHECK_EQ(x.at[i], want[i]);
	exits__release(&x);
}

static void check_none(const struct made *parts, size_t n, const char *why)
{
	struct exits x = find(parts, n);

	CHECK_STR(x.why, why);
	CHECK_EQ(x.n, 0);
	CHECK(!x.at);
	exits__release(&x);
}

#define EXITS(parts, ...)                                                                          \
	check_exits(parts, ARRAY_SIZE(parts), (const uint64_t[]){ __VA_ARGS__ },                   \
		    ARRAY_SIZE(((const uint64_t[]){ __VA_ARGS__ })))
#define NONE(parts, why) check_none(parts, ARRAY_SIZE(parts), why)

TEST(every_return_of_a_function)
{
	static const struct made parts[] = {
		CODE(A, PUSH_RBX, 0x74, 2, POP_RBX, RET, CALL(A + 5, C), POP_RBX, 0xf3, RET),
		CODE(C, RET), /* only called */
	};

	EXITS(parts, A + 4, A + 11);
}

TEST(bytes_of_other_instructions_are_no_returns)
{
	/* mov $0xc3c3c3c3, %eax; ret */
	static const struct made parts[] = { CODE(A, 0xb8, RET, RET, RET, RET, RET) };

	EXITS(parts, A + 5);
}

TEST(jumps_to_other_functions_and_cold_parts)
{
	static const struct made parts[] = {
		CODE(A, 0x0f, 0x84, TO(A + 6, B + 1), JMP(A + 6, C)),
		CODE(B, RET, NOP, RET, JMP(B + 3, A)),
		CODE(C, RET),
	};

	EXITS(parts, B, B + 2, C);
}

TEST(jumps_through_the_plt)
{
	static const struct made parts[] = {
		CODE(A, 0x74, 5, JMP(A + 2, PLT), RET, 0x0f, 0x84, TO(A + 14, PLT + 10),
		     JMP_SLOT(A + 14, SLOT_OWN)),
		CODE(B, RET),
		/* endbr64; jmp *SLOT; and another one without endbr64 */
		CODE(PLT, 0xf3, 0x0f, 0x1e, 0xfa, JMP_SLOT(PLT + 4, SLOT_OWN),
		     JMP_SLOT(PLT + 10, SLOT_SEEN)),
	};

	EXITS(parts, A + 7, B);
}

TEST(a_function_with_a_probe_ends_the_search)
{
	static const struct made parts[] = {
		CODE(A, 0x74, 1, RET, JMP(A + 3, PROBED)), CODE(PROBED, 0xff), /* not looked at */
	};

	EXITS(parts, A + 2);
}

TEST(a_function_that_calls_itself)
{
	static const struct made parts[] = { CODE(A, 0x74, 5, JMP(A + 2, A), RET) };

	EXITS(parts, A + 7);
}

TEST(what_cannot_be_found_is_said)
{
	static const struct made by_pointer[] = { CODE(A, 0x74, 2, JMP_RAX, RET) };
	static const struct made elsewhere[] = { CODE(A, RET, JMP_SLOT(A + 1, SLOT_UNKNOWN)) };
	static const struct made unknown[] = { CODE(A, RET, JMP(A + 1, C)) };
	static const struct made cut[] = { CODE(A, RET, 0xb8, 1) };
	static const struct made inside[] = { CODE(A, 0x74, 1, 0xb8, RET, RET, RET, RET, RET) };
	static const struct made pushed[] = { CODE(A, PUSH_RBX, RET) };
	static const struct made stored[] = { CODE(A, 0x48, 0x89, 0x04, 0x24, RET) };
	static const struct made far[] = { CODE(A, 0xcb) };
	static const struct made not_there[] = { CODE(B, RET) };

	NONE(by_pointer, "0x1002 jumps by a table or a pointer");
	NONE(elsewhere, "0x1001 jumps to another file, or by a pointer");
	NONE(unknown, "0x1001 jumps to code that is not described");
	NONE(cut, "0x1001 is not a complete instruction");
	NONE(inside, "0x1000 jumps into an instruction");
	NONE(pushed, "0x1001 makes a jump of a return");
	NONE(stored, "0x1004 makes a jump of a return");
	NONE(far, "0x1000 makes a jump of a return");
	NONE(not_there, "no call frame information describes it");
}

TEST(the_search_is_bounded)
{
	static struct made parts[100];

	for (unsigned int i = 0; i < ARRAY_SIZE(parts); i++) {
		uint64_t at = A + i * 0x10ull, next = at + 0x10;
		const uint8_t jump[] = { JMP(at, next) };

		parts[i].start = at;
		parts[i].len = sizeof(jump);
		memcpy(parts[i].bytes, jump, sizeof(jump));
	}
	NONE(parts, "it jumps to too much other code");
}
