/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/wrappers.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile/rule_lines.h"
#include "profile/suppressions.h"
#include "util/array.h"

#define TYPE "wrapper:"

/*
 * Patterns as in suppressions.h. What belongs here returns memory that is its caller's affair:
 * allocation functions, and the containers and strings of base libraries, as those of std::.
 */
/* clang-format off */
static const char *const functions[] = {
	/* The C library's: in a static program these are the program's. */
	"^malloc$", "^calloc$", "^realloc$", "^reallocarray$", "^memalign$", "^aligned_alloc$",
	"^posix_memalign$", "^valloc$", "^pvalloc$", "^strdup$", "^__strdup$", "^strndup$",
	"^__strndup$", "^asprintf$", "^vasprintf$", "^getline$", "^getdelim$",
	/* How programs and threads begin. */
	"^_start$", "^__libc_start", "^start_thread$", "^clone3$", "^__clone3$", "^__clone$",
	"^clone$",
	/* Allocators. */
	"^je_", "^mi_malloc", "^mi_calloc", "^mi_realloc", "^mi_zalloc", "^mi_new",
	"^mi_heap_", "^_mi_", "^tc_malloc", "^tc_calloc", "^tc_realloc", "^tc_new",
	"^tcmalloc::",
	/* C++. */
	"^operator new", "^operator delete", "^std::", "^__gnu_cxx::", "^__cxxabiv1::",
	"^boost::", "^absl::",
	/* Rust. */
	"^alloc::", "^<alloc::", "^core::", "^<core::", "^<std::", "^hashbrown::",
	"^<hashbrown::", "^__rust_", "^__rdl_", "^__rg_",
	/* Go: what leads from Go to C's malloc. */
	"_Cfunc__C", "_Cfunc_CString", "_Cfunc_CBytes", "_Cfunc_malloc", "_Cfunc_calloc",
	"_Cfunc_realloc", "._cgo_cmalloc", "^runtime.cgocall", "^runtime.asmcgocall",
	"^runtime.systemstack", "^runtime.goexit", "^runtime.main", "^crosscall2$",
	/* Functions that many programs have. */
	"^xmalloc", "^xcalloc", "^xrealloc", "^xzalloc", "^xstrdup", "^xstrndup", "^xasprintf",
	"^xmemdup", "^do_xmalloc", "^safe_malloc", "^safe_calloc", "^safe_realloc",
	/* GLib and GObject. */
	"^g_malloc", "^g_try_malloc", "^g_realloc", "^g_try_realloc", "^g_aligned_alloc",
	"^g_rc_box_", "^g_atomic_rc_box_", "^g_slice_", "^g_new", "^g_memdup", "^g_strdup",
	"^g_strndup", "^g_strconcat", "^g_strjoin", "^g_string_", "^g_array_",
	"^g_byte_array_", "^g_ptr_array_", "^g_list_", "^g_slist_", "^g_queue_",
	"^g_hash_table_", "^g_bytes_new", "^g_object_new", "^g_type_create_instance$",
	/* Qt. */
	"^QArrayData::", "^QTypedArrayData<", "^QString::", "^QByteArray::", "^QList<",
	"^QListData::", "^QVector<", "^QMap<", "^QMapData", "^QHash<", "^QHashData::",
	"^QHashPrivate::", "^QtPrivate::", "^QSharedPointer<", "^QtSharedPointer::",
	/* OpenSSL. */
	"^CRYPTO_malloc", "^CRYPTO_zalloc", "^CRYPTO_calloc", "^CRYPTO_realloc",
	"^CRYPTO_clear_realloc", "^CRYPTO_strdup", "^CRYPTO_strndup", "^CRYPTO_memdup",
	"^CRYPTO_aligned_alloc", "^CRYPTO_array_alloc", "^BUF_MEM_grow", "^OPENSSL_sk_",
	"^OPENSSL_LH_", "^default_malloc_ex",
	/* ICU. */
	"^uprv_malloc", "^uprv_calloc", "^uprv_realloc", "UMemory::operator",
	/* zlib: its state is the caller's. */
	"flateInit",
	/* libxml2. */
	"^xmlMalloc", "^xmlMemMalloc", "^xmlRealloc", "^xmlMemRealloc", "^xmlStrdup",
	"^xmlStrndup", "^xmlMemStrdup", "^xmlCharStrdup",
	/* SQLite. */
	"^sqlite3Malloc", "^sqlite3_malloc", "^sqlite3MemMalloc", "^sqlite3Realloc",
	"^sqlite3_realloc", "^sqlite3MemRealloc", "^sqlite3DbMalloc", "^sqlite3DbRealloc",
	"^sqlite3DbStrDup", "^sqlite3DbStrNDup", "^sqlite3_mprintf", "^sqlite3_vmprintf",
	"^dbMallocRawFinish", "^dbReallocFinish", "^mallocWithAlarm",
	/* FFmpeg, talloc, gRPC. */
	"^av_malloc", "^av_realloc", "^av_calloc", "^av_fast_malloc", "^talloc_", "^_talloc",
	"^__talloc", "^gpr_malloc", "^gpr_zalloc", "^gpr_realloc", "^gpr_strdup",
	/* APR and nginx. */
	"^apr_palloc", "^apr_pcalloc", "^apr_pstr", "^apr_pmemdup", "^apr_allocator_alloc",
	"^apr_pool_create", "^allocator_alloc$", "^ngx_alloc$", "^ngx_calloc$",
	"^ngx_memalign$", "^ngx_palloc", "^ngx_pcalloc$", "^ngx_pnalloc$", "^ngx_pmemalign$",
	"^ngx_create_pool$", "^ngx_array_push", "^ngx_list_push$",
	/* redis. */
	"^zmalloc", "^zcalloc", "^zrealloc", "^zstrdup", "^ztrymalloc", "^ztrycalloc",
	"^ztryrealloc", "^sdsnew", "^_sdsnew", "^sdsdup", "^sdsempty", "^sdscat",
	"^sdsgrowzero", "^sdsMakeRoomFor", "^_sdsMakeRoomFor", "^dictAdd", "^dictReplace",
	"^dictExpand", "^_dictExpand", "^listAddNode", "^createObject$", "^createStringObject",
	"^createRawStringObject", "^createEmbeddedStringObject", "^dupStringObject",
	/* PostgreSQL. */
	"^palloc", "^repalloc", "^pstrdup$", "^pnstrdup$", "^psprintf$", "^MemoryContextAlloc",
	"^MemoryContextStrdup$", "^AllocSetContextCreate", "^AllocSetAlloc",
	"^AllocSetRealloc", "^GenerationContextCreate", "^GenerationAlloc",
	"^SlabContextCreate", "^SlabAlloc", "^copyObject", "^list_copy", "^lappend",
	"^new_list", "^enlarge_list",
	/* Python. */
	"^PyMem_", "^_PyMem_", "^PyObject_Malloc", "^PyObject_Calloc", "^PyObject_Realloc",
	"^_PyObject_", "^PyObject_GC_", "^_PyGC_", "^PyType_GenericAlloc",
	"^_PyType_AllocNoTrack", "^PyBytes_", "^_PyBytes_", "^PyByteArray_", "^PyUnicode_",
	"^_PyUnicode_", "^PyList_", "^_PyList_", "^PyDict_", "^_PyDict_", "^PyTuple_",
	"^_PyTuple_", "^PySet_", "^PyLong_From", "^PyFloat_From", "^new_arena$",
	"^pymalloc_alloc$",
	/* PHP. */
	"^__zend_", "^_emalloc", "^_ecalloc", "^_erealloc", "^_estrdup", "^_estrndup",
	"^_safe_*alloc", "^zend_mm_", "^_zend_mm_", "^zend_strndup$", "^smart_str_erealloc",
	"^smart_str_realloc",
	/* Ruby. */
	"^ruby_xmalloc", "^ruby_xcalloc", "^ruby_xrealloc", "^ruby_mimmalloc", "^ruby_strdup$",
	"^objspace_x", "^objspace_malloc", "^rb_gc_impl_malloc", "^rb_gc_impl_calloc",
	"^rb_gc_impl_realloc", "^rb_alloc_tmp_buffer", "^rb_aligned_malloc", "^rb_xmalloc",
	"^rb_xcalloc", "^rb_xrealloc",
	/* Perl. */
	"^Perl_safesys", "^Perl_sv_grow", "^Perl_more_bodies$", "^Perl_more_sv$",
	"^S_more_sv$", "^Perl_get_arena$", "^Perl_savepv", "^Perl_savesvpv",
	"^Perl_savesharedpv",
	/* Lua. */
	"^l_alloc$", "^luaM_", "^luaC_newobj", "^luaC_link$", "^luaS_new", "^luaH_new",
	"^luaH_resize",
	/* The JVM. */
	"^os::malloc", "^os::realloc", "^os::strdup", "^AllocateHeap", "^ReallocateHeap",
	"^Unsafe_AllocateMemory", "^Unsafe_ReallocateMemory", "^Arena::", "^Chunk::operator",
	"^ChunkPool::", "^CHeapObj<*>::operator", "^AnyObj::operator",
	"^ResourceObj::operator", "^ArrayAllocator<", "^GrowableArray",
	/* V8 and node. */
	"^v8::internal::Malloced::operator", "^v8::internal::AllocWithRetry",
	"^v8::internal::AlignedAlloc", "^v8::internal::NewArray", "^v8::internal::Zone::",
	"^v8::internal::AccountingAllocator::", "^v8::base::Malloc", "^v8::base::Calloc",
	"^v8::base::Realloc", "^v8::base::AlignedAlloc", "^node::UncheckedMalloc",
	"^node::Malloc", "^node::Calloc", "^node::Realloc",
	"^node::NodeArrayBufferAllocator::", "^uv__malloc", "^uv__calloc", "^uv__realloc",
	"^uv__strdup",
};
/* clang-format on */

static const char *const modules[] = {
	"/libc.so.6$",	   "/libc-2.*.so$",   "/ld-linux*.so",	 "/ld-2.*.so$",
	"/ld-musl-*.so",   "/libc.musl-*.so", "/libpthread.so",	 "/libpthread-2.*.so$",
	"/libdl.so",	   "/libm.so.6$",     "/libstdc++.so",	 "/libgcc_s.so",
	"/libc++.so",	   "/libc++abi.so",   "/libjemalloc.so", "/libtcmalloc",
	"/libmimalloc.so", "/bin/python3",    "/libpython3",
};

struct wrappers {
	char **patterns;
	size_t n, cap;
};

struct wrappers *wrappers__new(void)
{
	return calloc(1, sizeof(struct wrappers));
}

void wrappers__free(struct wrappers *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->patterns[i]);
	free(w->patterns);
	free(w);
}

static int add_pattern(void *ctx, const char *line, size_t len, size_t number)
{
	struct wrappers *w = ctx;
	char *pattern;

	(void)number;
	if (array__grow(&w->patterns, &w->cap, w->n + 1, sizeof(*w->patterns)))
		return -ENOMEM;
	pattern = strndup(line + strlen(TYPE), len - strlen(TYPE));
	if (!pattern)
		return -ENOMEM;
	w->patterns[w->n++] = pattern;
	return 0;
}

int wrappers__add_text(struct wrappers *w, const char *text, size_t len, size_t *line,
		       const char **why)
{
	return rule_lines__each(text, len, TYPE, add_pattern, w, line, why);
}

/* ---- matching ---- */

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

const char *wrappers__without_type(const char *func)
{
	static const char anonymous[] = "(anonymous namespace)";
	const char *start = func, *s = func;
	size_t depth = 0;

	for (; *s; s++) {
		if (!strncmp(s, anonymous, strlen(anonymous)))
			s += strlen(anonymous) - 1;
		else if (*s == '<' || *s == '[')
			depth++;
		else if ((*s == '>' || *s == ']' || (*s == ')' && depth)) && depth)
			depth--;
		else if (*s == '(' && !depth && !follows_decltype(func, s))
			break; /* the parameters */
		else if (*s == '(')
			depth++;
		else if (*s == ' ' && !depth)
			start = s + 1;
		else if (!depth && !strncmp(s, "operator", 8) && !is_word(s[8]) &&
			 (s == func || !is_word(s[-1])))
			break; /* its brackets are part of the name */
	}
	return start;
}

/* Most patterns are told apart by the name's first letter. */
static bool any_matches(const char *const patterns[], size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (patterns[i][0] == '^' && patterns[i][1] != *name)
			continue;
		if (suppressions__matches(patterns[i], name))
			return true;
	}
	return false;
}

bool wrappers__has(const struct wrappers *w, const char *func, const char *module)
{
	const char *name = func && *func ? wrappers__without_type(func) : NULL;

	if (module && any_matches(modules, ARRAY_SIZE(modules), module))
		return true;
	if (name && any_matches(functions, ARRAY_SIZE(functions), name))
		return true;
	for (size_t i = 0; w && i < w->n; i++) {
		if (suppressions__matches(w->patterns[i], name) ||
		    suppressions__matches(w->patterns[i], module))
			return true;
	}
	return false;
}
