/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the BPF programs could not be loaded, from what libbpf 1.1 and 1.5 said on real kernels. */
#include "trace/load_error.h"

#include <errno.h>
#include <linux/capability.h>

#include "test.h"

#define ALL_CAPS UINT64_MAX

static const struct load_host root_host = { .capabilities = ALL_CAPS,
					    .has_uprobes = true,
					    .compiler = "Debian Clang 19.1.4" };
static char why[512];

static const char *explain(const char *const *messages, int err, const struct load_host *host)
{
	struct load_log log = { 0 };

	while (*messages)
		load_error__add_message(&log, *messages++);
	return load_error__explain(&log, err, host, why, sizeof(why));
}

#define EXPLAIN(err, host, ...) explain((const char *const[]){ __VA_ARGS__, NULL }, err, host)

static const char refusal[] =
    "libbpf: prog 'on_sys_exit': -- BEGIN PROG LOAD LOG --\n"
    "Validating unwind_step() func#2...\n"
    "1003: R1=scalar() R10=fp0\n"
    "; GLOBAL_FUNC int unwind_step(__u32 slot) @ unwind.bpf.h:262\n"
    "1003: (63) *(u32 *)(r10 -60) = r1     ; R1=scalar() R10=fp0 fp-64=mmmm????\n"
    "; *m = all->at[i & (UNWIND_MAX_MAPPINGS - 1)]; @ unwind_find.bpf.h:305\n"
    "1123: (bc) w1 = w1                    ; R1=scalar(id=727,smin=smin32=0)\n"
    "1125: (0f) r6 += r1                   ; R1=scalar(smin=0,smax=umax=0xfffffffe0)\n"
    "1126: (79) r1 = *(u64 *)(r6 +24)\n"
    "R6 unbounded memory access, make sure to bounds check any such access\n"
    "processed 14304 insns (limit 1000000) max_states_per_insn 10 total_states 859 "
    "peak_states 405 mark_read 0\n"
    "-- END PROG LOAD LOG --\n";

TEST(a_refusal_by_the_verifier_is_a_bug_of_memtrace)
{
	CHECK_STR(EXPLAIN(-EACCES, &root_host,
			  "libbpf: prog 'on_sys_exit': BPF program load failed: Permission "
			  "denied\n",
			  refusal, "libbpf: prog 'on_sys_exit': failed to load: -13\n",
			  "libbpf: failed to load object 'memtrace_bpf'\n"),
		  "a bug in memtrace: the kernel's verifier rejects the program on_sys_exit: R6 "
		  "unbounded memory access, make sure to bounds check any such access (at '*m = "
		  "all->at[i & (UNWIND_MAX_MAPPINGS - 1)]; @ unwind_find.bpf.h:305'); compiled by "
		  "Debian Clang 19.1.4; please report it");
}

TEST(a_log_of_the_verifier_that_is_cut_off)
{
	CHECK(strstr(EXPLAIN(-EINVAL, &root_host,
			     "libbpf: prog 'perf_free': -- BEGIN PROG LOAD LOG --\n"
			     "back-edge from insn 3 to 1"),
		     "the program perf_free: back-edge from insn 3 to 1; compiled by"));
	CHECK(strstr(EXPLAIN(-EINVAL, &root_host,
			     "libbpf: prog 'perf_free': -- BEGIN PROG LOAD LOG --\n"
			     "-- END PROG LOAD LOG --\n"),
		     "the program perf_free: ; compiled by"));
}

TEST(a_helper_that_the_kernel_lacks_is_a_missing_feature)
{
	CHECK_STR(EXPLAIN(-EINVAL, &root_host,
			  "libbpf: prog 'on_exec': -- BEGIN PROG LOAD LOG --\n"
			  "; bpf_loop(CODE_TRIES, code__try, &w, 0);\n"
			  "41: (85) call bpf_loop#181\n"
			  "invalid func unknown#181\n"
			  "processed 40 insns (limit 1000000) max_states_per_insn 0\n"
			  "-- END PROG LOAD LOG --\n"),
		  "this kernel lacks a BPF helper: invalid func unknown#181");
	CHECK_STR(EXPLAIN(-EINVAL, &root_host,
			  "libbpf: prog 'on_exec': -- BEGIN PROG LOAD LOG --\n"
			  "program of this type cannot use helper bpf_loop#181\n"
			  "-- END PROG LOAD LOG --\n"),
		  "this kernel lacks the BPF helper bpf_loop (since Linux 5.17)");
}

TEST(a_missing_capability_is_named)
{
	struct load_host host = root_host;
	static const char probing[] =
	    "libbpf: Error in bpf_object__probe_loading():Operation not permitted(1). Couldn't "
	    "load trivial BPF program. Make sure your kernel supports BPF (CONFIG_BPF_SYSCALL=y) "
	    "and/or that RLIMIT_MEMLOCK is set to big enough value.\n";

	host.capabilities = 0;
	CHECK_STR(
	    EXPLAIN(-EPERM, &host, probing),
	    "not permitted: CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE are missing; run as root, or "
	    "with these capabilities");
	host.capabilities = 1ull << CAP_BPF | 1ull << CAP_SYS_PTRACE;
	CHECK_STR(
	    EXPLAIN(-EPERM, &host,
		    "libbpf: prog 'list_code': BPF program load failed: Operation not "
		    "permitted\n",
		    "libbpf: permission error while running as root; try raising 'ulimit -l'? "
		    "current value: 8.0 MiB\n"),
	    "not permitted: CAP_PERFMON is missing; run as root, or with these capabilities");
	host.root = true;
	CHECK_STR(EXPLAIN(-EPERM, &host, probing),
		  "not permitted: CAP_PERFMON is missing, although this is root; give them to the "
		  "container or service");
	/* Loading does not take it: something else was refused. */
	host.capabilities = 1ull << CAP_SYS_ADMIN;
	CHECK(!strstr(EXPLAIN(-EPERM, &host, probing), "CAP_"));
	host.seccomp = true;
	CHECK(strstr(EXPLAIN(-EPERM, &host, probing), "seccomp=unconfined"));
	host.capabilities = 1ull << CAP_BPF | 1ull << CAP_PERFMON;
	CHECK(!strstr(EXPLAIN(-EACCES, &host, probing), "CAP_SYS_ADMIN is missing"));
	CHECK(strstr(load_error__explain(&(struct load_log){ .perf_event = true }, -EACCES, &host,
					 why, sizeof(why)),
		     "CAP_SYS_ADMIN is missing"));
}

TEST(a_refusal_of_permission_that_no_capability_mends)
{
	struct load_host host = root_host;

	CHECK(strstr(EXPLAIN(-EPERM, &host, ""), "though no capability is missing"));
	host.lockdown = true;
	CHECK(strstr(EXPLAIN(-EPERM, &host, ""), "locked down"));
	CHECK(strstr(EXPLAIN(-EACCES, &host, ""), "locked down"));
}

TEST(a_kernel_without_btf)
{
	CHECK(strstr(EXPLAIN(-ESRCH, &root_host,
			     "libbpf: kernel BTF is missing at '/sys/kernel/btf/vmlinux', was "
			     "CONFIG_DEBUG_INFO_BTF enabled?\n",
			     "libbpf: failed to find valid kernel BTF\n"),
		     "CONFIG_DEBUG_INFO_BTF"));
}

TEST(a_type_that_the_kernel_lacks)
{
	CHECK_STR(EXPLAIN(-ESRCH, &root_host,
			  "libbpf: prog 'list_code': failed to find kernel BTF type ID of "
			  "'bpf_iter_task_vma': -3\n"),
		  "this kernel lacks BPF iterators of mappings (since Linux 5.12)");
	CHECK_STR(EXPLAIN(-ESRCH, &root_host,
			  "libbpf: prog 'on_exec': failed to find kernel BTF type ID of "
			  "'btf_trace_sched_process_exec': -3\n"),
		  "this kernel lacks btf_trace_sched_process_exec; Linux 5.15 or later is needed");
}

TEST(a_map_that_cannot_be_created)
{
	CHECK_STR(EXPLAIN(-EINVAL, &root_host,
			  "libbpf: map 'ring': failed to create: Invalid argument(-22)\n"),
		  "this kernel lacks BPF ring buffers (since Linux 5.8)");
	CHECK_STR(EXPLAIN(-ENOMEM, &root_host,
			  "libbpf: map 'ring': failed to create: Cannot allocate memory(-12)\n"),
		  "cannot create the BPF map ring: Cannot allocate memory");
}

TEST(resources_that_are_short_are_not_blamed_on_the_kernel)
{
	struct load_host host = root_host;

	host.open_files = 12;
	CHECK_STR(EXPLAIN(-EMFILE, &host,
			  "libbpf: map 'ring': failed to create: Too many open files(-24)\n"),
		  "the limit of open files (ulimit -Hn), which is 12, is too low");
	CHECK_STR(EXPLAIN(-EMFILE, &host, refusal),
		  "the limit of open files (ulimit -Hn), which is 12, is too low");
	CHECK_STR(EXPLAIN(-ENOMEM, &root_host, ""), "Cannot allocate memory");
	CHECK_STR(EXPLAIN(-ENFILE, &root_host, ""), "Too many open files in system");
}

TEST(a_kernel_without_uprobes)
{
	struct load_host host = root_host;

	host.has_uprobes = false;
	CHECK(strstr(EXPLAIN(-ENOENT, &host, ""), "CONFIG_UPROBE_EVENTS"));
	CHECK_STR(EXPLAIN(-ENOENT, &root_host, ""),
		  "No such file or directory; Linux 5.15 or later with BTF and uprobes is needed");
}

TEST(hostile_messages_do_no_harm)
{
	static char longest[100000];

	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "libbpf: prog '", 14);
	CHECK(EXPLAIN(-EINVAL, &root_host, longest));
	memcpy(longest + 20, "': -- BEGIN PROG LOAD LOG --\n; ", 31);
	CHECK(strlen(EXPLAIN(-EINVAL, &root_host, longest)) < sizeof(why));
	CHECK(EXPLAIN(-EINVAL, &root_host, "prog '", "map '", "failed to create map '", ""));
}

TEST(this_host_is_read)
{
	struct load_host host = load_error__read_host("clang");

	CHECK_STR(host.compiler, "clang");
	CHECK(host.open_files > 0);
}
