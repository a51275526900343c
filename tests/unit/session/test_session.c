/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole runs of a session on a scripted tracer, with its real threads. */
#include "runs.h"

#include "session/process_queue.h"

/* ---- from beginning to end ---- */

static pid_t child;

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
