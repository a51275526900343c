/* SPDX-License-Identifier: GPL-2.0-or-later */
// Allocates in inlined calls, templates, lambdas and the standard library; gdb prints the same stacks.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "keep.h"

// gdb stops here. Each allocation is followed by a call of this function, in the same line.
extern "C" __attribute__((noinline)) void *marked(std::size_t size)
{
	void *p = keep(malloc(size));

	__asm__ volatile("nop");	// no tail call
	return p;
}

namespace {

template <typename T> struct Pool {
	std::vector<T *> items;

	inline T *take() { items.push_back(static_cast<T *>(marked(sizeof(T)))); return items.back(); }
	inline T *take_twice() { take(); return take(); }
};

struct Base {
	virtual ~Base() = default;
	virtual void work(int depth) = 0;
};

struct Derived : Base {
	Pool<long> pool;

	NOINLINE void work(int depth) override
	{
		if (depth > 0)
			work(depth - 1);
		else
			pool.take_twice();
	}
};

inline __attribute__((always_inline)) void inner(std::size_t n) { marked(n); }
inline __attribute__((always_inline)) void middle(std::size_t n) { inner(n + 1); }

NOINLINE void outer()
{
	middle(10);
	std::vector<int> v{3, 1, 2};
	std::sort(v.begin(), v.end(), [](int a, int b) {
		static int times;
		if (times++ < 2)
			marked(100);
		return a < b;
	});
	std::map<std::string, std::function<void()>> calls;
	calls["one"] = [] { middle(20); };
	for (auto &c : calls)
		c.second();
}

}

int main()
{
	Derived d;
	Base *b = &d;

	b->work(5);
	outer();
	try {
		throw 1;
	} catch (int) {
		middle(30);
	}
	return 0;
}
