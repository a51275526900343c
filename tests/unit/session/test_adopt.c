/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes and cgroups that are there already when a run begins, or not yet. */
#include "runs.h"

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
