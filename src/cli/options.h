/* The command line, and nothing else: argv becomes a struct options, or one clear line and
 * status 2. */
#ifndef MEMTRACE_CLI_OPTIONS_H
#define MEMTRACE_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collector.h"
#include "probe/spec.h"
#include "profile/conditions.h"
#include "profile/suppressions.h"
#include "report/report.h"

enum stack_mode { STACK_MODE_DWARF, STACK_MODE_FP, STACK_MODE_NONE };

/* What memtrace is to do: its first argument, or none of these words. */
enum verb { VERB_TRACE, VERB_RECORD, VERB_REPORT, VERB_DIFF, VERBS };

#define FILES_MAX 2

struct options {
	enum verb verb;
	const char *files[FILES_MAX]; /* the recordings to report or to compare */
	size_t nfiles;
	uint32_t *pids;
	size_t npids;
	const char **containers; /* --container: names or ids */
	size_t ncontainers;
	const char **cgroups; /* --cgroup: directories */
	size_t ncgroups;
	bool all;
	bool wait; /* for containers and cgroups that come later */
	bool no_miss;
	char **command;	  /* NULL: none; points into argv */
	const char *user; /* --user: run COMMAND as this user */
	double interval;  /* seconds; 0: just the last report of a recording */
	double duration;  /* 0: no end */
	uint64_t reports; /* 0: no end */
	uint32_t top;
	bool top_given;
	double min_age;
	uint64_t min_size, max_size;
	enum sort_key sort;
	const char *sort_name; /* NULL, while parsing: not given */
	enum merge_by by;
	const char *by_name;
	bool since_mark;
	bool heap, map;
	const struct report_format *format;
	const char *output; /* NULL: standard output */
	bool children;
	enum stack_mode stack;
	uint32_t max_depth;
	bool explain_probes;
	bool probe_throwing;
	bool debuginfod;
	double debuginfod_timeout;  /* seconds, of each report */
	struct probe_specs probes;  /* --probe */
	const char *attach;	    /* "session", "multi", "perf"; NULL: the best that works */
	uint64_t unwind_memory;	    /* bytes for unwind tables */
	uint64_t ring_bytes;	    /* --ring: size of the ring buffer */
	const char *record;	    /* --record, or where the verb is to record: the output */
	uint64_t record_bytes;	    /* --record-size */
	struct suppressions *rules; /* --suppressions, then those built in */
	bool default_rules;
	struct conditions checks; /* --fail-on */
	int error_exit;		  /* --error-exitcode; 0: not given */
	bool verbose;
};

/* Returns 0 to go on, 1 when all was said (--help, --version), or -EINVAL: an error line was
 * printed. */
int options__parse(struct options *o, int argc, char **argv);
void options__free(struct options *o);

#endif
