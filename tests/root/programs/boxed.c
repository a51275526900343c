/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs in a root directory of its own: creates /ready, waits for a byte from /go, allocates through
 * a library and through code that it makes at run time and lists in /tmp/perf-PID.map (PID in its
 * own namespace), creates /done, and ends when /go is closed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *(*allocate)(size_t);

void work(void);

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void say(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	must(fd >= 0, path);
	close(fd);
}

#ifdef __x86_64__
static void *made_code(void)
{
	/* push %rbp; mov %rsp,%rbp; mov %rdi,%rax; mov $4242,%edi; call *%rax; pop %rbp; ret */
	static const unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8, 0xbf,
					      0x92, 0x10, 0,	0,    0xff, 0xd0, 0x5d, 0xc3 };
	char path[64];
	FILE *map;
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	must(p != MAP_FAILED, "mmap");
	memcpy(p, code, sizeof(code));
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
	map = fopen(path, "wx"); /* unless a test put a file there */
	if (map) {
		fprintf(map, "%lx %zx made_code\n", (unsigned long)p, sizeof(code));
		fclose(map);
	}
	return p;
}
#else
static void *made_code(void)
{
	return NULL;
}
#endif

int main(void)
{
	void *(*made)(allocate) = (void *(*)(allocate))made_code();
	char go;
	int fd;

	say("/ready");
	fd = open("/go", O_RDONLY | O_CLOEXEC);
	must(fd >= 0 && read(fd, &go, 1) == 1, "/go");
	work();
	if (made)
		made(malloc);
	say("/done");
	while (read(fd, &go, 1) > 0)
		;
	return 0;
}
