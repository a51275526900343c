/* SPDX-License-Identifier: GPL-2.0-or-later */
// operator new fails in every way, is caught, and the program continues. "threads": in several
// threads; "ever": until it is killed.
#include <pthread.h>
#include <sys/resource.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "truth.h"

enum { LOOPS = 300, THREADS = 4, DEPTH = 100, MEBI = 1 << 20 };

static const volatile size_t huge = ~(size_t)0 / 4, never = ((size_t)1 << 47) - ((size_t)1 << 40);
static int destroyed;

struct alignas(64) aligned {
	char bytes[192];
};

struct noted {
	char *own = new char[20];
	~noted()
	{
		delete[] own;
		__atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
	}
};

static void check(bool holds, int line)
{
	if (!holds) {
		dprintf(2, "bad_alloc.cc:%d does not hold\n", line);
		_exit(3);
	}
}

#define CHECK(x) check(x, __LINE__)

// Small and impossible sizes, from the same call.
static NOINLINE void *same_call(size_t size)
{
	return keep(operator new(size));
}

template <typename Function> static NOINLINE bool fails(Function f)
{
	try {
		noted n;

		f();
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

static NOINLINE void each_operator()
{
	for (size_t size : { (size_t)huge, (size_t)never, ~(size_t)0 / 2 }) {
		CHECK(fails([=] { keep(operator new(size)); }));
		CHECK(fails([=] { keep(operator new[](size)); }));
		CHECK(fails([=] { keep(operator new(size, std::align_val_t(64))); }));
		CHECK(fails([=] { keep(operator new[](size, std::align_val_t(4096))); }));
		keep(new char[33]);
		keep(new aligned);
	}
	truth(__func__, "operator new|operator new[]|malloc|aligned_alloc", 6,
	      3 * 33 + 3 * sizeof(aligned));
}

static NOINLINE void in_turn()
{
	for (int i = 0; i < LOOPS; i++) {
		CHECK(fails([] { same_call(huge); }));
		operator delete(same_call(10));
		same_call(50);
		CHECK(fails([] { same_call(never); }));
	}
}

static NOINLINE int dive(int depth)
{
	noted n;
	volatile char stack[300];

	stack[0] = (char)depth;
	if (!depth)
		return !same_call(huge);
	return dive(depth - 1) + stack[0];
}

// Nothing below writes to most of this, so that what a call left there stays.
static NOINLINE void *with_old_stack()
{
	char stack[4000];

	keep(stack);
	return keep(malloc(70));
}

static NOINLINE void deep()
{
	int before = destroyed;

	for (int i = 0; i < 10; i++) {
		CHECK(fails([] { dive(DEPTH); }));
		with_old_stack();
		free(with_old_stack());
		free(realloc(malloc(5), 5000));
	}
	CHECK(destroyed - before == 10 * (DEPTH + 2));
	truth("with_old_stack", "malloc", 10, 700);
}

static NOINLINE void *in_thread(void *unused)
{
	in_turn();
	(void)unused;
	return NULL;
}

static NOINLINE void *for_ever(void *unused)
{
	for (;;) {
		CHECK(fails([] { same_call(huge); }));
		operator delete(same_call(10));
		CHECK(!keep(operator new(never, std::nothrow)));
		delete new aligned;
	}
	return unused;
}

static NOINLINE void threads()
{
	pthread_t t[THREADS];

	for (pthread_t &one : t)
		CHECK(!pthread_create(&one, NULL, in_thread, NULL));
	for (pthread_t one : t)
		pthread_join(one, NULL);
	truth(__func__, "*", ANY, ANY); // the C library keeps stacks for later threads
}

// The exception itself is what is kept.
static NOINLINE void keep_exception()
{
	alignas(std::exception_ptr) static char kept[sizeof(std::exception_ptr)]; // never destroyed

	try {
		keep(operator new(huge));
	} catch (...) {
		new (kept) std::exception_ptr(std::current_exception());
	}
	truth(__func__, "malloc", 1, ANY);
}

static NOINLINE void containers()
{
	CHECK(fails([] { keep(std::vector<char>(never).data()); }));
	CHECK(fails([] { keep(std::string(never, 'x').data()); }));
	CHECK(fails([] {
		std::vector<std::string> v;

		for (int i = 0; i < 100; i++)
			v.push_back(std::string(50, 'x'));
		v.reserve(never / sizeof(std::string));
	}));
}

// ---- handlers ----

static void throw_it()
{
	throw std::bad_alloc();
}

static char *reserve;
static void *noted_by_handler[8];
static int noted_blocks;

static NOINLINE void handler_notes()
{
	noted_by_handler[noted_blocks++] = keep(new char[123]);
	free(malloc(44));
	delete new aligned;
}

static void handler_throws()
{
	handler_notes();
	throw_it();
}

struct unrelated {
	long value;
};

static void handler_throws_other()
{
	throw unrelated{ 7 };
}

// Another failure inside of the handler, and another handler inside of that.
static void handler_fails()
{
	std::set_new_handler(handler_throws);
	CHECK(fails([] { same_call(huge); }));
	std::set_new_handler(throw_it);
	handler_notes();
	CHECK(fails([] { same_call(never); }));
	throw_it();
}

static NOINLINE void handlers()
{
	std::set_new_handler(handler_throws);
	CHECK(fails([] { same_call(huge); }));
	CHECK(!keep(operator new(never, std::nothrow)));
	std::set_new_handler(handler_fails);
	CHECK(fails([] { same_call(huge); }));
	std::set_new_handler(handler_throws_other);
	try {
		same_call(huge);
		CHECK(false);
	} catch (const unrelated &u) {
		CHECK(u.value == 7);
	}
	std::set_new_handler(NULL);
	truth("handler_notes", "operator new|operator new[]|malloc", noted_blocks,
	      123L * noted_blocks);
}

// ---- a limit ----

static NOINLINE void *large_call(size_t size)
{
	return keep(new char[size]);
}

static void handler_frees()
{
	CHECK(reserve);
	delete[] reserve;
	reserve = NULL;
	std::set_new_handler(NULL);
}

static long pages()
{
	char text[64];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	CHECK(n > 0);
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

static NOINLINE void limited()
{
	static void *blocks[1000];
	struct rlimit limit, old;
	long n = 0;

	getrlimit(RLIMIT_AS, &old);
	limit = old;
	limit.rlim_cur = (rlim_t)pages() * 4096 + 256 * MEBI;
	reserve = new char[32 * MEBI];
	CHECK(!setrlimit(RLIMIT_AS, &limit));
	CHECK(fails([&] {
		while (n < 1000)
			blocks[n++] = large_call(8 * MEBI), blocks[n] = NULL;
	}));
	while (n && !blocks[n - 1])
		n--;
	CHECK(n > 3);
	for (int i = 0; i < 100; i++)
		CHECK(fails([] { large_call(64 * MEBI); }));
	std::set_new_handler(handler_frees);
	blocks[n++] = large_call(32 * MEBI);
	CHECK(!reserve);
	delete[](char *) blocks[0];
	blocks[0] = large_call(8 * MEBI);
	setrlimit(RLIMIT_AS, &old);
	truth("large_call", "operator new|operator new[]|malloc", n,
	      (n - 1) * 8 * MEBI + 32L * MEBI);
}

int main(int argc, char **argv)
{
	bool several = argc > 1 && !strcmp(argv[1], "threads");
	pthread_t t;

	truth_begin();
	if (argc > 1 && !strcmp(argv[1], "ever")) {
		CHECK(!pthread_create(&t, NULL, for_ever, NULL));
		for_ever(NULL);
	}
	if (several) {
		threads();
	} else {
		each_operator();
		in_turn();
		deep();
		keep_exception();
		containers();
		handlers();
		limited();
	}
	truth("same_call", "operator new|malloc", (several ? THREADS : 1) * LOOPS,
	      (several ? THREADS : 1) * LOOPS * 50L);
	truth_end();
	return 0;
}
