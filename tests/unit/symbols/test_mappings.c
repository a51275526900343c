/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "symbols/mappings.h"
#include "symbols/module.h"
#include "test.h"
#include "unwind/stacks.h"

static int parse(struct mappings *maps, const char *text)
{
	return mappings__parse(maps, NULL, text, strlen(text));
}

TEST(the_lines_of_proc_maps)
{
	static const char text[] =
	    "55e5c0a00000-55e5c0a02000 r--p 00000000 fe:01 332383    /usr/bin/x\n"
	    "55e5c0a02000-55e5c0a06000 r-xp 00002000 fe:01 332383    /usr/bin/x\n"
	    "55e5c0a06000-55e5c0a07000 rw-p 00006000 fe:01 332383    /usr/bin/x\n"
	    "55e5c1000000-55e5c1021000 rw-p 00000000 00:00 0                          [heap]\n"
	    "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
	    "7f0000100000-7f0000101000 rw-s 00001000 00:05 7    /dev/zero (deleted)\n"
	    "7ffc1a3f8000-7ffc1a3fa000 r-xp 00000000 00:00 0                          [vdso]\n"
	    "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0    [vsyscall]\n";
	struct mappings *maps = mappings__new(1);
	const struct mapping *m;

	CHECK_EQ(parse(maps, text), 0);
	CHECK_EQ(mappings__count(maps), 8);

	m = mappings__find(maps, 0x55e5c0a02000);
	CHECK(m && m->exec && !m->write);
	CHECK_EQ(m->start, 0x55e5c0a02000);
	CHECK_EQ(m->end, 0x55e5c0a06000);
	CHECK_EQ(m->offset, 0x2000);
	CHECK_EQ(m->dev, makedev(0xfe, 1));
	CHECK_EQ(m->ino, 332383);
	CHECK_EQ(m->module, FRAME_NO_MODULE);
	CHECK_STR(m->path, "/usr/bin/x");

	CHECK_STR(mappings__find(maps, 0x55e5c0a05fff)->path, "/usr/bin/x");
	CHECK(mappings__find(maps, 0x55e5c0a05fff)->exec);
	CHECK(!mappings__find(maps, 0x55e5c0a06000)->exec);
	CHECK(!mappings__find(maps, 0x55e5c0a07000));
	CHECK(!mappings__find(maps, 0x55e5c09fffff));
	CHECK(!mappings__find(maps, 0));
	CHECK(!mappings__find(maps, UINT64_MAX));
	CHECK_STR(mappings__find(maps, 0x55e5c1000010)->path, "[heap]");
	CHECK_STR(mappings__find(maps, 0x7f0000000000)->path, "");
	CHECK_STR(mappings__find(maps, 0x7f0000100000)->path, "/dev/zero");
	CHECK_EQ(mappings__find(maps, 0x7f0000100000)->ino, 7);
	CHECK_STR(mappings__find(maps, 0xffffffffff600123)->path, "[vsyscall]");

	CHECK_STR(mappings__at(maps, 7)->path, "[vsyscall]");
	CHECK(!mappings__at(maps, 8));
	mappings__free(maps);
	mappings__free(NULL);
}

TEST(paths_are_unescaped)
{
	struct mappings *maps = mappings__new(1);

	CHECK_EQ(parse(maps,
		       "1000-2000 r-xp 00000000 08:01 5    /tmp/a\\012b c  d\\134e (deleted)\n"
		       "2000-3000 r-xp 00000000 08:01 6    /tmp/\xff\x01 (deleted) (deleted)\n"
		       "3000-4000 r-xp 00000000 08:01 7     (deleted)\n"
		       "4000-5000 r-xp 00000000 08:01 8    /x\\01"),
		 0);
	/* The kernel escapes only the line feed. */
	CHECK_STR(mappings__at(maps, 0)->path, "/tmp/a\nb c  d\\134e");
	CHECK_STR(mappings__at(maps, 1)->path, "/tmp/\xff\x01 (deleted)");
	CHECK_STR(mappings__at(maps, 2)->path, "(deleted)");
	CHECK_STR(mappings__at(maps, 3)->path, "/x\\01");
	mappings__free(maps);
}

TEST(invalid_text_changes_nothing)
{
	static const char *const bad[] = {
		"nonsense\n",
		"\n",
		"1000\n",
		"1000-2000\n",
		"1000-2000 r-xp\n",
		"1000-2000 r-xp 0 08:01\n",
		"1000-2000 r-xp 0 08:01 \n",
		"1000-2000 r-xp 0 08 5 /x\n",
		"2000-1000 r-xp 00000000 08:01 5 /x\n",
		"1000-1000 r-xp 00000000 08:01 5 /x\n",
		":000-2000 r-xp 00000000 08:01 5 /x\n",
		"1000-2000 r-xp 00000000 08:01 5a /x\n",
		"1000-2000 r-xp 00000000 08:01 99999999999999999999 /x\n",
		"11112222333344445-2000 r-xp 00000000 08:01 5 /x\n",
		"1000-2000 r-xp 00000000 08:01 5 /x\ngarbage",
	};
	struct mappings *maps = mappings__new(1);

	CHECK_EQ(parse(maps, "7000-8000 r-xp 00000000 08:01 5 /kept\n"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_EQ(parse(maps, bad[i]), -EINVAL);
		CHECK_EQ(mappings__count(maps), 1);
		CHECK_STR(mappings__find(maps, 0x7000)->path, "/kept");
	}
	CHECK_EQ(parse(maps, ""), 0);
	CHECK_EQ(mappings__count(maps), 0);
	mappings__free(maps);
}

TEST(mappings_that_changed_while_they_were_read)
{
	struct mappings *maps = mappings__new(1);

	/* The second one grew down over the first, the third one lies inside. */
	CHECK_EQ(parse(maps, "1000-3000 r-xp 00000000 08:01 5 /a\n"
			     "2000-5000 r-xp 00007000 08:01 6 /b\n"
			     "2000-4000 r-xp 00000000 08:01 7 /c\n"
			     "6000-7000 r-xp 00000000 08:01 8 /d\n"),
		 0);
	CHECK_EQ(mappings__count(maps), 3);
	CHECK_STR(mappings__find(maps, 0x2fff)->path, "/a");
	CHECK_STR(mappings__find(maps, 0x3000)->path, "/b");
	CHECK_EQ(mappings__find(maps, 0x3000)->offset, 0x8000);
	CHECK_STR(mappings__find(maps, 0x6000)->path, "/d");
	mappings__free(maps);
}

TEST(a_copy_is_independent)
{
	struct mappings *maps = mappings__new(1), *copy, *empty;

	empty = mappings__copy(maps, 3);
	CHECK(empty && mappings__count(empty) == 0);
	mappings__free(empty);
	CHECK_EQ(
	    parse(maps, "1000-2000 r-xp 00000000 08:01 5 /a\n3000-4000 rw-p 00001000 08:01 5 /b\n"),
	    0);
	copy = mappings__copy(maps, 2);
	CHECK_EQ(parse(maps, "5000-6000 r-xp 00000000 08:01 5 /c\n"), 0);
	mappings__free(maps);
	CHECK_EQ(mappings__count(copy), 2);
	CHECK_STR(mappings__find(copy, 0x1000)->path, "/a");
	CHECK_STR(mappings__find(copy, 0x3abc)->path, "/b");
	CHECK_EQ(mappings__find(copy, 0x3abc)->offset, 0x1000);
	mappings__free(copy);
}

TEST(as_many_mappings_as_the_kernel_allows)
{
	const unsigned int n = 65530;
	char *text = malloc((size_t)n * 100), *p = text;
	struct mappings *maps = mappings__new(1);

	for (unsigned int i = 0; i < n; i++)
		p += sprintf(p, "%llx-%llx rw-p 00000000 08:01 %u   /some/where/in/the/tree/%u\n",
			     0x10000ull + i * 0x2000ull, 0x11000ull + i * 0x2000ull, i + 1, i);
	CHECK_EQ(mappings__parse(maps, NULL, text, (size_t)(p - text)), 0);
	CHECK_EQ(mappings__count(maps), n);
	for (unsigned int i = 0; i < n; i++) {
		const struct mapping *m = mappings__find(maps, 0x10800 + i * 0x2000ull);

		if (!m || m->ino != i + 1)
			CHECK(!"every mapping is found");
		if (mappings__find(maps, 0x11000 + i * 0x2000ull))
			CHECK(!"no gap is found");
	}
	free(text);
	mappings__free(maps);
}

TEST(the_mappings_of_this_process)
{
	struct modules *is = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	const struct mapping *m;
	struct module *mod;
	int local;

	CHECK_EQ(mappings__refresh(maps, is), 0);
	m = mappings__find(maps, (uint64_t)(uintptr_t)&test_the_mappings_of_this_process);
	CHECK(m && m->exec && m->module != FRAME_NO_MODULE);
	mod = m ? modules__get(is, m->module) : NULL;
	CHECK(mod);
	if (mod) {
		CHECK_STR(module__path(mod), m->path);
		CHECK(module__fd(mod) >= 0);
	}
	m = mappings__find(maps, (uint64_t)(uintptr_t)&local);
	CHECK(m && m->write && !m->exec && m->module == FRAME_NO_MODULE);
	for (size_t i = 0; i < mappings__count(maps); i++) {
		m = mappings__at(maps, i);
		CHECK_EQ(m->module != FRAME_NO_MODULE,
			 m->exec && (m->ino || !strcmp(m->path, "[vdso]")));
	}
	mappings__free(maps);
	modules__free(is);
}

struct known {
	struct identity ids[3];
	size_t n;
	int err;
	uint32_t asked; /* the process that was asked about */
};

static int identify(void *ctx, uint32_t pid, const struct identity **ids, size_t *n)
{
	struct known *k = ctx;

	k->asked = pid;
	*ids = k->ids;
	*n = k->n;
	return k->err;
}

TEST(an_identifier_overrides_maps)
{
	struct modules *is = modules__new();
	struct mappings *maps = mappings__new((uint32_t)getpid());
	struct known k = { .n = 3 };
	struct identifier who = { identify, &k };
	struct mapping code, stack, other;
	const struct mapping *m;
	uint32_t module;
	int local;

	CHECK_EQ(mappings__refresh(maps, NULL), 0);
	code = *mappings__find(maps, (uint64_t)(uintptr_t)&test_an_identifier_overrides_maps);
	stack = *mappings__find(maps, (uint64_t)(uintptr_t)&local);
	other = *mappings__find(maps, (uint64_t)(uintptr_t)&getppid);
	CHECK(code.start < other.start && other.start < stack.start);
	k.ids[0] = (struct identity){ code.start, makedev(8, 3), 4711 };
	k.ids[1] = (struct identity){ other.start + 1, makedev(8, 3), 4712 };
	k.ids[2] = (struct identity){ stack.start, makedev(8, 3), 4713 };

	CHECK_EQ(mappings__refresh_as(maps, is, &who), 0);
	CHECK_EQ(k.asked, getpid());
	m = mappings__find(maps, code.start);
	CHECK_EQ(m->dev, makedev(8, 3));
	CHECK_EQ(m->ino, 4711);
	module = m->module;
	CHECK(module__fd(modules__get(is, module)) >= 0);
	m = mappings__find(maps, other.start);
	CHECK_EQ(m->ino, other.ino);
	CHECK_EQ(m->dev, other.dev);
	/* Anonymous memory stays without an identity. */
	CHECK_EQ(mappings__find(maps, stack.start)->ino, 0);

	k.ids[0].ino = 4714;
	CHECK_EQ(mappings__refresh_as(maps, is, &who), 0);
	CHECK(mappings__find(maps, code.start)->module != module);
	/* It ended between the two reads: the old contents stay. */
	k.n = 0;
	CHECK_EQ(mappings__refresh_as(maps, is, &who), -ESRCH);
	CHECK_EQ(mappings__find(maps, code.start)->ino, 4714);
	k.err = -ESRCH;
	CHECK_EQ(mappings__refresh_as(maps, is, &who), -ESRCH);
	CHECK_EQ(mappings__find(maps, code.start)->ino, 4714);
	/* The identifier fails. */
	k.err = -EPERM;
	CHECK_EQ(mappings__refresh_as(maps, is, &who), 0);
	CHECK_EQ(mappings__find(maps, code.start)->ino, code.ino);
	mappings__free(maps);
	modules__free(is);
}

TEST(a_process_that_ended)
{
	struct modules *is = modules__new();
	pid_t pid = fork();
	struct mappings *maps;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	maps = mappings__new((uint32_t)pid);
	CHECK_EQ(mappings__refresh(maps, is), 0);
	CHECK(mappings__count(maps) > 5);
	/* A zombie has no memory, and then the process is gone. The old contents stay. */
	kill(pid, SIGKILL);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	CHECK_EQ(mappings__refresh(maps, is), -ESRCH);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(mappings__refresh(maps, is), -ESRCH);
	CHECK(mappings__count(maps) > 5);
	mappings__free(maps);
	modules__free(is);
}

static void *live_on(void *arg)
{
	int out = *(int *)arg;
	char stat[64], state = 0;

	/* Notify the parent once the main thread is a zombie. */
	while (state != 'Z') {
		FILE *f = fopen("/proc/self/stat", "re");

		if (!f || !fgets(stat, sizeof(stat), f))
			_exit(1);
		fclose(f);
		state = *(strrchr(stat, ')') + 2);
	}
	if (write(out, "x", 1) != 1)
		_exit(1);
	pause();
	return NULL;
}

TEST(a_main_thread_that_ended_first)
{
	struct modules *is = modules__new();
	int pipes[2], err = pipe(pipes);
	pid_t pid = fork();
	pthread_t thread;
	struct mappings *maps;
	char c;

	CHECK_EQ(err, 0);
	if (pid == 0) {
		if (pthread_create(&thread, NULL, live_on, &pipes[1]))
			_exit(1);
		syscall(SYS_exit, 0); /* only this thread */
	}
	close(pipes[1]);
	CHECK_EQ(read(pipes[0], &c, 1), 1);
	maps = mappings__new((uint32_t)pid);
	CHECK_EQ(mappings__refresh(maps, is), 0);
	CHECK(mappings__count(maps) > 5);
	CHECK(mappings__find(maps, (uint64_t)(uintptr_t)&test_the_mappings_of_this_process));
	CHECK(modules__count(is) > 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	mappings__free(maps);
	modules__free(is);
}

/* ---- one more mapping ---- */

#define PAGE 0x1000ull
#define PAGES 48

/* What each page maps: which mapping, and which page of its file. */
struct shown {
	unsigned int ino; /* 0: nothing */
	unsigned int offset;
};

static void map_both(struct mappings *maps, struct shown *model, unsigned int first,
		     unsigned int end, unsigned int ino)
{
	unsigned int offset = ino * 100;

	CHECK_EQ(mappings__map(maps, &(struct mapping){ .start = first * PAGE,
							.end = end * PAGE,
							.offset = offset * PAGE,
							.ino = ino,
							.module = ino,
							.exec = true,
							.path = "/x" }),
		 0);
	for (unsigned int i = first; i < end; i++)
		model[i] = (struct shown){ ino, offset + i - first };
}

/* Each page maps what the model says, and the mappings are sorted and do not overlap. */
static bool is_as_modelled(const struct mappings *maps, const struct shown *model)
{
	for (size_t i = 0; i < mappings__count(maps); i++) {
		const struct mapping *m = mappings__at(maps, i);

		if (m->start >= m->end || (i && mappings__at(maps, i - 1)->end > m->start))
			return false;
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		const struct mapping *m = mappings__find(maps, i * PAGE);

		if (!m != !model[i].ino || m != mappings__find(maps, i * PAGE + PAGE - 1))
			return false;
		if (m &&
		    (m->ino != model[i].ino || m->module != model[i].ino || strcmp(m->path, "/x") ||
		     i * PAGE - m->start + m->offset != model[i].offset * PAGE))
			return false;
	}
	return true;
}

TEST(a_mapping_replaces_what_it_overlaps)
{
	unsigned int cases = 0;

	/* Before, behind, between, inside, around, across one or two, and with each pair of ends
	 * that meet. */
	for (unsigned int first = 0; first < 20; first++)
		for (unsigned int end = first + 1; end <= 20; end++) {
			struct shown model[PAGES] = { 0 };
			struct mappings *maps = mappings__new(1);

			map_both(maps, model, 3, 7, 1);
			map_both(maps, model, 10, 14, 2);
			map_both(maps, model, 14, 17, 3);
			map_both(maps, model, first, end, 4);
			if (!is_as_modelled(maps, model))
				printf("# [%u, %u)\n", first, end);
			CHECK(is_as_modelled(maps, model));
			cases++;
			mappings__free(maps);
		}
	CHECK_EQ(cases, 210);
}

TEST(many_mappings_in_any_order)
{
	uint64_t state = 1;

	for (int round = 0; round < 200; round++) {
		struct shown model[PAGES] = { 0 };
		struct mappings *maps = mappings__new(1), *copy;

		for (unsigned int ino = 1; ino <= 40; ino++) {
			unsigned int first, len;

			state = state * 6364136223846793005ull + 1442695040888963407ull;
			first = (unsigned int)((state >> 33) % PAGES);
			len = 1 + (unsigned int)((state >> 40) % 12);
			map_both(maps, model, first, first + len < PAGES ? first + len : PAGES,
				 ino);
			CHECK(is_as_modelled(maps, model));
		}
		/* Their paths do not belong to the mappings: a copy has the same ones. */
		copy = mappings__copy(maps, 2);
		mappings__free(maps);
		CHECK(is_as_modelled(copy, model));
		mappings__free(copy);
	}
}

/* Ends of mappings are not reported, so that they have to be read again some time. */
TEST(mappings_are_not_added_without_end)
{
	struct mappings *maps = mappings__new(1);
	struct mapping m = { .exec = true, .path = "" };
	size_t n = 0;
	int err;

	do {
		m.start = 2 * n * PAGE;
		m.end = m.start + PAGE;
		err = mappings__map(maps, &m);
	} while (!err && ++n < 100000);
	CHECK_EQ(err, -ENOSPC);
	CHECK(n >= 4096);
	CHECK(n < 10000);
	CHECK_EQ(mappings__parse(maps, NULL, "1000-2000 r-xp 00000000 00:00 0 \n", 33), 0);
	CHECK_EQ(mappings__map(maps, &m), 0);
	CHECK_EQ(mappings__count(maps), 2);
	mappings__free(maps);
}
