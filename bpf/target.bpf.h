/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decides which processes belong to the target, besides those named by process ID: by cgroup
 * (version 2, or a version 1 controller), by PID namespace, or all. Descendants of a named cgroup
 * or namespace belong to it: a task's ancestor is looked up at the level of the named one.
 */
#ifndef MEMTRACE_TARGET_BPF_H
#define MEMTRACE_TARGET_BPF_H

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "global.bpf.h"
#include "abi/shared.h"

/* Set before loading. */
const volatile __u32 self = 0; /* the tracer's own process ID: never in the target */

/* Written by the loader at any time: a row first, then their number. */
struct filter filters[FILTERS_MAX] = {};
__u32 nfilters = 0;
__u32 awaiting = 0;		 /* waiting for a container to start */
__u32 helpers[HELPERS_MAX] = {}; /* processes of the tracer: likewise never in the target */

static __always_inline bool target__is_own(__u32 pid)
{
	if (pid == self)
		return true;
	for (int i = 0; i < HELPERS_MAX; i++)
		if (pid == helpers[i])
			return true;
	return false;
}

struct cgroup_pair {
	__u64 v2, memory;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct cgroup_pair);
	__type(value, __u32);
} cgroups_met SEC(".maps"); /* the programs that were seen to start in them */

/* A runtime may run programs of its own in a container's cgroup, before its files name the
 * container. */
#define CANDIDATES_MAX 8

/* The pointer at index i of an array of pointers in a structure. */
static __always_inline void *target__pointer(const void *structure, __u32 array, __u32 i)
{
	void *p = NULL;

	bpf_probe_read_kernel(&p, sizeof(p), structure + array + i * sizeof(p));
	return p;
}

static __always_inline struct cgroup *target__cgroup(struct task_struct *task, __u32 subsys)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct cgroup_subsys_state *css;

	if (subsys == FILTER_V2)
		return BPF_CORE_READ(set, dfl_cgrp);
	css = target__pointer(set, bpf_core_field_offset(struct css_set, subsys), subsys);
	return BPF_CORE_READ(css, cgroup);
}

static __always_inline bool target__in_cgroup(struct task_struct *task, const struct filter *f)
{
	struct cgroup *cg = target__cgroup(task, f->subsys), *at;
	struct cgroup___before_6_1 *old;
	__u64 id = 0;

	if (BPF_CORE_READ(cg, level) < (int)f->level)
		return false;
	if (bpf_core_field_exists(cg->ancestors)) {
		at = target__pointer(cg, bpf_core_field_offset(struct cgroup, ancestors), f->level);
		return BPF_CORE_READ(at, kn, id) == f->id;
	}
	old = (void *)cg;
	bpf_probe_read_kernel(&id, sizeof(id),
			      (void *)old +
				  bpf_core_field_offset(struct cgroup___before_6_1, ancestor_ids) +
				  f->level * sizeof(id));
	return id == f->id;
}

static __always_inline bool target__in_namespace(struct task_struct *task, const struct filter *f)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	struct upid *at = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
			  f->level * bpf_core_type_size(struct upid);

	return BPF_CORE_READ(pid, level) >= f->level && BPF_CORE_READ(at, ns, ns.inum) == f->id;
}

/* running: it is the running task, which may just have been moved there. */
static __always_inline bool target__has(struct task_struct *task, bool running)
{
	__u32 n = nfilters;

	for (__u32 i = 0; i < FILTERS_MAX && i < n; i++) {
		const struct filter *f = &filters[i];

		if (running && f->from_exec)
			continue;
		if (f->kind == FILTER_ALL ||
		    (f->kind == FILTER_CGROUP && target__in_cgroup(task, f)) ||
		    (f->kind == FILTER_PIDNS && target__in_namespace(task, f)))
			return true;
	}
	return false;
}

/* Returns whether a program starts in a cgroup where few were seen to start, while a container is
 * awaited. */
static __always_inline bool target__may_be(struct task_struct *task)
{
	struct cgroup_pair at = {};
	__u32 first = 1, *met;

	if (!awaiting)
		return false;
	at.v2 = BPF_CORE_READ(target__cgroup(task, FILTER_V2), kn, id);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		at.memory =
		    BPF_CORE_READ(target__cgroup(task, bpf_core_enum_value(enum cgroup_subsys_id,
									   memory_cgrp_id)),
				  kn, id);
	met = bpf_map_lookup_elem(&cgroups_met, &at);
	if (!met)
		return !bpf_map_update_elem(&cgroups_met, &at, &first, BPF_NOEXIST);
	return *met < CANDIDATES_MAX && __sync_fetch_and_add(met, 1) < CANDIDATES_MAX;
}

/* A global function, verified once for all callers. */
GLOBAL_FUNC int target_has_current(void)
{
	return target__has(bpf_get_current_task_btf(), true);
}

#endif
