/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/title.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "profile/profile.h"
#include "profile/suppressions.h"
#include "util/array.h"

/* ---- what is skipped: patterns as in suppressions.h ---- */

static const char *const library_functions[] = {
	"^malloc$",
	"^calloc$",
	"^realloc$",
	"^reallocarray$",
	"^memalign$",
	"^aligned_alloc$",
	"^posix_memalign$",
	"^valloc$",
	"^pvalloc$",
	/* In a static program these are its own. */
	"^strdup$",
	"^__strdup$",
	"^strndup$",
	"^__strndup$",
	"^asprintf$",
	"^vasprintf$",
	"^getline$",
	"^getdelim$",
	"^__libc_start",
	"^_start$",
	"^operator new",
	"^operator delete",
	"^std::",
	"^__gnu_cxx::",
	"^__cxxabiv1::",
	"^alloc::",
	"^<alloc::",
	"^core::",
	"^<core::",
	"^<std::",
	"^hashbrown::",
	"^<hashbrown::",
	"^__rust_",
	"^__rdl_",
	"^__rg_",
	/* Well-known wrappers of malloc: their callers are of interest. */
	"^xmalloc",
	"^xcalloc",
	"^xrealloc",
	"^xzalloc",
	"^xstrdup",
	"^xstrndup",
	"^zmalloc",
	"^zcalloc",
	"^zrealloc",
	"^zstrdup",
	"^ztrymalloc",
	"^ztrycalloc",
	"^ztryrealloc",
	"^sdsnewlen",
	"^_sdsnewlen",
	"^sdsMakeRoomFor",
	"^_sdsMakeRoomFor",
	"^g_malloc",
	"^g_try_malloc",
	"^g_realloc",
	"^g_slice_alloc",
	"^g_strdup",
	"^g_strndup",
	"^g_memdup",
	"^PyMem_",
	"^_PyMem_",
	"^PyObject_Malloc",
	"^PyObject_Calloc",
	"^PyObject_Realloc",
	"^_PyObject_Malloc",
	"^_PyObject_GC_",
	"^PyType_GenericAlloc",
	"^Perl_safesys",
	"^Perl_sv_grow",
	"^ngx_alloc$",
	"^ngx_calloc$",
	"^ngx_memalign$",
	"^ngx_palloc",
	"^ngx_pcalloc$",
	"^ngx_pnalloc$",
	"^palloc",
	"^repalloc$",
	"^MemoryContextAlloc",
	"^AllocSetAlloc",
	"^AllocSetRealloc",
	"^GenerationAlloc",
	"^CRYPTO_malloc$",
	"^CRYPTO_zalloc$",
	"^CRYPTO_realloc$",
	"^CRYPTO_strdup$",
	"^sqlite3Malloc",
	"^sqlite3_malloc",
	"^sqlite3MemMalloc$",
	"^sqlite3DbMalloc",
	"^av_malloc",
	"^av_realloc",
	"^av_calloc",
};

static const char *const library_modules[] = {
	"/libc.so.6$",	   "/libc-2.*.so$",   "/ld-linux*.so",	 "/ld-2.*.so$",
	"/ld-musl-*.so",   "/libc.musl-*.so", "/libpthread.so",	 "/libpthread-2.*.so$",
	"/libdl.so",	   "/libm.so.6$",     "/libstdc++.so",	 "/libgcc_s.so",
	"/libc++.so",	   "/libc++abi.so",   "/libjemalloc.so", "/libtcmalloc",
	"/libmimalloc.so",
};

static bool any_matches(const char *const patterns[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (suppressions__matches(patterns[i], name))
			return true;
	}
	return false;
}

static bool is_word(char c)
{
	return c == '_' || isalnum((unsigned char)c);
}

/* Whether "decltype" or "decltype " stands before `s`. */
static bool follows_decltype(const char *name, const char *s)
{
	const size_t len = strlen("decltype");

	s -= s > name && s[-1] == ' ';
	return (size_t)(s - name) >= len && !strncmp(s - len, "decltype", len);
}

/* Names of templates begin with the type that they return: "void std::swap<int>(int&, int&)". */
static const char *without_type(const char *name)
{
	static const char anonymous[] = "(anonymous namespace)";
	const char *start = name, *s = name;
	size_t depth = 0;

	for (; *s; s++) {
		if (!strncmp(s, anonymous, strlen(anonymous)))
			s += strlen(anonymous) - 1;
		else if (*s == '<' || *s == '[')
			depth++;
		else if ((*s == '>' || *s == ']' || (*s == ')' && depth)) && depth)
			depth--;
		else if (*s == '(' && !depth && !follows_decltype(name, s))
			break; /* the parameters */
		else if (*s == '(')
			depth++;
		else if (*s == ' ' && !depth)
			start = s + 1;
		else if (!depth && !strncmp(s, "operator", 8) && !is_word(s[8]) &&
			 (s == name || !is_word(s[-1])))
			break; /* its brackets are part of the name */
	}
	return start;
}

bool title__is_library(const struct profile_frame *f)
{
	return any_matches(library_modules, ARRAY_SIZE(library_modules), f->module) ||
	       (f->func && any_matches(library_functions, ARRAY_SIZE(library_functions),
				       without_type(f->func)));
}

const struct profile_frame *title__frame(const struct profile_frame *stack, size_t n)
{
	const struct profile_frame *own = NULL;

	for (size_t i = 0; i < n; i++) {
		if (title__is_library(&stack[i]))
			continue;
		if (stack[i].func && *stack[i].func)
			return &stack[i];
		if (!own)
			own = &stack[i];
	}
	return own ? own : n ? stack : NULL;
}

const char *title__basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

void title__add(struct strbuf *sb, const struct profile_frame *f)
{
	if (f->func && *f->func)
		strbuf__adds(sb, f->func);
	else if (f->module && *f->module)
		strbuf__addf(sb, "%s+0x%" PRIx64, title__basename(f->module), f->offset);
	else
		strbuf__addf(sb, "0x%" PRIx64, f->offset);
}

/* ---- a rule that matches ---- */

static void add_literally(struct strbuf *sb, const char *s, const char *end)
{
	for (; s < end; s++)
		strbuf__addc(sb, (unsigned char)*s < ' ' || *s == 0x7f ? '*' : *s);
}

/* The start of the parameters; the end of the name if it has none. */
static const char *parameter_list(const char *name)
{
	const char *end = name + strlen(name), *open = strchr(name, '(');

	if (open == name || !open || strstr(name, "operator") || strchr(name, '{'))
		return end;
	return open;
}

static void add_function_pattern(struct strbuf *sb, const char *func)
{
	const char *start = without_type(func), *end = parameter_list(start), *s = start;
	bool operator= strstr(start, "operator");
	const char *open = operator? NULL : memchr(start, '<', (size_t)(end - start));
	const char *close = open ? memrchr(open, '>', (size_t)(end - open)) : NULL;

	/* Not every name of the function has the type in front. */
	strbuf__adds(sb, start == func ? "leak:^" : "leak:");
	if (close) {
		add_literally(sb, s, open + 1);
		strbuf__addc(sb, '*');
		s = close;
	}
	add_literally(sb, s, end);
	strbuf__adds(sb, *end ? "(" : "$");
}

void title__suppression(struct strbuf *sb, const struct profile_frame *f)
{
	const char *slash;

	if (f->func && *f->func) {
		add_function_pattern(sb, f->func);
	} else if (f->module && *f->module) {
		slash = strrchr(f->module, '/');
		strbuf__adds(sb, "leak:");
		add_literally(sb, slash ? slash : f->module, f->module + strlen(f->module));
		strbuf__addc(sb, '$');
	}
}
