/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/languages.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

#include "profile/title.h"
#include "util/array.h"
#include "util/proc.h"

/* PHP has functions for each size that its compiler knows. */
#define PHP(size) " _emalloc_" #size "(bytes=" #size ")"

static const struct language table[] = {
	{
	    .name = "python",
	    .files = "python3* libpython3*",
	    .unseen = "python keeps small objects in arenas, where they are not seen",
	    .variable = "PYTHONMALLOC",
	    .setting = "PYTHONMALLOC=malloc",
	    .probes = "PyObject_Malloc(size=1) PyObject_Calloc(count=1,size=2) "
		      "PyObject_Realloc(ptr=1,size=2) PyObject_Free(ptr=1) "
		      "PyMem_Malloc(size=1) PyMem_Calloc(count=1,size=2) "
		      "PyMem_Realloc(ptr=1,size=2) PyMem_Free(ptr=1)",
	    .api = "PyObject_",
	    .naming = "start it with -X perf (Python 3.12)",
	},
	{
	    .name = "php",
	    .files = "php php[0-9]* php-fpm* php-cgi* libphp*",
	    .unseen = "PHP keeps objects in chunks, where they are not seen",
	    .variable = "USE_ZEND_ALLOC",
	    .setting = "USE_ZEND_ALLOC=0",
	    .probes =
		"_emalloc(size=1) _ecalloc(count=1,size=2) _erealloc(ptr=1,size=2) "
		"_erealloc2(ptr=1,size=2) _efree(ptr=1) _emalloc_large(size=1) "
		"_emalloc_huge(size=1) _efree_large(free,ptr=1,size=2) "
		"_efree_huge(free,ptr=1,size=2)" PHP(8) PHP(16) PHP(24) PHP(32) PHP(40) PHP(48)
		    PHP(56) PHP(64) PHP(80) PHP(96) PHP(112) PHP(128) PHP(160) PHP(192) PHP(224)
			PHP(256) PHP(320) PHP(384) PHP(448) PHP(512) PHP(640) PHP(768) PHP(896)
			    PHP(1024) PHP(1280) PHP(1536) PHP(1792) PHP(2048) PHP(2560) PHP(3072),
	    .api = "_emalloc",
	    .naming = "start it with -d opcache.jit_debug=16",
	},
	{
	    .name = "java",
	    .files = "java libjvm.so",
	    .naming = "start it with -XX:+PreserveFramePointer, and then run "
		      "jcmd PID Compiler.perfmap",
	    .renewing = "run jcmd PID Compiler.perfmap again",
	},
	{
	    .name = "node",
	    .files = "node nodejs libnode.so*",
	    .naming = "start it with --perf-basic-prof",
	},
	{
	    .name = "dotnet",
	    .files = "dotnet libcoreclr.so",
	    .naming = "start it with DOTNET_PerfMapEnabled=1",
	},
	{
	    .name = "luajit",
	    .files = "luajit* libluajit*",
	    .naming = "use a LuaJIT that was built with -DLUAJIT_USE_PERFTOOLS",
	},
	{
	    .name = "ruby",
	    .files = "ruby ruby[0-9]* libruby*",
	    .naming = "start it with --yjit-perf (Ruby 3.3)",
	},
	{
	    .name = "erlang",
	    .files = "beam.smp",
	    .naming = "start it with +JPperf true",
	},
};

const struct language *languages__get(size_t i)
{
	return i < ARRAY_SIZE(table) ? &table[i] : NULL;
}

_Static_assert(ARRAY_SIZE(table) <= LANGUAGES_MOST, "languages");

size_t languages__row(const struct language *r)
{
	return (size_t)(r - table);
}

static bool matches(const char *files, const char *name)
{
	char pattern[32];

	for (size_t len; *files; files += len + (files[len] == ' ')) {
		len = strcspn(files, " ");
		if (len >= sizeof(pattern))
			continue;
		memcpy(pattern, files, len);
		pattern[len] = '\0';
		if (!fnmatch(pattern, name, 0))
			return true;
	}
	return false;
}

const struct language *languages__of_file(const char *path)
{
	const char *name = title__basename(path);

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (matches(table[i].files, name))
			return &table[i];
	return NULL;
}

const struct language *languages__hiding(const char *exe, uint32_t pid)
{
	const struct language *l = languages__of_file(exe);

	return l && l->unseen && !proc__has_variable(pid, l->variable) ? l : NULL;
}

const struct language *languages__preset(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].probes && !strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

void languages__add_clause(struct strbuf *sb, const char *clause, uint32_t pid)
{
	const char *at = strstr(clause, "PID");

	if (!at) {
		strbuf__adds(sb, clause);
		return;
	}
	strbuf__add(sb, clause, (size_t)(at - clause));
	strbuf__addf(sb, "%" PRIu32 "%s", pid, at + strlen("PID"));
}
