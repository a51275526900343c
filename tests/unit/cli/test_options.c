/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/options.h"

#include <sys/prctl.h>

#include "abi/shared.h"
#include "util/array.h"
#include "golden.h"
#include "profile/suppressions.h"

#define ARGS_MAX 48

/* The parsed options, and what was printed to standard output and error. */
struct parsed {
	struct options o;
	int status;
	struct text out, err;
	char *argv[ARGS_MAX + 2];
	char line[4096];
};

static int divert(int fd, int to)
{
	int kept = dup(fd);

	fflush(fd == 1 ? stdout : stderr);
	dup2(to, fd);
	return kept;
}

static struct text restore(int fd, int from, int kept)
{
	struct text said;

	fflush(fd == 1 ? stdout : stderr);
	dup2(kept, fd);
	close(kept);
	said = read_back(from);
	close(from);
	return said;
}

/* Arguments are separated by one '|' each. */
static struct parsed *parse(const char *args)
{
	struct parsed *p = calloc(1, sizeof(*p));
	int argc = 1, out = scratch_file("", 0), err = scratch_file("", 0), kept_out, kept_err;
	char *rest = p->line;

	snprintf(p->line, sizeof(p->line), "%s", args);
	p->argv[0] = (char *)"memtrace";
	while (*args && rest && argc < ARGS_MAX)
		p->argv[argc++] = strsep(&rest, "|");
	kept_out = divert(1, out);
	kept_err = divert(2, err);
	p->status = options__parse(&p->o, argc, p->argv);
	p->err = restore(2, err, kept_err);
	p->out = restore(1, out, kept_out);
	return p;
}

static void done(struct parsed *p)
{
	if (!p->status)
		options__free(&p->o);
	text_free(&p->out);
	text_free(&p->err);
	free(p);
}

#define ACCEPT(args, ...)                                                                          \
	do {                                                                                       \
		struct parsed *p = parse(args);                                                    \
		struct options *o = &p->o;                                                         \
		CHECK_EQ(p->status, 0);                                                            \
		CHECK_STR(p->err.data, "");                                                        \
		CHECK_STR(p->out.data, "");                                                        \
		if (!p->status) {                                                                  \
			__VA_ARGS__;                                                               \
		}                                                                                  \
		(void)o;                                                                           \
		done(p);                                                                           \
	} while (0)

/* One line, and nothing on standard output. */
static void refuse(const char *args, const char *line)
{
	struct parsed *p = parse(args);
	char want[512];

	snprintf(want, sizeof(want), "memtrace: %s\n", line);
	CHECK_EQ(p->status, -EINVAL);
	CHECK_STR(p->err.data, want);
	CHECK_STR(p->out.data, "");
	CHECK(!p->o.plan.pids);
	done(p);
}

TEST(containers_and_cgroups)
{
	ACCEPT("-c|web|--container|k8s:a/b/c|-g|/sys/fs/cgroup/x|-a|--wait|--no-miss",
	       CHECK_EQ(o->plan.ncontainers, 2);
	       CHECK_STR(o->plan.containers[0], "web");
	       CHECK_STR(o->plan.containers[1], "k8s:a/b/c"); CHECK_EQ(o->plan.ncgroups, 1);
	       CHECK_STR(o->plan.cgroups[0], "/sys/fs/cgroup/x");
	       CHECK(o->plan.all && o->plan.wait && o->plan.no_miss); CHECK_EQ(o->plan.npids, 0));
	ACCEPT("-p|1", CHECK(!o->plan.all && !o->plan.wait && !o->plan.no_miss &&
			     !o->plan.ncontainers && !o->plan.ncgroups));
	refuse("-c|", "--container: '' is empty; try --container web");
	refuse("-p|1|--wait", "--wait needs a container or cgroup; try -c NAME or -g DIRECTORY");
	refuse("-a|--no-children",
	       "--no-children cannot be combined with -c, -g or -a; try -p PID");
}

TEST(defaults)
{
	ACCEPT("-p|1", CHECK_EQ(o->plan.npids, 1); CHECK_EQ(o->plan.pids[0], 1);
	       CHECK(!o->plan.command); CHECK(!o->plan.user); CHECK(o->plan.interval_s == 10);
	       CHECK(o->plan.duration_s == 0); CHECK_EQ(o->plan.reports, 0);
	       CHECK_EQ(o->plan.query.top, 10); CHECK(!o->plan.top_given);
	       CHECK(o->plan.query.min_age == 0); CHECK_EQ(o->plan.min_size, 0);
	       CHECK(o->plan.max_size == UINT64_MAX); CHECK_EQ(o->plan.query.sort, SORT_LEAK);
	       CHECK(!o->plan.sort_given); CHECK(o->plan.query.heap && o->plan.query.map);
	       CHECK_STR(o->plan.format->name, "text"); CHECK(!o->plan.output);
	       CHECK(o->plan.children); CHECK_EQ(o->plan.max_depth, 127);
	       CHECK(!o->plan.explain_probes); CHECK(!o->plan.attach);
	       CHECK_EQ(o->plan.ring_bytes, RING_BYTES); CHECK(!o->plan.since_mark);
	       CHECK(suppressions__count(o->plan.rules) > 0);
	       CHECK_STR(suppressions__rule(o->plan.rules, 0)->source, "built-in");
	       CHECK_EQ(o->plan.checks.n, 0); CHECK_EQ(o->plan.error_exit, 0); CHECK(!o->verbose));
}

TEST(pids_by_comma_repeated_and_once_each)
{
	ACCEPT("-p|3,1,3|--pid=2|-p1", CHECK_EQ(o->plan.npids, 3); CHECK_EQ(o->plan.pids[0], 3);
	       CHECK_EQ(o->plan.pids[1], 1); CHECK_EQ(o->plan.pids[2], 2));
}

TEST(every_option)
{
	ACCEPT("-p|1|-i|0.5|-d|1.25|-n|3|-t|0|--min-age|60|--min-size|4k|--max-size|1G|"
	       "--sort|growth|--kind|heap|-f|json|-o|out.json|--no-children|"
	       "--stack|none|--max-depth|64|--explain-probes|--attach|perf|--ring|1m|-v",
	       CHECK(o->plan.interval_s == 0.5);
	       CHECK(o->plan.duration_s == 1.25); CHECK_EQ(o->plan.reports, 3);
	       CHECK_EQ(o->plan.query.top, 0); CHECK(o->plan.top_given);
	       CHECK(o->plan.query.min_age == 60000000000); CHECK_EQ(o->plan.min_size, 4096);
	       CHECK_EQ(o->plan.max_size, 1 << 30); CHECK_EQ(o->plan.query.sort, SORT_GROWTH);
	       CHECK(o->plan.sort_given); CHECK(o->plan.query.heap && !o->plan.query.map);
	       CHECK_STR(o->plan.format->name, "json"); CHECK_STR(o->plan.output, "out.json");
	       CHECK(!o->plan.children); CHECK_EQ(o->plan.stack_mode, STACK_OFF);
	       CHECK_EQ(o->plan.max_depth, 64); CHECK(o->plan.explain_probes);
	       CHECK_STR(o->plan.attach, "perf"); CHECK_EQ(o->plan.ring_bytes, 1 << 20);
	       CHECK(o->verbose));
}

TEST(runtimes)
{
	ACCEPT("-p|1|--runtime|python|--runtime|python|--probe|f(size=1)",
	       CHECK(o->plan.probes.n > 4);
	       CHECK_STR(o->plan.probes.specs[0].preset, "python");
	       CHECK_STR(o->plan.probes.specs[0].function, "PyObject_Malloc");
	       CHECK_STR(o->plan.probes.specs[o->plan.probes.n - 2].function, "PyMem_Free");
	       CHECK(!o->plan.probes.specs[o->plan.probes.n - 1].preset));
	ACCEPT("-p|1|--runtime|php|--runtime|python",
	       CHECK_STR(o->plan.probes.specs[0].preset, "php"));
	refuse("-p|1|--runtime|cobol",
	       "--runtime: invalid value: 'cobol'; try --runtime python|php");
	refuse("-p|1|--runtime|", "--runtime: invalid value: ''; try --runtime python|php");
	refuse("-p|1|--runtime|java", "--runtime: invalid value: 'java'; try --runtime python|php");
}

TEST(choices)
{
	static const char *const sorts[] = { "leak", "bytes", "blocks", "growth", "age", "rate" };
	char args[64];

	for (int i = 0; i < (int)ARRAY_SIZE(sorts); i++) {
		snprintf(args, sizeof(args), "-p|1|--sort|%s", sorts[i]);
		ACCEPT(args, CHECK_EQ(o->plan.query.sort, i));
	}
	ACCEPT("-p|1|--kind|map", CHECK(!o->plan.query.heap && o->plan.query.map));
	ACCEPT("-p|1|--kind|heap|--kind|all", CHECK(o->plan.query.heap && o->plan.query.map));
	ACCEPT("-p|1|--stack|dwarf", CHECK_EQ(o->plan.stack_mode, STACK_DWARF));
	ACCEPT("-p|1|--stack|fp", CHECK_EQ(o->plan.stack_mode, STACK_FP));
	ACCEPT("-p|1|--attach|session", CHECK_STR(o->plan.attach, "session"));
	ACCEPT("-p|1|--attach|multi", CHECK_STR(o->plan.attach, "multi"));
}

TEST(since_a_mark)
{
	ACCEPT("-p|1|--since-mark", CHECK(o->plan.since_mark);
	       CHECK_EQ(o->plan.query.sort, SORT_MARK); CHECK(!o->plan.sort_given));
	ACCEPT("-p|1|--sort|leak|--since-mark", CHECK(o->plan.since_mark);
	       CHECK_EQ(o->plan.query.sort, SORT_LEAK));
}

TEST(failure_conditions)
{
	ACCEPT("-p|1|--fail-on|leak>64k,lost>0|--fail-on|live>=1g|--error-exitcode|9",
	       CHECK_EQ(o->plan.checks.n, 3);
	       CHECK_STR(o->plan.checks.items[2].text, "live>=1g");
	       CHECK_EQ(o->plan.error_exit, 9));
	refuse("-p|1|--fail-on|leak",
	       "--fail-on: 'leak' needs a comparison, such as >0; try --fail-on 'leak>64k'");
	refuse("-p|1|--fail-on|rss>1",
	       "--fail-on: 'rss>1' must begin with leak, leaks, leak-rate, growing, live, blocks, "
	       "growth or lost; try --fail-on 'leak>64k'");
	refuse("-p|1|--error-exitcode|0",
	       "--error-exitcode: invalid exit status (1 to 255): '0'; try --error-exitcode 1");
	refuse("-p|1|--error-exitcode|256",
	       "--error-exitcode: invalid exit status (1 to 255): '256'; try --error-exitcode 1");
}

/* A file of suppressions, by a path that names its descriptor. */
static const char *rules_file(const char *text)
{
	static char path[32];

	snprintf(path, sizeof(path), "/dev/fd/%d", scratch_file(text, strlen(text)));
	return path;
}

static void close_rules(const char *path)
{
	close((int)strtol(path + strlen("/dev/fd/"), NULL, 10));
}

TEST(suppressions)
{
	const char *file = rules_file("# known\nleak:one\nleak:two\n");
	char args[128];

	snprintf(args, sizeof(args), "-p|1|--suppressions|%s", file);
	ACCEPT(args, CHECK(suppressions__count(o->plan.rules) > 2);
	       CHECK_STR(suppressions__rule(o->plan.rules, 0)->pattern, "leak:one");
	       CHECK(!strncmp(suppressions__rule(o->plan.rules, 1)->source, "/dev/fd/", 8));
	       CHECK_STR(suppressions__rule(o->plan.rules, 2)->source, "built-in"));
	snprintf(args, sizeof(args), "-p|1|--no-default-suppressions|--suppressions|%s", file);
	ACCEPT(args, CHECK_EQ(suppressions__count(o->plan.rules), 2));
	close_rules(file);
	ACCEPT("-p|1|--no-default-suppressions", CHECK_EQ(suppressions__count(o->plan.rules), 0));
}

TEST(bad_suppressions)
{
	const char *file = rules_file("leak:one\nrace:two\n");
	char args[64], want[200];

	snprintf(args, sizeof(args), "-p|1|--suppressions|%s", file);
	snprintf(want, sizeof(want),
		 "--suppressions: '%s' line 2 does not begin with \"leak:\"; "
		 "try lines such as leak:^session_new$",
		 file);
	refuse(args, want);
	close_rules(file);
	refuse("-p|1|--suppressions|/nonexistent/ci.supp",
	       "--suppressions: '/nonexistent/ci.supp' cannot be read (No such file or directory); "
	       "try --suppressions ci.supp");
	refuse("-p|1|--suppressions|/",
	       "--suppressions: '/' cannot be read (Is a directory); try --suppressions ci.supp");
}

TEST(a_command_keeps_its_own_options)
{
	ACCEPT("-i|1|--|ls|-l|--|-p", CHECK_EQ(o->plan.npids, 0);
	       CHECK_STR(o->plan.command[0], "ls"); CHECK_STR(o->plan.command[1], "-l");
	       CHECK_STR(o->plan.command[2], "--"); CHECK_STR(o->plan.command[3], "-p");
	       CHECK(!o->plan.command[4]));
	ACCEPT("-p|1|--user|nobody|--|true", CHECK_EQ(o->plan.npids, 1);
	       CHECK_STR(o->plan.user, "nobody"); CHECK_STR(o->plan.command[0], "true"));
	/* A value that looks like the separator is still a value. */
	ACCEPT("-p|1|-o|--", CHECK_STR(o->plan.output, "--"); CHECK(!o->plan.command));
	ACCEPT("-o|--|--|true", CHECK_STR(o->plan.output, "--");
	       CHECK_STR(o->plan.command[0], "true"));
}

TEST(verbs)
{
	ACCEPT("record|-p|1|-o|run.mt", {
		CHECK_EQ(o->verb, VERB_RECORD);
		CHECK_STR(o->plan.record, "run.mt");
		CHECK(!o->plan.output);
		CHECK_EQ(o->plan.record_bytes, 1ull << 30);
	});
	ACCEPT("record|-o|run.mt|--record-size|5m|--|report|x", {
		CHECK_EQ(o->plan.record_bytes, 5 << 20);
		CHECK_STR(o->plan.command[0], "report");
	});
	ACCEPT("-p|1|--record|run.mt|-o|out", {
		CHECK_EQ(o->verb, VERB_TRACE);
		CHECK_STR(o->plan.record, "run.mt");
		CHECK_STR(o->plan.output, "out");
	});
	ACCEPT("report|run.mt|--sort|age|-t|3|-f|json|-o|out|--kind|heap|--min-age|5", {
		CHECK_EQ(o->verb, VERB_REPORT);
		CHECK_STR(o->files[0], "run.mt");
		CHECK_STR(o->plan.output, "out");
		CHECK(!o->plan.interval_s);
		CHECK(!o->plan.record);
	});
	ACCEPT("report|-i|5|--|-odd.mt", {
		CHECK_STR(o->files[0], "-odd.mt");
		CHECK(o->plan.interval_s == 5);
	});
	ACCEPT("diff|a.mt|b.mt|-t|0", {
		CHECK_EQ(o->verb, VERB_DIFF);
		CHECK_STR(o->files[0], "a.mt");
		CHECK_STR(o->files[1], "b.mt");
	});
	ACCEPT("--|record|x", CHECK_EQ(o->verb, VERB_TRACE));
	refuse("record|-p|1", "record needs an output file; try -o run.mt");
	refuse("record|-p|1|-o|x|-t|3",
	       "--top cannot be used with record; try memtrace record without it");
	refuse("report", "report needs a recording; try memtrace report run.mt");
	refuse("report|a|b", "too many arguments: 'b'; try memtrace --help");
	refuse("report|a|-p|1", "--pid cannot be used with report; try memtrace report without it");
	refuse("report|a|--record|x",
	       "--record cannot be used with report; try memtrace report without it");
	ACCEPT("diff|a.mt|b.mt|--fail-on|leaks>0|--error-exitcode|1|--allow-unjudged", {
		CHECK_EQ(o->plan.checks.n, 1);
		CHECK_EQ(o->plan.error_exit, 1);
	});
	refuse("diff|a", "diff needs two recordings; try memtrace diff before.mt after.mt");
	refuse("diff|a|b|--sort|age",
	       "--sort cannot be used with diff; try memtrace diff without it");
	refuse("-p|1|--record-size|100k",
	       "--record-size: '100k' is less than 1m; try --record-size 100m");
}

TEST(no_target)
{
	refuse("", "no target given; try memtrace -p PID, memtrace -c CONTAINER, or "
		   "memtrace -- COMMAND");
	refuse("-i|1", "no target given; try memtrace -p PID, memtrace -c CONTAINER, or "
		       "memtrace -- COMMAND");
	refuse("--", "-- needs a COMMAND after it; try memtrace -- COMMAND");
	refuse("-p|1|--", "-- needs a COMMAND after it; try memtrace -- COMMAND");
}

#define NO_NAME                                                                                    \
	" is neither a process ID nor the name of a running program; try ps -e, which lists both"

TEST(names_that_no_process_has)
{
	refuse("-p|mt no such", "--pid: 'mt no such'" NO_NAME);
	refuse("-p|0x10", "--pid: '0x10'" NO_NAME);
	refuse("-p|mt/\033", "--pid: 'mt/\\x1b'" NO_NAME);
	refuse("record|-p|x-no-such|-o|x", "--pid: 'x-no-such'" NO_NAME);
	refuse("-p|kthreadd", "--pid: 'kthreadd'" NO_NAME);
}

TEST(memtrace_itself_has_no_name)
{
	char own[17] = "", comm[] = "mt-unit-self";

	prctl(PR_GET_NAME, own);
	prctl(PR_SET_NAME, comm);
	refuse("-p|mt-unit-self", "--pid: 'mt-unit-self'" NO_NAME);
	prctl(PR_SET_NAME, own);
}

TEST(bad_pids)
{
	char args[32], line[96];

	refuse("-p|0", "--pid: invalid process ID: '0'; try --pid 4242");
	refuse("-p|-5", "--pid: invalid process ID: '-5'; try --pid 4242");
	refuse("-p|1,", "--pid: invalid process ID: ''; try --pid 4242");
	refuse("-p|,1", "--pid: invalid process ID: ''; try --pid 4242");
	refuse("-p|2147483648", "--pid: invalid process ID: '2147483648'; try --pid 4242");
	refuse("-p|18446744073709551617",
	       "--pid: invalid process ID: '18446744073709551617'; try --pid 4242");
	snprintf(args, sizeof(args), "-p|%d", (int)getpid());
	snprintf(line, sizeof(line),
		 "--pid: '%d' is memtrace itself, which cannot be traced; try --pid 4242",
		 (int)getpid());
	refuse(args, line);
}

TEST(bad_values)
{
	refuse("-p|1|-i|0", "--interval: '0' is too short; try --interval 10");
	refuse("-p|1|-i|-1", "--interval: invalid number of seconds: '-1'; try --interval 10");
	refuse("-p|1|-i|1s", "--interval: invalid number of seconds: '1s'; try --interval 10");
	refuse("-p|1|-i|nan", "--interval: invalid number of seconds: 'nan'; try --interval 10");
	refuse("-p|1|-i|", "--interval: invalid number of seconds: ''; try --interval 10");
	refuse("-p|1|-d|0", "--duration: '0' is too short; try --duration 60");
	refuse("-p|1|-d|1000000001", "--duration: '1000000001' is too long; try --duration 60");
	refuse("-p|1|-n|0", "--reports: '0' is too small; try --reports 6");
	refuse("-p|1|-n|1.5", "--reports: invalid number: '1.5'; try --reports 6");
	refuse("-p|1|-t|4294967296", "--top: '4294967296' is too large; try --top 10");
	refuse("-p|1|--min-size|4x",
	       "--min-size: invalid size (suffixes k, m, g): '4x'; try --min-size 4k");
	refuse("-p|1|--max-size|99999999999g",
	       "--max-size: '99999999999g' is too large; try --max-size 1m");
	refuse("-p|1|--min-size|2k|--max-size|1k",
	       "--min-size is above --max-size; try a smaller --min-size");
	refuse("-p|1|--max-depth|0", "--max-depth: '0' is too small; try --max-depth 64");
	refuse("-p|1|--max-depth|128", "--max-depth: '128' is too large; try --max-depth 64");
	refuse("-p|1|--ring|1k", "--ring: '1k' is not between 64k and 1g; try --ring 64m");
	refuse("-p|1|--unwind-memory|9g",
	       "--unwind-memory: '9g' is not between 8m and 8g; try --unwind-memory 256m");
	refuse("-p|1|--ring|2g", "--ring: '2g' is not between 64k and 1g; try --ring 64m");
	refuse("-p|1|--sort|size", "--sort: invalid value: 'size'; "
				   "try --sort leak|bytes|blocks|growth|age|rate");
	refuse("-p|1|--sort|", "--sort: invalid value: ''; "
			       "try --sort leak|bytes|blocks|growth|age|rate");
	refuse("-p|1|--kind|hea", "--kind: invalid value: 'hea'; try --kind heap|map|all");
	refuse("-p|1|-f|xml",
	       "--format: unknown format: 'xml'; try --format text|json|pprof|folded");
	refuse("-p|1|-o|", "--output: '' is empty; try --output memtrace.out");
	refuse("-p|1|--user|bob", "--user needs a COMMAND; try -- COMMAND at the end");
}

TEST(misuse)
{
	refuse("-p", "--pid needs a value; try --pid 4242");
	refuse("--interval", "--interval needs a value; try --interval 10");
	refuse("--verbose=3", "--verbose takes no value; try --verbose");
	refuse("1234", "unexpected argument: '1234'; try -p 1234");
	refuse("-p|1|ls", "unexpected argument: 'ls'; try -- before the command to start");
	refuse("-x", "unknown option: '-x'; try memtrace --help");
	refuse("--verbose|-vx", "unknown option: '-x'; try memtrace --help");
	refuse("--frob=1", "unknown option: '--frob=1'; try memtrace --help");
	refuse("--m|1", "ambiguous option: '--m'; try memtrace --help");
	refuse("--max=1", "ambiguous option: '--max=1'; try memtrace --help");
	refuse("-f|\033[31mred",
	       "--format: unknown format: '\\x1b[31mred'; try --format text|json|pprof|folded");
}

TEST(the_first_error_is_the_only_one)
{
	refuse("-p|0|-i|y|-z", "--pid: invalid process ID: '0'; try --pid 4242");
}

TEST(version)
{
	struct parsed *p = parse("--version");

	CHECK_EQ(p->status, 1);
	CHECK_STR(p->out.data, "memtrace " MEMTRACE_VERSION "\n");
	CHECK_STR(p->err.data, "");
	done(p);
}

TEST(help)
{
	struct parsed *p = parse("-p|1|-h|--frob");
	const char *end;

	CHECK_EQ(p->status, 1);
	CHECK_STR(p->err.data, "");
	check_golden("help.txt", p->out.data, p->out.len);
	for (const char *s = p->out.data; *s; s = end + 1) {
		end = strchr(s, '\n');
		CHECK(end - s < 80);
		CHECK(end == s || end[-1] != ' ');
	}
	done(p);
}
