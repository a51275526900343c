/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that the verifier checks on their own.
 *
 * The verifier forgets what a global function returns: to it, the result may be any number. Clang,
 * since 17, infers the range from the body and drops a mask or a comparison after the call that the
 * range makes redundant, and the verifier then refuses an index that it cannot bound. A weak
 * function may be replaced when objects are linked, so the compiler may infer nothing about it and
 * knows no more than the verifier.
 */
#ifndef MEMTRACE_GLOBAL_BPF_H
#define MEMTRACE_GLOBAL_BPF_H

#include <bpf/bpf_helpers.h>

#define GLOBAL_FUNC __weak __noinline

#endif
