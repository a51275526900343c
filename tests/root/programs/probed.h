/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets a program wait until a function of it is probed. A probe is a breakpoint in the function's
 * code, which the program can read. Otherwise a test that opens a library would depend on how soon
 * the probes of a new file are attached.
 */
#ifndef PROBED_H
#define PROBED_H

#include <stdint.h>
#include <unistd.h>

#define PROBED_BYTES 32	 /* a probe is on one of the first instructions */
#define PROBED_WAIT 4000 /* times 5 ms, at most */

/* A byte 0xcc in an operand would end the wait too early; none of the functions has one. */
static inline int probed(const void *function)
{
	const volatile unsigned char *code = function;

	for (int i = 0; i < PROBED_BYTES; i++)
		if (code[i] == 0xcc)
			return 1;
	return 0;
}

static inline void wait_until_probed(const void *function)
{
	for (int i = 0; i < PROBED_WAIT && !probed(function); i++)
		usleep(5000);
}

#endif
