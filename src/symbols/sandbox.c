/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbols/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "util/array.h"

/* Linux's user for those that cannot be expressed, which owns nothing. */
#define OVERFLOW_ID 65534

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "the filter of system calls needs this machine's audit architecture"
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

/* ---- system calls ---- */

/* A call that is allowed; with an argument, if that has only bits of `bits`. */
struct allowed {
	int call;
	int arg; /* -1: whatever the arguments */
	uint32_t bits;
};

static const struct allowed allowed[] = {
	/* files, by descriptors that were given */
	{ __NR_pread64, -1, 0 },
	{ __NR_read, -1, 0 },
	{ __NR_lseek, -1, 0 },
	{ __NR_fstat, -1, 0 },
	{ __NR_close, -1, 0 },
#ifdef __NR_newfstatat
	/* fstat of some C libraries. A path would only tell whether it exists. */
	{ __NR_newfstatat, 3, AT_EMPTY_PATH },
#endif
	{ __NR_fcntl, 1, F_GETFD | F_GETFL },
	/* the socket */
	{ __NR_recvmsg, -1, 0 },
	{ __NR_sendmsg, -1, 0 },
	/* memory, never executable */
	{ __NR_brk, -1, 0 },
	{ __NR_mmap, 2, PROT_READ | PROT_WRITE },
	{ __NR_mprotect, 2, PROT_READ | PROT_WRITE },
	{ __NR_mremap, -1, 0 },
	{ __NR_munmap, -1, 0 },
	{ __NR_madvise, -1, 0 },
	{ __NR_futex, -1, 0 },
	/* time */
	{ __NR_clock_gettime, -1, 0 },
	{ __NR_gettimeofday, -1, 0 },
	/* itself */
	{ __NR_setrlimit, 0, RLIMIT_CPU },
	{ __NR_rt_sigreturn, -1, 0 },
	{ __NR_rt_sigprocmask, -1, 0 },
	{ __NR_getpid, -1, 0 },
	{ __NR_getrandom, -1, 0 }, /* malloc of some C libraries */
	{ __NR_sysinfo, -1, 0 },   /* qsort of some */
	{ __NR_exit, -1, 0 },
	{ __NR_exit_group, -1, 0 },
};

/* Calls that fail: libdw asks for its files' paths, and does without. */
static const int refused[] = {
#ifdef __NR_readlink
	__NR_readlink,
#endif
	__NR_readlinkat,
	__NR_getcwd,
};

/* What no sanitizer needs. The rest is allowed to a sanitized build: its findings must get out. */
static const int forbidden[] = {
	__NR_socket, __NR_connect,  __NR_execve,   __NR_execveat, __NR_ptrace,
	__NR_bpf,    __NR_unlinkat, __NR_renameat, __NR_mount,	  __NR_perf_event_open,
};

#define FILTER_MAX 256

struct filter {
	struct sock_filter at[FILTER_MAX];
	unsigned short n;
};

static void add(struct filter *f, unsigned int code, uint32_t k, uint8_t yes, uint8_t no)
{
	f->at[f->n++] = (struct sock_filter){ (uint16_t)code, yes, no, k };
}

static void load(struct filter *f, size_t offset)
{
	add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void give(struct filter *f, uint32_t verdict)
{
	add(f, BPF_RET | BPF_K, verdict, 0, 0);
}

/* A call with an argument other than its bits falls through to the end. On these machines the low
 * half of an argument comes first. */
static void allow(struct filter *f, const struct allowed *a)
{
	size_t arg = offsetof(struct seccomp_data, args) + (size_t)a->arg * sizeof(uint64_t);

	if (a->arg < 0) {
		add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)a->call, 0, 1);
		give(f, SECCOMP_RET_ALLOW);
		return;
	}
	add(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)a->call, 0, 6);
	load(f, arg + sizeof(uint32_t));
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
	load(f, arg);
	add(f, BPF_JMP | BPF_JSET | BPF_K, ~a->bits, 1, 0);
	give(f, SECCOMP_RET_ALLOW);
	give(f, SECCOMP_RET_KILL_PROCESS);
}

static int filter_calls(void)
{
	struct filter f = { .n = 0 };
	struct sock_fprog program;

	load(&f, offsetof(struct seccomp_data, arch));
	add(&f, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	give(&f, SECCOMP_RET_KILL_PROCESS);
	load(&f, offsetof(struct seccomp_data, nr));
	if (SANITIZED) {
		for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
			add(&f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)forbidden[i], 0, 1);
			give(&f, SECCOMP_RET_KILL_PROCESS);
		}
		give(&f, SECCOMP_RET_ALLOW);
	} else {
		for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
			allow(&f, &allowed[i]);
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
			add(&f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refused[i], 0, 1);
			give(&f, SECCOMP_RET_ERRNO | EACCES);
		}
		give(&f, SECCOMP_RET_KILL_PROCESS);
	}
	program = (struct sock_fprog){ .len = f.n, .filter = f.at };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

/* ---- privileges ---- */

static int set_limit(int resource, uint64_t value)
{
	struct rlimit limit = { .rlim_cur = value, .rlim_max = value };

	return setrlimit((__rlimit_resource_t)resource, &limit) ? -errno : 0;
}

/* Its standard files are memtrace's, one of which may be a socket. */
static int let_go_of_standard_files(void)
{
	int fd = SANITIZED ? -1 : open("/dev/null", O_RDWR | O_CLOEXEC), err = 0;

	if (fd < 0)
		return SANITIZED ? 0 : -errno;
	for (int i = STDIN_FILENO; i <= STDERR_FILENO && !err; i++)
		err = dup2(fd, i) < 0 ? -errno : 0;
	if (fd > STDERR_FILENO)
		close(fd);
	return err;
}

static int limit_resources(const struct sandbox_limits *limits)
{
	int err = set_limit(RLIMIT_CORE, 0);

	if (!err && limits->files)
		err = set_limit(RLIMIT_NOFILE, limits->files);
	if (!err && limits->memory && !SANITIZED)
		err = set_limit(RLIMIT_AS, limits->memory);
	return err;
}

/* Without the capability to do so, it stays its user, who may be memtrace's. */
static int change_user(void)
{
	if (setgroups(0, NULL) || setresgid(OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID) ||
	    setresuid(OVERFLOW_ID, OVERFLOW_ID, OVERFLOW_ID))
		return errno == EPERM || errno == EINVAL ? 0 : -errno;
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int sandbox__enter(const struct sandbox_limits *limits)
{
	int err = let_go_of_standard_files();

	if (!err)
		err = limit_resources(limits);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (!err)
		err = change_user();
	if (!err)
		err = drop_capabilities();
	/* After the change of user, which resets it. */
	if (!err && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		err = -errno;
	if (!err && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		err = -errno;
	return err ? err : filter_calls();
}

void sandbox__renew_cpu(unsigned int seconds)
{
	struct timespec used = { 0 };
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	limit.rlim_cur = (rlim_t)used.tv_sec + 1 + seconds;
	/* The C library may use another call, of which the filter cannot check the arguments. */
	syscall(SYS_setrlimit, RLIMIT_CPU, &limit);
}
