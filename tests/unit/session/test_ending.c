/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a run ends, whatever its targets do meanwhile. */
#include "runs.h"

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
