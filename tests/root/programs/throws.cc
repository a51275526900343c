/* SPDX-License-Identifier: GPL-2.0-or-later */
// operator new throws, and the program continues. "huge": a size that is never available; "limited": more
// than the limit of this process.
#include <sys/resource.h>

#include <new>

#include "truth.h"

static int destroyed;

struct noted {
	~noted() { destroyed++; }
};

static NOINLINE void leak_after()
{
	keep(new char[77]);
}

static NOINLINE bool throws(size_t size)
{
	try {
		noted n;

		keep(new char[size]);
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	bool limited = argc > 1 && !strcmp(argv[1], "limited");
	volatile size_t size = limited ? (size_t)1 << 40 : ~(size_t)0 / 4;
	struct rlimit limit = { (rlim_t)4 << 30, (rlim_t)4 << 30 };

	truth_begin();
	if (limited && setrlimit(RLIMIT_AS, &limit))
		return 2;
	for (int i = 0; i < 5; i++) {
		if (!throws(size))
			return 3;
		leak_after();
	}
	if (destroyed != 5)
		return 4;
	truth("leak_after", "operator new|operator new[]|malloc", 5, 5 * 77);
	truth_end();
	return 0;
}
