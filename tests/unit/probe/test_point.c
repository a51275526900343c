/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a probe goes: each kind of instruction, branches, limits. */
#include "machine_code.h"

/* ---- emulated instructions, and similar ones ---- */

TEST(each_emulated_instruction_at_the_entry)
{
	check_found(CODE(0x90), 0, RDI, 0, "nop");
	check_found(CODE(0x50), 0, RDI, 0, "push rax");
	check_found(CODE(0x57), 0, RDI, 0, "push rdi");
	check_found(CODE(0x41, 0x57), 0, RDI, 0, "push r15");
	check_found(CODE(0xeb, 0x10), 0x100, RDI, 0, "jmp 0x112");
	check_found(CODE(0xe8, 0x00, 0x01, 0x00, 0x00), 0x100, RDI, 0, "call 0x205");
	check_found(CODE(0x7f, 0x00), 0x100, RDI, 0, "jnle 0x102");
	check_found(CODE(0x0f, 0x8f, 0x00, 0x00, 0x00, 0x00), 0x100, RDI, 0, "jnle 0x106");
}

/* Each is passed: the next instruction, a push, is the point. */
TEST(similar_instructions_are_passed)
{
	check_found(CODE(0xf3, 0x90, 0x53), 0, RDI, 2, "push rbx"); /* pause */
	check_found(CODE(0x66, 0x90, 0x53), 0, RDI, 2, "push rbx"); /* xchg ax, ax */
	check_found(CODE(0x0f, 0x1f, 0x00, 0x53), 0, RDI, 3, "push rbx");
	check_found(CODE(0x48, 0x90, 0x53), 0, RDI, 2, "push rbx"); /* nop, with rex.w */
}

/* Each ends the walk. */
TEST(similar_instructions_that_change_rsp_or_branch)
{
	check_stays(CODE(0x66, 0x53, 0x90), RDI, "+0 changes the stack pointer"); /* push bx */
	check_stays(CODE(0x40, 0x53, 0x90), RDI, "+0 changes the stack pointer"); /* rex push rbx */
	check_stays(CODE(0x6a, 0x01, 0x90), RDI, "+0 changes the stack pointer"); /* push 1 */
	check_stays(CODE(0xff, 0x37, 0x90), RDI, "+0 changes the stack pointer"); /* push [rdi] */
	check_stays(CODE(0x9c, 0x90), RDI, "+0 changes the stack pointer");	  /* pushf */
	check_stays(CODE(0x5b, 0x90), RDI, "+0 changes the stack pointer");	  /* pop rbx */
	check_stays(CODE(0x48, 0x83, 0xec, 0x10, 0x90), RDI, "+0 changes the stack pointer");
	check_stays(CODE(0x48, 0x8d, 0x64, 0x24, 0xf0, 0x90), RDI, "+0 changes the stack pointer");
	check_stays(CODE(0xf2, 0xe9, 0, 0, 0, 0), RDI, "+0 leaves the straight line"); /* bnd jmp */
	check_stays(CODE(0x3e, 0x74, 0x00), RDI, "+0 leaves the straight line");
	check_stays(CODE(0xff, 0xe0, 0x90), RDI, "+0 leaves the straight line"); /* jmp rax */
	check_stays(CODE(0xff, 0xd0, 0x90), RDI, "+0 leaves the straight line"); /* call rax */
	check_stays(CODE(0xff, 0x25, 0, 0, 0, 0), RDI, "+0 leaves the straight line");
	check_stays(CODE(0xc3, 0x90), RDI, "+0 leaves the straight line");
	check_stays(CODE(0xe3, 0x00, 0x90), RDI, "+0 leaves the straight line"); /* jrcxz */
	check_stays(CODE(0xe2, 0x00, 0x90), RDI, "+0 leaves the straight line"); /* loop */
	check_stays(CODE(0x0f, 0x05, 0x90), RDI, "+0 leaves the straight line"); /* syscall */
	check_stays(CODE(0xcc, 0x90), RDI, "+0 leaves the straight line");	 /* int3 */
	check_stays(CODE(0xcd, 0x80, 0x90), RDI, "+0 leaves the straight line");
	check_stays(CODE(0x0f, 0x0b, 0x90), RDI, "+0 leaves the straight line"); /* ud2 */
	check_stays(CODE(0xf4, 0x90), RDI, "+0 leaves the straight line");	 /* hlt */
}

/* ---- arguments ---- */

TEST(an_argument_is_overwritten)
{
	check_stays(CODE(0x31, 0xff, 0x90), RDI, "+0 overwrites an argument");
	check_stays(CODE(0x40, 0xb7, 0x01, 0x90), RDI, "+0 overwrites an argument"); /* mov dil */
	check_stays(CODE(0x89, 0xff, 0x90), RDI, "+0 overwrites an argument"); /* mov edi, edi */
	check_stays(CODE(0x48, 0x0f, 0x44, 0xf8, 0x90), RDI,
		    "+0 overwrites an argument");				     /* cmov */
	check_stays(CODE(0x48, 0x87, 0xf7, 0x90), RDI, "+0 overwrites an argument"); /* xchg */
	check_stays(CODE(0xaa, 0x90), RDI, "+0 overwrites an argument");       /* stosb: rdi */
	check_stays(CODE(0x48, 0x99, 0x90), RDX, "+0 overwrites an argument"); /* cqo: rdx */
	check_stays(CODE(0x85, 0xc0, 0x0f, 0xa2, 0x90), RDX, "+2 overwrites an argument");
	check_found(CODE(0x31, 0xf6, 0x90), 0, RDI, 2, "nop");
	check_found(CODE(0x48, 0x99, 0x90), 0, RDI | RSI, 2, "nop");
}

/* A copy is usable only while it is complete and not overwritten. */
TEST(an_argument_is_lost_with_its_copy)
{
	/* mov rax, rdi; xor edi, edi; xor eax, eax */
	check_stays(CODE(0x48, 0x89, 0xf8, 0x31, 0xff, 0x31, 0xc0, 0x90), RDI,
		    "+5 overwrites an argument");
	/* mov eax, edi; xor edi, edi: half of it */
	check_stays(CODE(0x89, 0xf8, 0x31, 0xff, 0x90), RDI, "+2 overwrites an argument");
	/* mov rbx, rdi; xor edi, edi: a register that a probe cannot name */
	check_stays(CODE(0x48, 0x89, 0xfb, 0x31, 0xff, 0x90), RDI, "+3 overwrites an argument");
	/* lea rax, [rdi]; xor edi, edi: not followed */
	check_stays(CODE(0x48, 0x8d, 0x07, 0x31, 0xff, 0x90), RDI, "+3 overwrites an argument");
	/* mov rdi, rsi: size and pointer in one */
	check_stays(CODE(0x48, 0x89, 0xf7, 0x90), RDI | RSI, "+0 overwrites an argument");
}

TEST(an_argument_is_followed_through_two_moves)
{
	/* mov rax, rdi; mov rcx, rax; xor edi, edi; xor eax, eax; nop */
	struct probe_point p = find_point(
	    CODE(0x48, 0x89, 0xf8, 0x48, 0x89, 0xc1, 0x31, 0xff, 0x31, 0xc0, 0x90), 0, RDI);

	CHECK(p.emulated);
	CHECK_EQ(p.offset, 10);
	CHECK_EQ(p.arg[0], 3);
}

/* ---- the stack ---- */

TEST(stack_and_frame_pointer)
{
	check_stays(CODE(0x48, 0x89, 0xe3, 0x90), RDI, "+0 copies the stack pointer");
	check_stays(CODE(0x4c, 0x8d, 0x54, 0x24, 0x08, 0x90), RDI, "+0 copies the stack pointer");
	check_stays(CODE(0x48, 0x89, 0xe5, 0x90), RDI, "+0 changes the frame pointer");
	check_stays(CODE(0x31, 0xed, 0x90), RDI, "+0 changes the frame pointer");
	check_stays(CODE(0xc9, 0x90), RDI, "+0 changes the frame pointer"); /* leave */
}

TEST(stores_on_the_stack)
{
	static const char why[] = "+0 may overwrite the return address";

	check_stays(CODE(0x48, 0x89, 0x3c, 0x24, 0x90), RDI, why);	 /* mov [rsp], rdi */
	check_stays(CODE(0xc6, 0x44, 0x24, 0x07, 0x00, 0x90), RDI, why); /* mov byte [rsp+7], 0 */
	check_stays(CODE(0x48, 0x89, 0x7c, 0x24, 0xf9, 0x90), RDI, why); /* mov [rsp-7], rdi */
	check_stays(CODE(0x48, 0x89, 0x3c, 0xc4, 0x90), RDI, why);	 /* mov [rsp+rax*8], rdi */
	check_found(CODE(0x48, 0x89, 0x7c, 0x24, 0xf8, 0x90), 0, RDI, 5, "nop"); /* [rsp-8] */
	check_found(CODE(0x48, 0x89, 0x7c, 0x24, 0x08, 0x90), 0, RDI, 5, "nop"); /* [rsp+8] */
	check_found(CODE(0x48, 0x8b, 0x04, 0x24, 0x90), 0, RDI, 4, "nop");	 /* a load */
}

/* ---- branches back ---- */

TEST(a_loop_into_the_prologue)
{
	/* test rdi, rdi; dec rsi; je +2; jmp to +3 (dec) */
	check_stays(CODE(0x48, 0x85, 0xff, 0x48, 0xff, 0xce, 0x74, 0x02, 0xeb, 0xf9, 0xc3), RDI,
		    "+8 branches back before +6");
	/* the same with the loop head at the point itself */
	check_stays(CODE(0x48, 0x85, 0xff, 0x48, 0xff, 0xce, 0x74, 0x02, 0xeb, 0xfc, 0xc3), RDI,
		    "+8 branches back before +6");
	/* the point jumps back over its own prologue */
	check_stays(CODE(0x48, 0x85, 0xff, 0x48, 0xff, 0xce, 0x75, 0xfb, 0xc3), RDI,
		    "+6 branches back before +6");
}

TEST(a_loop_after_the_point)
{
	/* test rdi, rdi; je +5; dec rsi; jne to the dec; ret */
	check_found(CODE(0x48, 0x85, 0xff, 0x74, 0x05, 0x48, 0xff, 0xce, 0x75, 0xfb, 0xc3), 0, RDI,
		    3, "jz 0xa");
}

/* A tail call to itself is a call: it goes through the entry and is counted as one. */
TEST(a_branch_to_the_entry)
{
	check_found(CODE(0x48, 0x85, 0xff, 0x74, 0x01, 0xc3, 0xeb, 0xf8), 0x4000, RDI, 3,
		    "jz 0x4006");
	check_found(CODE(0x48, 0x85, 0xff, 0x74, 0x01, 0xc3, 0xe8, 0xf5, 0xff, 0xff, 0xff), 0x4000,
		    RDI, 3, "jz 0x4006");
}

/* Bytes that cannot be decoded do not hide a branch after them. */
TEST(a_branch_after_invalid_bytes)
{
	check_stays(CODE(0x48, 0x85, 0xff, 0x53, 0x06, 0x06, 0xc3, 0xeb, 0xfa), RDI,
		    "+7 branches back before +3");
}

/* ---- functions that only forward ---- */

static bool forwards(struct code c, uint64_t to)
{
	uint64_t all[] = { 0x99, to };

	return probe_point__only_forwards(c.bytes, c.len, 0x40c600, all, 2);
}

/* libstdc++'s, linked statically: operator new calls malloc, operator delete jumps to free. */
TEST(static_operators_only_forward)
{
	const struct code operator_new =
	    CODE(0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x85, 0xff, 0xb8, 0x01, 0x00, 0x00, 0x00, 0x53, 0x48,
		 0x0f, 0x45, 0xc7, 0x48, 0x89, 0xc3, 0x48, 0x89, 0xdf, 0xe8, 0x64, 0xbb, 0x01, 0x00,
		 0x48, 0x85, 0xc0, 0x74, 0x02, 0x5b, 0xc3, 0xe8, 0x28, 0x00, 0x00, 0x00, 0x48, 0x85,
		 0xc0, 0x74, 0x02, 0xff, 0xd0, 0xeb, 0xdf, 0xc3);

	CHECK(forwards(operator_new, 0x40c600 + 28 + 0x1bb64));
	CHECK(!forwards(operator_new, 0x40c600 + 28 + 0x1bb65));
	CHECK(forwards(CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xe9, 0x00, 0x10, 0x00, 0x00), 0x40d609));
	CHECK(!forwards(CODE(0xf3, 0x0f, 0x1e, 0xfa, 0xc3), 0x40d609));
}

/* A call in the slow path of an allocator with a fast path is not all that it does. */
TEST(allocators_do_more_than_forward)
{
	/* mov rax, [rdi]; jmp */
	CHECK(!forwards(CODE(0x48, 0x8b, 0x07, 0xe9, 0x00, 0x10, 0x00, 0x00), 0x40d608));
	/* mov rax, fs:[0]; jmp */
	CHECK(!forwards(CODE(0x64, 0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x00, 0x00, 0xe9, 0x00, 0x10,
			     0x00, 0x00),
			0x40d60e));
	/* mov rax, [rip + 0]; jmp */
	CHECK(
	    !forwards(CODE(0x48, 0x8b, 0x05, 0x00, 0x00, 0x00, 0x00, 0xe9, 0x00, 0x10, 0x00, 0x00),
		      0x40d60c));
	/* jmp; garbage */
	CHECK(!forwards(CODE(0xe9, 0x00, 0x10, 0x00, 0x00, 0x06), 0x40d605));
	/* mov [rsp + 8], rdi; nop dword [rax]; jmp: the stack, and no memory */
	CHECK(forwards(
	    CODE(0x48, 0x89, 0x7c, 0x24, 0x08, 0x0f, 0x1f, 0x00, 0xe9, 0x00, 0x10, 0x00, 0x00),
	    0x40d60d));
	CHECK(!forwards(CODE(0xc3), 0));
	CHECK(!probe_point__only_forwards(NULL, 0, 0, NULL, 0));
}

/* ---- limits ---- */

TEST(truncated_bytes)
{
	struct probe_point p;

	check_stays(CODE(0x48, 0x85), RDI, "+0 is not a complete instruction");
	check_stays(CODE(0x48, 0x85, 0xff, 0x0f, 0x84, 0xbf), RDI,
		    "+3 is not a complete instruction");
	check_stays(CODE(0x48, 0x85, 0xff), RDI, "no emulated instruction in 3 bytes");
	p = find_point(CODE(0x06), 0, RDI);
	CHECK_STR(p.insn, "(bad)");
	CHECK_EQ(probe_point__find((const uint8_t *)"", 0, 0, RDI, &p), -EINVAL);
	CHECK_EQ(probe_point__find(NULL, 8, 0, RDI, &p), -EINVAL);
}

TEST(a_straight_line_without_end)
{
	uint8_t code[1024];

	memset(code, 0xf8, sizeof(code)); /* clc */
	code[64] = 0x90;
	check_stays((struct code){ sizeof(code), code }, RDI,
		    "no emulated instruction in 64 bytes");
	code[63] = 0x90;
	check_found((struct code){ sizeof(code), code }, 0, RDI, 63, "nop");
	/* lea rax, [rip + 0], 7 bytes each: 37 of them are 259 bytes */
	for (size_t i = 0; i + 7 <= sizeof(code); i += 7)
		memcpy(code + i, "\x48\x8d\x05\0\0\0\0", 7);
	check_stays((struct code){ sizeof(code), code }, RDI,
		    "no emulated instruction in 259 bytes");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* For any bytes, the point lies inside and is emulated, or is the entry. */
TEST(random_bytes)
{
	uint64_t state = 88172645463325252ull;
	uint8_t code[96], *c;
	struct probe_point p;

	for (int round = 0; round < 100000; round++) {
		size_t len = 1 + next_random(&state) % sizeof(code);
		unsigned int args = next_random(&state) % 64;

		for (size_t i = 0; i < len; i++)
			code[i] = next_random(&state) % 4 ? (uint8_t)next_random(&state) : 0x48;
		c = malloc(len); /* exactly this long, so that the sanitizer sees an overrun */
		memcpy(c, code, len);
		CHECK_EQ(probe_point__find(c, len, next_random(&state), args, &p), 0);
		CHECK(p.offset < len);
		CHECK(p.emulated || p.offset == 0);
		CHECK(memchr(p.insn, 0, sizeof(p.insn)) && p.insn[0]);
		CHECK(memchr(p.why, 0, sizeof(p.why)) && p.why[0]);
		for (int i = 0; i < POINT_ARGS; i++)
			CHECK(p.arg[i] <= POINT_RAX);
		probe_point__only_forwards(c, len, 0, &state, 1);
		free(c);
	}
}
