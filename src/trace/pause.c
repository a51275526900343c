/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The threads belong to a thread of our own: when that ends, the kernel detaches those, too, that
 * did not stop. */
#include "trace/pause.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/array.h"
#include "util/clock.h"

#define PATIENCE_NS 1000000000ull

struct pause {
	pthread_t thread;
	sem_t stopped, over;
	const pid_t *pids;
	size_t npids;
	pid_t *tids;
	size_t n, cap;
};

static bool is_seized(const struct pause *p, pid_t tid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->tids[i] == tid)
			return true;
	return false;
}

static bool has_stopped(pid_t tid)
{
	siginfo_t si = { 0 };

	if (waitid(P_PID, (id_t)tid, &si, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL))
		return true; /* it is gone */
	if (si.si_code == CLD_EXITED || si.si_code == CLD_KILLED || si.si_code == CLD_DUMPED)
		waitpid(tid, NULL, WNOHANG | __WALL);
	return si.si_pid;
}

static void stop_thread(struct pause *p, pid_t tid, uint64_t until)
{
	if (array__grow(&p->tids, &p->cap, p->n + 1, sizeof(*p->tids)) ||
	    ptrace(PTRACE_SEIZE, tid, NULL, NULL))
		return;
	p->tids[p->n++] = tid;
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	while (!has_stopped(tid) && clock__now_ns() < until)
		usleep(200);
}

/* Returns whether there were threads that were not seized before. */
static bool stop_threads(struct pause *p, pid_t pid, uint64_t until)
{
	size_t before = p->n;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (isdigit((unsigned char)*entry->d_name) && !is_seized(p, tid))
			stop_thread(p, tid, until);
	}
	if (dir)
		closedir(dir);
	return p->n > before;
}

static void *hold_threads(void *arg)
{
	struct pause *p = arg;
	uint64_t until = clock__now_ns() + PATIENCE_NS;

	for (size_t i = 0; i < p->npids; i++)
		while (stop_threads(p, p->pids[i], until) && clock__now_ns() < until)
			;
	sem_post(&p->stopped);
	while (sem_wait(&p->over) && errno == EINTR)
		;
	for (size_t i = 0; i < p->n; i++)
		if (ptrace(PTRACE_DETACH, p->tids[i], NULL, NULL))
			has_stopped(p->tids[i]); /* killed meanwhile: its parent waits for us */
	return NULL;
}

struct pause *pause__begin(const pid_t *pids, size_t n)
{
	struct pause *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	p->pids = pids;
	p->npids = n;
	sem_init(&p->stopped, 0, 0);
	sem_init(&p->over, 0, 0);
	err = pthread_create(&p->thread, NULL, hold_threads, p);
	if (err) {
		free(p);
		errno = err;
		return NULL;
	}
	while (sem_wait(&p->stopped) && errno == EINTR)
		;
	return p;
}

void pause__end(struct pause *p)
{
	if (!p)
		return;
	sem_post(&p->over);
	pthread_join(p->thread, NULL);
	sem_destroy(&p->stopped);
	sem_destroy(&p->over);
	free(p->tids);
	free(p);
}
