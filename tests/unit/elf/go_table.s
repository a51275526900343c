/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library with the table of a Go program, in the form of Go 1.20 (NEWER=1) or 1.18 (NEWER=0). Functions have 16 bytes
 * each. SECTION is where the table is. */
	.section .go.buildinfo, "aw"
	.quad 0
	.text
	.p2align 4
first:	.fill 7 * 16, 1, 0xcc
	nop

	.section SECTION
	.fill 3, 8, 1
table:	.long 0xfffffff0 + NEWER
	.byte 0, 0, 1, 8
	.quad 7, 1, first, names - table, units - table, files - table, steps - table, functions - table
names:	.asciz "main.leak"
n1:	.asciz "runtime.goexit"
n2:	.asciz "runtime.asmcgocall"
n3:	.asciz "runtime.sysMmap"
n4:	.asciz "crosscall2"
n5:	.asciz "runtime.sigreturn__sigaction"
n6:	.asciz "runtime.mcall"
	.p2align 2
units:	.long 0xffffffff, 1
files:	.byte 0
	.asciz "/src/main.go"
/* A change of the value (zigzag), and for how many bytes of code. */
steps:	.byte 0
flat:	.byte 2, 16, 0
frame:	.byte 2, 4, 48, 12, 0		/* 0, then 24 */
cross:	.byte 2, 4, 144, 1, 12, 0	/* 0, then 72 */
zero:	.byte 2, 16, 0
lines:	.byte 26, 8, 2, 8, 0		/* 12, then 13 */
calls:	.byte 0, 8, 2, 8, 0		/* no inlined call, then the first */
	.p2align 3

	.macro entry number, label
	.long 16 * \number, \label - functions
	.endm
	.macro function label, number, name, depth, flags, calls
\label:	.long 16 * \number, \name - names, 0, 0, \depth - steps, zero - steps, lines - steps, 3, 1
	.if NEWER
	.long 10
	.endif
	.byte 0, \flags, 0, 0
	.long 0, 0, \calls
	.endm

functions:
	entry 0, f0
	entry 1, f1
	entry 2, f2
	entry 3, f3
	entry 4, f4
	entry 5, f5
	entry 6, f6
	.long 16 * 7
	function f0, 0, names, frame, 0, "calls - steps"
	function f1, 1, n1, flat, 5, 0
	function f2, 2, n2, flat, 6, 0
	function f3, 3, n3, flat, 4, 0
	function f4, 4, n4, cross, 4, 0
	function f5, 5, n5, flat, 4, 0
	function f6, 6, n6, flat, 6, 0
	.section .note.GNU-stack, "", @progbits
