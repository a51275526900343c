/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compares every row of the files that this machine has loaded with libdw's dwarf_cfi_addrframe,
 * which reads the same CFI with other code: the CFA, the places of the return address, rbp and rbx,
 * and the addresses without CFI must agree.
 */
#include "test.h"

#include <dirent.h>
#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <libelf.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <dwarf.h>

#include "elf/elf.h"
#include "unwind/cfi.h"

static size_t compared, mismatches, unknown, damaged, shadowed;

/* Functions whose description libdw does not find, because an empty one has the same start. */
static struct range {
	uint64_t start, end;
} shadows[4096];
static size_t nshadows;

static bool expect_ops(const Dwarf_Op *ops, size_t nops, const Dwarf_Op *want, size_t nwant)
{
	if (nops != nwant)
		return false;
	for (size_t i = 0; i < nops; i++)
		if (ops[i].atom != want[i].atom || ops[i].number != want[i].number ||
		    ops[i].number2 != want[i].number2)
			return false;
	return true;
}

/* Words of the kernel's ucontext, by DWARF register: uc_mcontext starts at word 5 with r8. */
static const int ucontext_words[] = { 18, 17, 19, 16, 14, 13, 15, 20, 5, 6, 7, 8, 9, 10, 11, 12 };

static int register_of(uint8_t kind)
{
	switch (kind) {
	case UNWIND_RSP:
	case UNWIND_RSP_DEREF:
		return 7;
	case UNWIND_RBP:
	case UNWIND_RBP_DEREF:
		return 6;
	case UNWIND_RBX:
		return 3;
	default:
		for (int reg = 0; reg < 16; reg++)
			if (kind == UNWIND_REG + ucontext_words[reg])
				return reg;
		return -1;
	}
}

/* "register + offset" can be written in two ways. */
static bool is_breg(const Dwarf_Op *op, int reg, int64_t offset)
{
	if (op->atom == DW_OP_bregx)
		return op->number == (Dwarf_Word)reg && (int64_t)op->number2 == offset;
	return op->atom == DW_OP_breg0 + reg && (int64_t)op->number == offset;
}

static bool same_cfa(struct unwind_rule r, const Dwarf_Op *ops, size_t nops)
{
	unsigned int plus = UNWIND_SAVED_PLUS(r.saved);

	if (r.kind == UNWIND_PLT) {
		const Dwarf_Op want[] = { { .atom = DW_OP_breg7, .number = 8 },
					  { .atom = DW_OP_breg16 },
					  { .atom = DW_OP_lit15 },
					  { .atom = DW_OP_and },
					  { .atom = (uint8_t)(DW_OP_lit0 + r.cfa) },
					  { .atom = DW_OP_ge },
					  { .atom = DW_OP_lit3 },
					  { .atom = DW_OP_shl },
					  { .atom = DW_OP_plus } };

		return expect_ops(ops, nops, want, 9);
	}
	if (!nops || !is_breg(&ops[0], register_of(r.kind), r.cfa))
		return false;
	if (r.kind != UNWIND_RSP_DEREF && r.kind != UNWIND_RBP_DEREF)
		return nops == 1;
	if (nops < 2 || ops[1].atom != DW_OP_deref)
		return false;
	return plus ? nops == 3 && ops[2].atom == DW_OP_plus_uconst && ops[2].number == 8 * plus
		    : nops == 2;
}

/* CFA + offset, as libdw expresses it. */
static bool is_cfa_plus(const Dwarf_Op *ops, size_t nops, int64_t offset)
{
	if (!nops || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (nops == 1)
		return offset == 0;
	if (nops == 2)
		return ops[1].atom == DW_OP_plus_uconst && (int64_t)ops[1].number == offset;
	return nops == 3 && ops[1].atom == DW_OP_consts && (int64_t)ops[1].number == offset &&
	       ops[2].atom == DW_OP_plus;
}

static bool same_saved(Dwarf_Frame *frame, int reg, unsigned int how, int slot)
{
	Dwarf_Op mem[3], *ops;
	size_t nops;

	if (dwarf_frame_register(frame, reg, mem, &ops, &nops) != 0)
		return false;
	switch (how) {
	case UNWIND_SAME:
		/* libdw's defaults for x86-64 take DWARF's register 0 for rbx, so that it calls rbx
		 * undefined. */
		return nops == 0 && (ops == NULL || reg == 3);
	case UNWIND_AT_CFA:
		return is_cfa_plus(ops, nops, slot * 8);
	case UNWIND_AT_RBP:
		return nops == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
		       is_breg(&ops[1], 6, slot * 8);
	default: /* not understood: libdw must have something that no rule can express */
		return !(nops == 0 && ops == NULL) &&
		       !(nops && nops <= 3 && ops[0].atom == DW_OP_call_frame_cfa &&
			 ops[nops - 1].atom == DW_OP_plus);
	}
}

static bool same_rule(struct unwind_rule r, Dwarf_Frame *frame, bool signal)
{
	Dwarf_Op mem[3], *ops;
	size_t nops;

	if (dwarf_frame_register(frame, 16, mem, &ops, &nops) != 0)
		return false;
	if (r.kind == UNWIND_BOTTOM)
		return nops == 0 && ops;
	if (r.kind == UNWIND_SIGNAL)
		return signal && nops == 2 && ops[0].atom == DW_OP_call_frame_cfa &&
		       is_breg(&ops[1], 7, 168);
	if (r.kind == UNWIND_UNKNOWN) {
		unknown++;
		return true;
	}
	return !signal && is_cfa_plus(ops, nops, -8) && dwarf_frame_cfa(frame, &ops, &nops) == 0 &&
	       same_cfa(r, ops, nops) && same_saved(frame, 6, UNWIND_SAVED_RBP(r.saved), r.rbp) &&
	       same_saved(frame, 3, UNWIND_SAVED_RBX(r.saved), r.rbx);
}

static bool is_shadowed(uint64_t vaddr)
{
	for (size_t i = 0; i < nshadows; i++)
		if (vaddr >= shadows[i].start && vaddr < shadows[i].end)
			return true;
	return false;
}

/* Finds them, in the encoding of pointers that x86-64 has: relative to themselves, 32 bits. */
static void find_shadows(struct elf *e, const struct cfi_section *s)
{
	Elf_Data data = { .d_buf = (void *)(uintptr_t)s->bytes, .d_size = s->len };
	const unsigned char *ident = (const void *)elf_getident(elf__handle(e), NULL);
	uint64_t empty = UINT64_MAX;
	Dwarf_CFI_Entry entry;
	Dwarf_Off at = 0, next;

	nshadows = 0;
	for (; dwarf_next_cfi(ident, &data, true, at, &next, &entry) == 0; at = next) {
		const uint8_t *field = entry.fde.start;
		int32_t relative, len;
		uint64_t start;

		if (dwarf_cfi_cie_p(&entry) || entry.fde.end - field < 8)
			continue;
		memcpy(&relative, field, sizeof(relative));
		memcpy(&len, field + 4, sizeof(len));
		start = s->vaddr + (uint64_t)(field - s->bytes) + (uint64_t)(int64_t)relative;
		if (len > 0 && start == empty && nshadows < sizeof(shadows) / sizeof(shadows[0]))
			shadows[nshadows++] = (struct range){ start, start + (uint64_t)len };
		empty = len ? UINT64_MAX : start;
	}
}

static void mismatch(const char *path, uint64_t vaddr, struct unwind_rule r)
{
	if (is_shadowed(vaddr)) {
		shadowed++;
		return;
	}
	if (mismatches++ < 10)
		printf("# %s: %#" PRIx64
		       ": kind %d saved %#x rbp %d rbx %d cfa %d is not what libdw says\n",
		       path, vaddr, r.kind, r.saved, r.rbp, r.rbx, r.cfa);
}

/* One row over its whole range: libdw says how far each of its answers is valid. */
static void compare_row(const char *path, Dwarf_CFI *cfi, const struct cfi_row *row, uint64_t end)
{
	for (uint64_t at = row->vaddr; at < end;) {
		Dwarf_Frame *frame = NULL;
		Dwarf_Addr from, to = at + 1;
		bool signal = false, described = dwarf_cfi_addrframe(cfi, at, &frame) == 0;

		compared++;
		if (row->rule.kind == UNWIND_NONE ? described
						  : !described && row->rule.kind != UNWIND_UNKNOWN)
			mismatch(path, at, row->rule);
		if (described) {
			dwarf_frame_info(frame, &from, &to, &signal);
			if (row->rule.kind != UNWIND_NONE && !same_rule(row->rule, frame, signal))
				mismatch(path, at, row->rule);
		}
		free(frame);
		if (!described) /* a gap: its two ends */
			to = at + 1 < end ? end - 1 : end;
		at = to > at ? to : at + 1;
		if (at == end - 1 && !described && at <= row->vaddr)
			break;
	}
}

static void compare_elf(const char *path, struct elf *e)
{
	Dwarf_CFI *oracle = dwarf_getcfi_elf(elf__handle(e));
	struct cfi_source src;
	struct cfi cfi = { 0 };
	int err;

	if (cfi__source(e, &src) != 0 || !src.eh_frame.bytes || !oracle)
		return;
	find_shadows(e, &src.eh_frame);
	err = cfi__build(&src, &cfi);
	CHECK(err == 0 || err == -ENODATA); /* some libraries contain data only */
	damaged += cfi.damaged; /* libdw refuses these too, or the rows below would differ */
	for (size_t i = 0; i < cfi.n; i++) {
		uint64_t end = i + 1 < cfi.n ? cfi.rows[i + 1].vaddr : cfi.rows[i].vaddr + 1;

		/* The entry point without CFI is our own addition. */
		if (cfi.rows[i].rule.kind == UNWIND_BOTTOM && cfi.rows[i].vaddr == src.entry)
			continue;
		compare_row(path, oracle, &cfi.rows[i], end);
	}
	cfi__release(&cfi);
	dwarf_cfi_end(oracle);
}

static void compare_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf *e = fd < 0 ? NULL : elf__open(fd);

	if (e)
		compare_elf(path, e);
	elf__close(e);
	if (fd >= 0)
		close(fd);
}

/* ---- which files ---- */

static char *paths[1024];
static size_t npaths;

static void add_path(const char *path)
{
	for (size_t i = 0; i < npaths; i++)
		if (!strcmp(paths[i], path))
			return;
	if (npaths < sizeof(paths) / sizeof(paths[0]))
		paths[npaths++] = strdup(path);
}

static void add_maps(const char *maps)
{
	FILE *f = fopen(maps, "re");
	char line[4352];

	while (f && fgets(line, sizeof(line), f)) {
		char *path = strchr(line, '/');

		line[strcspn(line, "\n")] = '\0';
		if (path && strstr(line, " r-xp ") && !strstr(path, " (deleted)"))
			add_path(path);
	}
	if (f)
		fclose(f);
}

TEST(rows_agree_with_libdw)
{
	static const char *const libraries[] = { "libstdc++.so.6", "libcrypto.so.3", "libm.so.6" };
	DIR *proc = opendir("/proc");
	struct dirent *d;
	char maps[300], *python = realpath("/usr/bin/python3", NULL);

	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
		dlopen(libraries[i], RTLD_NOW);
	add_maps("/proc/self/maps");
	if (python)
		add_path(python);
	free(python);
	while (proc && (d = readdir(proc))) {
		if (d->d_name[0] < '0' || d->d_name[0] > '9')
			continue;
		snprintf(maps, sizeof(maps), "/proc/%s/maps", d->d_name);
		add_maps(maps);
	}
	if (proc)
		closedir(proc);
	for (size_t i = 0; i < npaths; i++) {
		compare_file(paths[i]);
		free(paths[i]);
	}
	printf(
	    "# %zu rows of %zu files compared with libdw, %zu of them beyond what a rule can say, "
	    "%zu descriptions damaged, %zu that libdw does not find\n",
	    compared, npaths, unknown, damaged, shadowed);
	CHECK(compared > 10000);
	CHECK(unknown < compared / 1000);
	CHECK(shadowed < compared / 1000);
	CHECK_EQ(mismatches, 0);
}

/* The vDSO has no file, and is read from memory. */
TEST(rows_of_the_vdso_agree_with_libdw)
{
	const uint8_t *module = (const uint8_t *)getauxval(AT_SYSINFO_EHDR);
	struct elf *e = module ? elf__open_memory(module, 8192) : NULL;
	size_t before = compared;

	if (!e)
		SKIP("no vDSO");
	compare_elf("[vdso]", e);
	CHECK(compared > before + 10);
	CHECK_EQ(mismatches, 0);
	elf__close(e);
}
