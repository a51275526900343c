/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "programs.h"
#include "symbols/module.h"
#include "symbols/symbolizer.h"
#include "test.h"

struct world {
	struct modules *modules;
	struct symbolizer *symbolizer;
	struct named_frame out[64];
	size_t n;
};

static struct world new_world(void)
{
	struct world w = { .modules = modules__new() };

	w.symbolizer = symbolizer__new(w.modules);
	MUST(w.symbolizer);
	return w;
}

static void free_world(struct world *w)
{
	symbolizer__free(w->symbolizer);
	modules__free(w->modules);
}

static struct stack *stack_of(uint32_t pid, const struct frame *frames, uint16_t n)
{
	struct stack *st = calloc(1, sizeof(*st) + n * sizeof(*frames));

	MUST(st);
	st->id = 1;
	st->pid = pid;
	st->n = n;
	memcpy(st->frames, frames, n * sizeof(*frames));
	return st;
}

static void name(struct world *w, uint32_t pid, const struct frame *frames, uint16_t n, size_t cap)
{
	struct stack *st = stack_of(pid, frames, n);

	memset(w->out, 0, sizeof(w->out));
	w->n = symbolizer__stack(w->symbolizer, st, w->out, cap);
	free(st);
}

static uint64_t stable_id(struct world *w, uint32_t pid, const struct frame *frames, uint16_t n)
{
	struct stack *st = stack_of(pid, frames, n);
	uint64_t id = symbolizer__stable_id(w->symbolizer, st);

	free(st);
	return id;
}

struct place {
	const char *name;
	uint64_t offset, size;
};

static int find_offset(void *ctx, const struct elf_function *f)
{
	struct place *p = ctx;

	if (strcmp(f->name, p->name))
		return 0;
	p->offset = f->offset;
	p->size = f->size;
	return 1;
}

/* The nested program as a module, and the offset of one of its functions. */
static struct module *nested(struct world *w)
{
	const char *path = in_scratch("nested");

	if (access(path, F_OK) != 0)
		MUST(run("gcc", "-O2", "-g", "-Wl,--build-id", "-o", path,
			 write_source("nested.c", nested_source), NULL));
	return modules__get(w->modules, (uint32_t)modules__add_path(w->modules, path));
}

static struct place where(struct module *mod, const char *function_name)
{
	struct place p = { .name = function_name };
	struct elf *e = elf__open(module__fd(mod));

	MUST(e && elf__functions(e, find_offset, &p) == 1);
	elf__close(e);
	return p;
}

TEST(frames_get_names_lines_and_inlined_calls)
{
	struct world w = new_world();
	struct module *mod = nested(&w);
	struct place here = where(mod, "here"), other = where(mod, "other");
	/* The call at `here` is one byte long; other's last instruction is a call: it returns to
	 * what follows. */
	struct frame frames[] = {
		{ .pc = 0x555500001000, .offset = here.offset + 1, .module = module__id(mod) },
		{ .pc = 0x555500002000,
		  .offset = other.offset + other.size,
		  .module = module__id(mod) },
	};

	name(&w, 1, frames, 2, 64);
	CHECK_EQ(w.n, 4);
	CHECK_STR(w.out[0].func, "inner");
	CHECK_STR(base_name(w.out[0].file), "nested.c");
	CHECK_EQ(w.out[0].line, 4);
	CHECK(w.out[0].inlined);
	CHECK_STR(w.out[1].func, "middle");
	CHECK(w.out[1].inlined);
	CHECK_STR(w.out[2].func, "outer");
	CHECK(!w.out[2].inlined);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(w.out[i].offset, here.offset + 1);
		CHECK_EQ(w.out[i].address, 0x555500001000);
		CHECK_EQ(w.out[i].module_id, module__id(mod));
		CHECK_STR(w.out[i].module, module__path(mod));
	}
	CHECK_STR(w.out[3].func, "other");
	CHECK_EQ(w.out[3].line, 700);
	CHECK_EQ(w.out[3].address, 0x555500002000);

	/* No more frames than there is room for. */
	name(&w, 1, frames, 2, 2);
	CHECK_EQ(w.n, 2);
	CHECK_STR(w.out[1].func, "middle");
	CHECK(!w.out[2].module);
	free_world(&w);
	symbolizer__free(NULL);
}

TEST(a_frame_without_a_name_keeps_its_module)
{
	struct world w = new_world();
	struct module *mod = nested(&w);
	struct frame frames[] = {
		{ .pc = 0x555500001000, .offset = 0, .module = module__id(mod) },
		{ .pc = 0x555500001000, .offset = 0x7fffffff, .module = module__id(mod) },
		{ .pc = 0x7f0012345678, .offset = 0x7f0012345678, .module = FRAME_NO_MODULE },
		{ .pc = 0x555500001000, .offset = 0x10, .module = 77 }, /* never assigned */
		{ .pc = 0, .offset = 0, .module = FRAME_NO_MODULE },
	};

	name(&w, 1, frames, 5, 64);
	CHECK_EQ(w.n, 5);
	CHECK(!w.out[0].func && !w.out[1].func);
	CHECK_STR(w.out[1].module, module__path(mod));
	CHECK_EQ(w.out[1].offset, 0x7fffffff);
	CHECK(!w.out[2].func && !w.out[2].module && !w.out[2].file && !w.out[2].line);
	CHECK_EQ(w.out[2].address, 0x7f0012345678);
	CHECK_EQ(w.out[2].offset, 0x7f0012345678);
	CHECK_EQ(w.out[2].module_id, FRAME_NO_MODULE);
	CHECK(!w.out[3].module);
	CHECK_EQ(w.out[3].module_id, FRAME_NO_MODULE);
	name(&w, 1, frames, 0, 64);
	CHECK_EQ(w.n, 0);
	free_world(&w);
}

TEST(the_stable_id_depends_on_build_ids_and_offsets)
{
	struct world a = new_world(), b = new_world();
	uint32_t ia = module__id(nested(&a)), ib;
	struct frame frames[] = {
		{ .pc = 0x1000, .offset = 0x1234, .module = ia },
		{ .pc = 0x2000, .offset = 0x2345, .module = ia },
		{ .pc = 0x7f0000000000, .offset = 0x7f0000000000, .module = FRAME_NO_MODULE },
	};
	uint64_t id = stable_id(&a, 1, frames, 3);

	/* At another address, in another process, from a copy of the file, in another run. */
	MUST(run("cp", in_scratch("nested"), in_scratch("copy"), NULL));
	modules__add_path(b.modules, "/proc/self/exe");
	ib = (uint32_t)modules__add_path(b.modules, in_scratch("copy"));
	CHECK(ib != ia);
	frames[0].pc = 0x9000;
	frames[2].pc = frames[2].offset = 0x7e0000000000;
	frames[0].module = frames[1].module = ib;
	CHECK_EQ(stable_id(&b, 2, frames, 3), id);

	frames[1].offset++;
	CHECK(stable_id(&b, 2, frames, 3) != id);
	frames[1].offset--;
	CHECK(stable_id(&b, 2, frames, 2) != id);
	frames[0].module = 0;
	CHECK(stable_id(&b, 2, frames, 3) != id);
	CHECK(stable_id(&b, 2, frames, 0) != 0);
	free_world(&a);
	free_world(&b);
}

TEST(without_a_build_id_the_stable_id_uses_the_path)
{
	struct world w = new_world();
	uint32_t plain, same;
	struct frame f = { .pc = 1, .offset = 0x1234 };
	uint64_t id;

	write_source("one.txt", "text\n");
	write_source("two.txt", "text\n");
	f.module = plain = (uint32_t)modules__add_path(w.modules, in_scratch("one.txt"));
	id = stable_id(&w, 1, &f, 1);
	f.module = same = (uint32_t)modules__add_path(w.modules, in_scratch("two.txt"));
	CHECK(plain != same);
	CHECK(stable_id(&w, 1, &f, 1) != id);
	f.module = plain;
	f.pc = 99;
	CHECK_EQ(stable_id(&w, 1, &f, 1), id);
	free_world(&w);
}

/* ---- code made at run time ---- */

static char map_path[64];

static void remove_map(void)
{
	unlink(map_path);
}

static const char *perf_map(void)
{
	if (!map_path[0]) {
		snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
		atexit(remove_map);
	}
	return map_path;
}

static const char *jit(struct world *w, uint32_t pid, uint64_t pc)
{
	struct frame f = { .pc = pc, .offset = pc, .module = FRAME_NO_MODULE };

	name(w, pid, &f, 1, 64);
	CHECK_EQ(w->n, 1);
	CHECK(!w->out[0].module);
	return w->out[0].func;
}

static void write_map(const char *text)
{
	write_bytes(perf_map(), text, strlen(text));
}

TEST(perf_maps_name_run_time_code)
{
	struct world w = new_world();
	uint32_t pid = (uint32_t)getpid();
	const char *first;

	write_map("7f0000001000 100 js:main\n");
	first =
	    jit(&w, pid, 0x7f0000001100); /* the return address is the end: the call is before it */
	CHECK_STR(first, "js:main");
	CHECK(!jit(&w, pid, 0x7f0000001000));
	CHECK(!jit(&w, pid, 0x7f0000001101));

	/* Read again once per report, and not more often. */
	write_map("7f0000001000 100 js:other\n7f0000002000 100 js:late\n");
	CHECK(!jit(&w, pid, 0x7f0000002010));
	CHECK_STR(jit(&w, pid, 0x7f0000001010), "js:main");
	symbolizer__new_report(w.symbolizer);
	CHECK_STR(jit(&w, pid, 0x7f0000002010), "js:late");
	CHECK_STR(jit(&w, pid, 0x7f0000001010), "js:other");
	CHECK_STR(first, "js:main"); /* returned names stay valid */

	/* The map is kept after the file is gone. */
	remove_map();
	symbolizer__new_report(w.symbolizer);
	CHECK_STR(jit(&w, pid, 0x7f0000002010), "js:late");
	CHECK(symbolizer__memory(w.symbolizer) > 100);
	free_world(&w);
}

TEST(each_process_has_its_own_map)
{
	struct world w = new_world();

	write_map("7f0000001000 100 js:main\n");
	CHECK(!jit(&w, (uint32_t)getppid(), 0x7f0000001010));
	CHECK(!jit(&w, 0x7ffffffe, 0x7f0000001010));
	CHECK_STR(jit(&w, (uint32_t)getpid(), 0x7f0000001010), "js:main");
	free_world(&w);
}

TEST(memory_files_contain_run_time_code)
{
	struct world w = new_world();
	struct frame f = { .pc = 0x7f0000001010, .offset = 0x10 };

	write_map("7f0000001000 100 net:method\n");
	write_source("memory-file", "no ELF header here\n");
	f.module = (uint32_t)modules__add_path(w.modules, in_scratch("memory-file"));
	name(&w, (uint32_t)getpid(), &f, 1, 64);
	CHECK_STR(w.out[0].func, "net:method");
	CHECK_STR(w.out[0].module, in_scratch("memory-file"));
	/* But a map does not name code that is in a file. */
	f.module = module__id(nested(&w));
	name(&w, (uint32_t)getpid(), &f, 1, 64);
	CHECK(!w.out[0].func);
	free_world(&w);
}

TEST(a_perf_map_made_by_another_user)
{
	struct world w = new_world();
	uint32_t pid = (uint32_t)getpid();

	/* A link to another user's file, a FIFO that would block, a directory. */
	remove_map();
	write_source("secret", "7f0000001000 100 secret\n");
	MUST(symlink(in_scratch("secret"), perf_map()) == 0);
	CHECK(!jit(&w, pid, 0x7f0000001010));
	MUST(unlink(perf_map()) == 0 && mkfifo(perf_map(), 0600) == 0);
	symbolizer__new_report(w.symbolizer);
	CHECK(!jit(&w, pid, 0x7f0000001010));
	MUST(unlink(perf_map()) == 0 && mkdir(perf_map(), 0700) == 0);
	symbolizer__new_report(w.symbolizer);
	CHECK(!jit(&w, pid, 0x7f0000001010));
	MUST(rmdir(perf_map()) == 0);

	write_map("7f0000001000 100 forged\n");
	if (geteuid() == 0) {
		MUST(chown(perf_map(), 12345, 12345) == 0);
		symbolizer__new_report(w.symbolizer);
		CHECK(!jit(&w, pid, 0x7f0000001010));
		MUST(chown(perf_map(), 0, 0) == 0);
	}
	symbolizer__new_report(w.symbolizer);
	CHECK_STR(jit(&w, pid, 0x7f0000001010), "forged");
	free_world(&w);
}

/* Process 1 of a PID namespace, with its own /tmp. */
static void live_in_container(int ready)
{
	static const char map[] = "7f0000001000 100 contained\n";

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "tmpfs", 0, NULL))
		_exit(1);
	write_bytes("/tmp/perf-1.map", map, sizeof(map) - 1);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

TEST(the_perf_map_of_a_container)
{
	struct world w;
	int pipes[2];
	pid_t pid;
	char c;

	if (geteuid() != 0)
		SKIP("namespaces need root");
	MUST(pipe2(pipes, O_CLOEXEC) == 0);
	pid =
	    (pid_t)syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		live_in_container(pipes[1]);
	close(pipes[1]);
	if (pid < 0 || read(pipes[0], &c, 1) != 1) {
		close(pipes[0]);
		SKIP("namespaces cannot be created here");
	}
	w = new_world();
	CHECK_STR(jit(&w, (uint32_t)pid, 0x7f0000001010), "contained");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	symbolizer__new_report(w.symbolizer);
	CHECK_STR(jit(&w, (uint32_t)pid, 0x7f0000001010), "contained");
	free_world(&w);
	close(pipes[0]);
}
