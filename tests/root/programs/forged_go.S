/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks like a Go program, with frame pointers that lead in a circle, each step to far away. */
	.section .go.buildinfo, "aw"
	.quad 0

	.text
	.globl main
	.type main, @function
main:
	.cfi_startproc
	push %rbp
	.cfi_def_cfa_offset 16
	mov $10, %ebp
again:	call forged
	dec %ebp
	jnz again
	pop %rbp
	.cfi_def_cfa_offset 8
	xor %eax, %eax
	ret
	.cfi_endproc

	.p2align 4
forged:
	push %rbx
	mov %rbp, %rbx
	lea first(%rip), %rbp
	mov $100, %edi
	call malloc
back:	mov %rbx, %rbp
	pop %rbx
	ret
	.p2align 4
end:	nop

	.data
	.p2align 4
first:	.quad second, back
	.space 2 << 20
second:	.quad first, back

	.section .gopclntab, "a"
table:	.long 0xfffffff1
	.byte 0, 0, 1, 8
	.quad 1, 0, forged, names - table, names - table, names - table, names - table, functions - table
names:	.asciz "main.forged"
	.p2align 3
functions:
	.long 0, description - functions, end - forged
description:
	.long 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
	.section .note.GNU-stack, "", @progbits
