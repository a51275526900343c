/* SPDX-License-Identifier: GPL-2.0-or-later */
// The cost of operator new and delete beside that of malloc and free, in turn, so that a drift of
// the machine affects both. Prints the nanoseconds for a pair of each in every round, then the
// median of their ratios.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>

enum { ROUNDS = 15, PAIRS = 5000 };

template <typename Function> static double measure(Function pair)
{
	auto began = std::chrono::steady_clock::now();

	for (int i = 0; i < PAIRS; i++)
		pair();
	return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began)
		   .count() /
	       PAIRS;
}

static void *kept(void *p)
{
	asm volatile("" : "+r"(p) : : "memory");
	return p;
}

int main()
{
	double ratios[ROUNDS];

	for (double &ratio : ratios) {
		double c = measure([] { free(kept(malloc(100))); });
		double cxx = measure([] { operator delete(kept(operator new(100))); });

		ratio = cxx / c;
		printf("%.0f %.0f\n", c, cxx);
	}
	std::sort(ratios, ratios + ROUNDS);
	printf("%.2f\n", ratios[ROUNDS / 2]);
	return 0;
}
