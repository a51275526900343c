/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explains in one clause why the BPF programs could not be loaded: the kernel's verifier rejects
 * them, which is a bug in memtrace; a capability is missing; or this kernel lacks a feature. Made
 * from libbpf's messages and result, and from facts about the host.
 */
#ifndef MEMTRACE_TRACE_LOAD_ERROR_H
#define MEMTRACE_TRACE_LOAD_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What matters of libbpf's messages, and of what was tried; all zero before. */
struct load_log {
	char program[64]; /* the rejected program */
	char reason[200]; /* the verifier's last line before its statistics */
	char source[160]; /* the source line it was at; "": unknown */
	char missing[96]; /* a type or function that libbpf did not find in the kernel */
	char map[64];	  /* the map that could not be created */
	bool no_btf;
	bool perf_event; /* what failed is to probe by perf events */
};

/* Adds one of libbpf's messages: a line, or a whole verifier log. */
void load_error__add_message(struct load_log *log, const char *text);

struct load_host {
	uint64_t capabilities; /* effective, by bit */
	bool root;	       /* whatever it may do */
	bool seccomp;	       /* it has a filter of system calls */
	bool lockdown;	       /* no process may read the kernel's memory */
	bool has_uprobes;
	unsigned long long open_files; /* this process's limit of them */
	const char *compiler;	       /* of the BPF object */
};

/* Reads this host's. */
struct load_host load_error__read_host(const char *compiler);

/* err: loading's negative errno. Returns buf. */
char *load_error__explain(const struct load_log *log, int err, const struct load_host *host,
			  char *buf, size_t cap);

#endif
