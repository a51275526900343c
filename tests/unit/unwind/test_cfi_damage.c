/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Call frame information that is damaged: it costs the function that it describes, and does no
 * harm. */
#include "cfi_sections.h"

TEST(damage_costs_only_its_function)
{
	struct section s = { 0 };
	size_t c = cie(&s, "zR"), odd = cie(&s, "zR?");
	struct cfi cfi;

	FDE(&s, c, TEXT, 0x20, 0x44, 0x3f);	   /* no such instruction, after 4 bytes of code */
	FDE(&s, c, TEXT + 0x20, 0x20, 0x0b);	   /* restores a state that was not remembered */
	FDE(&s, c, TEXT + 0x40, 0x20, 0x0f, 0x7f); /* an expression longer than all that is left */
	FDE(&s, odd, TEXT + 0x60, 0x20);	   /* an unknown augmentation */
	FDE(&s, c, TEXT + 0x80, 0x20);
	cfi = build(&s);
	CHECK(is(&cfi, TEXT + 3, RULE(RSP, .cfa = 8)));
	CHECK(is(&cfi, TEXT + 4, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x20, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x40, RULE(UNKNOWN)));
	CHECK(is(&cfi, TEXT + 0x80, RULE(RSP, .cfa = 8)));
	CHECK_EQ(cfi.functions, 5);
	CHECK_EQ(cfi.damaged, 4);
	cfi__release(&cfi);
}

/* The test program's own .eh_frame, with bytes changed and truncated at every length: no crash, and
 * no row out of place. */
TEST(damaged_bytes)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf *e = elf__open(fd);
	struct cfi_source src;
	struct cfi cfi;
	uint64_t random = 88172645463325252ull;
	uint8_t *copy;
	size_t len;

	CHECK_EQ(cfi__source(e, &src), 0);
	len = src.eh_frame.len < 6000 ? src.eh_frame.len : 6000;
	for (size_t cut = 0; cut < len; cut++) {
		copy = malloc(
		    cut ? cut : 1); /* a block of its own, so that a sanitizer sees the last byte */
		memcpy(copy, src.eh_frame.bytes, cut);
		src.eh_frame = (struct cfi_section){ src.eh_frame.bytes, cut, src.eh_frame.vaddr };
		struct cfi_source part = src;

		part.eh_frame.bytes = copy;
		if (cfi__build(&part, &cfi) == 0) {
			check_shape(&cfi);
			cfi__release(&cfi);
		}
		free(copy);
	}
	copy = malloc(len);
	for (int round = 0; round < 20000; round++) {
		struct cfi_source part = src;

		memcpy(copy, src.eh_frame.bytes, len);
		for (int k = 0; k < 1 + round % 4; k++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			copy[random % len] = (uint8_t)(random >> 32);
		}
		part.eh_frame.bytes = copy;
		part.eh_frame.len = len;
		part.ends_at_zero = round & 1;
		if (cfi__build(&part, &cfi) == 0) {
			check_shape(&cfi);
			cfi__release(&cfi);
		}
	}
	free(copy);
	elf__close(e);
	close(fd);
}
