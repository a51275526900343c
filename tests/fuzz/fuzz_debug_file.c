/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arbitrary links to debug files and compressed symbols under libFuzzer. The first byte says which
 * section of an otherwise sound ELF file the input becomes: .gnu_debuglink, .gnu_debugdata as it
 * is, or .gnu_debugdata that holds the input compressed, so that the fuzzer need not find
 * checksums. The input is also the link to a file that such files share: a line that is its name,
 * and its build ID.
 */
#include "fuzz.h"

#include <elf.h>
#include <limits.h>
#include <lzma.h>
#include <stdbool.h>
#include <stddef.h>

#include "elf/elf.h"
#include "symbols/debug_file.h"
#include "symbols/roots.h"

struct file {
	Elf64_Ehdr eh;
	Elf64_Shdr sh[3]; /* none, the section, the names */
	char names[40];
	uint8_t bytes[1 << 17];
};

#define NAMES "\0.gnu_debuglink\0.gnu_debugdata"

/* Returns the length of the file. */
static size_t make_file(struct file *f, bool link, const uint8_t *data, size_t size)
{
	memset(f, 0, offsetof(struct file, bytes));
	memcpy(f->names, NAMES, sizeof(NAMES));
	memcpy(f->bytes, data, size);
	memcpy(f->eh.e_ident, ELFMAG "\2\1\1", 7);
	f->eh.e_type = ET_DYN;
	f->eh.e_machine = EM_X86_64;
	f->eh.e_version = EV_CURRENT;
	f->eh.e_ehsize = sizeof(f->eh);
	f->eh.e_shoff = offsetof(struct file, sh);
	f->eh.e_shentsize = sizeof(f->sh[0]);
	f->eh.e_shnum = 3;
	f->eh.e_shstrndx = 2;
	f->sh[1] = (Elf64_Shdr){ .sh_name = link ? 1 : 1 + sizeof(".gnu_debuglink"),
				 .sh_type = SHT_PROGBITS,
				 .sh_offset = offsetof(struct file, bytes),
				 .sh_size = size,
				 .sh_addralign = 1 };
	f->sh[2] = (Elf64_Shdr){ .sh_name = 0,
				 .sh_type = SHT_STRTAB,
				 .sh_offset = offsetof(struct file, names),
				 .sh_size = sizeof(f->names),
				 .sh_addralign = 1 };
	return offsetof(struct file, bytes) + size;
}

static int see_function(void *ctx, const struct elf_function *f)
{
	(void)ctx;
	read_through(f->name);
	return 0;
}

static void unpack(const struct elf *e)
{
	size_t len;
	void *inner = debug_file__unpack(e, &len);
	struct elf *mini = inner ? elf__open_memory(inner, len) : NULL;

	read_bytes(inner, len < 4096 && inner ? len : 0);
	if (mini)
		elf__debug_functions(mini, see_function, NULL);
	elf__close(mini);
	free(inner);
}

static void find(const struct elf *e, const uint8_t *data, size_t size)
{
	struct debug_places places = { .root = ROOT_OWN, .dir = "/nonexistent" };
	char *name = as_string(data, size), *id = cut_line(name);
	struct debug_file found;
	static struct roots *r;

	if (!r)
		r = roots__new(4);
	places.roots = r;
	found = debug_file__find(e, "/nonexistent/program", &places);
	debug_file__done(&found);
	if (strlen(id) < PATH_MAX) {
		found =
		    debug_file__find_shared(name, id, strlen(id), "/nonexistent/program", &places);
		debug_file__done(&found);
	}
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t packed[1 << 16];
	static struct file f;
	size_t len = 0;
	struct elf *e;

	if (size < 1 || size > sizeof(packed) / 2)
		return 0;
	if (data[0] % 3 == 2) {
		require(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC32, NULL, data + 1, size - 1,
						packed, &len, sizeof(packed)) == LZMA_OK);
		len = make_file(&f, false, packed, len);
	} else {
		len = make_file(&f, data[0] % 3 == 0, data + 1, size - 1);
	}
	e = elf__open_memory(&f, len);
	require(e != NULL);
	find(e, data + 1, size - 1);
	unpack(e);
	elf__close(e);
	return 0;
}
