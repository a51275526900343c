/*
 * The one reader of ELF structure, on libelf: segments, the build ID, and where functions start.
 * Needs no privilege; every offset from the file is checked against its length.
 */
#ifndef MEMTRACE_ELF_ELF_H
#define MEMTRACE_ELF_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;

struct Elf;

enum elf_machine { ELF_OTHER, ELF_X86_64, ELF_I386, ELF_ARM64 };

/* NULL and errno: ENOEXEC where it is no ELF file. The fd stays the caller's, open as long. */
struct elf *elf__open(int fd);
struct elf *elf__open_memory(const void *module, size_t len); /* the memory must outlive it */
void elf__close(struct elf *e);

enum elf_machine elf__machine(const struct elf *e);
bool elf__is_64bit(const struct elf *e);
bool elf__is_dynamic(const struct elf *e); /* has an interpreter or a dynamic section */
/* From a section or PT_NOTE; returns its length, at most cap, 0 where there is none. */
size_t elf__build_id(const struct elf *e, uint8_t *out, size_t cap);

/* Between file offsets and virtual addresses, by PT_LOAD. False where there is none. */
bool elf__offset_to_vaddr(const struct elf *e, uint64_t offset, uint64_t *vaddr);
bool elf__vaddr_to_offset(const struct elf *e, uint64_t vaddr, uint64_t *offset);

/* Code bytes at a file offset, at most `want`, inside an executable PT_LOAD. NULL: none. */
const uint8_t *elf__code(const struct elf *e, uint64_t offset, size_t want, size_t *got);

/* A section's contents as the file has them; NULL: none. Valid while the elf is open. */
const void *elf__section(const struct elf *e, const char *name, size_t *len);
/* How long all sections of DWARF are, unpacked, if what they say is true. */
uint64_t elf__debug_size(const struct elf *e);

struct elf_function {
	const char *name;	      /* without version; valid while the elf is open */
	uint64_t vaddr, offset, size; /* size 0: unknown */
	bool ifunc;
	uint8_t binding; /* STB_LOCAL, STB_GLOBAL or STB_WEAK of <elf.h> */
};

/* Every defined function of .dynsym, then of .symtab (duplicates included). Stops when fn returns
 * non-zero and returns that. */
int elf__functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f), void *ctx);
/* The same for a file that holds the symbols of another one's code: every offset is 0. */
int elf__debug_functions(struct elf *e, int (*fn)(void *ctx, const struct elf_function *f),
			 void *ctx);

/* libelf's own handle, for libdw alone. */
struct Elf *elf__handle(const struct elf *e);

#endif
