/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a Go program whose functions, of 4,096 bytes each, share one description, which differs at each byte. */
	.section .go.buildinfo, "aw"
	.quad 0
	.text
	.p2align 4
first:	.fill 2000 * 4096, 1, 0xcc

	.section .gopclntab, "a"
table:	.long 0xfffffff1
	.byte 0, 0, 1, 8
	.quad 2000, 1, first, names - table, 0, 0, steps - table, functions - table
names:	.asciz "crosscall2"
steps:	.byte 0
	.byte 2, 1				/* 0 */
	.rept 2047
	.byte 16, 1, 15, 1			/* 8, and 0 again */
	.endr
	.byte 0
	.p2align 3
functions:
	.set i, 0
	.rept 2000
	.long 4096 * i, f - functions
	.set i, i + 1
	.endr
	.long 4096 * 2000
f:	.long 0, 0, 0, 0, 1, 0, 0, 0, 0, 0
	.byte 0, 0, 0, 0
	.section .note.GNU-stack, "", @progbits
