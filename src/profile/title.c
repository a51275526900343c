/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/title.h"

#include <inttypes.h>
#include <string.h>

#include "profile/profile.h"
#include "profile/suppressions.h"
#include "profile/wrappers.h"
#include "util/array.h"

/*
 * The loops of interpreters, and what they call functions by. What runs in a loop is the program's
 * own code, but the stack does not show which. So the title is what the loop called for: the
 * outermost function inside of it.
 */
static const char *const loops[] = { "_PyEval_EvalFrameDefault",
				     "Perl_runops_standard",
				     "Perl_runops_debug",
				     "execute_ex",
				     "luaV_execute",
				     "vm_exec_core" };
static const char *const calls[] = { "^_PyObject_",
				     "^PyObject_Call",
				     "^PyObject_Vectorcall",
				     "^_PyFunction_Vectorcall",
				     "^PyCFunction_",
				     "^cfunction_",
				     "^method_vectorcall",
				     "^_PyVectorcall_",
				     "^PyVectorcall_",
				     "^type_call$",
				     "^slot_tp_",
				     "^do_call_core$" };

static bool has_function(const struct profile_frame *f)
{
	return f->func && *f->func;
}

static bool is_loop(const struct profile_frame *f)
{
	for (size_t i = 0; has_function(f) && i < ARRAY_SIZE(loops); i++) {
		if (!strcmp(f->func, loops[i]))
			return true;
	}
	return false;
}

static bool is_call(const struct profile_frame *f)
{
	for (size_t i = 0; has_function(f) && i < ARRAY_SIZE(calls); i++) {
		if (suppressions__matches(calls[i], f->func))
			return true;
	}
	return false;
}

/* Of the n frames inside of a loop; NULL: there is none. */
static const struct profile_frame *called_by_loop(const struct profile_frame *stack, size_t n)
{
	const struct profile_frame *unnamed = NULL;

	for (size_t i = n; i-- > 0;) {
		if (is_call(&stack[i]))
			continue;
		if (has_function(&stack[i]))
			return &stack[i];
		if (!unnamed)
			unnamed = &stack[i];
	}
	return unnamed;
}

const struct profile_frame *title__frame(const struct profile_frame *stack, size_t n)
{
	const struct profile_frame *own = NULL, *called;

	for (size_t i = 0; i < n; i++) {
		called = !own && is_loop(&stack[i]) ? called_by_loop(stack, i) : NULL;
		if (called)
			return called;
		if (stack[i].library)
			continue;
		if (has_function(&stack[i]))
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
	const char *start = wrappers__without_type(func), *end = parameter_list(start), *s = start;
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
