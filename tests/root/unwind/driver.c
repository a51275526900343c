/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command with the oracle preloaded and compares each of its stacks with the walk in BPF,
 * frame by frame.
 *
 *   driver WALK.bpf.o ORACLE.so [-e EVERY] [-m MIB] [-k | -s] [-r FILE:FUNCTION]... [-w FILE | -a
 * FILE] -- COMMAND...
 *
 * -r puts return probes on functions: libgcc does not see through their trampolines, so that the
 * stacks are compared with those that an earlier run wrote with -w, matched by number, by file and
 * offset.
 *
 * -k announces the mappings as another process's, so that all files are known, but not where this
 * process has them; -s announces them as of another time, so that they are not trusted.
 *
 * Prints one line: stacks compared, identical, how they ended, what was lost.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "abi/shared.h"
#include "util/hashmap.h"
#include "util/kdev.h"
#include "trace/unwind_maps.h"
#include "elf/elf.h"
#include "symbols/module.h"
#include "symbols/mappings.h"
#include "oracle.h"

#define MAX_LINKS 32
#define ACK_FD 200
#define SHOWN 3

struct run {
	struct bpf_object *obj;
	struct modules *modules;
	struct mappings *space;
	struct unwind_maps *unwind;
	struct identity *identities; /* of the last list of mapped files */
	int list_link;
	struct bpf_link *links[MAX_LINKS];
	size_t nlinks;
	pid_t pid;
	bool other, stale; /* -k, -s */
	int ack;
	FILE *out;		    /* -w */
	struct event_stack *before; /* -a: by number */
	size_t nbefore;
	size_t compared, identical, ends[STACK_ENDS], guessed;
};

static const char *const end_names[STACK_ENDS] = {
	"complete", "limit", "no mapping", "no CFI", "unreadable", "bad sp", "no table", "unknown"
};

static void die(const char *what, int err)
{
	fprintf(stderr, "driver: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(2);
}

/* ---- probes ---- */

struct wanted {
	const char *name;
	uint64_t offset;
};

static int match(void *ctx, const struct elf_function *f)
{
	struct wanted *w = ctx;

	if (strcmp(f->name, w->name) || !f->offset)
		return 0;
	w->offset = f->offset;
	return 1;
}

static void probe(struct run *r, const char *program, const char *file, const char *function,
		  bool ret)
{
	struct wanted w = { .name = function };
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	struct elf *e = fd < 0 ? NULL : elf__open(fd);
	struct bpf_program *prog = bpf_object__find_program_by_name(r->obj, program);

	if (!e)
		die(file, errno);
	elf__functions(e, match, &w);
	elf__close(e);
	close(fd);
	if (!w.offset || r->nlinks == MAX_LINKS)
		die(function, ENOENT);
	r->links[r->nlinks] = bpf_program__attach_uprobe(prog, ret, r->pid, file, w.offset);
	if (!r->links[r->nlinks])
		die(function, errno);
	r->nlinks++;
}

/* ---- files ---- */

static void prepare_list(struct run *r)
{
	union bpf_iter_link_info which = { .task.pid = (uint32_t)r->pid };
	LIBBPF_OPTS(bpf_link_create_opts, opts, .iter_info = &which,
		    .iter_info_len = sizeof(which));
	struct bpf_program *prog = bpf_object__find_program_by_name(r->obj, "list_code");

	r->list_link = bpf_link_create(bpf_program__fd(prog), 0, BPF_TRACE_ITER, &opts);
	if (r->list_link < 0) /* before 6.1: all processes are listed */
		r->list_link = bpf_link_create(bpf_program__fd(prog), 0, BPF_TRACE_ITER, NULL);
	if (r->list_link < 0)
		die("list_code", errno);
}

/* As struct identifier has it. */
static int list_files(void *ctx, uint32_t pid, const struct identity **ids, size_t *n)
{
	struct run *r = ctx;
	int fd = bpf_iter_create(r->list_link);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	struct listed l;

	if (!f)
		die("listing mapped files", errno);
	*n = 0;
	while (fread(&l, sizeof(l), 1, f) == 1) {
		if (l.pid != pid)
			continue;
		r->identities = realloc(r->identities, (*n + 1) * sizeof(*r->identities));
		r->identities[(*n)++] = (struct identity){ .start = l.start,
							   .dev = kdev__to_user(l.dev),
							   .ino = l.ino };
	}
	fclose(f);
	*ids = r->identities;
	return 0;
}

/* ---- comparing ---- */

static void show_frame(const struct run *r, const char *who, uint64_t pc)
{
	const struct mapping *m = mappings__find(r->space, pc - 1);

	if (m)
		printf(" %s %s+%#lx", who, *m->path ? m->path : "?",
		       (long)(pc - m->start + m->offset));
	else
		printf(" %s %#lx", who, (long)pc);
}

static void show(const struct run *r, const struct record *rec, const uint64_t *want, size_t nwant,
		 const uint64_t *got, size_t ngot)
{
	size_t i = 0;

	while (i < nwant && i < ngot && want[i] == got[i])
		i++;
	printf("# stack %lu: %zu frames, should be %zu, ended as \"%s\"; the first %zu are the "
	       "same, then",
	       (long)rec->seq, ngot, nwant, end_names[rec->st.end], i);
	for (size_t k = i > 1 ? i - 2 : 0; k < i + 2; k++) {
		if (k < nwant)
			show_frame(r, "should be", want[k]);
		if (k < ngot)
			show_frame(r, "is", got[k]);
		printf(";");
	}
	printf("\n");
}

/* An address as it is in every run: the file, and the offset in it. */
static uint64_t place(const struct run *r, uint64_t pc)
{
	const struct mapping *m = mappings__find(r->space, pc - 1);
	uint64_t h = 0;

	if (!m)
		return pc;
	for (const char *c = m->path; *c; c++)
		h = hash__mix(h, (unsigned char)*c);
	return hash__mix(h, pc - m->start + m->offset);
}

/*
 * Another tracer's return probe may be on a function that is being called: the truth ends at its
 * trampoline, which is no code of the program.
 */
static bool is_blind(const struct run *r, const struct record *rec)
{
	const struct mapping *m =
	    rec->n ? mappings__find(r->space, rec->truth[rec->n - 1] - 1) : NULL;

	return rec->n && (!m || !strcmp(m->path, "[uprobes]"));
}

static void compare(struct run *r, const struct record *rec)
{
	const uint64_t *got = rec->st.pc + 1, *want = rec->truth;
	size_t ngot = rec->st.n ? rec->st.n - 1u : 0, nwant = rec->n;
	struct event_stack here;

	if (r->before || r->out) {
		here = rec->st;
		for (size_t i = 0; i < here.n; i++)
			here.pc[i] = place(r, here.pc[i]);
	}
	if (r->out) {
		fwrite(&rec->seq, sizeof(rec->seq), 1, r->out);
		fwrite(&here, sizeof(here), 1, r->out);
	}
	if (r->before) {
		if (rec->seq >= r->nbefore || !r->before[rec->seq].n)
			return;
		want = r->before[rec->seq].pc + 1;
		nwant = r->before[rec->seq].n - 1u;
		got = here.pc + 1;
	}
	if (!r->before && is_blind(r, rec))
		return;
	r->compared++;
	r->ends[rec->st.end]++;
	r->guessed += !!(rec->st.ev.flags & 0x100);
	/* Cut, and known to be: what there is must be right. */
	if ((rec->st.end == STACK_LIMIT || rec->st.end == STACK_NO_TABLE) && nwant > ngot)
		nwant = ngot;
	if (ngot == nwant && !memcmp(got, want, ngot * sizeof(*got)))
		r->identical++;
	else if (r->compared - r->identical <= SHOWN)
		show(r, rec, want, nwant, got, ngot);
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct run *r = ctx;
	const struct record *rec = data;

	(void)size;
	if (rec->kind == RECORD_FILES) {
		int err = mappings__refresh_as(r->space, r->modules,
					       &(struct identifier){ list_files, r });

		if (!err && r->stale)
			err = unwind_maps__update(r->unwind, r->pid, r->space, 7);
		else if (!err)
			err = unwind_maps__update_now(r->unwind, r->other ? 1 : r->pid, r->space);
		if (err && err != -ESRCH && err != -ENOSPC)
			die("mappings", err);
		if (write(r->ack, "", 1) != 1)
			die("acknowledging", errno);
		unwind_maps__tend(r->unwind);
		return 0;
	}
	compare(r, rec);
	return 0;
}

static void read_before(struct run *r, const char *path)
{
	FILE *f = fopen(path, "re");
	struct event_stack st;
	uint64_t seq;

	if (!f)
		die(path, errno);
	r->nbefore = 1 << 14;
	r->before = calloc(r->nbefore, sizeof(*r->before));
	while (fread(&seq, sizeof(seq), 1, f) == 1 && fread(&st, sizeof(st), 1, f) == 1)
		if (seq < r->nbefore)
			r->before[seq] = st;
	fclose(f);
}

/* ---- running ---- */

static void child(char **argv, const char *oracle, const char *every, int start, int ack)
{
	char number[32], byte;

	dup2(ack, ACK_FD);
	snprintf(number, sizeof(number), "%d", getpid());
	setenv("ORACLE_PID", number, 1);
	snprintf(number, sizeof(number), "%d", ACK_FD);
	setenv("ORACLE_ACK", number, 1);
	setenv("ORACLE_EVERY", every, 1);
	setenv("LD_PRELOAD", oracle, 1);
	if (read(start, &byte, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static void load(struct run *r, const char *object, uint64_t memory)
{
	int err;

	r->obj = bpf_object__open_file(object, NULL);
	if (!r->obj)
		die(object, errno);
	err = unwind_maps__prepare(r->obj, memory);
	if (!err)
		err = bpf_object__load(r->obj);
	if (err)
		die("loading", err);
	r->modules = modules__new();
	r->unwind = unwind_maps__new(r->obj, r->modules);
	if (!r->unwind)
		die("tables", errno);
}

static uint64_t lost(const struct run *r)
{
	struct bpf_map *map = bpf_object__find_map_by_name(r->obj, "walk.bss");
	uint64_t n = 0;
	uint32_t zero = 0;

	if (map)
		bpf_map__lookup_elem(map, &zero, sizeof(zero), &n, sizeof(n), 0);
	return n;
}

static void summary(const struct run *r, int status)
{
	struct unwind_maps_stats s;

	unwind_maps__stats(r->unwind, &s);
	printf("compared %zu identical %zu lost %lu guessed %zu status %d |", r->compared,
	       r->identical, (long)lost(r), r->guessed, status);
	for (int i = 0; i < STACK_ENDS; i++)
		if (r->ends[i])
			printf(" %s %zu,", end_names[i], r->ends[i]);
	printf(" %zu files, %zu rows, %zu rules, %zu KiB, no room for %zu\n", s.files, s.rows,
	       s.rules, s.bytes >> 10, s.no_room);
}

/* What the options ask for, besides what is in struct run. */
struct asked {
	const char *every, *returns[MAX_LINKS];
	size_t nreturns;
	uint64_t memory;
};

static void read_options(struct run *r, struct asked *w, int argc, char **argv)
{
	int opt;

	*w = (struct asked){ .every = "1", .memory = UNWIND_MEMORY };
	optind = 3;
	while ((opt = getopt(argc, argv, "+e:m:r:w:a:ks")) != -1) {
		if (opt == 'e')
			w->every = optarg;
		else if (opt == 'm')
			w->memory = strtoull(optarg, NULL, 10) << 20;
		else if (opt == 'r' && w->nreturns < MAX_LINKS)
			w->returns[w->nreturns++] = optarg;
		else if (opt == 'w')
			r->out = fopen(optarg, "we");
		else if (opt == 'k')
			r->other = true;
		else if (opt == 's')
			r->stale = true;
		else if (opt == 'a')
			read_before(r, optarg);
		else
			die("usage", EINVAL);
	}
}

int main(int argc, char **argv)
{
	struct run r = { 0 };
	const char *object = argv[1], *oracle = argv[2];
	int start[2], ack[2], status = 0;
	struct ring_buffer *rb;
	struct asked w;

	if (argc < 4)
		die("usage", EINVAL);
	read_options(&r, &w, argc, argv);
	if (pipe2(start, O_CLOEXEC) || pipe2(ack, O_CLOEXEC))
		die("pipe", errno);
	r.pid = fork();
	if (r.pid == 0)
		close(start[1]); /* or it would wait for itself, should we die */
	if (r.pid == 0)
		child(argv + optind, oracle, w.every, start[0], ack[0]);
	r.ack = ack[1];
	load(&r, object, w.memory);
	r.space = mappings__new((uint32_t)r.pid);
	prepare_list(&r);
	probe(&r, "on_mark", oracle, "oracle_mark", false);
	probe(&r, "on_files", oracle, "oracle_files", false);
	for (size_t i = 0; i < w.nreturns; i++) {
		char *colon = strrchr(w.returns[i], ':');

		*colon = '\0';
		probe(&r, "on_return", w.returns[i], colon + 1, true);
	}
	rb = ring_buffer__new(bpf_object__find_map_fd_by_name(r.obj, "ring"), on_record, &r, NULL);
	if (write(start[1], "", 1) != 1)
		die("starting", errno);
	while (waitpid(r.pid, &status, WNOHANG) == 0)
		ring_buffer__poll(rb, 5);
	ring_buffer__consume(rb);
	summary(&r, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	if (r.out)
		fclose(r.out);
	ring_buffer__free(rb);
	for (size_t i = 0; i < r.nlinks; i++)
		bpf_link__destroy(r.links[i]);
	unwind_maps__free(r.unwind);
	bpf_object__close(r.obj);
	mappings__free(r.space);
	modules__free(r.modules);
	free(r.before);
	free(r.identities);
	close(r.list_link);
	return r.compared && r.compared == r.identical && !lost(&r) ? 0 : 1;
}
