/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/proc.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "util/clock.h"
#include "util/file.h"

static const char status[] = "Name:\tTgid: 7\n"
			     "State:\tS (sleeping)\n"
			     "Tgid:\t42\n"
			     "Uid:\t0\t1000\t1001\t1002\n"
			     "Empty:\t\n"
			     "Mixed:\t1 2 x 3\n"
			     "Huge:\t99999999999999999999999999999\n"
			     "NSpid:\t42\t17\t1";

TEST(fields)
{
	size_t len = 0;
	const char *value = proc__status_field(status, "State", &len);

	CHECK(value && len == 12 && !strncmp(value, "S (sleeping)", len));
	value = proc__status_field(status, "NSpid", &len);
	CHECK(value && len == 7);
	value = proc__status_field(status, "Empty", &len);
	CHECK(value && len == 0);
	/* Only whole names, and only where a line starts. */
	CHECK(!proc__status_field(status, "Stat", &len));
	CHECK(!proc__status_field(status, "pid", &len));
	CHECK(!proc__status_field(status, "", &len));
	CHECK(!proc__status_field("", "State", &len));
}

TEST(numbers)
{
	uint64_t n[4] = { 7, 7, 7, 7 };

	CHECK_EQ(proc__status_numbers(status, "Tgid", n, 4), 1);
	CHECK_EQ(n[0], 42);
	CHECK_EQ(proc__status_numbers(status, "Uid", n, 2), 4);
	CHECK_EQ(n[1], 1000);
	CHECK_EQ(n[2], 7);
	CHECK_EQ(proc__status_numbers(status, "NSpid", n, 4), 3);
	CHECK_EQ(n[2], 1);
	CHECK_EQ(proc__status_numbers(status, "Mixed", n, 4), 2);
	CHECK_EQ(proc__status_numbers(status, "Empty", n, 4), 0);
	CHECK_EQ(proc__status_numbers(status, "Huge", n, 4), 0);
	CHECK_EQ(proc__status_numbers(status, "State", n, 4), 0);
	CHECK_EQ(proc__status_numbers(status, "None", n, 4), 0);
}

TEST(own_status)
{
	char *text = file__read("/proc/self/status", NULL);
	uint64_t pids[PROC_NSPID_MAX] = { 0 };
	size_t n = text ? proc__status_numbers(text, "NSpid", pids, PROC_NSPID_MAX) : 0;

	CHECK(n >= 1 && n <= PROC_NSPID_MAX && pids[0] >= 1);
	free(text);
	CHECK(proc__resident_bytes((uint32_t)getpid()) > 4096);
	CHECK_EQ(proc__resident_bytes(UINT32_MAX), 0);
}

TEST(memory)
{
	const size_t bytes = 16 << 20;
	struct proc_memory before = proc__memory((uint32_t)getpid()), after;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(before.threads, 1);
	memset(p, 1, bytes);
	after = proc__memory((uint32_t)getpid());
	CHECK(after.anonymous >= before.anonymous + bytes / 2);
	munmap(p, bytes);
	CHECK_EQ(proc__memory(UINT32_MAX).anonymous, 0);
}

/* The name of a process may look like the fields that follow it. */
TEST(age)
{
	const uint64_t tick = 1000000000 / (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t before = clock__boot_ns(), after, asked, answered, age;
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	after = clock__boot_ns();
	asked = clock__boot_ns();
	age = proc__age((uint32_t)pid);
	answered = clock__boot_ns();
	CHECK(age + tick >= asked - after);
	CHECK(age <= answered - before + tick);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_EQ(proc__age((uint32_t)pid), 0);

	prctl(PR_SET_NAME, "a) S 1 2 (b");
	CHECK(proc__age((uint32_t)getpid()) + tick >= answered - before);
	CHECK(proc__age((uint32_t)getpid()) < clock__boot_ns());
}

TEST(stopped)
{
	pid_t pid = fork();

	if (!pid) {
		for (;;)
			pause();
	}
	CHECK(!proc__is_stopped((uint32_t)pid));
	kill(pid, SIGSTOP);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WSTOPPED | WNOWAIT);
	CHECK(proc__is_stopped((uint32_t)pid));
	kill(pid, SIGCONT);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WCONTINUED);
	CHECK(!proc__is_stopped((uint32_t)pid));
	/* What a thread of this process holds is not stopped: it will let go. */
	if (!ptrace(PTRACE_SEIZE, pid, NULL, NULL) && !ptrace(PTRACE_INTERRUPT, pid, NULL, NULL)) {
		waitpid(pid, NULL, __WALL);
		CHECK(!proc__is_stopped((uint32_t)pid));
	}
	CHECK(!proc__debugger((uint32_t)pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	CHECK(!proc__is_stopped((uint32_t)pid));
}

/* What another process holds by ptrace does not go on by SIGCONT. */
TEST(held_by_a_debugger)
{
	pid_t debugged = fork(), debugger;
	int ready[2];
	char byte;

	if (!debugged) {
		for (;;)
			pause();
	}
	CHECK(!pipe(ready));
	debugger = fork();
	if (!debugger) {
		if (!ptrace(PTRACE_SEIZE, debugged, NULL, NULL) &&
		    !ptrace(PTRACE_INTERRUPT, debugged, NULL, NULL) &&
		    waitpid(debugged, NULL, __WALL) == debugged)
			CHECK(write(ready[1], "s", 1) == 1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) == 1) {
		CHECK(proc__is_stopped((uint32_t)debugged));
		CHECK_EQ(proc__debugger((uint32_t)debugged), debugger);
	}
	kill(debugger, SIGKILL);
	waitpid(debugger, NULL, 0);
	CHECK(!proc__debugger((uint32_t)debugged));
	kill(debugged, SIGKILL);
	waitpid(debugged, NULL, 0);
	close(ready[0]);
}

TEST(environment)
{
	uint32_t pid = (uint32_t)getpid();

	CHECK(proc__has_variable(pid, "PATH"));
	CHECK(!proc__has_variable(pid, "PAT"));
	CHECK(!proc__has_variable(pid, "MEMTRACE_NO_SUCH_VARIABLE"));
	CHECK(proc__has_variable(UINT32_MAX, "PATH")); /* not known */
}

TEST(the_size_of_a_programs_words)
{
	const uint64_t wide[] = { 33, 0x7ffd00000000, 4, 56, 0, 0 }, x32[] = { 16, 1, 4, 32, 0, 0 };
	const uint32_t narrow[] = { 32, 0xf7f00000, 33, 0xf7f01000, 4, 32, 0, 0 };

	CHECK(!proc__auxv_is_32bit(wide, sizeof(wide)));
	CHECK(proc__auxv_is_32bit(x32, sizeof(x32)));
	CHECK(proc__auxv_is_32bit(narrow, sizeof(narrow)));
	CHECK(!proc__auxv_is_32bit(narrow, 20)); /* cut */
	CHECK(!proc__auxv_is_32bit("", 0));
	CHECK(!proc__is_32bit((uint32_t)getpid()));
	CHECK(!proc__is_32bit(UINT32_MAX));
}
