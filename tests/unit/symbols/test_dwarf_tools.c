/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares lines and inlined calls with other tools, address by address. */
#include "programs.h"
#include "test.h"

/* A tool's answer: for each frame, a line with the function and a line with the place. */
struct answer {
	char func[32][512];
	char place[32][512];
	int n;
};

static void cut(char *s, const char *at)
{
	char *found = strstr(s, at);

	if (found)
		*found = '\0';
}

static bool read_line(FILE *f, char *out, size_t cap)
{
	if (!fgets(out, (int)cap, f))
		return false;
	/* The rest of a line that is too long. */
	while (!strchr(out, '\n')) {
		char rest[256];

		if (!fgets(rest, sizeof(rest), f) || strchr(rest, '\n'))
			break;
	}
	out[strcspn(out, "\n")] = '\0';
	return true;
}

/* With addr2line -a, an address line precedes each answer. */
static bool is_end_of_answer(const char *line)
{
	return line[0] == '\0' || !strncmp(line, "0x", 2);
}

static bool read_answer(FILE *f, struct answer *a)
{
	char line[512];

	for (a->n = 0; a->n < 32; a->n++) {
		if (!read_line(f, line, sizeof(line)) || is_end_of_answer(line))
			return a->n > 0;
		snprintf(a->func[a->n], sizeof(a->func[0]), "%s", line);
		if (!read_line(f, a->place[a->n], sizeof(a->place[0])))
			return false;
		cut(a->place[a->n], " (discriminator");
	}
	return true;
}

/* Every tool writes directories in its own way. */
static bool same_place(const char *theirs, const struct dwarf_frame *ours, bool with_column)
{
	char place[600], *colon;
	char want[512];

	snprintf(want, sizeof(want), "%s", theirs);
	colon = with_column ? strrchr(want, ':') : NULL;
	if (colon)
		*colon = '\0';
	colon = strrchr(want, ':');
	if (colon && !strcmp(colon, ":?"))
		strcpy(colon, ":0");
	snprintf(place, sizeof(place), "%s:%u", ours->file ? base_name(ours->file) : "??",
		 ours->line);
	return !strcmp(place, base_name(want));
}

struct range {
	uint64_t lo, hi;
};

struct ranges {
	struct program *p;
	struct range at[512];
	size_t n;
};

/* The functions with DWARF. */
static int add_range(void *ctx, const struct elf_function *f)
{
	struct ranges *r = ctx;
	struct dwarf_frame frame;
	int n = dwarf__lookup(r->p->dwarf, f->vaddr, &frame, 1);

	if (n && f->size && r->n < 512)
		r->at[r->n++] = (struct range){ f->vaddr, f->vaddr + f->size };
	free_frames(&frame, n);
	return 0;
}

/* Looks up every address of every function. Returns the number of frames compared. */
static size_t compare(const char *path, const char *tool, bool names)
{
	bool llvm = !strncmp(tool, "llvm", 4);
	struct program p = open_program(path);
	struct ranges r = { .p = &p };
	FILE *f = fopen(in_scratch("addresses"), "we");
	size_t frames = 0, different = 0;
	struct dwarf_frame ours[32];
	struct answer theirs;

	MUST(p.dwarf && f);
	elf__functions(p.elf, add_range, &r);
	for (size_t i = 0; i < r.n; i++)
		for (uint64_t a = r.at[i].lo; a < r.at[i].hi; a++)
			fprintf(f, "0x%llx\n", (unsigned long long)a);
	fclose(f);
	if (llvm)
		MUST(run_filter(in_scratch("addresses"), in_scratch("answers"), tool, "--inlines",
				"--obj", path, NULL));
	else
		MUST(run_filter(in_scratch("addresses"), in_scratch("answers"), tool, "-aCfie",
				path, NULL));
	f = fopen(in_scratch("answers"), "re");
	if (!llvm)
		CHECK(read_line(f, theirs.func[0], sizeof(theirs.func[0])));
	for (size_t i = 0; i < r.n; i++) {
		for (uint64_t a = r.at[i].lo; a < r.at[i].hi; a++) {
			int n = dwarf__lookup(p.dwarf, a, ours, 32);
			bool same = read_answer(f, &theirs) && theirs.n == n;

			for (int k = 0; same && k < n; k++)
				same = same_place(theirs.place[k], &ours[k], llvm) &&
				       (!names || !strcmp(theirs.func[k], ours[k].func));
			if (!same && different++ < 3) {
				printf("# %s differs at %#llx:\n", tool, (unsigned long long)a);
				for (int k = 0; k < n || k < theirs.n; k++)
					printf("#   ours %s %s:%u theirs %s %s\n",
					       k < n ? ours[k].func : "", k < n ? ours[k].file : "",
					       k < n ? ours[k].line : 0,
					       k < theirs.n ? theirs.func[k] : "",
					       k < theirs.n ? theirs.place[k] : "");
			}
			frames += (size_t)n;
			free_frames(ours, n);
		}
	}
	CHECK_EQ(different, 0);
	fclose(f);
	close_program(&p);
	return frames;
}

TEST(frames_agree_with_addr2line)
{
	static const char *const options[] = { "-gdwarf-5", "-gdwarf-4" };

	if (!have("addr2line"))
		SKIP("addr2line is not installed");
	for (int i = 0; i < 2; i++) {
		MUST(run("gcc", "-O2", options[i], "-o", in_scratch("c"),
			 write_source("nested.c", nested_source), NULL));
		CHECK(compare(in_scratch("c"), "addr2line", true) > 50);
	}
}

TEST(frames_agree_with_llvm_symbolizer)
{
	if (!have("llvm-symbolizer"))
		SKIP("llvm-symbolizer is not installed");
	CHECK(compare(cplusplus_program("g++"), "llvm-symbolizer", false) > 20000);
	if (!have("clang++"))
		SKIP("clang++ is not installed");
	CHECK(compare(cplusplus_program("clang++"), "llvm-symbolizer", false) > 20000);
}
