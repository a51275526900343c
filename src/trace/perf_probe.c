/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trace/perf_probe.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UPROBE_PMU "/sys/bus/event_source/devices/uprobe/"

/* Returns 0 or a negative errno. */
static int read_number(const char *path, const char *format, unsigned int *value)
{
	FILE *f = fopen(path, "re");
	int n;

	if (!f)
		return -errno;
	n = fscanf(f, format, value);
	fclose(f);
	return n == 1 ? 0 : -EINVAL;
}

int perf_probe__init(struct perf_probe_type *p)
{
	unsigned int type, bit;
	int err;

	if (p->type)
		return 0;
	err = read_number(UPROBE_PMU "type", "%u", &type);
	if (!err)
		err = read_number(UPROBE_PMU "format/retprobe", "config:%u", &bit);
	if (!err && (!type || bit > 63))
		err = -EINVAL;
	if (!err)
		*p = (struct perf_probe_type){ .type = type, .returns = (uint64_t)1 << bit };
	return err;
}

int perf_probe__open(const struct perf_probe_type *p, const char *path, uint64_t offset,
		     bool returns, pid_t pid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = p->type,
		.config = returns ? p->returns : 0,
		.config1 = (uintptr_t)path,
		.config2 = offset,
	};
	/* A probe for all processes is opened on one processor, and hit on each. */
	long fd = syscall(SYS_perf_event_open, &attr, pid ? pid : -1, pid ? -1 : 0, -1,
			  PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int perf_probe__link(int event, int prog_fd, uint64_t cookie)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = cookie);
	int link = bpf_link_create(prog_fd, event, BPF_PERF_EVENT, &opts);

	if (link >= 0 && ioctl(event, PERF_EVENT_IOC_ENABLE, 0)) {
		int err = -errno;

		close(link);
		return err;
	}
	return link;
}
