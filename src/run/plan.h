/* What a run is to do: the command line fills it; a session, a replay and a comparison carry it
 * out. */
#ifndef MEMTRACE_RUN_PLAN_H
#define MEMTRACE_RUN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collect/collector.h"
#include "report/report.h"

struct conditions;
struct probe_specs;
struct suppressions;

/* What to do; all pointers stay the caller's and must outlive the run. */
struct plan {
	const uint32_t *pids;
	size_t npids;
	const char *const *containers; /* names or ids */
	size_t ncontainers;
	const char *const *cgroups; /* directories */
	size_t ncgroups;
	bool all;	  /* every process on the host */
	bool wait;	  /* containers and cgroups may come later */
	bool no_miss;	  /* processes wait until their new code is probed */
	char **command;	  /* NULL: none */
	const char *user; /* whom the command runs as; NULL: as we are */
	double interval_s;
	double duration_s;  /* 0: no end */
	uint64_t reports;   /* 0: no end */
	struct query query; /* sort, top, min_age, kinds */
	const char *sort_name, *by_name;
	bool top_given;
	bool since_mark;		  /* growth is told since the mark */
	const struct suppressions *rules; /* NULL: nothing is suppressed */
	const struct conditions *checks;  /* what makes the run fail; NULL: nothing does */
	int error_exit; /* the status then, and for a leak where there are no checks; 0: not given
			 */
	uint64_t min_size, max_size;
	const struct report_format *format;
	const char *output; /* NULL: standard output */
	bool children;
	uint32_t stack_mode; /* STACK_* (shared.h) */
	uint32_t max_depth;
	uint64_t unwind_memory; /* bytes; 0: the default */
	bool explain_probes;
	bool probe_throwing;		  /* see tracer.h */
	const struct probe_specs *probes; /* functions that the user named; NULL: none */
	double debuginfod_s; /* patience with debuginfod servers in a report; 0: none is asked */
	const char *attach;  /* a method's name, or NULL */
	uint64_t ring_bytes;
	const char *record;    /* a file to keep all in for later reports; NULL: none */
	uint64_t record_bytes; /* that it may take; 0: any number */
	bool record_only;      /* no report is printed now */
};

#endif
