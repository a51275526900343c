/*
 * What the files of the session share.
 *
 * Three threads: the main one attaches, keeps time and hears signals; the consumer empties the ring
 * into the collector, always; the reporter names and prints, so that neither waits for debug
 * information to be read. The collector is guarded by a lock that the consumer gives up as soon as
 * anybody else wants it.
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
#include "session/session.h"

struct process_event { /* what the main thread is told of */
	uint8_t type; /* EVENT_FORK, EVENT_EXEC, EVENT_EXIT, EVENT_FILES, EVENT_CODE, EVENT_ENTER */
	uint32_t pid; /* of the new process, for a fork */
	uint32_t parent; /* for a fork */
	uint64_t hold;	 /* to be ended when it was handled; 0: none */
	bool superseded; /* a later one of the same process reads its mappings, or it ended */
};

struct target {
	pid_t pid;
	int pidfd;
	bool ended;
};

struct session {
	const struct plan *plan;
	struct modules *modules;
	struct collector *collector;
	struct tracer *tracer;
	struct symbolizer *symbolizer;
	struct launch *launch;
	struct keys *keys;				     /* NULL: no terminal */
	struct holder *holder;				     /* NULL: nobody is held */
	struct containers *containers;			     /* NULL until one is asked for */
	struct identities *seen_by_main, *seen_by_collector; /* which real files are mapped */
	struct hashmap *probed; /* the files that functions are probed in, by device and inode */
	struct reporting reports;
	struct recorder *recorder; /* NULL: nothing is kept */

	struct target *targets;
	size_t ntargets;
	const char *api_names[API_ROWS]; /* by row */
	struct probe_file **files;	 /* what discovery found, by module id */
	size_t nfiles;
	size_t probed_functions, probed_files;
	bool told_of_exceptions;   /* a warning is given once */
	sigset_t mask;		   /* of signals, as it was when we began */
	struct rlimit files_limit; /* the same, of open files */
	bool files_limit_known;
	struct debuginfod *debuginfod; /* NULL: not to be asked */
	size_t untold_files;	       /* without a descriptor, when last told */
	bool per_file;		       /* probes without a pid: the BPF side filters */
	struct group *groups;	       /* containers and cgroups */
	size_t ngroups, adopted;       /* adopted: processes that ran when their group was found */
	uint64_t groups_tended, outsiders_counted; /* ns, when last */
	atomic_size_t outsiders; /* processes of others that map files which we probe */

	/* the collector's lock */
	pthread_mutex_t lock, turn;
	atomic_bool wanted;

	/* the consumer */
	pthread_t consumer;
	bool consuming;
	atomic_bool stop_consuming;

	/* from the consumer to the main thread */
	pthread_mutex_t queue_lock;
	struct process_event *queue;
	size_t queued, queue_cap;
	uint64_t queue_dropped;
	int queue_fd;

	/* reports */
	pthread_t reporter;
	bool reporting;
	pthread_mutex_t report_lock;
	pthread_cond_t report_cond;
	bool report_due, report_busy, report_stop;
	uint32_t seq;
	int report_error;	  /* the first failure to write */
	bool record_failed;	  /* it was the recording's */
	uint64_t start;		  /* ns */
	uint64_t ended;		  /* ns: nothing is told from then on */
	uint64_t last_report;	  /* ns */
	struct counters counters; /* as last read */
	char name_buffer[4096];
};

/* A container, a cgroup, or the whole host. */
struct group {
	const char *wanted; /* as the user named it */
	char *name;	    /* as reports show it; NULL while it is waited for */
	uint32_t kind;	    /* FILTER_* (shared.h) */
	int fd; /* of what ends with it: the cgroup's directory, or the first process; -1: none */
	bool container, present, ended;
	bool sighted; /* waited for, and there when it was last looked for */
	bool refused; /* why it cannot be traced was said */
};

/* The collector is the caller's between these two. */
void session__lock(struct session *s);
void session__unlock(struct session *s);
void session__count(struct session *s); /* what went missing so far */

/* session_events.c */
int session_events__record(void *session, void *data, size_t size); /* the tracer's consumer */
void *session_events__consume(void *session); /* the thread that waits for records */
void session_events__of_process(void *session, const struct event *ev); /* the collector's notify */
void session_events__handle(
    struct session *s); /* what processes did, as far as the main thread has to act */

/* session_targets.c: which processes, which files. */
int session_targets__check(uint32_t pid);     /* 0, or a negative errno; the reason was logged */
int session_targets__open(struct session *s); /* the targets named by pid: attaches to each */
int session_targets__launch(struct session *s);
int session_targets__handle(struct session *s, const struct process_event *ev);
bool session_targets__all_ended(struct session *s);
int session_targets__refresh(void *session, struct mappings *sp,
			     struct modules *modules); /* the collector's */
/* Probes what a process has mapped and was not probed yet. How many executable files it maps, or a
 * negative errno. */
int session_targets__scan(struct session *s, pid_t pid);
void session_targets__free(struct session *s);

/* session_groups.c: targets that are more than single processes. */
bool session_groups__any(const struct plan *plan);
int session_groups__find(struct session *s); /* before anything is loaded; 0, or a negative errno,
					the reason was logged */
int session_groups__open(struct session *s); /* filters, and whoever runs already; the same */
/* A process of a group was met for the first time, or has a new program: named, counted. */
void session_groups__met(struct session *s, pid_t pid);
/* A program begins in a cgroup that nobody was seen in so far. */
void session_groups__candidate(struct session *s, pid_t pid);
bool session_groups__all_ended(struct session *s); /* of those that were there */
void session_groups__tend(
    struct session *s); /* now and then: what came, what ended, who else pays */
void session_groups__free(struct session *s);

/* session_probes.c: what became of --probe. */
/* How many of its functions are probed now. */
size_t probe_report__found(const struct session *s);
/* Says of each that is not why. */
void probe_report__complain(const struct session *s);

/* session_files.c */
void open_files__raise_limit(struct session *s);
int open_files__use_server(struct session *s); /* 0, or a negative errno; the reason was logged */
void open_files__tell(struct session *s);      /* what is not kept open; the reporter's */
void open_files__free(struct session *s);      /* after the modules */

/* session_report.c */
int session_reporter__open(struct session *s);
int session_reporter__describe(
    struct session *s); /* what is known of the run before anything is traced */
int session_reporter__start(struct session *s);
void session_reporter__request(
    struct session *s); /* from the reporter; skipped while one is being made */
void session_reporter__mark(
    struct session *s); /* growth counts from here on, for who asks for it */
void session_reporter__stop(struct session *s); /* waits for the one being made */
int session_reporter__final(struct session *s);
void session_reporter__free(struct session *s);

#endif
