/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why the BPF programs could not be loaded, in one clause: refused by the kernel's verifier, which
 * is a fault of memtrace; for want of a capability; or because this kernel lacks a feature. Made
 * from what libbpf said while it loaded them, its result, and what is known of the host.
 */
#ifndef MEMTRACE_TRACE_LOAD_ERROR_H
#define MEMTRACE_TRACE_LOAD_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What counts of libbpf's messages; all zero before the first. */
struct load_log {
	char program[64]; /* that the verifier refused; "": none */
	char reason[200]; /* the verifier's last line before its statistics */
	char source[160]; /* the source line that it was at; "": unknown */
	char missing[96]; /* a type or function that libbpf did not find in the kernel */
	char map[64];	  /* that could not be created */
	bool no_btf;
};

/* A message of libbpf's: a line, or a whole log of the verifier's. */
void load_error__add_message(struct load_log *log, const char *text);

struct load_host {
	uint64_t capabilities; /* effective, by bit */
	bool lockdown;	       /* no process may read the kernel's memory */
	bool has_uprobes;
	const char *compiler; /* of the BPF object */
};

/* This host. */
struct load_host load_error__read_host(const char *compiler);

/* err: what loading returned, a negative errno. Returns buf. */
char *load_error__explain(const struct load_log *log, int err, const struct load_host *host,
			  char *buf, size_t cap);

#endif
