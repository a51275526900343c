/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared by the files of the session.
 *
 * The main thread attaches, keeps time and handles signals, which a thread of their own passes to
 * it (signals.h). The consumer does nothing but empty the ring buffer into the collector. The
 * reporter makes and prints reports, so that neither of the others waits for debug information to
 * be read. Where threads are held (a command, --no-miss), the holder adds its own; a recording adds
 * its writer, and --debuginfod the thread that asks servers. The consumer releases the collector's
 * lock as soon as another thread wants it.
 */
#ifndef MEMTRACE_SESSION_INTERNAL_H
#define MEMTRACE_SESSION_INTERNAL_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "abi/shared.h"
#include "collect/collector.h"
#include "probe/alloc_functions.h"
#include "record/recorder.h"
#include "run/reporting.h"
#include "session/collector_lock.h"
#include "session/process_queue.h"
#include "session/session.h"

#define GROUPS_TEND_MS 250 /* how often containers and cgroups are checked */

struct module;
struct target {
	pid_t pid;
	int pidfd;
	bool ended;
};

enum unreadable_kind {
	UNREADABLE_PROCESS, /* its mappings */
	UNREADABLE_DELETED, /* a file to which no path leads */
	UNREADABLE_PRIVATE, /* a file that is not ours to read */
	UNREADABLE_FUSE,    /* a file that a program serves */
	UNREADABLE_KINDS
};

struct session {
	const struct plan *plan;
	const struct tracer_ops *trace; /* the tracer's operations */
	struct tracer *tracer;
	struct modules *modules;
	struct collector *collector;
	struct symbolizer *symbolizer;
	struct names_client *names; /* reads foreign files for their names */
	atomic_int names_pid;	    /* its process; 0: none yet */
	struct launch *launch;	    /* NULL: no command */
	struct keys *keys;	    /* NULL: no terminal */
	struct holder *holder;	    /* NULL: no thread is held */
	struct containers *containers;
	struct identities *seen_by_main, *seen_by_collector; /* find the real files behind
							      * mappings */
	struct traced_files *files;
	struct unused_files *unused;
	uint64_t tidy_at;    /* ns: when session_tidy__tend has something to do again */
	size_t tidied_files; /* given back when files were last forgotten */
	bool limit_logged;   /* that the memory limit was reached */
	struct reporting reports;
	struct recorder *recorder; /* NULL: nothing is recorded */
	struct loop *loop;
	struct signals *signals;

	struct target *targets;
	size_t ntargets;
	const char *api_names[API_ROWS]; /* by row */
	sigset_t mask;			 /* of signals, as before the session */
	struct rlimit files_limit;	 /* of open files, as before the session */
	bool files_limit_known;
	struct debuginfod *debuginfod; /* NULL: no server is asked */
	size_t unopened_files;	       /* files without a descriptor, when last reported */
	bool per_file;		       /* probes are not tied to a process ID: the BPF side
					* filters */
	struct group *groups;	       /* containers and cgroups */
	size_t ngroups, adopted;       /* adopted: processes that already ran when their group
					* was found */
	uint64_t groups_tended, outsiders_counted; /* time of the last check, ns */
	atomic_size_t outsiders;		   /* untraced processes that map probed files */
	atomic_size_t missed;	     /* processes that ended before they were probed */
	atomic_size_t late_children; /* forked processes that ran before they were probed */
	pid_t last_missed;
	atomic_size_t unreadable[UNREADABLE_KINDS];
	bool warned_of_unreadable[UNREADABLE_KINDS];

	struct collector_lock lock; /* the collector's */

	pthread_t consumer;
	bool consuming;
	atomic_bool stop_consuming;
	uint64_t drain_until;	/* ns: the consumer's; 0: the records are not the last ones yet */
	atomic_size_t given_up; /* records that were left then */
	struct process_queue *queue; /* from the consumer to the main thread */
	/* Taken from the queue: those from next_event on are to be handled. */
	struct process_event *events;
	size_t nevents, next_event;
	struct rescans *rescans;

	/* The reporter. Its lock guards these, up to the empty line. */
	pthread_mutex_t report_lock;
	pthread_cond_t report_cond; /* by CLOCK_MONOTONIC */
	bool report_due, report_busy, report_stop;
	int report_error;   /* the first failure to write */
	bool record_failed; /* the recording failed */

	pthread_t reporter;
	bool reporting;
	pid_t *translated; /* translated.c: processes without the probes of their files */
	size_t ntranslated, translated_cap;
	struct pause *pause; /* of theirs, while files are probed; or NULL */
	pid_t warned[64];    /* translated.c: the last processes that were named */
	size_t nwarned;

	uint32_t seq;	/* of the last report */
	uint64_t start; /* ns */
	uint64_t ended; /* ns: nothing later is reported */
	char name_buffer[4096];
};

/* Counts what was lost so far. Any thread may call it, as long as there is a tracer. */
void session__count(struct session *s, struct counters *out);

/* loop.c: signals and timers. */
int session_loop__open(struct session *s); /* returns 0 or a negative errno, logged */
int session_loop__run(struct session *s);  /* until the run ends; likewise */
void session_loop__free(struct session *s);

/* tidy.c: now and then frees what nothing refers to; to be called every TIDY_MS. */
#define TIDY_MS 10000
void session_tidy__tend(struct session *s);

/* announce.c */
void session_announce__attached(struct session *s); /* one line: what is traced, and how */

/* events.c */
int session_events__record(void *session, void *data, size_t size); /* the tracer's consumer */
void *session_events__consume(void *session); /* the thread that waits for records */
void session_events__of_process(void *session, const struct event *ev); /* the collector's notify */
/* Handles process events on which the main thread has to act, for some time. Returns whether there
 * are more. */
bool session_events__handle(struct session *s);

/* targets.c: which processes are traced. */
int session_targets__check(uint32_t pid); /* returns 0 or a negative errno, logged */
/* Attaches to each process named by its ID. Returns 0 or a negative errno, logged. */
int session_targets__open(struct session *s);
int session_targets__launch(struct session *s); /* the command; likewise */
/* Returns 0 or a negative errno other than -ESRCH. */
int session_targets__handle(struct session *s, const struct process_event *ev);
bool session_targets__all_ended(struct session *s);
/* Reads a process's mappings for the collector. */
int session_targets__refresh(void *session, struct mappings *maps, struct modules *modules);
/* Probes what a process has mapped and was not probed yet. Returns how many executable files it
 * maps, or a negative errno. */
int session_targets__scan(struct session *s, pid_t pid);
/* Gives the mappings to the collector besides: what is mapped now may be gone, or the process may
 * have ended, when the first stack through it is read. */
int session_targets__scan_and_keep(struct session *s, pid_t pid);
/* Until that time (ns), looks at the processes whose look was postponed and is due. */
void session_targets__look_again(struct session *s, uint64_t until);
/* Returns the time, ns, when there will be such processes; UINT64_MAX: none is waiting. */
uint64_t session_targets__next_look(const struct session *s);
void session_targets__free(struct session *s);

/* holding.c: makes threads wait until the session has looked at what they mapped. Returns 0 or a
 * negative errno, logged. */
int session_holding__start(struct session *s);

/*
 * translated.c: processes that run under valgrind and its kin (translators.h). They are not traced.
 * Probes of a file reach all processes that map it: they are taken out of the memory of these.
 */
/* Before anything is probed: finds those that run. */
void session_translated__find(struct session *s);
/* One may have started, or has mapped a file. */
void session_translated__changed(struct session *s, pid_t pid);
/* Around the attaching of probes to a file: they are stopped meanwhile. */
void session_translated__before_probes(void *session);
void session_translated__after_probes(void *session);
/* To be called when a traced process is met, or runs a new program. Returns whether it is not
 * traced any more. */
bool session_translated__left_alone(struct session *s, pid_t pid);
/* To be called for each process outside of the target that maps a probed file. */
void session_translated__outsider(struct session *s, pid_t pid);

/* A container, a cgroup, or the whole host. */
struct group {
	const char *wanted; /* as the user named it */
	char *name;	    /* as reports show it; NULL while waited for */
	uint32_t kind;	    /* FILTER_* (shared.h) */
	uint64_t cgroup;    /* the ID of the cgroup that it is recognized by; 0: by none */
	int fd; /* of what ends with the group: the cgroup's directory or the first process; -1:
		 * none */
	bool container, present, ended;
	bool sighted; /* waited for, and found by the last look */
	bool refused; /* the reason why it cannot be traced was */
};

/* groups.c: targets other than single processes. */
bool session_groups__any(const struct plan *plan);
/* Must come before anything is loaded. Returns 0 or a negative errno, logged. */
int session_groups__find(struct session *s);
/* Sets the filters, and adopts the processes that already run. Returns 0 or a negative errno,
 * logged. */
int session_groups__open(struct session *s);
/* To be called when a process of a group is first seen or runs a new program: sets its
 * container. */
void session_groups__met(struct session *s, pid_t pid);
/* To be called when one of the first programs of a cgroup starts. */
void session_groups__candidate(struct session *s, pid_t pid);
bool session_groups__all_ended(struct session *s); /* all groups that were found have ended */
/* Every GROUPS_TEND_MS: checks which groups started and ended, and counts outsiders. */
void session_groups__tend(struct session *s);
void session_groups__free(struct session *s);

/* adopt.c: starts tracing all running processes of the target, and those that they fork meanwhile.
 * Returns how many there were, or a negative errno. */
int session_adopt__running(struct session *s);
/* Starts tracing all living descendants of the processes that are traced. Returns 0 or a negative
 * errno. */
int session_adopt__descendants(struct session *s);

/* probe_report.c: reports which functions of --probe were found. */
size_t probe_report__found(const struct session *s);	 /* number that are probed now */
void probe_report__log_missing(const struct session *s); /* why each of the others is not */

/* open_files.c */
void open_files__raise_limit(struct session *s);
int open_files__use_server(struct session *s); /* returns 0 or a negative errno, logged */
/* What may not be read, by the capability that would permit it. */
bool unreadable__is_refusal(int err);
const char *unreadable__remedy(void); /* for users other than root */
bool unreadable__may_trace(pid_t pid);
char *unreadable__why(enum unreadable_kind kind, char *buf, size_t size); /* returns buf */
void unreadable__process(struct session *s, pid_t pid);
void unreadable__file(void *session, pid_t pid, const struct module *mod);
size_t unreadable__processes(const struct session *s); /* how often one was met */
void unreadable__warn(struct session *s);	       /* once of each kind */

void open_files__log(struct session *s);  /* files that cannot be kept open; for the reporter */
void open_files__free(struct session *s); /* after the modules */

/* reporter.c */
int session_reporter__open(struct session *s);	   /* 0, or a negative errno; logged */
int session_reporter__describe(struct session *s); /* describes the run, before anything is
						    * traced */
int session_reporter__start(struct session *s);
void session_reporter__request(struct session *s); /* skipped while a report is being made */
void session_reporter__mark(struct session *s);	   /* growth is counted from here on */
bool session_reporter__failed(struct session *s);  /* nothing more can be written */
void session_reporter__stop(struct session *s);	   /* waits for the report being made */
int session_reporter__final(struct session *s);
void session_reporter__free(struct session *s);

#endif
