/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A 32-bit program that needs no C library: it waits for a signal. */
	.globl _start
_start:
	movl $29, %eax		/* pause */
	int $0x80
	jmp _start
	.section .note.GNU-stack, "", @progbits
