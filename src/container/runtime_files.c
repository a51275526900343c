/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/runtime_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/parse.h"

DIR *runtime_files__open_directory(const char *root, const char *path)
{
	int fd = file__open_directory_in(root, path);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

const char *runtime_files__next_name(DIR *d)
{
	struct dirent *e;

	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			return e->d_name;
	return NULL;
}

char *runtime_files__read(const char *root, const char *path, size_t max)
{
	struct stat st;
	int fd = file__open_regular_in(root, path, 0, &st);
	char *text = NULL;
	size_t len;

	if (fd < 0)
		return NULL;
	/* A file that grows meanwhile is read up to the size that it had. */
	if (st.st_size >= 0 && (uint64_t)st.st_size <= max)
		text = file__read_end(fd, (uint64_t)st.st_size, max, &len);
	close(fd);
	return text;
}

pid_t runtime_files__read_pid(const char *root, const char *path)
{
	char *text = runtime_files__read(root, path, 64);
	uint64_t n = 0;

	if (!text)
		return 0;
	text[strcspn(text, " \t\r\n")] = '\0';
	if (parse__u64(text, &n) || n > INT32_MAX)
		n = 0;
	free(text);
	return (pid_t)n;
}
