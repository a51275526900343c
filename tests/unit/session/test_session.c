/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole runs of a session on a scripted tracer, with its real threads. */
#include "session/session.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "report/report.h"
#include "run/plan.h"
#include "session/process_queue.h"
#include "util/array.h"
#include "util/file.h"

#include "fake_tracer.h"
#include "scratch.h"

/* ---- a clock that the test can set ---- */

static _Atomic long wall_offset_s;

/* In the C library's place, for all of this program. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int err = (int)syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_REALTIME)
		ts->tv_sec += wall_offset_s;
	return err;
}

/* ---- running ---- */

static char *errors, *output; /* what the last run wrote */

static char *read_text(const char *path)
{
	size_t len;
	char *text = file__read(path, &len);

	return text ? text : strdup("");
}

/* A process to be traced: it has this program's mappings, and waits. */
static pid_t new_process(void)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	return pid;
}

static void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct plan new_plan(pid_t pid)
{
	struct plan plan = plan__default();

	fake__reset();
	plan.format = report__find("json");
	plan.output = in_scratch("output");
	if (pid) {
		plan.pids = malloc(sizeof(*plan.pids));
		plan.pids[0] = (uint32_t)pid;
		plan.npids = 1;
	}
	return plan;
}

/* Runs, with standard error going to a file; the exit status. */
static int run_session(struct plan *plan)
{
	int saved = dup(STDERR_FILENO), status;
	int fd = open(in_scratch("errors"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	sigset_t mask;

	unlink(in_scratch("output"));
	sigprocmask(SIG_SETMASK, NULL, &mask);
	dup2(fd, STDERR_FILENO);
	close(fd);
	status = session__run_with(plan, &fake_ops);
	dup2(saved, STDERR_FILENO);
	close(saved);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	plan__release(plan);
	CHECK(!fake.in_use);
	free(errors);
	free(output);
	errors = read_text(in_scratch("errors"));
	output = read_text(in_scratch("output"));
	return status;
}

static bool said(const char *text)
{
	bool found = strstr(errors, text);

	if (!found)
		printf("# \"%s\" is not in:\n# %s\n", text, errors);
	return found;
}

/* The number after the last `key` in the reports, which is that of the final one; -1: none. */
static long long last_number(const char *key)
{
	const char *p = output, *last = NULL;

	for (; (p = strstr(p, key)); p += strlen(key))
		last = p + strlen(key);
	return last ? strtoll(last, NULL, 10) : -1;
}

#define LOST "\"lost\":{\"events\":"

static void end_run(void)
{
	kill(getpid(), SIGINT);
}

static pid_t target, child;

/* ---- from beginning to end ---- */

static void whole_life(void)
{
	fake__alloc(target, 0x1000, 100);
	fake__fork(target, child);
	fake__await(1, "scan %d", child);
	fake__alloc(child, 0x1000, 50);
	fake__exec(child, 0);
	fake__await(2, "scan %d", child);
	fake__files(child);
	fake__await(3, "scan %d", child);
	fake__exit(child);
	fake__await(1, "bury %d", child);
	fake__await(2, "reporter counts"); /* a report was made */
	kill(getpid(), SIGUSR1);
	usleep(50000);
	end_run();
}

TEST(a_run_from_beginning_to_end)
{
	struct plan plan;

	target = new_process();
	child = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	fake.script = whole_life;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(said("attached to"));
	CHECK(said("(fake probes)"));
	CHECK(said("mark set after"));
	CHECK(strstr(output, "\"final\":true"));
	CHECK(strstr(output, "\"live_bytes\":100"));
	CHECK_EQ(fake__count("detach"), 1);
	CHECK_EQ(fake__flags(target), TRACED_CODE_GONE);
	end_process(target);
	end_process(child);
}

TEST(a_run_ends_with_its_targets)
{
	struct plan plan;
	pid_t pid = new_process();

	plan = new_plan(pid);
	target = pid;
	fake.script = NULL;
	kill(pid, SIGKILL);
	/* It is a zombie, until it is waited for. */
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("it has ended"));
	waitpid(pid, NULL, 0);
	plan = new_plan(pid);
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("no such process"));
}

static void kill_target(void)
{
	fake__await(1, "reporter counts");
	end_process(target);
}

TEST(a_target_that_ends_is_noticed_without_its_event)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	fake.script = kill_target;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(strstr(output, "\"final\":true"));
}

static void exit_event(void)
{
	fake__exit(target);
}

TEST(a_target_whose_end_is_reported_ends_the_run)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	fake.script = exit_event;
	CHECK_EQ(run_session(&plan), 0);
	CHECK_EQ(fake__count("detach"), 1);
	end_process(target);
}

TEST(the_last_of_n_reports_is_the_final_one)
{
	struct plan plan;
	int reports = 0;

	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	plan.reports = 1;
	CHECK_EQ(run_session(&plan), 0);
	for (const char *p = output; (p = strstr(p, "\"type\":\"report\"")); p++)
		reports++;
	CHECK_EQ(reports, 1);
	CHECK(strstr(output, "\"final\":true"));
	end_process(target);
}

/* ---- the end, whatever the target does ---- */

static void map_code_all_the_time(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 1000; i++) {
		fake__files(target);
		nanosleep(&ms, NULL);
	}
	end_run();
}

TEST(a_process_that_maps_code_all_the_time_is_looked_at_some_times)
{
	struct plan plan;
	uint64_t began = clock__now_ns();
	uint64_t tenths;
	char line[32];

	target = new_process();
	plan = new_plan(target);
	fake.script = map_code_all_the_time;
	CHECK_EQ(run_session(&plan), 0);
	tenths = (clock__now_ns() - began) / 100000000;
	snprintf(line, sizeof(line), "scan %d", target);
	CHECK(fake__count(line) >= 5);
	CHECK(fake__count(line) <= 21 + (int)tenths);
	end_process(target);
}

/* The last event is seen, too, although looks are postponed. */
static void map_and_wait(void)
{
	for (int i = 0; i < 40; i++) {
		fake__files(target);
		fake__await(i < 15 ? i + 2 : 16, "scan %d", target);
	}
	fake__await(24, "scan %d", target);
	end_run();
}

TEST(a_postponed_look_comes)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	fake.script = map_and_wait;
	CHECK_EQ(run_session(&plan), 0);
	end_process(target);
}

static void slow_scans(void)
{
	usleep(20000);
}

static void start_programs(void)
{
	for (pid_t pid = 1; pid <= 2000; pid++)
		fake__exec(0x3ff00000 + pid, 0);
	fake__await(3, "scan %d", 0x3ff00001 + 2);
	end_run();
}

TEST(a_backlog_of_programs_does_not_delay_the_end)
{
	struct plan plan;
	int scans = 0;

	target = new_process();
	plan = new_plan(target);
	fake.while_scanning = slow_scans;
	fake.script = start_programs;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(strstr(output, "\"final\":true"));
	for (const char *p = fake.log; (p = strstr(p, "scan ")); p++)
		scans++;
	CHECK(scans < 1000);
	end_process(target);
}

static int never[2]; /* a pipe that nothing is written to */

static void hang(void)
{
	char c;

	fake__log("hangs");
	read(never[0], &c, 1);
}

static void ask_twice(void)
{
	struct timespec later = { .tv_nsec = 300000000 };

	fake__await(1, "hangs");
	end_run();
	fake__await(1, "detach");
	nanosleep(&later, NULL); /* so that it is another request */
	end_run();
}

/* The wait status of a run in a process of its own. */
static int status_of_run(struct plan *plan)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(run_session(plan));
	waitpid(pid, &status, 0);
	plan__release(plan);
	return status;
}

TEST(a_second_request_ends_the_run_at_once)
{
	struct plan plan;
	int status;

	CHECK_EQ(pipe(never), 0);
	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	fake.while_counting = hang;
	fake.script = ask_twice;
	status = status_of_run(&plan);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 128 + SIGINT);
	CHECK(access(in_scratch("output"), F_OK));
	free(errors);
	errors = read_text(in_scratch("errors"));
	CHECK(said("ended by a second signal"));
	end_process(target);
}

static void ask_twice_in_one_breath(void)
{
	fake__await(1, "reporter counts");
	end_run();
	kill(getpid(), SIGTERM);
}

TEST(two_signals_of_one_request_are_one)
{
	struct plan plan;
	int status;

	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	fake.script = ask_twice_in_one_breath;
	status = status_of_run(&plan);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
	end_process(target);
}

/* ---- children ---- */

static void fork_untraced(void)
{
	fake__fork(target, child);
	fake__await(1, "release child %d %d", target, child);
	end_run();
}

TEST(a_child_that_is_not_followed_is_released)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	plan.children = false;
	child = target + 1;
	fake.script = fork_untraced;
	CHECK_EQ(run_session(&plan), 0);
	CHECK_EQ(fake__count("release child"), 0);
	end_process(target);
}

/* ---- what fails ---- */

TEST(probes_that_cannot_be_loaded)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	fake.create_error = -EPERM;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("cannot load the probes: the test says so"));
	end_process(target);
}

TEST(tracing_that_cannot_start)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	fake.consumer_error = -ENOMEM;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("cannot start tracing: Cannot allocate memory"));
	plan = new_plan(target);
	fake.start_error = -EACCES;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("cannot start tracing: Permission denied"));
	end_process(target);
}

TEST(a_file_that_cannot_be_probed_is_reported)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	plan.duration_s = 0.05;
	fake.attach_error = -EBUSY;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("warning: cannot probe"));
	CHECK(said("no allocation function"));
	end_process(target);
}

TEST(a_process_that_ends_while_it_is_attached_to)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	fake.attach_error = -ESRCH;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("it has ended"));
	end_process(target);
}

TEST(a_report_that_cannot_be_written_ends_the_run)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	plan.output = "/dev/full";
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("No space left on device"));
	end_process(target);
}

/* ---- commands ---- */

TEST(a_command_that_does_not_exist)
{
	char *argv[] = { (char *)"/nonexistent/program", NULL };
	struct plan plan = new_plan(0);

	plan.command = argv;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(said("cannot run /nonexistent/program: No such file or directory"));
}

TEST(a_command_keeps_its_status)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 7", NULL };
	struct plan plan = new_plan(0);

	plan.command = argv;
	plan.query.heap = false; /* without the BPF side it is not stopped where libraries are */
	CHECK_EQ(run_session(&plan), 7);
	CHECK(said("tracing sh["));
	CHECK(strstr(output, "\"final\":true"));
}

/* ---- nothing is lost silently ---- */

TEST(lost_records_are_reported)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	plan.duration_s = 0.05;
	fake.counters = (struct counters){ .lost_events = 5, .lost_processes = 2, .late = 3 };
	CHECK_EQ(run_session(&plan), 0);
	CHECK_EQ(last_number(LOST), 7);
	CHECK_EQ(last_number("\"late\":"), 3);
	end_process(target);
}

#define TOO_MANY 70000

static void overflow_queue(void)
{
	fake__fork(target, child);
	fake__await(1, "busy");
	for (int i = 0; i < TOO_MANY; i++)
		fake__exit(3);
	fake__await(1, "tend");
	end_run();
}

/* The main thread is busy until all records were consumed. */
static void wait_for_records(void)
{
	fake__log("busy");
	pthread_mutex_lock(&fake.lock);
	while (fake.consumed <= TOO_MANY)
		pthread_cond_wait(&fake.changed, &fake.lock);
	pthread_mutex_unlock(&fake.lock);
}

TEST(process_events_that_find_no_room_are_lost)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	child = target;
	fake.script = overflow_queue;
	fake.while_forking = wait_for_records;
	CHECK_EQ(run_session(&plan), 0);
	CHECK_EQ(last_number(LOST), TOO_MANY - PROCESS_QUEUE_MAX);
	end_process(target);
}

TEST(final_counts_never_go_back)
{
	struct plan plan;
	long long before = -1;

	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 0.05;
	fake.count_ms = 400; /* the report is late: the run ends meanwhile */
	fake.while_counting = end_run;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(fake__count("reporter counts") > 0);
	CHECK_EQ(last_number(LOST), fake.counters.lost_events);
	for (const char *p = output; (p = strstr(p, LOST)); p += strlen(LOST)) {
		long long lost = strtoll(p + strlen(LOST), NULL, 10);

		CHECK(lost > before);
		before = lost;
	}
	end_process(target);
}

/* ---- processes that run already ---- */

static void map_code(void)
{
	fake__set_flag(target, TRACED_NEW_CODE);
}

TEST(flags_that_are_set_while_a_process_is_adopted_stay)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(0);
	plan.all = true;
	plan.duration_s = 0.05;
	fake.running[fake.nrunning++] = (uint32_t)target;
	fake.while_attaching = map_code;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(said("attached to the host, 1 process"));
	CHECK_EQ(fake__flags(target), TRACED_NEW_CODE | TRACED_CODE_GONE);
	end_process(target);
}

TEST(a_process_that_ended_before_it_was_adopted_is_dropped)
{
	struct plan plan;
	pid_t gone = new_process();

	end_process(gone);
	plan = new_plan(0);
	plan.all = true;
	plan.duration_s = 0.05;
	fake.running[fake.nrunning++] = (uint32_t)gone;
	CHECK_EQ(run_session(&plan), 0);
	CHECK_EQ(fake__await(1, "drop %d", gone), true);
}

TEST(a_cgroup_that_does_not_exist)
{
	struct plan plan = new_plan(0);

	plan.cgroups = malloc(sizeof(*plan.cgroups));
	plan.cgroups[0] = "/nonexistent";
	plan.ncgroups = 1;
	CHECK_EQ(run_session(&plan), 1);
	CHECK(
	    said("cannot trace cgroup /nonexistent: it does not exist; use --wait to wait for it"));
	CHECK(!strstr(errors, "attached"));
}

static void end_while_waiting(void)
{
	fake__await(1, "await 1");
	end_run();
}

TEST(a_cgroup_that_is_waited_for)
{
	struct plan plan = new_plan(0);

	plan.cgroups = malloc(sizeof(*plan.cgroups));
	plan.cgroups[0] = "/nonexistent";
	plan.ncgroups = 1;
	plan.wait = true;
	fake.script = end_while_waiting;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(said("waiting for /nonexistent"));
}

/* ---- holds ---- */

static bool is_ptraced(pid_t pid)
{
	char path[64], *status, *tracer;
	bool traced;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	status = read_text(path);
	tracer = strstr(status, "TracerPid:");
	traced = tracer && strtol(tracer + strlen("TracerPid:"), NULL, 10) > 0;
	free(status);
	return traced;
}

static bool hold_was_seen;

static void hold_target(void)
{
	fake__ask_hold(1, target);
	fake__await(1, "grant 1 1");
	hold_was_seen = is_ptraced(target);
	fake__exec(target, 1);
	for (int i = 0; i < 1000 && is_ptraced(target); i++)
		usleep(10000);
	hold_was_seen &= !is_ptraced(target);
	/* One that is gone cannot be held, and is counted. */
	fake__ask_hold(2, child);
	fake__await(1, "grant 2 0");
	end_run();
}

TEST(a_held_thread_is_let_go_when_its_code_is_probed)
{
	struct plan plan;

	child = new_process();
	end_process(child);
	target = new_process();
	plan = new_plan(target);
	plan.no_miss = true;
	fake.script = hold_target;
	hold_was_seen = false;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(hold_was_seen);
	CHECK(last_number("\"late\":") >= 1);
	end_process(target);
}

/* ---- the clock ---- */

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_size;
}

static off_t grown;

/* The clock is an hour behind what the session was told: as if it had been set back since. */
static void record_meanwhile(void)
{
	const char *path = in_scratch("recording");
	off_t before;

	fake__await(1, "scan %d", target);
	wall_offset_s = 3600;
	usleep(300000);
	before = size_of(path);
	for (int i = 0; i < 100 && size_of(path) <= before; i++) {
		fake__alloc(target, 0x1000 + (uint64_t)i * 16, 16);
		usleep(50000);
	}
	grown = size_of(path) - before;
	end_run();
}

TEST(a_recording_is_written_although_the_clock_is_set_back)
{
	struct plan plan;

	target = new_process();
	plan = new_plan(target);
	plan.interval_s = 1000;
	plan.record = in_scratch("recording");
	fake.script = record_meanwhile;
	grown = 0;
	CHECK_EQ(run_session(&plan), 0);
	CHECK(grown > 0);
	wall_offset_s = 0;
	end_process(target);
}

/* ---- descriptors ---- */

/* From now on a system call fails in this process. */
static bool break_call(unsigned int number, int err)
{
	struct sock_filter rows[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(rows), .filter = rows };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

#define NO_SECCOMP 99

static int run_without(unsigned int number, int err, pid_t pid)
{
	pid_t runner = fork();
	struct plan plan;
	int status;

	if (runner) {
		waitpid(runner, &status, 0);
		free(errors);
		errors = read_text(in_scratch("errors"));
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	alarm(20);
	plan = new_plan(pid);
	plan.duration_s = 0.01;
	if (!break_call(number, err))
		_exit(NO_SECCOMP);
	_exit(run_session(&plan));
}

TEST(what_cannot_be_opened_ends_the_run)
{
	static const struct {
		unsigned int number;
		int err;
		const char *text;
	} rows[] = {
		{ SYS_signalfd4, EMFILE, "cannot open the signals: Too many open files" },
		{ SYS_timerfd_create, EMFILE, "cannot open the timer of reports: Too many" },
		{ SYS_timerfd_settime, EINVAL, "cannot wait for events: Invalid argument" },
		{ SYS_eventfd2, ENOMEM, "cannot open the signals: Cannot allocate memory" },
		{ SYS_pidfd_open, ENOMEM, "cannot attach to %d: Cannot allocate memory" },
		{ SYS_poll, ENOMEM, "cannot wait for events: Cannot allocate memory" },
	};
	pid_t pid = new_process();
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int status = run_without(rows[i].number, rows[i].err, pid);

		if (status == NO_SECCOMP) {
			end_process(pid);
			SKIP("there are no seccomp filters here");
		}
		CHECK_EQ(status, 1);
		snprintf(text, sizeof(text), rows[i].text, pid);
		CHECK(said(text));
	}
	end_process(pid);
}

/* A run with so few of them that something cannot be opened: it says what, or manages. */
static int run_with_descriptors(rlim_t n)
{
	pid_t pid = fork();
	struct plan plan;
	int status;

	if (pid) {
		waitpid(pid, &status, 0);
		return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	alarm(20);
	plan = new_plan(target);
	plan.duration_s = 0.01;
	plan.no_miss = n % 2;
	dup2(open(in_scratch("errors"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600),
	     STDERR_FILENO);
	closefrom(3);
	setrlimit(RLIMIT_NOFILE, &(struct rlimit){ n, n });
	_exit(session__run_with(&plan, &fake_ops));
}

TEST(a_run_without_descriptors_says_what_it_could_not_open)
{
	int failed = 0;

	target = new_process();
	for (rlim_t n = 3; n < 24; n++) {
		int status = run_with_descriptors(n);

		CHECK(status == 0 || status == 1);
		failed += status == 1;
		free(errors);
		errors = read_text(in_scratch("errors"));
		if (status == 1)
			CHECK(said("memtrace: "));
	}
	CHECK(failed > 5);
	end_process(target);
}
