/* What the files of the joint share: a runtime is a row that looks around and tells what it saw. */
#ifndef MEMTRACE_CONTAINER_INTERNAL_H
#define MEMTRACE_CONTAINER_INTERNAL_H

#include <dirent.h>
#include <json-c/json_types.h>
#include <stdbool.h>

#include "container/containers.h"

#define SMALL_FILE (64u << 10)
#define CONFIG_FILE (4u << 20)	/* of one container */
#define ROSTER_FILE (64u << 20) /* of all of a runtime's */
#define PATH_BYTES 4096
#define SANDBOX "sandbox"
#define LONG_ID 32 /* ids that long are random, and nobody else's */

/* What one place says of one container; only runtime and id must be there. Strings are copied. */
struct sighting {
	const char *runtime, *id, *name, *pod, *space;
	const char *hint; /* a cgroup's path, or the end of one, that is the container's */
	pid_t pid;	  /* of its init process, as some file claims; 0: none */
	bool pause;	  /* holds a pod's namespaces, and nothing that anybody wants to trace */
	bool old;	  /* names may have changed since: only what nobody told yet */
};

/* A row of the table of runtimes. Rows that come first know names better. */
struct runtime {
	const char *name;
	void (*look)(struct containers *cs);
};

void containers__look_docker(struct containers *cs);
void containers__look_containerd(struct containers *cs);
void containers__look_storage(struct containers *cs); /* podman and CRI-O */
void containers__look_runc(struct containers *cs);
void containers__look_crun(struct containers *cs);
void containers__look_machines(struct containers *cs); /* systemd-nspawn */

#define HINTS_MAX 16

/* What is known of a container. */
struct entry {
	struct container c; /* first: they are cast */
	size_t row;	    /* that named the runtime; NO_ROW: a guess */
	bool pause;
	bool here;	    /* seen by the last look-around */
	unsigned int looks; /* for its name */
	const char *hints[HINTS_MAX];
	size_t nhints;
	pid_t claimed; /* by files */
	pid_t seen;    /* in its cgroup, the first of a namespace if possible */
	bool seen_first;
	int held; /* its PID namespace, -1: not held */
};

/* Whether a sighting is of this container. */
bool containers__same(const struct entry *e, const struct sighting *s);
/* Takes a process for the container's first, if it can be. */
bool containers__adopt(struct containers *cs, struct entry *e, pid_t pid);
/* A copy that lives as long as `cs`; NULL for NULL, or without memory, which is remembered. */
const char *containers__keep(struct containers *cs, const char *s);

/* ---- for the rows ---- */

/* Copes with a NULL or empty id. */
void containers__sight(struct containers *cs, const struct sighting *s);
/* Whether the name of a long id is known already: most descriptions never change. */
bool containers__named(const struct containers *cs, const char *id);
const char *containers__root(const struct containers *cs); /* "/" but in tests */

/* The processes of a runtime itself, of those that the last refresh saw: the next after `pid` whose
 * comm begins so; start with 0. 0: no more. */
pid_t containers__next_helper(const struct containers *cs, const char *comm, pid_t pid);
/* Its root directory, where paths that it was given lie. What is sighted from here on is what its
 * files say, whose process ids count only if they are ours. */
void containers__ask_helper(struct containers *cs, pid_t pid, char root[PATH_BYTES]);
/* A process's argument "--name VALUE" or "--name=VALUE", cut to fit. */
bool containers__argument(const struct containers *cs, pid_t pid, const char *name,
			  char out[PATH_BYTES]);
/* Its working directory, as it sees it. */
bool containers__directory(const struct containers *cs, pid_t pid, char out[PATH_BYTES]);
/* A variable of its environment. */
bool containers__variable(const struct containers *cs, pid_t pid, const char *name,
			  char out[PATH_BYTES]);

/* ---- files, below a root directory which symbolic links do not leave ---- */

DIR *containers__open_directory(const char *root, const char *path); /* NULL: cannot be read */
/* The same, and NULL where this refresh was there already. */
DIR *containers__visit(struct containers *cs, const char *root, const char *path);
const char *containers__next_name(DIR *d); /* NULL at the end; not those that begin with a dot */
/* As a string that the caller frees; NULL also for what is longer than `max`. */
char *containers__read(const char *root, const char *path, size_t max);
pid_t containers__read_pid(const char *root, const char *path); /* 0: none */

/* ---- JSON ---- */

/* To be freed with containers__free_json. NULL where it is not wholly valid. */
struct json_object *containers__parse_json(const char *text);
struct json_object *containers__read_json(const char *root, const char *path, size_t max);
void containers__free_json(struct json_object *o);
/* Each takes NULL and anything that is no object. Strings are not empty, and have no NUL bytes. */
struct json_object *containers__member(struct json_object *o, const char *key);
const char *containers__as_string(struct json_object *o);
const char *containers__string(struct json_object *o, const char *key);	      /* of a member */
pid_t containers__pid(struct json_object *o, const char *key);		      /* 0: none */
struct json_object *containers__element(struct json_object *array, size_t i); /* NULL at the end */
/* The next member of an object that is a string; start with *pos = 0. */
const char *containers__next_string(struct json_object *o, size_t *pos);
/* What Kubernetes and its like wrote into labels or annotations. */
void containers__read_labels(struct json_object *labels, struct sighting *s);

/* ---- cgroup paths and processes (containers_running.c) ---- */

/* A container's own directory in a cgroup path, told by its name alone. */
struct token {
	const char *runtime; /* a guess */
	char id[256];
	size_t end; /* the path up to and with it */
};

/* NULL: unknown. */
struct entry *containers__of_token(const struct containers *cs, const struct token *t);
/* The next one from *pos on; start with 0. False at the end. */
bool containers__next_token(const char *path, size_t *pos, struct token *t);
/* The last one of the longest path in the text of /proc/PID/cgroup, which is cut up. */
bool containers__innermost(char *text, struct token *t);

/* What a process's PID namespaces are, from the outermost that we see. */
struct nesting {
	uint64_t inode;	 /* of the innermost */
	uint32_t level;	 /* 0: that of our /proc */
	pid_t innermost; /* its number there */
};

int containers__open_pidns(const struct containers *cs, pid_t pid); /* -1: no such process */
void containers__root_of(const struct containers *cs, pid_t pid, char root[PATH_BYTES]);
int containers__nesting(const struct containers *cs, pid_t pid, struct nesting *out);
char *containers__cgroup_text(const struct containers *cs, pid_t pid); /* NULL: no such process */
/* Whether it is in the namespace, or in one below it. */
bool containers__in_pidns(const struct containers *cs, pid_t pid, uint64_t inode);

/* Calls `see` with every process and its cgroup text, which it may cut up, and its comm. */
void containers__scan(struct containers *cs,
		      void (*see)(struct containers *, pid_t pid, char *cgroups, const char *comm));

/* Keeps the number of its PID namespace from being used again. */
void containers__hold(struct containers *cs, const struct container *c);
bool containers__is_pause(const struct container *c);
bool containers__is_here(const struct container *c); /* it was not removed meanwhile */
/* The container with such an id, looked for at most once a second where it has no name yet; at
 * worst made up. */
const struct container *containers__known(struct containers *cs, const struct token *t);
/* The one that is nothing but a PID namespace. */
const struct container *containers__sandbox(struct containers *cs, pid_t pid,
					    const struct nesting *nesting);

#endif
