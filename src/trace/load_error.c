/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/load_error.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/array.h"
#include "util/caps.h"
#include "util/file.h"
#include "util/strbuf.h"

/* ---- libbpf's messages ---- */

static void copy_text(char *out, size_t cap, const char *text, size_t len)
{
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	snprintf(out, cap, "%.*s", (int)(len < cap ? len : cap - 1), text);
}

/* Copies what is in quotes after `before`. */
static bool copy_quoted(char *out, size_t cap, const char *text, const char *before)
{
	const char *p = strstr(text, before);
	const char *end;

	if (!p)
		return false;
	p += strlen(before);
	end = strchr(p, '\'');
	if (end)
		copy_text(out, cap, p, (size_t)(end - p));
	return end;
}

/* "; i = unwind_find(m, n) @ unwind.bpf.h:12" precedes the instructions of a source line. */
static void note_source(struct load_log *log, const char *line, size_t len)
{
	if (len > 2 && line[0] == ';')
		copy_text(log->source, sizeof(log->source), line + 2, len - 2);
}

/* Reads the verifier's log: the reason is on the last line before the statistics. */
static void read_verifier_log(struct load_log *log, const char *text)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n";
	const char *p = strstr(text, begin);

	log->reason[0] = log->source[0] = '\0';
	for (p = p ? p + strlen(begin) : text; *p; p += *p == '\n') {
		size_t len = strcspn(p, "\n");

		if (!strncmp(p, "processed ", 10) || !strncmp(p, "-- END", 6))
			break;
		note_source(log, p, len);
		if (len)
			copy_text(log->reason, sizeof(log->reason), p, len);
		p += len;
	}
}

void load_error__add_message(struct load_log *log, const char *text)
{
	if (strstr(text, "-- BEGIN PROG LOAD LOG --") &&
	    copy_quoted(log->program, sizeof(log->program), text, "prog '"))
		read_verifier_log(log, text);
	else if (strstr(text, "failed to find kernel BTF type ID of") &&
		 copy_quoted(log->missing, sizeof(log->missing), text, "type ID of '"))
		return;
	else if (strstr(text, "kernel BTF is missing") ||
		 strstr(text, "failed to find valid kernel BTF"))
		log->no_btf = true;
	else if (strstr(text, "failed to create"))
		copy_quoted(log->map, sizeof(log->map), text, "map '");
}

/* ---- the host ---- */

static bool is_in_file(const char *path, const char *text)
{
	char *content = file__read(path, NULL);
	bool found = content && strstr(content, text);

	free(content);
	return found;
}

struct load_host load_error__read_host(const char *compiler)
{
	struct rlimit files = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	return (struct load_host){
		.capabilities = caps__effective(),
		.root = !geteuid(),
		.seccomp = is_in_file("/proc/self/status", "\nSeccomp:\t2"),
		.lockdown = is_in_file("/sys/kernel/security/lockdown", "[confidentiality]"),
		.has_uprobes = !access("/sys/bus/event_source/devices/uprobe/type", R_OK),
		.open_files = files.rlim_cur,
		.compiler = compiler,
	};
}

/* ---- explaining ---- */

/* Which capability this process lacks. Tracing other users' processes takes one more, which is
 * named along with those that loading takes. */
static bool explain_capabilities(const struct load_log *log, const struct load_host *host,
				 char *buf, size_t cap)
{
	static const int loading[] = { CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE };
	struct strbuf missing = { 0 };
	size_t n;

	if (caps__has(host->capabilities, CAP_BPF) && caps__has(host->capabilities, CAP_PERFMON)) {
		if (!log->perf_event || caps__has(host->capabilities, CAP_SYS_ADMIN))
			return false;
		snprintf(
		    buf, cap,
		    "not permitted: CAP_SYS_ADMIN is missing, which probes by perf events need "
		    "(kernels before 6.6, --attach perf)");
		return true;
	}
	n = caps__add_missing(&missing, host->capabilities, loading, ARRAY_SIZE(loading));
	snprintf(buf, cap, "not permitted: %s %s missing%s",
		 missing.data ? missing.data : "a capability", n == 1 ? "is" : "are",
		 host->root ? ", although this is root; give them to the container or service"
			    : "; run as root, or with these capabilities");
	strbuf__free(&missing);
	return true;
}

static void explain_permission(const struct load_log *log, const struct load_host *host, char *buf,
			       size_t cap)
{
	if (explain_capabilities(log, host, buf, cap))
		return;
	if (host->lockdown)
		snprintf(buf, cap,
			 "not permitted: the kernel is locked down (confidentiality), and no "
			 "process may read its memory");
	else if (host->seccomp)
		snprintf(
		    buf, cap,
		    "not permitted, though no capability is missing: this process has a seccomp "
		    "filter, which forbids bpf() or perf_event_open(); start the container "
		    "with a profile that allows both (seccomp=unconfined)");
	else
		snprintf(buf, cap,
			 "not permitted, though no capability is missing: a security module or a "
			 "user namespace forbids bpf(); run on the host");
}

/* Features by the name that the verifier or libbpf prints, and the first Linux version that has
 * them. */
static const struct {
	const char *name, *what, *version;
} features[] = {
	{ "bpf_loop#181", "the BPF helper bpf_loop", "5.17" },
	{ "bpf_find_vma#180", "the BPF helper bpf_find_vma", "5.17" },
	{ "bpf_task_pt_regs#175", "the BPF helper bpf_task_pt_regs", "5.15" },
	{ "bpf_get_attach_cookie#174", "attach cookies of BPF programs", "5.15" },
	{ "bpf_get_current_task_btf#158", "the BPF helper bpf_get_current_task_btf", "5.11" },
	{ "bpf_iter_task_vma", "BPF iterators of mappings", "5.12" },
	{ "task_vma", "BPF iterators of mappings", "5.12" },
	{ "ring", "BPF ring buffers", "5.8" },
	{ "hold_requests", "BPF ring buffers", "5.8" },
};

static bool explain_feature(const char *name, bool exactly, char *buf, size_t cap)
{
	for (size_t i = 0; i < ARRAY_SIZE(features); i++)
		if (exactly ? !strcmp(name, features[i].name)
			    : strstr(name, features[i].name) != NULL) {
			snprintf(buf, cap, "this kernel lacks %s (since Linux %s)",
				 features[i].what, features[i].version);
			return true;
		}
	return false;
}

/* A helper that the kernel lacks, or does not allow for programs of this type. */
static bool is_unknown_function(const char *reason)
{
	return strstr(reason, "unknown func") || strstr(reason, "invalid func") ||
	       strstr(reason, "cannot use helper");
}

static void explain_refusal(const struct load_log *log, const struct load_host *host, char *buf,
			    size_t cap)
{
	if (is_unknown_function(log->reason)) {
		if (!explain_feature(log->reason, false, buf, cap))
			snprintf(buf, cap, "this kernel lacks a BPF helper: %s", log->reason);
		return;
	}
	snprintf(buf, cap,
		 "a bug in memtrace: the kernel's verifier rejects the program %s: %s%s%s%s; "
		 "compiled by %s; please report it",
		 log->program, log->reason, log->source[0] ? " (at '" : "", log->source,
		 log->source[0] ? "')" : "", host->compiler);
}

char *load_error__explain(const struct load_log *log, int err, const struct load_host *host,
			  char *buf, size_t cap)
{
	if (err == -EMFILE)
		snprintf(buf, cap,
			 "the limit of open files (ulimit -Hn), which is %llu, is too low",
			 host->open_files);
	else if (log->program[0])
		explain_refusal(log, host, buf, cap);
	else if (log->no_btf)
		snprintf(buf, cap,
			 "this kernel has no BTF (/sys/kernel/btf/vmlinux); one built with "
			 "CONFIG_DEBUG_INFO_BTF is needed");
	else if (err == -EPERM || err == -EACCES)
		explain_permission(log, host, buf, cap);
	else if (log->missing[0] && explain_feature(log->missing, false, buf, cap))
		return buf;
	else if (log->missing[0])
		snprintf(buf, cap, "this kernel lacks %s; Linux 5.15 or later is needed",
			 log->missing);
	else if (log->map[0] && err == -EINVAL && explain_feature(log->map, true, buf, cap))
		return buf;
	else if (log->map[0])
		snprintf(buf, cap, "cannot create the BPF map %s: %s", log->map, strerror(-err));
	else if (err == -ENFILE || err == -ENOMEM)
		snprintf(buf, cap, "%s", strerror(-err));
	else if (!host->has_uprobes)
		snprintf(buf, cap,
			 "this kernel has no uprobes; one built with CONFIG_UPROBE_EVENTS "
			 "is needed");
	else
		snprintf(buf, cap, "%s; Linux 5.15 or later with BTF and uprobes is needed",
			 strerror(-err));
	return buf;
}
