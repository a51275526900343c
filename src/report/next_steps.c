/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/next_steps.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "profile/languages.h"
#include "profile/title.h"
#include "util/array.h"

/* The first call stack that leaks: the report begins with it. NULL: there is none. */
static const struct profile_site *leak_of(const struct profile *p)
{
	for (size_t i = 0; i < p->nsites; i++) {
		if (p->sites[i].verdict == VERDICT_LEAK)
			return &p->sites[i];
	}
	return NULL;
}

/* A process that can be traced again: of a leak, or the only one. NULL: none. A command may have
 * ended before the reader can do anything. */
static const struct profile_process *running(const struct profile *p)
{
	const struct profile_site *leak = leak_of(p);

	if (p->recording || p->run->launched)
		return NULL;
	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (!pr->exited && (leak ? pr->pid == leak->pid : p->nprocesses == 1))
			return pr;
	}
	return NULL;
}

/* ---- the situations: each adds its step, or returns false ---- */

static bool add_stopped(struct next_step *s, const struct profile *p)
{
	size_t n = 0;

	if (!(p->judged.reasons & UNJUDGED_STOPPED) || p->recording)
		return false;
	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (!pr->stopped)
			continue;
		if (pr->debugger) {
			strbuf__addf(&s->text,
				     "let process %" PRIu32
				     " run on: its debugger, process %" PRIu32 ", holds it",
				     pr->pid, pr->debugger);
			return true;
		}
		if (pr->frozen) {
			strbuf__addf(&s->text,
				     "let process %" PRIu32
				     " run on: its cgroup is frozen (a paused "
				     "container: unpause it)",
				     pr->pid);
			return true;
		}
		strbuf__adds(&s->text, "let the program run on");
		for (; i < p->nprocesses && n < 8; i++) {
			const struct profile_process *other = &p->processes[i];

			if (other->stopped && !other->debugger && !other->frozen)
				strbuf__addf(&s->command, "%s %" PRIu32, n++ ? "" : "kill -CONT",
					     other->pid);
		}
		return true;
	}
	return false;
}

static bool add_unseen_objects(struct next_step *s, const struct profile *p)
{
	for (size_t i = 0; i < p->nprocesses; i++) {
		const struct profile_process *pr = &p->processes[i];

		if (!pr->unseen || (p->nprocesses > 1 && !pr->allocs))
			continue;
		if (p->nprocesses > 1)
			strbuf__addf(&s->text, "process %" PRIu32 ": ", pr->pid);
		strbuf__addf(&s->text, "%s: start it with %s, or trace its own functions",
			     pr->unseen->unseen, pr->unseen->setting);
		if (p->run->launched)
			strbuf__addf(&s->text, " (--runtime %s)", pr->unseen->name);
		else
			strbuf__addf(&s->command, "memtrace -p %" PRIu32 " --runtime %s", pr->pid,
				     pr->unseen->name);
		return true;
	}
	return false;
}

/* Where memory is not seen, and nothing says why. */
static bool add_probe(struct next_step *s, const struct profile *p)
{
	if (!(p->judged.reasons & (UNJUDGED_NOTHING | UNJUDGED_UNSEEN)))
		return false;
	for (size_t i = 0; i < p->nprocesses; i++) {
		if (p->processes[i].unseen || p->processes[i].stopped)
			return false;
	}
	strbuf__adds(&s->text, "if the program has an allocator of its own, name its functions "
			       "with --probe: see memtrace(8)");
	return true;
}

/* Whether a file is known to lack source lines for a frame: a function's name was read from the
 * file, and where there is none, the file could be read. */
static bool lacks_lines(const struct profile *p, const struct profile_frame *f)
{
	if (f->library || (f->file && *f->file) || !f->module || *f->module != '/' ||
	    f->mapping >= p->nmappings)
		return false;
	return p->mappings[f->mapping].names_read || (f->func && *f->func && p->recording);
}

/* Files that the distribution's packages bring, and a program's builder seldom. */
static bool is_packaged(const char *path)
{
	static const char *const folders[] = { "/usr/", "/lib", "/bin/", "/sbin/" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		if (!strncmp(path, folders[i], strlen(folders[i])))
			return strncmp(path, "/usr/local/", 11) != 0;
	}
	return false;
}

/* The leak's own function has no source line, but a file that could have one. Those of an
 * interpreter would not help. */
static bool add_nameless(struct next_step *s, const struct profile *p)
{
	const struct profile_site *leak = leak_of(p);
	const struct profile_frame *f = leak ? title__frame(leak->stack, leak->nstack) : NULL;

	if (!f || !lacks_lines(p, f))
		return false;
	if (!is_packaged(f->module))
		strbuf__addf(&s->text, "for source lines, build %s with -g%s", f->module,
			     f->func && *f->func ? "" : ", and do not strip it");
	else
		strbuf__addf(&s->text, "for source lines, install the debug symbols of %s%s",
			     f->module,
			     p->recording	  ? " where it is recorded"
			     : p->run->debuginfod ? ""
						  : ", or use --debuginfod");
	return true;
}

static bool add_closer(struct next_step *s, const struct profile *p)
{
	const struct profile_process *pr = running(p);

	if (p->nprocesses < 2 || !leak_of(p) || !pr)
		return false;
	strbuf__adds(&s->text, "look at the process that leaks alone");
	strbuf__addf(&s->command, "memtrace -p %" PRIu32, pr->pid);
	return true;
}

/* Adds a path as one word for a shell. */
static void add_word(struct strbuf *sb, const char *path)
{
	const char *c = path;

	while (isalnum((unsigned char)*c) || (*c && strchr("/._-+,:@%=", *c)))
		c++;
	strbuf__adds(sb, *path == '-' ? "./" : "");
	if (!*c) {
		strbuf__adds(sb, path);
		return;
	}
	strbuf__addc(sb, '\'');
	for (c = path; *c; c++)
		strbuf__adds(sb, *c == '\'' ? "'\\''" : (char[]){ *c, 0 });
	strbuf__addc(sb, '\'');
}

static bool add_compare(struct next_step *s, const struct profile *p)
{
	const struct profile_process *pr = running(p);

	if (!leak_of(p))
		return false;
	if (p->recording) {
		strbuf__adds(&s->text, "record again after a fix, as after.mt, and compare");
		strbuf__adds(&s->command, "memtrace diff ");
		add_word(&s->command, p->recording);
		strbuf__adds(&s->command, " after.mt");
		return true;
	}
	if (!pr && !p->run->launched)
		return false;
	strbuf__adds(&s->text, "record now and after a fix, to compare both with memtrace diff");
	if (pr)
		strbuf__addf(&s->command, "memtrace record -p %" PRIu32 " -d 60 -o before.mt",
			     pr->pid);
	return true;
}

/* More time would tell. */
static bool add_longer(struct next_step *s, const struct profile *p)
{
	const struct profile_process *pr = running(p);
	double least = p->elapsed_s < 15 ? 60 : 4 * p->elapsed_s;
	bool alive = false, stopped = false;

	for (size_t i = 0; i < p->nprocesses; i++) {
		alive |= !p->processes[i].exited;
		stopped |= p->processes[i].stopped;
	}
	if (leak_of(p) || p->recording || stopped || !alive)
		return false;
	if (!p->growing.groups && !(p->judged.reasons & (UNJUDGED_SHORT | UNJUDGED_FEW)))
		return false;
	least = least < 86400 ? least : 86400;
	strbuf__adds(&s->text, p->growing.groups
				   ? "see whether what grows is a leak, by observing it longer"
				   : "for a verdict, observe it longer");
	if (pr)
		strbuf__addf(&s->command, "memtrace -p %" PRIu32 " -d %.0f", pr->pid, least);
	else
		strbuf__addf(&s->text, ", for %.0f s or more (-d %.0f)", least, least);
	return true;
}

/* A command that left something: each line has its place, but not how it came there. */
static bool add_stacks(struct next_step *s, const struct profile *p)
{
	if (!(p->judged.reasons & UNJUDGED_ENDED) || !p->nsites || !p->sites[0].live_blocks ||
	    p->run->full_stacks)
		return false;
	strbuf__adds(&s->text, "run it again with --full-stacks to see how each of these was "
			       "allocated");
	return true;
}

/* Returns whether the step applies, and then fills it in. */
typedef bool add_step(struct next_step *s, const struct profile *p);

size_t next_steps__list(const struct profile *p, struct next_step out[NEXT_STEPS_MOST])
{
	/* The first that apply; what makes the result wrong comes before what makes it better. */
	static add_step *const rows[] = {
		add_stopped, add_unseen_objects, add_probe,  add_nameless,
		add_closer,  add_compare,	 add_longer, add_stacks,
	};
	size_t n = 0;

	for (size_t i = 0; p->final && i < ARRAY_SIZE(rows) && n < NEXT_STEPS_MOST; i++)
		n += rows[i](&out[n], p);
	return n;
}

int next_steps__free(struct next_step steps[NEXT_STEPS_MOST])
{
	int err = 0;

	for (size_t i = 0; i < NEXT_STEPS_MOST; i++) {
		err = err ? err : steps[i].text.error;
		err = err ? err : steps[i].command.error;
		strbuf__free(&steps[i].text);
		strbuf__free(&steps[i].command);
	}
	return err;
}
