/* SPDX-License-Identifier: GPL-2.0-or-later */
// The C++ operators, each in a function of its own, and a container.
#include <new>
#include <string>
#include <vector>

#include "truth.h"

struct alignas(64) aligned {
	char bytes[128];
};

static NOINLINE void leak_new()
{
	keep(new char);
	keep(new int);
	truth(__func__, "operator new|malloc", 2, 5);
}

static NOINLINE void leak_new_array()
{
	keep(new char[77]);
	truth(__func__, "operator new|operator new[]|malloc", 1, 77);
}

static NOINLINE void leak_nothrow()
{
	keep(new (std::nothrow) char[99]);
	truth(__func__, "operator new|operator new[]|malloc", 1, 99);
}

static NOINLINE void leak_aligned()
{
	keep(new aligned);
	truth(__func__, "operator new|aligned_alloc|posix_memalign", 1, 128);
}

static NOINLINE void fail_nothrow()
{
	volatile size_t huge = ~(size_t)0 / 4;

	if (keep(new (std::nothrow) char[huge]))
		abort();
}

static NOINLINE void new_and_delete()
{
	for (int i = 0; i < 10; i++) {
		delete (int *)keep(new int);
		delete[] (char *)keep(new char[10 + i]);
		delete (aligned *)keep(new aligned);
	}
}

static NOINLINE void fill_and_drop()
{
	std::vector<std::string> v;

	for (int i = 0; i < 1000; i++)
		v.push_back(std::string(100, 'x'));
	keep(v.data());
}

static NOINLINE void leak_vector()
{
	auto *v = new std::vector<long>();

	v->reserve(1000);
	keep(v);
	truth(__func__, "operator new|malloc", 2, sizeof(*v) + 1000 * sizeof(long));
}

int main()
{
	truth_begin();
	leak_new();
	leak_new_array();
	leak_nothrow();
	leak_aligned();
	fail_nothrow();
	new_and_delete();
	fill_and_drop();
	leak_vector();
	truth_end();
	return 0;
}
