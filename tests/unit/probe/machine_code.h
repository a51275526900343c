/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine code, written byte by byte, and checks on where its probe goes. */
#ifndef MACHINE_CODE_H
#define MACHINE_CODE_H

#include "probe/point.h"

#include <errno.h>

#include "test.h"

#define RDI 1u
#define RSI 2u
#define RDX 4u

struct code {
	size_t len;
	const uint8_t *bytes;
};

#define CODE(...)                                                                                  \
	(struct code)                                                                              \
	{                                                                                          \
		sizeof((const uint8_t[]){ __VA_ARGS__ }), (const uint8_t[])                        \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

static inline struct probe_point find_point(struct code c, uint64_t vaddr, unsigned int args)
{
	struct probe_point p;

	CHECK_EQ(probe_point__find(c.bytes, c.len, vaddr, args, &p), 0);
	return p;
}

static inline void check_found(struct code c, uint64_t vaddr, unsigned int args,
			       unsigned int offset, const char *insn)
{
	struct probe_point p = find_point(c, vaddr, args);

	CHECK(p.emulated);
	CHECK_EQ(p.offset, offset);
	CHECK_STR(p.insn, insn);
	CHECK_STR(p.why, offset ? "first emulated instruction" : "the entry is emulated");
	for (int i = 0; i < POINT_ARGS; i++)
		CHECK_EQ(p.arg[i], i);
}

static inline void check_stays(struct code c, unsigned int args, const char *why)
{
	struct probe_point p = find_point(c, 0x1000, args);

	CHECK(!p.emulated);
	CHECK_EQ(p.offset, 0);
	CHECK_STR(p.why, why);
	for (int i = 0; i < POINT_ARGS; i++)
		CHECK_EQ(p.arg[i], i);
}

#endif
