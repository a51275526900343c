/*
 * Options are rows of a table: getopt_long's description, the help text and the error lines are all
 * made from it. getopt_long rather than argp, because a wrong command line earns one line of our own
 * words, and argp prints its usage besides.
 */
#include "door/options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "door/option_row.h"
#include "ground/escape.h"
#include "ground/log.h"
#include "ground/shared.h"
#include "ground/strbuf.h"
#include "ground/util.h"

#define SECONDS_MAX 1e9
#define RING_MIN (64 << 10)
#define RING_MAX (1 << 30)
#define STACK_DEFAULT STACK_MODE_FP
#define STACK_DEFAULT_NAME "fp"

/* One line: "memtrace: SUBJECT: 'VALUE' REASON; try HINT". VALUE may be NULL. */
static int refuse(const char *subject, const char *value, const char *reason, const char *hint)
{
	struct strbuf sb = { 0 };

	if (value) {
		strbuf__addc(&sb, '\'');
		escape__plain(&sb, value);
		strbuf__adds(&sb, "' ");
	}
	log__error("%s: %s%s; try %s", subject, sb.data && !sb.error ? sb.data : "", reason, hint);
	strbuf__free(&sb);
	return -EINVAL;
}

static int refuse_value(const struct option_row *r, const char *value, const char *reason)
{
	char subject[40], hint[120];

	snprintf(subject, sizeof(subject), "--%s", r->name);
	snprintf(hint, sizeof(hint), "--%s %s", r->name, r->example ? r->example : r->value);
	return refuse(subject, value, reason, hint);
}

/* ---- one function for each type of value ---- */

static int take_flag(struct options *o, const struct option_row *r, const char *value)
{
	(void)value;
	*(bool *)((char *)o + r->field) = r->on;
	return 0;
}

static int take_string(struct options *o, const struct option_row *r, const char *value)
{
	if (!*value)
		return refuse_value(r, value, "is empty");
	*(const char **)((char *)o + r->field) = value;
	return 0;
}

static int take_seconds(struct options *o, const struct option_row *r, const char *value)
{
	double *to = (double *)((char *)o + r->field), s;
	int err = util__parse_seconds(value, &s);

	if (err == -EINVAL)
		return refuse_value(r, value, "is not a number of seconds");
	if (err || s > SECONDS_MAX)
		return refuse_value(r, value, "is too long");
	if (s < r->least_s)
		return refuse_value(r, value, "is too short");
	*to = s;
	return 0;
}

static int take_size(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t *to = (uint64_t *)((char *)o + r->field), n;
	int err = util__parse_size(value, &n);

	if (err == -ERANGE)
		return refuse_value(r, value, "is too large");
	if (err)
		return refuse_value(r, value, "is not a size in bytes (suffixes k, m, g)");
	*to = n;
	return 0;
}

static int take_ring(struct options *o, const struct option_row *r, const char *value)
{
	int err = take_size(o, r, value);

	if (!err && (o->ring_bytes < RING_MIN || o->ring_bytes > RING_MAX))
		err = refuse_value(r, value, "is not between 64k and 1g");
	return err;
}

static int parse_count(const struct option_row *r, const char *value, uint64_t least, uint64_t most,
		       uint64_t *n)
{
	int err = util__parse_u64(value, n);

	if (err == -EINVAL)
		return refuse_value(r, value, "is not a whole number");
	if (err || *n > most)
		return refuse_value(r, value, "is too large");
	return *n < least ? refuse_value(r, value, "is too small") : 0;
}

static int take_reports(struct options *o, const struct option_row *r, const char *value)
{
	return parse_count(r, value, 1, UINT64_MAX, &o->reports);
}

static int take_top(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t n;
	int err = parse_count(r, value, 0, UINT32_MAX, &n);

	if (err)
		return err;
	o->top = (uint32_t)n;
	o->top_given = true;
	return 0;
}

static int take_depth(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t n;
	int err = parse_count(r, value, 1, EVENT_MAX_FRAMES, &n);

	if (!err)
		o->max_depth = (uint32_t)n;
	return err;
}

/* The index of `value` among the row's choices, "heap|map|all"; or it is refused. */
static int choose(const struct option_row *r, const char *value)
{
	const char *word = r->value;
	size_t len;

	for (int i = 0; *word; i++) {
		len = strcspn(word, "|");
		if (len == strlen(value) && !strncmp(word, value, len))
			return i;
		word += len + (word[len] != '\0');
	}
	return refuse_value(r, value, "is none of its values");
}

static int take_sort(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->sort = (enum sort_key)i;	/* the words stand in the order of the enum */
	o->sort_name = value;
	return 0;
}

static int take_kind(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->heap = i != 1;
	o->map = i != 0;
	return 0;
}

static int take_stack(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->stack = (enum stack_mode)i;
	return 0;
}

static int take_attach(struct options *o, const struct option_row *r, const char *value)
{
	int i = choose(r, value);

	if (i < 0)
		return i;
	o->attach = value;
	return 0;
}

static int take_format(struct options *o, const struct option_row *r, const char *value)
{
	const struct report_format *f;
	struct strbuf names = { 0 };
	int err;

	(void)r;
	o->format = report__find(value);
	if (o->format)
		return 0;
	for (size_t i = 0; (f = report__at(i)); i++)
		strbuf__addf(&names, "%s%s", i ? "|" : "--format ", f->name);
	err = refuse("--format", value, "is no format", names.error ? "--help" : names.data);
	strbuf__free(&names);
	return err;
}

/* ---- targets ---- */

static int add_pid(struct options *o, uint32_t pid)
{
	uint32_t *more;

	for (size_t i = 0; i < o->npids; i++) {
		if (o->pids[i] == pid)
			return 0;
	}
	more = reallocarray(o->pids, o->npids + 1, sizeof(*more));
	if (!more) {
		log__error("--pid: out of memory");
		return -ENOMEM;
	}
	o->pids = more;
	o->pids[o->npids++] = pid;
	return 0;
}

static int take_pid(struct options *o, const struct option_row *r, const char *value)
{
	uint64_t pid;

	if (util__parse_u64(value, &pid) || !pid || pid > INT_MAX)
		return refuse_value(r, value, "is no process id");
	if (pid == (uint64_t)getpid())
		return refuse_value(r, value, "is memtrace itself, which cannot be traced");
	return add_pid(o, (uint32_t)pid);
}

static int take_pids(struct options *o, const struct option_row *r, const char *value)
{
	char *list = strdup(value), *item, *comma;
	int err = list ? 0 : -ENOMEM;

	for (item = list; item && !err; item = comma ? comma + 1 : NULL) {
		comma = strchr(item, ',');
		if (comma)
			*comma = '\0';
		err = take_pid(o, r, item);
	}
	free(list);
	return err;
}

static int take_help(struct options *o, const struct option_row *r, const char *value);

static int take_version(struct options *o, const struct option_row *r, const char *value)
{
	(void)o, (void)r, (void)value;
	printf("memtrace %s\n", MEMTRACE_VERSION);
	return 1;
}

/* ---- the table ---- */

#define FIELD(member) .field = offsetof(struct options, member)

/* clang-format off */
static const struct option_row rows[] = {
	{ .heading = "Targets (at least one; may be combined)" },
	{ .letter = 'p', .name = "pid", .value = "PID[,PID...]", .example = "4242", .take = take_pids,
	  .help = "running processes, all their threads; repeatable" },
	{ .value = "-- COMMAND [ARG...]", .help = "start COMMAND and trace it from its first instruction" },
	{ .name = "user", .value = "NAME", .example = "nobody", .take = take_string, FIELD(user),
	  .help = "run COMMAND as this user" },
	{ .name = "no-children", .take = take_flag, FIELD(children), .on = false,
	  .help = "do not follow the children that a target forks" },

	{ .heading = "When" },
	{ .letter = 'i', .name = "interval", .value = "SECONDS", .example = "10",
	  .take = take_seconds, FIELD(interval), .least_s = 0.01,
	  .help = "a report every so often (default 10; or 0.5)" },
	{ .letter = 'd', .name = "duration", .value = "SECONDS", .example = "60",
	  .take = take_seconds, FIELD(duration), .least_s = 0.01, .help = "stop after so long" },
	{ .letter = 'n', .name = "reports", .value = "N", .example = "6", .take = take_reports,
	  .help = "stop after N reports" },

	{ .heading = "What" },
	{ .letter = 't', .name = "top", .value = "N", .example = "10", .take = take_top,
	  .help = "call stacks in a report (default 10; 0: all, as pprof and folded do anyway)" },
	{ .name = "min-age", .value = "SECONDS", .example = "60", .take = take_seconds, FIELD(min_age),
	  .help = "count only blocks at least this old (default 0)" },
	{ .name = "min-size", .value = "BYTES", .example = "4k", .take = take_size, FIELD(min_size),
	  .help = "count only blocks at least this large (suffixes k, m, g)" },
	{ .name = "max-size", .value = "BYTES", .example = "1m", .take = take_size, FIELD(max_size),
	  .help = "count only blocks at most this large" },
	{ .name = "sort", .value = "leak|bytes|blocks|growth|age|rate", .take = take_sort,
	  .help = "what comes first (default leak; before there is history: bytes)" },
	{ .name = "kind", .value = "heap|map|all", .take = take_kind,
	  .help = "blocks of malloc and its family, direct mappings (mmap, brk, shmat), or both "
		  "(default all); heap alone spares all other system calls a small cost" },

	{ .heading = "Output" },
	{ .letter = 'f', .name = "format", .value = "FORMAT", .example = "json", .take = take_format,
	  .help = "one of those below (default text)" },
	{ .letter = 'o', .name = "output", .value = "FILE", .example = "memtrace.out", .take = take_string,
	  FIELD(output), .help = "write to FILE, whole or not at all (default standard output)" },

	{ .heading = "How" },
	{ .name = "stack", .value = "dwarf|fp|none", .take = take_stack,
	  .help = "how call stacks are walked: by unwind tables, by frame pointers, or not at all "
		  "(default " STACK_DEFAULT_NAME ")" },
	{ .name = "max-depth", .value = "N", .example = "64", .take = take_depth,
	  .help = "frames of a call stack at most, 1 to 127 (default 127)" },
	{ .name = "attach", .value = "session|multi|perf", .take = take_attach,
	  .help = "how probes are attached (default: the first of these that works)" },
	{ .name = "ring", .value = "SIZE", .example = "64m", .take = take_ring, FIELD(ring_bytes),
	  .help = "the ring buffer between kernel and memtrace, 64k to 1g, rounded up to a power of "
		  "two (default 32m)" },
	{ .name = "explain-probes", .take = take_flag, FIELD(explain_probes), .on = true,
	  .help = "list each function probed, where its probe sits, and why there" },
	{ .letter = 'v', .name = "verbose", .take = take_flag, FIELD(verbose), .on = true,
	  .help = "say more on standard error" },
	{ .name = "version", .take = take_version, .help = "print the version" },
	{ .letter = 'h', .name = "help", .take = take_help, .help = "print this text" },
};
/* clang-format on */

_Static_assert(RING_BYTES == 32 << 20, "the help text says so");

static int take_help(struct options *o, const struct option_row *r, const char *value)
{
	(void)o, (void)r, (void)value;
	help__print(rows, ARRAY_SIZE(rows), stdout);
	return 1;
}

/* ---- the loop ---- */

#define KEY(row) ((row)->letter ? (row)->letter : 256 + (int)((row) - rows))

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
	/* '-': other arguments come in order, as option 1; so what is left at the end came after "--".
	 * ':': a missing value is told apart from an unknown option. */
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

static int stray(const char *arg)
{
	char hint[64];
	uint64_t pid;

	if (!util__parse_u64(arg, &pid))
		snprintf(hint, sizeof(hint), "-p %llu", (unsigned long long)pid);
	else
		snprintf(hint, sizeof(hint), "-- before the command to start");
	return refuse("argument", arg, "belongs to no option", hint);
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
		return refuse("option", letter, "is unknown", "memtrace --help");
	if (!r)
		return refuse("option", argv[optind - 1],
			      ambiguous(argv[optind - 1]) ? "is ambiguous" : "is unknown",
			      "memtrace --help");
	if (c == ':')
		return refuse_value(r, NULL, "needs a value");
	snprintf(subject, sizeof(subject), "--%s", r->name);
	return refuse(subject, NULL, "takes no value", subject);
}

static int parse(struct options *o, int argc, char **argv)
{
	const char *last = NULL;	/* the last argument that was an option's value */
	struct getopt_tables t;
	int c, err = 0;

	fill_tables(&t);
	optind = 0;	/* makes glibc start afresh */
	opterr = 0;
	while (!err && (c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (c == 1)
			return stray(optarg);
		if (c == ':' || c == '?')
			return misused(c, argv);
		last = optarg;
		err = find_row(c)->take(o, find_row(c), optarg);
	}
	if (err)
		return err;
	if (optind < argc)
		o->command = argv + optind;
	else if (argc > 1 && !strcmp(argv[argc - 1], "--") && argv[argc - 1] != last)
		return refuse("--", NULL, "no COMMAND follows", "memtrace -- COMMAND");
	return 0;
}

/* What single options cannot see. */
static int check(const struct options *o)
{
	if (!o->npids && !o->command)
		return refuse("targets", NULL, "there is none", "memtrace -p PID, or memtrace -- COMMAND");
	if (o->user && !o->command)
		return refuse("--user", NULL, "there is no COMMAND to run", "-- COMMAND at the end");
	if (o->min_size > o->max_size)
		return refuse("--min-size", NULL, "is above --max-size, so that no block passes",
			      "a smaller --min-size");
	return 0;
}

int options__parse(struct options *o, int argc, char **argv)
{
	int err;

	*o = (struct options){
		.interval = 10,
		.top = 10,
		.max_size = UINT64_MAX,
		.sort = SORT_LEAK,
		.sort_name = "leak",
		.heap = true,
		.map = true,
		.format = report__at(0),
		.children = true,
		.stack = STACK_DEFAULT,
		.max_depth = EVENT_MAX_FRAMES,
		.ring_bytes = RING_BYTES,
	};
	err = parse(o, argc, argv);
	if (!err)
		err = check(o);
	if (err)
		options__free(o);
	return err > 0 ? 1 : err ? -EINVAL : 0;
}

void options__free(struct options *o)
{
	free(o->pids);
	o->pids = NULL;
	o->npids = 0;
}
