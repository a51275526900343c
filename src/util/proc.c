/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/proc.h"

#include <fcntl.h>
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/file.h"
#include "util/parse.h"

const char *proc__status_field(const char *status, const char *name, size_t *len)
{
	size_t name_len = strlen(name);

	for (const char *line = status; *line;) {
		size_t line_len = strcspn(line, "\n");

		if (!strncmp(line, name, name_len) && line[name_len] == ':') {
			const char *value = line + name_len + 1;

			value += strspn(value, " \t");
			*len = strcspn(value, "\n");
			return value;
		}
		line += line_len + (line[line_len] == '\n');
	}
	return NULL;
}

size_t proc__status_numbers(const char *status, const char *name, uint64_t *out, size_t max)
{
	size_t left, n = 0;
	const char *p = proc__status_field(status, name, &left);

	while (p && left) {
		size_t len = strcspn(p, " \t\n"), blanks = strspn(p + len, " \t");
		uint64_t number;
		char word[24];

		if (len >= sizeof(word))
			break;
		memcpy(word, p, len);
		word[len] = '\0';
		if (parse__u64(word, &number))
			break;
		if (n < max)
			out[n] = number;
		n++;
		p += len + blanks;
		left -= len + blanks;
	}
	return n;
}

static char *read_status(uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/status", pid);
	return file__read(path, NULL);
}

uint32_t proc__parent(uint32_t pid)
{
	char *text = read_status(pid);
	uint64_t parent = 0;

	if (text)
		proc__status_numbers(text, "PPid", &parent, 1);
	free(text);
	return (uint32_t)parent;
}

uint64_t proc__resident_bytes(uint32_t pid)
{
	char path[64], *text, *end;
	uint64_t pages = 0;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/statm", pid);
	text = file__read(path, NULL);
	if (!text)
		return 0;
	/* The second number: "size resident shared …". */
	end = strchr(text, ' ');
	if (end) {
		end[1 + strspn(end + 1, "0123456789")] = '\0';
		if (parse__u64(end + 1, &pages))
			pages = 0;
	}
	free(text);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t proc__own_memory(void)
{
	unsigned long long resident = 0, shared = 0;
	char text[256];
	ssize_t got;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2 || shared > resident)
		return 0;
	return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Finds an entry of an auxiliary vector whose words have `size` bytes. */
static bool find_auxv(const char *auxv, size_t len, size_t size, uint64_t type, uint64_t *value)
{
	for (size_t at = 0; at + 2 * size <= len; at += 2 * size) {
		uint64_t found = 0;

		*value = 0;
		memcpy(&found, auxv + at, size);
		memcpy(value, auxv + at + size, size);
		if (found == type)
			return true;
	}
	return false;
}

/* The kernel writes it in words of the program's size, with the size of a program header: that of
 * x32 is a 32-bit one in words of 64 bits. */
bool proc__auxv_is_32bit(const void *auxv, size_t len)
{
	uint64_t size;

	if (find_auxv(auxv, len, sizeof(uint64_t), AT_PHENT, &size) ||
	    find_auxv(auxv, len, sizeof(uint32_t), AT_PHENT, &size))
		return size == sizeof(Elf32_Phdr);
	return false;
}

bool proc__is_32bit(uint32_t pid)
{
	char path[64], *auxv;
	size_t len;
	bool is;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/auxv", pid);
	auxv = file__read(path, &len);
	is = auxv && proc__auxv_is_32bit(auxv, len);
	free(auxv);
	return is;
}

static uint64_t status_bytes(const char *status, const char *name)
{
	uint64_t kib = 0;

	proc__status_numbers(status, name, &kib, 1);
	return kib * 1024;
}

struct proc_memory proc__memory(uint32_t pid)
{
	struct proc_memory m = { 0 };
	uint64_t threads = 0, stack;
	char *text = read_status(pid);

	if (!text)
		return m;
	proc__status_numbers(text, "Threads", &threads, 1);
	m.threads = (uint32_t)threads;
	m.anonymous = status_bytes(text, "RssAnon") + status_bytes(text, "VmSwap");
	/* It grows as it is touched, but not all of it is resident: a small process may have less.
	 */
	stack = status_bytes(text, "VmStk");
	m.anonymous = m.anonymous > stack ? m.anonymous - stack : m.anonymous > 0;
	free(text);
	return m;
}

/* The number in a field of the text of a stat file, counted from the state, which is field 3: the
 * name before it may hold anything. */
static bool stat_number(char *text, unsigned int field, uint64_t *out)
{
	char *p = strrchr(text, ')');

	for (unsigned int i = 2; p && i < field; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return false;
	p[strcspn(p, " \n")] = '\0';
	return !parse__u64(p, out);
}

uint64_t proc__age(uint32_t pid)
{
	uint64_t ticks = 0, per_second = (uint64_t)sysconf(_SC_CLK_TCK), started, now;
	char path[64], *text;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	text = file__read(path, NULL);
	if (!text)
		return 0;
	if (!stat_number(text, 22, &ticks))
		ticks = 0;
	free(text);
	started = ticks / per_second * 1000000000 + ticks % per_second * (1000000000 / per_second);
	now = clock__boot_ns();
	return ticks && now > started ? now - started : 0;
}

static bool is_own_thread(uint64_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%" PRIu64, tid);
	return !access(path, F_OK);
}

/* The letter of its state; 0: it has ended. *tracer: what traces it, unless that is this process;
 * 0: nothing. */
static char read_state(uint32_t pid, uint64_t *tracer)
{
	char *text = read_status(pid), letter = 0;
	const char *state;
	size_t len;

	*tracer = 0;
	if (!text)
		return 0;
	state = proc__status_field(text, "State", &len);
	if (state && len)
		letter = *state;
	if (proc__status_numbers(text, "TracerPid", tracer, 1) && *tracer && is_own_thread(*tracer))
		*tracer = 0;
	free(text);
	return letter;
}

bool proc__is_stopped(uint32_t pid)
{
	uint64_t tracer;
	char state = read_state(pid, &tracer);

	return state == 'T' || (state == 't' && tracer);
}

uint32_t proc__debugger(uint32_t pid)
{
	uint64_t tracer;

	return read_state(pid, &tracer) == 't' ? (uint32_t)tracer : 0;
}

bool proc__has_variable(uint32_t pid, const char *name)
{
	size_t len = 0, name_len = strlen(name);
	char path[64], *text;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%" PRIu32 "/environ", pid);
	text = file__read(path, &len);
	if (!text)
		return true;
	for (const char *s = text; s < text + len && !found; s += strlen(s) + 1)
		found = !strncmp(s, name, name_len) && s[name_len] == '=';
	free(text);
	return found;
}
