/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows from call frame information made by hand, one rule after the other, and from damaged
 * bytes. */
#include "cfi_sections.h"

/* ---- rules ---- */

TEST(an_ordinary_function)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	/* push rbp (1 byte); mov rsp, rbp (3); push rbx (1); … ; leave at +0x40; ret */
	FDE(&s, c, TEXT, 0x50, 0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x41, 0x83, 3, 0x40 + 0x3b,
	    0x0c, 7, 8, 0xc6, 0xc3);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT - 1, RULE(NONE)));
	CHECK(is(&cfi, TEXT, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT + 1, RULE(RSP, SAVED(AT_CFA, SAME, 0), .rbp = -2, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 4, RULE(RBP, SAVED(AT_CFA, SAME, 0), .rbp = -2, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 5,
		 RULE(RBP, SAVED(AT_CFA, AT_CFA, 0), .rbp = -2, .rbx = -3, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 0x3f,
		 RULE(RBP, SAVED(AT_CFA, AT_CFA, 0), .rbp = -2, .rbx = -3, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 0x40, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT + 0x4f, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT + 0x50, RULE(NONE)));
	CHECK_EQ(cfi.n, 6);
	CHECK_EQ(cfi.functions, 1);
	CHECK_EQ(cfi.damaged, 0);
	cfi__release(&cfi);
}

TEST(remember_and_restore)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x40, 0x41, 0x0e, 24, 0x0a, 0x50, 0x0e, 8, 0x41, 0x0b);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT + 0x10, RULE(RSP, .cfa = 24)));
	CHECK(is(&cfi, TEXT + 0x11, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT + 0x12, RULE(RSP, .cfa = 24)));
	cfi__release(&cfi);
}

/* gcc's stack realignment: r10 (word 7 of a ucontext) holds the CFA, is pushed, and is reloaded
 * from below rbp. */
TEST(realigned_stack)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x40, 0x45, 0x0c, 10, 0, 0x45, 0x10, 6, 2, 0x76, 0, 0x42, 0x0f, 3, 0x76,
	    0x78, 0x06, 0x41, 0x10, 3, 2, 0x76, 0x70);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT + 5, ((struct unwind_rule){ .kind = UNWIND_REG + 7 })));
	CHECK(is(&cfi, TEXT + 10,
		 ((struct unwind_rule){ .kind = UNWIND_REG + 7, SAVED(AT_RBP, SAME, 0) })));
	CHECK(is(&cfi, TEXT + 12, RULE(RBP_DEREF, SAVED(AT_RBP, SAME, 0), .cfa = -8)));
	CHECK(is(&cfi, TEXT + 13, RULE(RBP_DEREF, SAVED(AT_RBP, AT_RBP, 0), .rbx = -2, .cfa = -8)));
	cfi__release(&cfi);
}

/* OpenSSL's assembly keeps the old stack pointer at a fixed place of the new stack. */
TEST(saved_stack_pointer)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x40, 0x41, 0x0f, 6, 0x77, 0x98, 0x01, 0x06, 0x23, 8, 0x41, 0x0f, 6, 0x77,
	    0x98, 0x01, 0x06, 0x23, 7);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT + 1, RULE(RSP_DEREF, SAVED(SAME, SAME, 1), .cfa = 152)));
	CHECK(is(&cfi, TEXT + 2, RULE(UNKNOWN)));
	cfi__release(&cfi);
}

TEST(procedure_linkage_table)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x200, 0x0e, 16, 0x46, 0x0e, 24, 0x4a, 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f,
	    0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT, RULE(RSP, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 6, RULE(RSP, .cfa = 24)));
	CHECK(is(&cfi, TEXT + 16, RULE(PLT, .cfa = 11)));
	cfi__release(&cfi);
}

TEST(signal_frame)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zRS"), plain = cie(&s, "zR");
	struct cfi cfi;
	const uint8_t restorer[] = { 0x0f, 4,	 0x77, 0xa0, 0x01, 0x06, 0x10, 16,   3,	   0x77,
				     0xa8, 0x01, 0x10, 6,    3,	   0x77, 0xf8, 0x00, 0x10, 3,
				     3,	   0x77, 0x80, 0x01, 0x10, 7,	 3,    0x77, 0xa0, 0x01 };

	fde(&s, c, TEXT + 0xf, 10, restorer, sizeof(restorer));
	fde(&s, plain, TEXT + 0x100, 10, restorer, sizeof(restorer));
	FDE(&s, c, TEXT + 0x200, 10, 0);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT + 0xe, RULE(NONE)));
	CHECK(is(&cfi, TEXT + 0xf, RULE(SIGNAL)));
	CHECK(is(&cfi, TEXT + 0x100, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x200, RULE(UNKNOWN)));
	cfi__release(&cfi);
}

TEST(where_stacks_end)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi_source src;
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x20, 0x07, 16);
	FDE(&s, c, TEXT + 0x80, 0x20);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT, RULE(BOTTOM)));
	CHECK(is(&cfi, TEXT + 0x20, RULE(NONE)));
	cfi__release(&cfi);

	/* An entry point that is not described ends where something is, or after 256 bytes. */
	src = source(&s);
	src.entry = TEXT + 0x40;
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK(is(&cfi, TEXT + 0x3f, RULE(NONE)));
	CHECK(is(&cfi, TEXT + 0x40, RULE(BOTTOM)));
	CHECK(is(&cfi, TEXT + 0x7f, RULE(BOTTOM)));
	CHECK(is(&cfi, TEXT + 0x80, RULE(RSP, .cfa = 8)));
	cfi__release(&cfi);
	src.entry = TEXT + 0x1000;
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK(is(&cfi, TEXT + 0x10ff, RULE(BOTTOM)));
	CHECK(is(&cfi, TEXT + 0x1100, RULE(NONE)));
	cfi__release(&cfi);
	src.entry = TEXT + 0x90;
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK(is(&cfi, TEXT + 0x90, RULE(RSP, .cfa = 8)));
	cfi__release(&cfi);
}

/* musl has no call frame information: stacks end at its calls of main and of a thread's
 * function. */
TEST(ends_in_a_library_without_cfi)
{
	int fd = open("/lib/ld-musl-x86_64.so.1", O_RDONLY | O_CLOEXEC);
	struct elf *e;
	struct cfi_source src;
	struct cfi cfi;
	size_t ends = 0;

	if (fd < 0)
		SKIP("musl is not installed");
	e = elf__open(fd);
	CHECK_EQ(cfi__source(e, &src), 0);
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK_EQ(cfi__add_ends(&cfi, &src, e), 0);
	check_shape(&cfi);
	for (size_t i = 0; i < cfi.n; i++) {
		uint64_t offset = 0;
		const uint8_t *code;
		size_t got;

		if (cfi.rows[i].rule.kind != UNWIND_BOTTOM || cfi.rows[i].vaddr == src.entry)
			continue;
		/* The byte before an instruction that passes a result on. */
		CHECK(elf__vaddr_to_offset(e, cfi.rows[i].vaddr + 1, &offset));
		code = elf__code(e, offset, 4, &got);
		CHECK(code &&
		      (!memcmp(code, "\x89\xc7\xe8", 3) || !memcmp(code, "\x48\x89\xc7\xe8", 4)));
		ends++;
	}
	CHECK_EQ(ends, 2);
	cfi__release(&cfi);
	elf__close(e);
	close(fd);
}

/* What a rule cannot express must be unknown. */
TEST(what_no_rule_can_express_is_unknown)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x10, 0x09, 16, 2);		 /* the return address is in rdx */
	FDE(&s, c, TEXT + 0x10, 0x10, 0x90, 2);		 /* the return address is at CFA - 16 */
	FDE(&s, c, TEXT + 0x20, 0x10, 0x09, 7, 8);	 /* the stack pointer is in r8 */
	FDE(&s, c, TEXT + 0x30, 0x10, 0x09, 6, 9);	 /* rbp is in r9 */
	FDE(&s, c, TEXT + 0x40, 0x10, 0x86, 0x80, 0x02); /* rbp is at CFA - 2048 */
	FDE(&s, c, TEXT + 0x50, 0x10, 0x0c, 7, 0x80, 0x80, 0x80, 0x80, 0x10); /* 4 GiB of stack */
	FDE(&s, c, TEXT + 0x60, 0x10, 0x0c, 33, 8);			      /* CFA = xmm16 + 8 */
	cfi = build(&s);
	CHECK(is(&cfi, TEXT, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x10, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x20, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x30, RULE(RSP, SAVED(GONE, SAME, 0), .cfa = 8)));
	CHECK(is(&cfi, TEXT + 0x40, RULE(RSP, SAVED(GONE, SAME, 0), .cfa = 8)));
	CHECK(is(&cfi, TEXT + 0x50, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x60, RULE(UNKNOWN)));
	CHECK_EQ(cfi.damaged, 0);
	cfi__release(&cfi);
}

/* ---- sections ---- */

TEST(overlaps_and_order)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;

	FDE(&s, c, TEXT + 0x100, 0x20, 0x0e, 16);
	FDE(&s, c, TEXT, 0x100, 0x0e, 24);
	FDE(&s, c, TEXT + 0x40, 0x20, 0x0e, 32);  /* in the middle of the one before */
	FDE(&s, c, TEXT + 0x100, 0x10, 0x0e, 40); /* starts with the first, but is shorter */
	cfi = build(&s);
	CHECK(is(&cfi, TEXT + 0x3f, RULE(RSP, .cfa = 24)));
	CHECK(is(&cfi, TEXT + 0x40, RULE(RSP, .cfa = 32)));
	CHECK(is(&cfi, TEXT + 0x60, RULE(NONE)));
	CHECK(is(&cfi, TEXT + 0x100, RULE(RSP, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 0x11f, RULE(RSP, .cfa = 16)));
	CHECK(is(&cfi, TEXT + 0x120, RULE(NONE)));
	cfi__release(&cfi);
}

TEST(extents)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi_source src = source(&s);
	struct cfi_extents x;

	FDE(&s, c, TEXT + 0x100, 0x20, 0x0e, 16);
	FDE(&s, c, TEXT, 0x60, 0x0e, 24);
	FDE(&s, c, TEXT + 0x40, 0x30, 0x0e, 32);  /* begins in the one before */
	FDE(&s, c, TEXT + 0x100, 0x10, 0x0e, 40); /* starts with the first, but is shorter */
	src = source(&s);
	CHECK_EQ(cfi__list_extents(&src, &x), 0);
	CHECK_EQ(x.n, 3);
	CHECK(!cfi__extent_at(&x, TEXT - 1));
	CHECK(cfi__extent_at(&x, TEXT) == &x.list[0]);
	CHECK_EQ(x.list[0].end, TEXT + 0x40);
	CHECK(cfi__extent_at(&x, TEXT + 0x40) == &x.list[1]);
	CHECK(cfi__extent_at(&x, TEXT + 0x6f) == &x.list[1]);
	CHECK(!cfi__extent_at(&x, TEXT + 0x70));
	CHECK(cfi__extent_at(&x, TEXT + 0x11f) == &x.list[2]);
	CHECK(!cfi__extent_at(&x, TEXT + 0x120));
	cfi__release_extents(&x);
	CHECK(!cfi__extent_at(&x, TEXT));
}

TEST(descriptions_outside_of_the_code)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi cfi;
	struct cfi_source src;

	FDE(&s, c, 0, 0x20); /* a function that the linker discarded */
	FDE(&s, c, TEXT_END - 0x10, 0x100);
	cfi = build(&s);
	CHECK_EQ(cfi.functions, 1);
	CHECK(is(&cfi, TEXT_END - 1, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT_END, RULE(NONE)));
	cfi__release(&cfi);

	s.len = 0;
	c = cie(&s, "zR");
	FDE(&s, c, 0, 0x20);
	src = source(&s);
	CHECK_EQ(cfi__build(&src, &cfi), -ENODATA);
	s.len = 0;
	src = source(&s);
	CHECK_EQ(cfi__build(&src, &cfi), -ENODATA);
}

TEST(empty_entries)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR");
	struct cfi_source src;
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x10);
	put_number(&s, 0, 4); /* the linker's mark between two input files */
	FDE(&s, c, TEXT + 0x20, 0x10);
	src = source(&s);
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK_EQ(cfi.functions, 2);
	cfi__release(&cfi);
	src.ends_at_zero = true;
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK_EQ(cfi.functions, 1);
	cfi__release(&cfi);
}

/* .debug_frame: plain addresses, offsets from the start of the section, and the FDE may come first.
 */
TEST(debug_frame)
{
	static const uint8_t init[] = { 0x0c, 7, 8, 0x90, 1 };
	struct section s = { 0 };
	struct cfi_source src = { .code = { { TEXT, TEXT_END } }, .ncode = 1 };
	struct cfi cfi;
	uint32_t at;

	begin(&s);
	put_number(&s, 0, 4); /* its CIE: to be filled in */
	put_number(&s, TEXT, 8);
	put_number(&s, 0x20, 8);
	put(&s, (const uint8_t[]){ 0x41, 0x0e, 16 }, 3);
	end(&s);
	at = (uint32_t)s.len;
	memcpy(s.bytes + 4, &at, 4);
	begin(&s);
	put_number(&s, 0xffffffff, 4);
	put_number(&s, 4, 1);
	put_number(&s, 0, 1); /* no augmentation */
	put_number(&s, 8, 1); /* address size */
	put_number(&s, 0, 1);
	put_number(&s, 1, 1);
	put_number(&s, 0x78, 1);
	put_number(&s, 16, 1);
	put(&s, init, sizeof(init));
	end(&s);
	src.debug_frame = (struct cfi_section){ s.bytes, s.len, 0 };
	CHECK_EQ(cfi__build(&src, &cfi), 0);
	CHECK(is(&cfi, TEXT, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT + 1, RULE(RSP, .cfa = 16)));
	cfi__release(&cfi);
}
