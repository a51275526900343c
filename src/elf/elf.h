/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the structure of ELF files, on libelf: segments, the build ID, and where functions start.
 * Needs no privilege; every offset that comes from the file is checked against the file's length.
 */
#ifndef MEMTRACE_ELF_ELF_H
#define MEMTRACE_ELF_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;

struct Elf;

enum elf_machine { ELF_OTHER, ELF_X86_64, ELF_I386, ELF_ARM64 };

/* Returns NULL and sets errno on failure; ENOEXEC if it is not an ELF file. The descriptor stays
 * the caller's and must stay open. */
struct elf *elf__open(int fd);
struct elf *elf__open_memory(const void *bytes, size_t len); /* the memory must outlive it */
void elf__close(struct elf *e);

enum elf_machine elf__machine(const struct elf *e);
bool elf__is_64bit(const struct elf *e);
/* Reads the build ID from a note section or PT_NOTE. Returns its length, at most `cap`; 0: none. */
size_t elf__build_id(const struct elf *e, uint8_t *out, size_t cap);

/* Convert between file offsets and virtual addresses, by PT_LOAD. False if no segment holds it. */
bool elf__offset_to_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr);
bool elf__vaddr_to_offset(const struct elf *e, uint64_t vaddr, uint64_t *offset);

/* Returns at most `want` bytes of code at a file offset, inside an executable PT_LOAD. NULL:
 * none. */
const uint8_t *elf__code(const struct elf *e, uint64_t offset, size_t want, size_t *got);

/* Returns a section's contents as they are in the file; NULL: none. Valid while the elf is open. */
const void *elf__section(const struct elf *e, const char *name, size_t *len);
const void *elf__section_at(const struct elf *e, const char *name, size_t *len, uint64_t *vaddr);
/* Returns the total size of all DWARF sections, uncompressed, as the file states it. */
uint64_t elf__debug_size(const struct elf *e);

struct elf_function {
	const char *name;	      /* without its version; valid while the elf is open */
	uint64_t vaddr, offset, size; /* size 0: unknown */
	bool ifunc;
	uint8_t binding; /* STB_LOCAL, STB_GLOBAL or STB_WEAK of <elf.h> */
};

/* Calls fn for every defined function of .dynsym, then of .symtab (duplicates included). Stops when
 * fn returns non-zero, and returns that value. */
int elf__functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f), void *ctx);
/* Likewise for a file that holds the symbols of another file's code: every offset is 0. */
int elf__debug_functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f),
			 void *ctx);

/*
 * Returns which symbol's address the dynamic loader puts into the slot at an address: an entry of
 * the global offset table, through which code calls or jumps (x86-64). False: it is none.
 */
struct elf_slot {
	char name[64];	/* the symbol, cut if need be */
	uint64_t vaddr; /* the file's own definition; 0: the symbol is another file's */
	bool ifunc;	/* vaddr is a resolver's, and only it knows the address */
};

bool elf__slot(const struct elf *e, uint64_t vaddr, struct elf_slot *out);

/* Returns the address that the dynamic loader puts at an address, relative to where the file is
 * mapped (x86-64). False: none. */
bool elf__relative(const struct elf *e, uint64_t vaddr, uint64_t *target);

/* Returns libelf's own handle, for libdw and for the readers of call frame information. */
struct Elf *elf__handle(const struct elf *e);

#endif
