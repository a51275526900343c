/*
 * The table of allocation functions: one row a function name, by the semantics that its manual
 * page gives. Adding an allocator is adding rows. A row's index travels in the attach cookie and in
 * every event (event.h); rows that stand for system calls are never looked for in files.
 */
#ifndef MEMTRACE_PROBE_ALLOC_FUNCTIONS_H
#define MEMTRACE_PROBE_ALLOC_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/shared.h"

#define API_ROWS 256 /* that there can be, in all: a row's number travels in 8 bits */

enum api_kind { API_HEAP, API_MAP, API_KINDS };

struct alloc_function {
	const char *symbol;	  /* as the ELF symbol table spells it; NULL for system calls */
	const char *name;	  /* as reports show it: "operator new" */
	uint8_t kind;		  /* enum api_kind */
	uint8_t shape;		  /* enum api_shape (event.h) */
	uint8_t size, count, ptr; /* argument numbers, or ARG_NONE */
	bool throws;		  /* fails with an exception: the call ends without a return */
	bool custom;		  /* named by the user; a program's own (COOKIE_CUSTOM) */
	bool number;		  /* its blocks are known by numbers of type int (COOKIE_INT) */
	uint32_t bytes; /* what a block has where no argument says it; 0: nothing is known */
};

const struct alloc_function *
alloc_functions__get(unsigned int row); /* row API_NONE ("unknown") for any bad number */
unsigned int alloc_functions__count(void);
/* The row of an ELF symbol, or API_NONE. */
unsigned int alloc_functions__find(const char *symbol);
/* The attach cookie of a row (event.h), which is `a`, for a probe where argument i is in register
 * arg[i] (point.h); NULL: each in its own. */
uint64_t alloc_functions__cookie(unsigned int row, const struct alloc_function *a,
				 const uint8_t arg[]);
/* Which arguments the probe wants: bit i for argument i. */
unsigned int alloc_functions__arguments(const struct alloc_function *a);

#endif
