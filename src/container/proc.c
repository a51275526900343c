/*
 * What can be told from processes alone: the ids in their cgroups' paths, their PID namespaces, and
 * how the runtimes' own daemons were started.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/internal.h"
#include "util/util.h"

#define ID_DIGITS 64

/* ---- ids in cgroup paths ---- */

/* Who puts which word before an id, in the same part of the path or in the one above. */
static const struct {
	const char *word, *runtime;
} words[] = {
	{ "docker", "docker" }, { "libpod", "podman" },	     { "cri-containerd", "containerd" },
	{ "crio", "cri-o" },	{ "nerdctl", "containerd" }, { "libpod_parent", "podman" },
};

static const char *runtime_of(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len && !strncmp(words[i].word, word, len))
			return words[i].runtime;
	return NULL;
}

static bool is_hex(const char *s, size_t len)
{
	return strspn(s, "0123456789abcdef") >= len;
}

static bool take_id(struct token *t, const char *runtime, const char *id, size_t len)
{
	if (!len || len >= sizeof(t->id))
		return false;
	t->runtime = runtime;
	memcpy(t->id, id, len);
	t->id[len] = '\0';
	return true;
}

/* "lxc.payload.NAME", or NAME below "lxc.payload" or a top that is called "lxc". */
static bool take_lxc(struct token *t, const char *part, size_t len, const char *above,
		     size_t above_len)
{
	static const char prefix[] = "lxc.payload.";
	size_t n = sizeof(prefix) - 1;

	if (len > n && !strncmp(part, prefix, n))
		return take_id(t, "lxc", part + n, len - n);
	if ((above_len == 3 && !strncmp(above, "lxc", 3)) ||
	    (above_len == n - 1 && !strncmp(above, prefix, n - 1)))
		return take_id(t, "lxc", part, len);
	return false;
}

/* One part of a path: 64 hexadecimal digits, alone or after a word and '-' or ':', and perhaps
 * ".scope". */
static bool take_part(struct token *t, const char *part, size_t len, const char *above,
		      size_t above_len)
{
	size_t n = len, word;
	const char *runtime, *start = part;

	if (n > 6 && !strncmp(part + n - 6, ".scope", 6))
		n -= 6;
	if (n < ID_DIGITS || !is_hex(part + n - ID_DIGITS, ID_DIGITS))
		return take_lxc(t, part, len, above, above_len);
	n -= ID_DIGITS;
	if (!n) {
		runtime = runtime_of(above, above_len);
		return take_id(t, runtime ? runtime : "container", part, ID_DIGITS);
	}
	word = n - 1;
	if (part[word] != '-' && part[word] != ':')
		return false;
	for (size_t i = 0; i < word; i++)
		if (part[i] == ':')
			start = part + i + 1;
	word -= (size_t)(start - part);
	/* The process that watches over a container is outside. */
	if (word >= 6 && !strncmp(start + word - 6, "conmon", 6))
		return false;
	runtime = runtime_of(start, word);
	return take_id(t, runtime ? runtime : "container", part + n, ID_DIGITS);
}

bool containers__next_token(const char *path, size_t *pos, struct token *t)
{
	while (path[*pos]) {
		const char *part = path + *pos + (path[*pos] == '/'), *above = part;
		size_t len = strcspn(part, "/"), above_len = 0;

		if (part > path + 1) {
			for (above = part - 1; above > path && above[-1] != '/';)
				above--;
			above_len = (size_t)(part - 1 - above);
		}
		*pos = (size_t)(part - path) + len;
		t->end = *pos;
		if (len && take_part(t, part, len, above, above_len))
			return true;
	}
	return false;
}

bool containers__innermost(char *text, struct token *t)
{
	struct cgroup_line line;
	size_t longest = 0;

	while (cgroups__next_line(&text, &line)) {
		struct token last;
		bool found = false;
		size_t pos = 0;

		while (containers__next_token(line.path, &pos, &last)) {
			if (last.end <= longest)
				continue;
			*t = last;
			found = true;
		}
		if (found)
			longest = t->end;
	}
	return longest != 0;
}

/* ---- processes ---- */

/* "" for the root directory of tests' files, which lies before /proc. */
static const char *prefix_of(const struct containers *cs)
{
	const char *root = containers__root(cs);

	return root[1] ? root : "";
}

static char *read_proc(const struct containers *cs, pid_t pid, const char *name, size_t *len)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/proc/%d/%s", prefix_of(cs), pid, name);
	return util__read_file(path, len);
}

char *containers__cgroup_text(const struct containers *cs, pid_t pid)
{
	return read_proc(cs, pid, "cgroup", NULL);
}

int containers__nesting(const struct containers *cs, pid_t pid, struct nesting *out)
{
	char path[PATH_BYTES], link[64] = "", *text, *at, *field;
	unsigned long long inode;
	uint64_t number;
	ssize_t len;

	*out = (struct nesting){ 0 };
	snprintf(path, sizeof(path), "%s/proc/%d/ns/pid", prefix_of(cs), pid);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0 || sscanf(link, "pid:[%llu]", &inode) != 1)
		return -ESRCH;
	out->inode = inode;
	text = read_proc(cs, pid, "status", NULL);
	at = text ? strstr(text, "\nNSpid:") : NULL;
	if (at) {
		at += strlen("\nNSpid:");
		at[strcspn(at, "\n")] = '\0';
		while ((field = strsep(&at, " \t"))) {
			if (util__parse_u64(field, &number))
				continue;
			out->innermost = (pid_t)number;
			out->level++;
		}
	}
	free(text);
	if (!out->level)
		return -ESRCH;
	out->level--;
	return 0;
}

int containers__open_pidns(const struct containers *cs, pid_t pid)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/proc/%d/ns/pid", prefix_of(cs), pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

bool containers__in_pidns(const struct containers *cs, pid_t pid, uint64_t inode)
{
	int fd = containers__open_pidns(cs, pid), parent;
	bool found = false;
	struct stat st;

	/* Up to our own, which has no parent that we may see. */
	while (fd >= 0 && !found) {
		found = fstat(fd, &st) == 0 && st.st_ino == inode;
		parent = found ? -1 : ioctl(fd, NS_GET_PARENT);
		close(fd);
		fd = parent;
	}
	return found;
}

void containers__scan(struct containers *cs,
		      void (*see)(struct containers *, pid_t pid, char *cgroups, const char *comm))
{
	char path[PATH_BYTES];
	const char *name;
	uint64_t pid;
	DIR *d;

	snprintf(path, sizeof(path), "%s/proc", prefix_of(cs));
	d = opendir(path);
	while (d && (name = containers__next_name(d))) {
		char *cgroups, *comm;

		if (util__parse_u64(name, &pid) || pid > INT32_MAX)
			continue;
		cgroups = read_proc(cs, (pid_t)pid, "cgroup", NULL);
		comm = read_proc(cs, (pid_t)pid, "comm", NULL);
		if (cgroups && comm)
			see(cs, (pid_t)pid, cgroups, comm);
		free(cgroups);
		free(comm);
	}
	if (d)
		closedir(d);
}

/* ---- how a daemon was started ---- */

void containers__root_of(const struct containers *cs, pid_t pid, char root[PATH_BYTES])
{
	snprintf(root, PATH_BYTES, "%s/proc/%d/root", prefix_of(cs), pid);
}

bool containers__directory(const struct containers *cs, pid_t pid, char out[PATH_BYTES])
{
	char path[PATH_BYTES], link[PATH_BYTES], root[PATH_BYTES];
	ssize_t len, root_len;

	snprintf(path, sizeof(path), "%s/proc/%d/cwd", prefix_of(cs), pid);
	len = readlink(path, link, sizeof(link) - 1);
	containers__root_of(cs, pid, path);
	root_len = readlink(path, root, sizeof(root) - 1);
	if (len <= 0 || root_len <= 0)
		return false;
	link[len] = root[root_len] = '\0';
	/* Links are told as we see them; a root of its own comes off again. */
	if (root[1] && !strncmp(link, root, (size_t)root_len) && link[root_len] == '/')
		snprintf(out, PATH_BYTES, "%s", link + root_len);
	else
		snprintf(out, PATH_BYTES, "%s", link);
	return true;
}

/* The value after `name` and `sep`, or, where sep is a NUL byte, in the string that follows. */
static bool find_value(const char *text, size_t len, const char *name, char sep,
		       char out[PATH_BYTES])
{
	size_t name_len = strlen(name);

	for (const char *s = text; s < text + len; s += strlen(s) + 1) {
		if (strncmp(s, name, name_len) || s[name_len] != sep)
			continue;
		s += name_len + 1;
		if (s >= text + len || snprintf(out, PATH_BYTES, "%s", s) >= PATH_BYTES)
			return false;
		return *out != '\0';
	}
	return false;
}

bool containers__argument(const struct containers *cs, pid_t pid, const char *name,
			  char out[PATH_BYTES])
{
	size_t len;
	char *text = read_proc(cs, pid, "cmdline", &len);
	bool found = text && (find_value(text, len, name, '=', out) ||
			      find_value(text, len, name, '\0', out));

	free(text);
	return found;
}

bool containers__variable(const struct containers *cs, pid_t pid, const char *name,
			  char out[PATH_BYTES])
{
	size_t len;
	char *text = read_proc(cs, pid, "environ", &len);
	bool found = text && find_value(text, len, name, '=', out);

	free(text);
	return found;
}
