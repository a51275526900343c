/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of allocation functions: one row for each symbol, with the semantics of its manual
 * page. To add an allocator, add rows in alloc_functions.c; the recipe is there.
 *
 * A row's index travels in the attach cookie and in every event (event.h). Rows of system calls
 * have no symbol, and are not looked for in files.
 */
#ifndef MEMTRACE_PROBE_ALLOC_FUNCTIONS_H
#define MEMTRACE_PROBE_ALLOC_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/shared.h"

#define API_ROWS 256 /* the maximum: a row's number travels in 8 bits */

enum api_kind { API_HEAP, API_MAP, API_KINDS };

struct alloc_function {
	const char *symbol;	  /* as the ELF symbol table spells it; NULL for system calls */
	const char *name;	  /* as reports show it: "operator new" */
	uint8_t kind;		  /* enum api_kind */
	uint8_t shape;		  /* enum api_shape (event.h) */
	uint8_t size, count, ptr; /* argument numbers, or ARG_NONE */
	bool throws;	/* fails by throwing an exception: the call ends without a return */
	bool custom;	/* named by the user: a program's own (COOKIE_CUSTOM) */
	bool number;	/* its blocks are identified by numbers of type int (COOKIE_INT) */
	uint32_t bytes; /* a block's size if no argument says it; 0: unknown */
};

/* API_NONE's row ("unknown") for any invalid number. */
const struct alloc_function *alloc_functions__get(unsigned int row);
unsigned int alloc_functions__count(void);
/* The row of an ELF symbol, or API_NONE. */
unsigned int alloc_functions__find(const char *symbol);
/* The attach cookie (event.h) of row number `row`, which is `a`, for a probe where argument i is in
 * register arg[i] (point.h); NULL: each in its own register. */
uint64_t alloc_functions__cookie(unsigned int row, const struct alloc_function *a,
				 const uint8_t arg[]);
/* The arguments that the probe needs: bit i for argument i. */
unsigned int alloc_functions__arguments(const struct alloc_function *a);

#endif
