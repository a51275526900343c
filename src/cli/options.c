/*
 * Options are rows of a table: getopt_long's description, the help text and the error lines are
 * all made from it. getopt_long rather than argp, because a wrong command line earns one line of
 * our own words, and argp prints its usage besides.
 */
#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/shared.h"
#include "cli/option_row.h"
#include "util/util.h"

static int take_help(struct options *o, const struct option_row *r, const char *value);

static int take_version(struct options *o, const struct option_row *r, const char *value)
{
	(void)o, (void)r, (void)value;
	printf("memtrace %s\n", MEMTRACE_VERSION);
	return 1;
}

/* ---- the tables ---- */

static const struct verb_row verbs[VERBS] = {
	[VERB_TRACE] = { NULL, "[TARGET...] [OPTIONS] [-- COMMAND [ARG...]]",
			 "Show which call stacks of running programs hold the memory they "
			 "allocated.",
			 0 },
	[VERB_RECORD] = { "record", "[TARGET...] [OPTIONS] -o FILE [-- COMMAND [ARG...]]",
			  "keep all in FILE instead of reporting it now", 0 },
	[VERB_REPORT] = { "report", "FILE [OPTIONS]",
			  "make reports of such a file, anywhere: the last, or each (-i)", 1 },
	[VERB_DIFF] = { "diff", "FILE FILE [OPTIONS]",
			"compare the ends of two such files, call stack by call stack", 2 },
};

#define FIELD(member) .field = offsetof(struct options, plan.member)

/* clang-format off */
static const struct option_row rows[] = {
	{ .heading = "Targets (at least one; may be combined)" },
	{ .letter = 'p', .name = "pid", .value = "PID[,PID...]", .example = "4242",
	  .take = option__pids,
	  .help = "running processes, all their threads; repeatable" },
	{ .letter = 'c', .name = "container", .value = "NAME", .example = "web",
	  .take = option__container,
	  .help = "every process of a container, later ones too: by name, id, the beginning of an id, "
		  "NAMESPACE/POD/CONTAINER or a part of it, RUNTIME:NAME, or pid:PID for the one that a "
		  "process is in" },
	{ .letter = 'g', .name = "cgroup", .value = "DIRECTORY", .example = "/sys/fs/cgroup/system.slice",
	  .take = option__cgroup,
	  .help = "every process of a cgroup (version 2 or 1) and of those below it" },
	{ .letter = 'a', .name = "all", .take = option__flag, FIELD(all), .on = true,
	  .help = "every process on the host" },
	{ .name = "wait", .take = option__flag, FIELD(wait), .on = true,
	  .help = "wait for a container or cgroup that is not there yet, and miss nothing of it" },
	{ .name = "no-miss", .take = option__flag, FIELD(no_miss), .on = true,
	  .help = "let a process that maps a file which is not known yet wait until it is probed, some "
		  "milliseconds; so it is for COMMAND anyway" },
	{ .value = "-- COMMAND [ARG...]",
	  .help = "start COMMAND and trace it from its first instruction" },
	{ .name = "user", .value = "NAME", .example = "nobody", .take = option__string, FIELD(user),
	  .help = "run COMMAND as this user" },
	{ .name = "no-children", .take = option__flag, FIELD(children), .on = false,
	  .help = "do not follow the children that a target forks" },

	{ .heading = "When" },
	{ .letter = 'i', .name = "interval", .of = OF_TRACE | OF(VERB_REPORT), .value = "SECONDS", .example = "10",
	  .take = option__seconds, FIELD(interval_s), .least_s = 0.01,
	  .help = "a report every so often (default 10; or 0.5)" },
	{ .letter = 'd', .name = "duration", .value = "SECONDS", .example = "60",
	  .take = option__seconds, FIELD(duration_s), .least_s = 0.01, .help = "stop after so long" },
	{ .letter = 'n', .name = "reports", .value = "N", .example = "6", .take = option__reports,
	  .help = "stop after N reports" },

	{ .heading = "What" },
	{ .letter = 't', .name = "top", .of = OF_REPORTS | OF(VERB_DIFF), .value = "N", .example = "10", .take = option__top,
	  .help = "call stacks in a report (default 10; 0: all, as pprof and folded do anyway)" },
	{ .name = "min-age", .of = OF_REPORTS | OF(VERB_DIFF), .value = "SECONDS", .example = "60",
	  .take = option__age,
	  .help = "count only blocks at least this old (default 0)" },
	{ .name = "min-size", .of = OF_REPORTS | OF(VERB_DIFF), .value = "BYTES", .example = "4k",
	  .take = option__size, FIELD(min_size),
	  .help = "count only blocks at least this large (suffixes k, m, g)" },
	{ .name = "max-size", .of = OF_REPORTS | OF(VERB_DIFF), .value = "BYTES", .example = "1m",
	  .take = option__size, FIELD(max_size),
	  .help = "count only blocks at most this large" },
	{ .name = "sort", .of = OF_REPORTS, .value = "leak|bytes|blocks|growth|age|rate", .take = option__sort,
	  .help = "what comes first (default leak; before there is history: bytes)" },
	{ .name = "by", .of = OF_REPORTS, .value = "process|container|stack", .take = option__by,
	  .help = "what a row is: a call stack of one process (default), or the same code (by build ID) in all "
		  "processes of a container, or in all there are" },
	{ .name = "kind", .of = OF_ALL, .value = "heap|map|all", .take = option__kind,
	  .help = "blocks of malloc and its family, direct mappings (mmap, brk, shmat), or both "
		  "(default all); heap alone spares all other system calls a small cost" },

	{ .name = "since-mark", .of = OF_REPORTS, .take = option__flag, FIELD(since_mark), .on = true,
	  .help = "growth since the mark that SIGUSR1 or the key m sets (before: since the start), most first" },

	{ .heading = "Findings" },
	{ .name = "suppressions", .of = OF_REPORTS, .value = "FILE", .example = "ci.supp", .take = option__suppressions,
	  .help = "leave out call stacks that match a line leak:PATTERN of FILE, as LeakSanitizer's; "
		  "repeatable" },
	{ .name = "no-default-suppressions", .of = OF_REPORTS, .take = option__flag, FIELD(default_rules), .on = false,
	  .help = "show what loader, locale, stdio and libstdc++ allocate once for good" },
	{ .name = "fail-on", .of = OF_REPORTS, .value = "METRIC>N[,...]", .example = "'leak>64k'", .take = option__fail_on,
	  .help = "fail if the final report has more than N of leak, leaks, leak-rate, growing, live, "
		  "blocks, growth or lost (suffixes k, m, g; repeatable; status 3)" },
	{ .name = "error-exitcode", .of = OF_REPORTS, .value = "N", .example = "1", .take = option__exit_code,
	  .help = "exit with N where --fail-on fails; without it, where the final report has a leak" },

	{ .heading = "Output" },
	{ .letter = 'f', .name = "format", .of = OF_REPORTS | OF(VERB_DIFF), .value = "FORMAT", .example = "json",
	  .take = option__format,
	  .help = "one of those below (default text)" },
	{ .letter = 'o', .name = "output", .of = OF_ALL, .value = "FILE", .example = "memtrace.out",
	  .take = option__string,
	  FIELD(output), .help = "write to FILE, whole or not at all (default standard output)" },

	{ .name = "record", .of = OF(VERB_TRACE), .value = "FILE", .example = "run.mt", .take = option__string,
	  FIELD(record), .help = "keep all in FILE too, for memtrace report" },
	{ .name = "record-size", .value = "SIZE", .example = "100m",
	  .take = option__record_size, FIELD(record_bytes),
	  .help = "what a recording may take (default 1g); then the oldest reports are left out" },

	{ .heading = "How" },
	{ .name = "stack", .value = "dwarf|fp|none", .take = option__stack,
	  .help = "how call stacks are walked: by unwind tables, by frame pointers, or not at all "
		  "(default dwarf)" },
	{ .name = "max-depth", .value = "N", .example = "64", .take = option__depth,
	  .help = "frames of a call stack at most, 1 to 127 (default 127)" },
	{ .name = "unwind-memory", .value = "SIZE", .example = "256m",
	  .take = option__unwind_memory, FIELD(unwind_memory),
	  .help = "what unwind tables may take in the kernel, 8m to 8g (default 64m); where it does not "
		  "suffice, stacks are cut and say so" },
	{ .name = "attach", .value = "session|multi|perf", .take = option__attach,
	  .help = "how probes are attached (default: the first of these that works)" },
	{ .name = "ring", .value = "SIZE", .example = "64m",
	  .take = option__ring, FIELD(ring_bytes),
	  .help = "the ring buffer between kernel and memtrace, 64k to 1g, rounded up to a power "
		  "of two (default 32m)" },
	{ .name = "probe", .value = "FILE:FUNCTION(ARGUMENTS)", .take = option__probe,
	  .example = "'libpool.so*:pool_alloc(size=2) libpool.so*:pool_free(ptr=2)'",
	  .help = "functions of the program's own allocator, and which arguments are size, count, ptr "
		  "(block) or out (where the block is stored); repeatable, see memtrace(8)" },
	{ .name = "probe-throwing", .take = option__flag, FIELD(probe_throwing), .on = true,
	  .help = "trace an allocator's own operator new even where the kernel lets no exception pass "
		  "its probe: if it threw, the program would end" },
	{ .name = "debuginfod", .take = option__flag, FIELD(debuginfod), .on = true,
	  .help = "ask the servers of $DEBUGINFOD_URLS for debug information that is not on this machine" },
	{ .name = "debuginfod-timeout", .value = "SECONDS", .example = "10",
	  .take = option__seconds, FIELD(debuginfod_s), .least_s = 0.1,
	  .help = "how long a report waits for them (default 10); what comes later is in the next" },
	{ .name = "explain-probes", .take = option__flag, FIELD(explain_probes), .on = true,
	  .help = "list each function probed, where its probe sits, and why there" },
	{ .letter = 'v', .name = "verbose", .of = OF_ALL, .take = option__flag, .field = offsetof(struct options, verbose), .on = true,
	  .help = "say more on standard error" },
	{ .name = "version", .of = OF_ALL, .take = take_version, .help = "print the version" },
	{ .letter = 'h', .name = "help", .of = OF_ALL, .take = take_help, .help = "print this text" },
};
/* clang-format on */

static int take_help(struct options *o, const struct option_row *r, const char *value)
{
	(void)o, (void)r, (void)value;
	help__print(verbs, VERBS, rows, ARRAY_SIZE(rows), stdout);
	return 1;
}

/* ---- the loop ---- */

#define KEY(row) ((row)->letter ? (row)->letter : 256 + (int)((row)-rows))

/* What getopt_long wants to know of the table. */
struct getopt_tables {
	struct option longs[ARRAY_SIZE(rows) + 1];
	char shorts[2 * ARRAY_SIZE(rows) + 3];
};

static void fill_tables(struct getopt_tables *t)
{
	struct option *l = t->longs;
	char *s = t->shorts;

	memset(t, 0, sizeof(*t));
	/* '-': other arguments come in order, as option 1; so what is left at the end came
	 * after "--". ':': a missing value is told apart from an unknown option. */
	*s++ = '-';
	*s++ = ':';
	for (const struct option_row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		if (!r->name)
			continue;
		*l++ = (struct option){ r->name, r->value ? required_argument : no_argument, NULL,
					KEY(r) };
		if (!r->letter)
			continue;
		*s++ = r->letter;
		if (r->value)
			*s++ = ':';
	}
}

static const struct option_row *find_row(int key)
{
	for (const struct option_row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		if (r->name && KEY(r) == key)
			return r;
	}
	return NULL;
}

/* An argument that is no option's: a recording, where those are wanted. */
static int stray(struct options *o, const char *arg)
{
	const struct verb_row *v = &verbs[o->verb];
	char hint[64];
	uint64_t pid;

	if (o->nfiles < v->files) {
		o->files[o->nfiles++] = arg;
		return 0;
	}
	if (v->files)
		return option__refuse("argument", arg, "is one too many", "memtrace --help");
	if (!util__parse_u64(arg, &pid))
		snprintf(hint, sizeof(hint), "-p %llu", (unsigned long long)pid);
	else
		snprintf(hint, sizeof(hint), "-- before the command to start");
	return option__refuse("argument", arg, "belongs to no option", hint);
}

/* Long options may be cut short, unless several begin so. */
static bool ambiguous(const char *arg)
{
	size_t len = strcspn(arg, "="), n = 0;

	for (const struct option_row *r = rows; r < rows + ARRAY_SIZE(rows); r++)
		n += r->name && len > 2 && !strncmp(r->name, arg + 2, len - 2);
	return n > 1;
}

/* getopt_long found something that it cannot take: `c` is ':' or '?'. */
static int misused(int c, char **argv)
{
	const struct option_row *r = find_row(optopt);
	char subject[40], letter[3] = { '-', (char)optopt, '\0' };

	if (!r && optopt)
		return option__refuse("option", letter, "is unknown", "memtrace --help");
	if (!r)
		return option__refuse("option", argv[optind - 1],
				      ambiguous(argv[optind - 1]) ? "is ambiguous" : "is unknown",
				      "memtrace --help");
	if (c == ':')
		return option__refuse_value(r, NULL, "needs a value");
	snprintf(subject, sizeof(subject), "--%s", r->name);
	return option__refuse(subject, NULL, "takes no value", subject);
}

static int take(struct options *o, const struct option_row *r, const char *value)
{
	unsigned int of = r->of ? r->of : OF_TRACE;
	char subject[40], hint[40];

	if (of & OF(o->verb))
		return r->take(o, r, value);
	snprintf(subject, sizeof(subject), "--%s", r->name);
	snprintf(hint, sizeof(hint), "memtrace %s without it", verbs[o->verb].name);
	return option__refuse(subject, NULL, "does not belong there", hint);
}

/* The first argument may say what to do. */
static void take_verb(struct options *o, int *argc, char ***argv)
{
	for (int v = 0; *argc > 1 && v < VERBS; v++)
		if (verbs[v].name && !strcmp((*argv)[1], verbs[v].name)) {
			o->verb = (enum verb)v;
			if (verbs[v].files)
				o->plan.interval_s = 0;
			++*argv;
			--*argc;
			return;
		}
}

static int parse(struct options *o, int argc, char **argv)
{
	const char *last = NULL; /* the last argument that was an option's value */
	struct getopt_tables t;
	int c, err = 0;

	fill_tables(&t);
	optind = 0; /* makes glibc start afresh */
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (c == ':' || c == '?')
			return misused(c, argv);
		if (c == 1)
			err = stray(o, optarg);
		else
			err = take(o, find_row(c), optarg);
		last = c == 1 ? NULL : optarg;
	}
	if (err)
		return err;
	if (verbs[o->verb].files) {
		while (!err && optind < argc) /* behind "--": names that look like options */
			err = stray(o, argv[optind++]);
		return err;
	}
	if (optind < argc)
		o->plan.command = argv + optind;
	else if (argc > 1 && !strcmp(argv[argc - 1], "--") && argv[argc - 1] != last)
		return option__refuse("--", NULL, "no COMMAND follows", "memtrace -- COMMAND");
	return 0;
}

static int check_files(const struct options *o)
{
	if (o->nfiles < verbs[o->verb].files)
		return option__refuse(verbs[o->verb].name, NULL,
				      o->verb == VERB_DIFF ? "it takes two recordings"
							   : "there is no recording",
				      o->verb == VERB_DIFF ? "memtrace diff before.mt after.mt"
							   : "memtrace report run.mt");
	return 0;
}

/* The output of record is the recording. */
static int check_record(struct options *o)
{
	struct plan *p = &o->plan;

	if (o->verb != VERB_RECORD)
		return 0;
	if (!p->output)
		return option__refuse("record", NULL, "there is no file to record to", "-o run.mt");
	p->record = p->output;
	p->output = NULL;
	p->record_only = true;
	return 0;
}

static int check_targets(const struct plan *p)
{
	bool groups = p->ncontainers || p->ncgroups;

	if (!p->npids && !p->command && !groups && !p->all)
		return option__refuse(
		    "targets", NULL, "there is none",
		    "memtrace -p PID, memtrace -c CONTAINER, or memtrace -- COMMAND");
	if (p->wait && !groups)
		return option__refuse("--wait", NULL, "there is nothing to wait for",
				      "-c NAME or -g DIRECTORY");
	if (!p->children && (groups || p->all))
		return option__refuse("--no-children", NULL, "is for -p and COMMAND only",
				      "-p PID");
	if (p->user && !p->command)
		return option__refuse("--user", NULL, "there is no COMMAND to run",
				      "-- COMMAND at the end");
	if (p->probes.n && !p->query.heap)
		return option__refuse("--probe", NULL, "--kind map probes no functions",
				      "--kind heap");
	return 0;
}

/* What options mean for each other. */
static int check(struct options *o)
{
	struct plan *p = &o->plan;
	int err = 0;

	if (p->min_size > p->max_size)
		return option__refuse("--min-size", NULL, "is above --max-size",
				      "a smaller --min-size");
	if (verbs[o->verb].files)
		return check_files(o);
	err = check_targets(p);
	if (!err)
		err = check_record(o);
	p->no_miss |= p->wait;
	return err;
}

int options__parse(struct options *o, int argc, char **argv)
{
	struct plan *p = &o->plan;
	int err;

	*o = (struct options){ .plan = plan__default() };
	take_verb(o, &argc, &argv);
	err = parse(o, argc, argv);
	if (!err)
		err = check(o);
	if (!err)
		err = option__add_default_rules(o);
	if (!p->sort_given)
		p->query.sort = p->since_mark ? SORT_MARK : SORT_LEAK;
	if (err)
		options__free(o);
	return err > 0 ? 1 : err ? -EINVAL : 0;
}

void options__free(struct options *o)
{
	plan__release(&o->plan);
}
