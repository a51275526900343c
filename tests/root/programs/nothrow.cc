/* SPDX-License-Identifier: GPL-2.0-or-later */
// Operators that return NULL, and constructors that throw after the operator returned. "abort":
// operator new fails in an allocator that was built without exceptions, and ends the program.
#include <new>

#include "truth.h"

enum { LOOPS = 300 };

static const volatile size_t never = ((size_t)1 << 47) - ((size_t)1 << 40);
static const std::align_val_t line = std::align_val_t(64), page = std::align_val_t(4096);

static void check(bool holds, int number)
{
	if (!holds) {
		dprintf(2, "nothrow.cc:%d does not hold\n", number);
		_exit(3);
	}
}

#define CHECK(x) check(x, __LINE__)

static NOINLINE void *same_call(size_t size)
{
	return keep(operator new(size, std::nothrow));
}

static NOINLINE void *same_aligned_call(size_t size)
{
	return keep(operator new[](size, page, std::nothrow));
}

static NOINLINE void each_operator()
{
	keep(operator new(10));
	keep(operator new[](20));
	keep(operator new(64, line));
	keep(operator new[](4096, page));
	keep(operator new(50, std::nothrow));
	keep(operator new[](60, std::nothrow));
	keep(operator new(128, line, std::nothrow));
	keep(operator new[](8192, page, std::nothrow));
	truth(__func__, "operator new|operator new[]|malloc|aligned_alloc", 8, 12620);
}

static NOINLINE void each_fails()
{
	CHECK(!keep(operator new(never, std::nothrow)));
	CHECK(!keep(operator new[](never, std::nothrow)));
	CHECK(!keep(operator new(never, line, std::nothrow)));
	CHECK(!keep(operator new[](never, page, std::nothrow)));
	for (int i = 0; i < LOOPS; i++) {
		CHECK(!same_call(never));
		CHECK(same_call(5));
		CHECK(!same_aligned_call(never));
		operator delete[](same_aligned_call(6), page);
	}
	truth("same_call", "operator new|malloc", LOOPS, LOOPS * 5L);
}

struct alignas(64) throws_late {
	char *own = new char[20];
	throws_late(void *&kept)
	{
		kept = keep(new char[33]);
		delete[] own;
		throw this;
	}
};

static NOINLINE void constructors()
{
	for (int i = 0; i < LOOPS; i++) {
		void *kept = NULL;

		try {
			keep(i % 2 ? new throws_late(kept) : new (std::nothrow) throws_late(kept));
			CHECK(false);
		} catch (throws_late *) {
		}
		CHECK(kept);
	}
	truth("throws_late::throws_late", "operator new|operator new[]|malloc", LOOPS, LOOPS * 33L);
}

int main(int argc, char **argv)
{
	truth_begin();
	each_operator();
	each_fails();
	constructors();
	if (argc > 1 && !strcmp(argv[1], "abort"))
		keep(operator new(never));
	truth_end();
	return 0;
}
