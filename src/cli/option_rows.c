/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options, in the order in which --help and the manual page list them: see option_row.h. */
#include "cli/option_row.h"

#include "util/array.h"

const struct verb_row option_verbs[VERBS] = {
	[VERB_TRACE] = { NULL, "[TARGET...] [OPTIONS] [-- COMMAND [ARG...]]",
			 "Show which call stacks of running programs hold the memory they "
			 "allocated.",
			 0 },
	[VERB_RECORD] = { "record", "[TARGET...] [OPTIONS] -o FILE [-- COMMAND [ARG...]]",
			  "write a recording to FILE instead of reporting now", 0 },
	[VERB_REPORT] = { "report", "FILE [OPTIONS]",
			  "report from a recording, on any host: the last report, or each (-i)",
			  1 },
	[VERB_DIFF] = { "diff", "FILE FILE [OPTIONS]",
			"compare the last reports of two recordings, call stack by call stack", 2 },
};

/* Stores an option that only fills a member of the given type. */
#define MEMBER(type, member)                                                                       \
	.field = offsetof(struct options, member) +                                                \
		 0 * sizeof((type *)NULL == &((struct options *)NULL)->member)

#define FLAG(member, value) .take = option__flag, MEMBER(bool, member), .on = value
#define STRING(member) .take = option__string, MEMBER(const char *, member)
#define SECONDS(member, least) .take = option__seconds, MEMBER(double, member), .least_s = least
#define SIZE(member, from, to)                                                                     \
	.take = option__size, MEMBER(uint64_t, member), .least = from, .most = to

/* clang-format off */
const struct option_row option_rows[] = {
	{ .heading = "Targets", .help = "at least one; may be combined",
	  .detail = "At least one is needed; they may be combined." },
	{ .letter = 'p', .name = "pid", .value = "PID[,PID...]", .type = VALUE_PID,
	  .example = "4242",
	  .take = option__pids,
	  .help = "running processes, with all their threads: by ID, or by a name that only one "
		"process has; repeatable",
	  .detail = "Trace running processes, with all their threads. Instead of an ID, a name may "
		"be given: that of the executable or the one that `ps` shows (comm). If several "
		"processes have it, memtrace lists them and traces none; digits are always an "
		"ID. May be repeated. Their living descendants and the children that they fork "
		"afterwards are traced too, each as a process of its own, unless `--no-children` "
		"is given." },
	{ .letter = 'c', .name = "container", .value = "NAME", .example = "web",
	  .take = option__container,
	  .help = "every process of a container, including those started later: by name, ID, "
		"start of an ID, NAMESPACE/POD/CONTAINER or a part of it, RUNTIME:NAME, or "
		"pid:PID for the container that a process is in",
	  .detail = "Trace every process of a container: those that are running, those started "
		"later, and those executed into it. <NAME> is its name, its ID, the beginning of "
		"its ID, the <NAMESPACE/POD/CONTAINER> of Kubernetes or any part of that which "
		"matches a single container, <RUNTIME:NAME> where several runtimes have a "
		"container of that name, or `pid:`<PID> for the container or sandbox that a "
		"process is in. Docker, podman, containerd, CRI-O, runc, crun, systemd-nspawn "
		"and LXC are recognized, by the files that they keep and by the processes that "
		"are running; no daemon is asked. May be repeated." },
	{ .letter = 'g', .name = "cgroup", .value = "DIRECTORY", .type = VALUE_FOLDER,
	  .example = "/sys/fs/cgroup/system.slice", .take = option__cgroup,
	  .help = "every process of a cgroup (version 2 or 1) and of the cgroups below it",
	  .detail = "Trace every process of a cgroup, of version 2 or 1, and of the cgroups "
		"below it. May be repeated." },
	{ .letter = 'a', .name = "all", FLAG(plan.all, true),
	  .help = "every process on the host",
	  .detail = "Trace every process on the host." },
	{ .name = "wait", FLAG(plan.wait, true),
	  .help = "wait for a container or cgroup that does not exist yet, and trace it from its "
		"first instruction",
	  .detail = "Wait for a container or a cgroup that does not exist yet. It is recognized "
		"when its first program starts, which is held until its probes are in place, "
		"so that nothing is missed." },
	{ .name = "no-miss", FLAG(plan.no_miss, true),
	  .help = "hold a thread that maps a file not seen before until that file is probed, for "
		"some milliseconds; always done for COMMAND",
	  .detail = "Hold a thread that executes or maps a file which memtrace does not know yet "
		"until the file is probed, for some tens of milliseconds, once a file. Known "
		"files cost nothing. This is always done for <COMMAND>. Without it, what such a "
		"program does in its first milliseconds is missed; the report counts how often "
		"(\"late\"). If memtrace is killed, the kernel releases any thread "
		"that is held." },
	{ .value = "-- COMMAND [ARG...]",
	  .help = "start COMMAND and trace it from its first instruction",
	  .detail = "Start <COMMAND> and trace it from its first instruction. It keeps its "
		"standard input, output and error." },
	{ .name = "user", .value = "NAME", .type = VALUE_USER, .example = "nobody",
	  STRING(plan.user),
	  .help = "run COMMAND as this user",
	  .detail = "Run <COMMAND> as this user." },
	{ .name = "no-children", FLAG(plan.children, false),
	  .help = "trace no children: neither those that a target has nor those that it forks" },

	{ .heading = "When",
	  .detail = "Without `--duration` and `--reports`, `memtrace` stops at Ctrl-C (SIGINT) "
		"or SIGTERM, or when the last target has ended. In each case it prints a final "
		"report. A <COMMAND> that outlives the tracing continues untraced, and "
		"`memtrace` waits for it and ends with its exit status." },
	{ .letter = 'i', .name = "interval", .of = OF_TRACE | OF(VERB_REPORT), .value = "SECONDS",
	  .example = "10", SECONDS(plan.interval_s, 0.01),
	  .help = "time between reports (default 10; may be a fraction, such as 0.5)",
	  .detail = "Print a report at this interval. Fractions are allowed; the default is 10." },
	{ .letter = 'd', .name = "duration", .value = "SECONDS", .example = "60",
	  SECONDS(plan.duration_s, 0.01),
	  .help = "stop after this time" },
	{ .letter = 'n', .name = "reports", .value = "N", .example = "6", .take = option__reports,
	  .help = "stop after N reports",
	  .detail = "Stop after <N> reports." },

	{ .heading = "What" },
	{ .letter = 't', .name = "top", .of = OF_REPORTS | OF(VERB_DIFF), .value = "N",
	  .example = "10",
	  .take = option__top,
	  .help = "call stacks in a report (default 10; 0: all, which is the default of pprof "
		"and folded)",
	  .detail = "Show the first <N> call stacks (default 10; 0 for all). The formats `pprof` "
		"and `folded` contain all call stacks unless this is given." },
	{ .name = "min-age", .of = OF_REPORTS | OF(VERB_DIFF), .value = "SECONDS", .example = "60",
	  .take = option__age,
	  .help = "count only blocks at least this old (default 0)",
	  .detail = "Count only blocks that are at least this old (default 0). What a program "
		"allocates and soon frees disappears from the report; what it keeps remains." },
	{ .name = "min-size", .of = OF_REPORTS | OF(VERB_DIFF), .value = "BYTES", .example = "4k",
	  SIZE(plan.min_size, 0, UINT64_MAX),
	  .help = "count only blocks at least this large (suffixes k, m, g)",
	  .detail = "Count only blocks that are at least this large. The suffixes `k`, `m` and "
		"`g` mean 2^10, 2^20 and 2^30 bytes." },
	{ .name = "max-size", .of = OF_REPORTS | OF(VERB_DIFF), .value = "BYTES", .example = "1m",
	  SIZE(plan.max_size, 0, UINT64_MAX),
	  .help = "count only blocks at most this large",
	  .detail = "Count only blocks that are at most this large." },
	{ .name = "sort", .of = OF_REPORTS, .value = "leak|bytes|blocks|growth|age|rate",
	  .take = option__sort,
	  .help = "what comes first (default leak, or bytes until there is enough history)",
	  .detail = "What comes first: the strongest evidence of a leak (the default; where "
		"there is not enough history yet, most bytes held), most bytes held, most blocks "
		"held, most growth since the previous report, the oldest block, or most "
		"allocations per second." },
	{ .name = "by", .of = OF_REPORTS, .value = "process|container|stack", .take = option__by,
	  .help = "what a row is: a call stack of one process (default), or the same code (by "
		"build ID) in all processes of a container, or in all processes",
	  .detail = "What a row of a report is: a call stack of one process (the default), or "
		"the same code in all processes of a container, or in all processes that are "
		"traced. Code is the same if it is at the same offset of files with the same "
		"build ID, whatever their inode and address. Rows are merged before the first "
		"`--top` are chosen; the verdict covers all of their processes together, and "
		"counts the end of a process as the end of its blocks. It is leak as well where "
		"one of them leaks by itself. What ended processes left is a row of its own, with "
		"the strongest of the verdicts as of their ends. The same code in one process is "
		"one row in any case, such as that of a plugin that is loaded again from a new "
		"file." },
	{ .name = "kind", .of = OF_ALL, .value = "heap|map|all", .take = option__kind,
	  .help = "blocks of malloc and its family, direct mappings (mmap, brk, shmat), or both "
		"(default all); heap spares all system calls on the host a small cost",
	  .detail = "Follow the blocks of `malloc`(3) and its family, direct mappings, or both "
		"(the default). Following mappings costs every system call of every process on "
		"the host some 0.1 microseconds while `memtrace` runs; `--kind heap` avoids "
		"that." },
	{ .name = "since-mark", .of = OF_REPORTS, FLAG(plan.since_mark, true),
	  .help = "growth since the mark, which SIGUSR1 or the key m sets (before that: since "
		"the start), largest first",
	  .detail = "Report growth since the mark instead of since the previous report: what "
		"each call stack holds now minus what it held then, in bytes and in blocks, the "
		"largest growth first (unless `--sort` says otherwise). Call stacks that hold "
		"the same are left out. SIGUSR1, or the key m in the terminal where memtrace "
		"runs in the foreground, sets the mark, each time anew; before it is set, growth "
		"counts from the start." },

	{ .heading = "Findings" },
	{ .name = "suppressions", .of = OF_REPORTS, .value = "FILE", .type = VALUE_FILE,
	  .example = "ci.supp",
	  .take = option__suppressions,
	  .help = "leave out call stacks that match a line leak:PATTERN of FILE, as for "
		"LeakSanitizer; repeatable",
	  .detail = "Leave out call stacks that match a line of <FILE>; see `SUPPRESSIONS`. May "
		"be repeated." },
	{ .name = "no-default-suppressions", .of = OF_REPORTS, FLAG(plan.default_rules, false),
	  .help = "show what the loader, locales, stdio and libstdc++ allocate once and keep",
	  .detail = "Show what is left out by default: what the dynamic loader, locales, stdio "
		"and libstdc++ allocate once and keep." },
	{ .name = "wrappers", .of = OF_REPORTS | OF(VERB_DIFF), .value = "FILE", .type = VALUE_FILE,
	  .example = "wrappers.txt", .take = option__wrappers,
	  .help = "functions that only pass on a request for memory, one line wrapper:PATTERN "
		"each: a leak is named after what calls them; repeatable",
	  .detail = "Name leaks after what calls the functions that match a line "
		"`wrapper:`<PATTERN> of <FILE>, since they only pass a request for memory on: a "
		"program's own <my_alloc>, say. Patterns are those of `SUPPRESSIONS`, for the "
		"name of a function or the path of a module; those of well-known libraries are "
		"built in. May be repeated." },
	{ .name = "no-group", .of = OF_REPORTS, FLAG(plan.apart, true),
	  .help = "count and show each call stack that leaks as a leak of its own",
	  .detail = "Count and show each call stack that leaks as a leak of its own. Otherwise "
		"those are one leak, with its parts, whose own code is the same function and "
		"which live and die together: see `LEAKS AND THEIR PARTS`." },
	{ .name = "fail-on", .of = OF_REPORTS | OF(VERB_DIFF), .value = "METRIC>N[,...]", .example = "'leak>64k'",
	  .take = option__fail_on,
	  .help = "fail if the final report has more than N of leak, leaks, leak-rate, growing, "
		"live, blocks, growth or lost (suffixes k, m, g; repeatable; exit status 3)",
	  .detail = "The run fails if the final report has more of a metric than <N> (or as "
		"much, with `>=`). The suffixes `k`, `m` and `g` are those of sizes. May be "
		"repeated; one condition that holds is enough. What is suppressed does not "
		"count. The metrics are `leak` (bytes held by call stacks with verdict leak), "
		"`leaks` (the number of leaks; the parts of one count once), `leak-rate` (the "
		"bytes per second that they leak), "
		"`growing` (bytes held by call stacks with verdict growing), `live` and `blocks` "
		"(the total held), `growth` (bytes held beyond those at the mark, or at the "
		"start) and `lost` (events, call stacks and blocks that were lost). For `diff`, "
		"see `RECORDINGS`." },
	{ .name = "error-exitcode", .of = OF_REPORTS | OF(VERB_DIFF), .value = "N", .example = "1",
	  .take = option__exit_code,
	  .help = "exit with status N if --fail-on fails; without --fail-on, if the final report "
		"has a leak",
	  .detail = "Exit with status <N> if the run fails by `--fail-on`, instead of 3. Without "
		"`--fail-on`, exit with it if the final report has a leak." },

	{ .name = "allow-unjudged", .of = OF_REPORTS | OF(VERB_DIFF), FLAG(plan.allow_unjudged, true),
	  .help = "let a run pass --fail-on or --error-exitcode even if it could not be judged "
		"(otherwise exit status 4)",
	  .detail = "Let a run pass `--fail-on` or `--error-exitcode` even if it could not be "
		"judged, for one of the reasons of `VERDICTS`. Otherwise it does not pass, and "
		"the exit status is 4, unless a command's own status is not 0." },

	{ .heading = "Output" },
	{ .letter = 'f', .name = "format", .of = OF_REPORTS | OF(VERB_DIFF), .value = "FORMAT",
	  .type = VALUE_FORMAT, .example = "json", .take = option__format,
	  .help = "one of the formats below (default text)",
	  .detail = "The format of reports: `text` (the default), `json`, `pprof` or `folded`; "
		"see `FORMATS`." },
	{ .name = "full-stacks", .of = OF_REPORTS, FLAG(plan.full_stacks, true),
	  .help = "text: every call stack with all its frames, its ID, and for a leak a line that "
		"would suppress it",
	  .detail = "In a text report, show every call stack with all its frames, its ID, and for a "
		"leak or growth a line that would suppress it. Otherwise frames of libraries are "
		"left out, and what is no leak is in a line each. `-v` has the same effect." },
	{ .letter = 'o', .name = "output", .of = OF_ALL, .value = "FILE", .type = VALUE_FILE,
	  .example = "memtrace.out", STRING(plan.output),
	  .help = "write to FILE, whole or not at all (default standard output)",
	  .detail = "Write to <FILE> instead of standard output. It is written next to its "
		"place and renamed into it at the end: whole, or not at all." },
	{ .name = "record", .of = OF(VERB_TRACE), .value = "FILE", .type = VALUE_FILE,
	  .example = "run.mt",
	  STRING(plan.record),
	  .help = "write a recording to FILE as well, for memtrace report",
	  .detail = "Report as usual, and write a recording to <FILE> as well, as `memtrace "
		"record` does: see `RECORDINGS`." },
	{ .name = "record-size", .value = "SIZE", .example = "100m",
	  SIZE(plan.record_bytes, 1 << 20, UINT64_MAX),
	  .help = "limit on the size of a recording (default 1g); above it, the oldest reports "
		"are dropped",
	  .detail = "The most that a recording may take, 1m or more; the default is 1g. Above "
		"it, the oldest reports are dropped." },

	{ .heading = "How" },
	{ .name = "stack", .value = "dwarf|fp|none", .take = option__stack,
	  .help = "how call stacks are walked: by unwind tables, by frame pointers, or not at "
		"all (default dwarf)",
	  .detail = "How call stacks are walked: by the unwind tables that every file carries, "
		"by frame pointers, or not at all, for counting only. The default is `dwarf`. "
		"Most distributions build without frame pointers; a walk that relies on them "
		"skips callers or ends early there." },
	{ .name = "max-depth", .value = "N", .example = "64", .take = option__depth,
	  .help = "most frames of a call stack, 1 to 127 (default 127)",
	  .detail = "Walk at most <N> frames, 1 to 127 (default 127)." },
	{ .name = "memory-limit", .of = OF_ALL, .value = "SIZE", .example = "1g",
	  SIZE(plan.memory_limit, MEMORY_LIMIT_LEAST, UINT64_MAX),
	  .help = "memory that memtrace may take, 32m or more (default: a quarter of the "
		"machine's); beyond it, new call stacks and blocks are left out and counted",
	  .detail = "The memory of its own that `memtrace` may take (`RssAnon` in "
		"</proc/PID/status>), 32m or more; the default is a quarter of the machine's. When "
		"it is reached, new call stacks and blocks are left out, the report says how "
		"many, and the run is not judged: see `LIMITS`." },
	{ .name = "unwind-memory", .value = "SIZE", .example = "256m",
	  SIZE(plan.unwind_memory, 8 << 20, 8ull << 30),
	  .help = "kernel memory for unwind tables, 8m to 8g (default 64m); if it is not "
		"enough, stacks are cut and marked as such",
	  .detail = "The kernel memory that unwind tables may take, 8m to 8g (default 64m). If "
		"it is not enough, call stacks that would need more are cut, and marked as "
		"such." },
	{ .name = "attach", .value = "session|multi|perf", .take = option__attach,
	  .help = "how probes are attached (default: the first of these that works)",
	  .detail = "How probes are attached: by session links (Linux 6.13), by multi links "
		"(6.6), or by perf events. The default is the first of these that works." },
	{ .name = "ring", .value = "SIZE", .example = "64m",
	  SIZE(plan.ring_bytes, 64 << 10, 1 << 30),
	  .help = "size of the ring buffer between kernel and memtrace, 64k to 1g, rounded up to "
		"a power of two (default 32m)",
	  .detail = "The size of the ring buffer between kernel and `memtrace`, 64k to 1g, "
		"rounded up to a power of two (default 32m). A larger one rides out longer "
		"bursts." },
	{ .name = "probe", .value = "FILE:FUNCTION(ARGUMENTS)", .take = option__probe,
	  .example = "'libpool.so*:pool_alloc(size=2) libpool.so*:pool_free(ptr=2)'",
	  .help = "functions of the program's own allocator, and which of their arguments are "
		"size, count, ptr (the block) or out (where the block is stored); repeatable, "
		"see memtrace(8)",
	  .detail = "Also trace functions of the program's own allocator; see `ALLOCATORS OF "
		"A PROGRAM'S OWN`. May be repeated." },
	{ .name = "runtime", .value = "python|php", .take = option__runtime,
	  .help = "also trace the functions by which a language's runtime allocates its objects",
	  .detail = "Also trace the functions by which a language's runtime allocates its "
		"objects, as `--probe` with their names does, in any file: `python` or `php`. "
		"Calls that its compiler inlined are not seen; with `PYTHONMALLOC=malloc` or "
		"`USE_ZEND_ALLOC=0` in the environment of the program, all are. May be "
		"repeated." },
	{ .name = "probe-throwing", FLAG(plan.probe_throwing, true),
	  .help = "trace an allocator's own operator new even where it is not known where it "
		"returns, and the kernel lets no exception pass a return probe: if it threw, the "
		"program would end",
	  .detail = "Trace an allocator's own `operator new` even where not all of its returns "
		"were found in its code, and the kernel lets no exception pass a return probe. If "
		"it then threw for lack of memory, the program would end. By default it is not "
		"traced there, and a line says so. `--explain-probes` says why its returns are "
		"not known. Those of jemalloc, tcmalloc and mimalloc are." },
	{ .name = "read-fuse", FLAG(plan.read_fuse, true),
	  .help = "read files on FUSE file systems, too: if the server of one does not answer, "
		"memtrace waits for it",
	  .detail = "Read the mapped files on FUSE file systems, too, such as those of AppImages or "
		"fuse-overlayfs. By default they are not read: any user may run the server of "
		"one, and if it does not answer, whatever reads from it waits for ever. Their "
		"functions are then neither named nor probed, call stacks end there, and the "
		"processes are not judged; a warning and the report say so." },
	{ .name = "debuginfod", FLAG(plan.debuginfod, true),
	  .help = "ask the servers in $DEBUGINFOD_URLS for debug information that is not on this "
		"machine",
	  .detail = "Ask debuginfod servers, those in `DEBUGINFOD_URLS` or "
		"</etc/debuginfod/*.urls>, for debug information that is not on this machine. "
		"They learn the build IDs of the files that the stacks pass through. Needs "
		"libdebuginfod, whose own environment variables and cache apply." },
	{ .name = "debuginfod-timeout", .value = "SECONDS", .example = "10",
	  SECONDS(plan.debuginfod_s, 0.1),
	  .help = "how long a report waits for them (default 10); what arrives later goes into "
		"the next one",
	  .detail = "How long a report waits for all servers together (default 10). Tracing never "
		"waits for them. What arrives later is in the next report; a server is not asked "
		"again for what it does not have." },
	{ .name = "explain-probes", FLAG(plan.explain_probes, true),
	  .help = "list each function that is probed, where its probe is, and why there",
	  .detail = "List each function that is probed, its file and offset, the instruction "
		"that the probe is on, and why there." },
	{ .letter = 'v', .name = "verbose", .of = OF_ALL, FLAG(verbose, true),
	  .help = "print more on standard error, and full stacks as with --full-stacks" },
	{ .name = "version", .of = OF_ALL, .take = option__version, .help = "print the version" },
	{ .letter = 'h', .name = "help", .of = OF_ALL, .take = option__help,
	  .help = "print this text",
	  .detail = "Print a summary of the options." },

	/* For the build: see generate.h. */
	{ .name = "generate", .value = "bash|zsh|fish|man", .of = OF_ALL,
	  .take = option__generate },
};
/* clang-format on */

const size_t option_row_count = ARRAY_SIZE(option_rows);
