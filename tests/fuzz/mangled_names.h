/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes mangled names by the grammars of the C++ ABI and of Rust, old and new, from random numbers:
 * whole names, and productions to put into one. What demanglers fail at takes structure that a
 * fuzzer does not find by changing bytes: deep nesting, references back to what is still open, and
 * names whose parts refer to each other so that they stand for exponentially many.
 *
 * Sources: https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling,
 * https://doc.rust-lang.org/rustc/symbol-mangling/v0.html
 */
#ifndef MANGLED_NAMES_H
#define MANGLED_NAMES_H

#include "mangled_cxx.h"
#include "mangled_rust.h"

static void put_name(struct mangler *m)
{
	m->depth = 0;
	switch (pick(m, 8)) {
	case 0:
		rust_legacy(m);
		break;
	case 1:
	case 2:
		put(m, "_R");
		rust_path(m);
		if (!pick(m, 3))
			rust_path(m);
		break;
	case 3:
	case 4:
		cxx_chain(m);
		break;
	default:
		put(m, "_Z");
		cxx_encoding(m);
	}
	if (!pick(m, 8))
		PUT_ONE_OF(m, ".part.0", ".cold", ".isra.0.constprop.3", ".llvm.123", "@@V1", ".",
			   "$got");
}

/* A production, sometimes the same many times over. */
static void put_part(struct mangler *m)
{
	static void (*const parts[])(struct mangler *) = {
		cxx_type,	 cxx_expression,   cxx_template_arguments,
		cxx_name,	 cxx_substitution, rust_type,
		rust_path,	 rust_const,	   rust_backref,
		rust_identifier, put_decimal,
	};
	unsigned int times = pick(m, 6) ? 1 : 1 + pick(m, 200);
	size_t from = m->len, len;

	m->depth = 40;
	parts[pick(m, sizeof(parts) / sizeof(*parts))](m);
	len = m->len - from;
	while (--times && m->cap - m->len > len) {
		memcpy(m->out + m->len, m->out + from, len);
		m->len += len;
	}
}

#endif
