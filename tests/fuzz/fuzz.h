/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

/* What must hold for any input. */
static inline void require(int condition)
{
	if (!condition)
		abort();
}

/* Reads a string to its end, so that a sanitizer sees all of it. NULL is an empty one. */
static inline size_t read_through(const char *s)
{
	static volatile size_t total;

	total += s ? strlen(s) : 0;
	return total;
}

/* Reads all of a buffer. */
static inline void read_bytes(const void *bytes, size_t len)
{
	static volatile uint8_t sum;
	const uint8_t *p = bytes;

	for (size_t i = 0; p && i < len; i++)
		sum ^= p[i];
}

/* The input in memory of its own length, so that a read past its end is seen. The caller frees. */
static inline char *exact_copy(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1);

	require(copy != NULL);
	memcpy(copy, data, size);
	return copy;
}

/* The input up to its first NUL byte, as a string. The caller frees. */
static inline char *as_string(const uint8_t *data, size_t size)
{
	char *copy = strndup((const char *)data, size);

	require(copy != NULL);
	return copy;
}

/* Cuts the first line off a text. Returns the rest, empty if there is none. */
static inline char *cut_line(char *text)
{
	char *end = strchr(text, '\n');

	if (!end)
		return text + strlen(text);
	*end = '\0';
	return end + 1;
}

/* A file that holds the input: always the same one. */
static inline int as_file(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	require(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return fd;
}

#endif
