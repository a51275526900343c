/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/process_table.h"

#include <bpf/bpf.h>
#include <errno.h>

static struct traced *slot_of(const struct process_table *pt, pid_t pid)
{
	return &pt->slots[(uint32_t)pid & (PROCESS_SLOTS - 1)];
}

static bool has_slot(const struct process_table *pt, pid_t pid)
{
	return __atomic_load_n(&slot_of(pt, pid)->tgid, __ATOMIC_SEQ_CST) == (uint32_t)pid;
}

int process_table__find(const struct process_table *pt, pid_t pid, struct traced *out)
{
	const struct traced *slot = slot_of(pt, pid);
	uint32_t key = (uint32_t)pid;

	if (has_slot(pt, pid)) {
		*out = (struct traced){
			.tgid = key,
			.pid = __atomic_load_n(&slot->pid, __ATOMIC_RELAXED),
			.epoch = __atomic_load_n(&slot->epoch, __ATOMIC_RELAXED),
			.flags = __atomic_load_n(&slot->flags, __ATOMIC_RELAXED),
		};
		return 0;
	}
	return bpf_map_lookup_elem(pt->overflow_fd, &key, out) ? -errno : 0;
}

int process_table__add(struct process_table *pt, pid_t pid, uint32_t flags)
{
	struct traced *slot = slot_of(pt, pid), p;
	uint32_t key = (uint32_t)pid, owner = 0;

	if (!process_table__find(pt, pid, &p))
		return process_table__change_flags(pt, pid, flags, 0);
	if (__atomic_compare_exchange_n(&slot->tgid, &owner, key, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		__atomic_store_n(&slot->flags, flags, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->epoch, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&slot->pid, key, __ATOMIC_RELEASE);
		return 0;
	}
	if (owner == key) /* the BPF side has just added it */
		return process_table__change_flags(pt, pid, flags, 0);
	p = (struct traced){ .tgid = key, .pid = key, .flags = flags };
	*pt->overflowed = 1;
	return bpf_map_update_elem(pt->overflow_fd, &key, &p, BPF_ANY) ? -errno : 0;
}

int process_table__change_flags(struct process_table *pt, pid_t pid, uint32_t set, uint32_t clear)
{
	struct traced *slot = slot_of(pt, pid), p;
	uint32_t key = (uint32_t)pid;
	int err;

	if (has_slot(pt, pid)) {
		__atomic_and_fetch(&slot->flags, ~clear, __ATOMIC_SEQ_CST);
		__atomic_or_fetch(&slot->flags, set, __ATOMIC_SEQ_CST);
		return 0;
	}
	err = process_table__find(pt, pid, &p);
	if (err)
		return err;
	p.flags = (p.flags & ~clear) | set;
	return bpf_map_update_elem(pt->overflow_fd, &key, &p, BPF_EXIST) ? -errno : 0;
}

int process_table__remove(struct process_table *pt, pid_t pid)
{
	uint32_t key = (uint32_t)pid;

	if (has_slot(pt, pid)) {
		__atomic_store_n(&slot_of(pt, pid)->tgid, 0, __ATOMIC_SEQ_CST);
		return 0;
	}
	return bpf_map_delete_elem(pt->overflow_fd, &key) ? -errno : 0;
}
