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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct mangler {
	char *out;
	size_t len, cap;
	uint64_t random;
	int depth;
};

static unsigned int pick(struct mangler *m, unsigned int n)
{
	m->random = m->random * 6364136223846793005 + 1442695040888963407;
	return (unsigned int)(m->random >> 33) % n;
}

static void put(struct mangler *m, const char *s)
{
	size_t n = strlen(s);

	if (n > m->cap - m->len)
		n = m->cap - m->len;
	memcpy(m->out + m->len, s, n);
	m->len += n;
}

static const char *one_of(struct mangler *m, const char *const *words, size_t n)
{
	return words[pick(m, (unsigned int)n)];
}

#define PUT_ONE_OF(m, ...)                                                                         \
	do {                                                                                       \
		static const char *const words[] = { __VA_ARGS__ };                                \
		put(m, one_of(m, words, sizeof(words) / sizeof(*words)));                          \
	} while (0)

/* Mostly small, sometimes at a limit. */
static void put_number(struct mangler *m, const char *digits, unsigned int base)
{
	static const char *const limits[] = { "2147483647", "4294967295", "18446744073709551616",
					      "99999999999999999999999" };
	unsigned int n = pick(m, pick(m, 4) ? 4 : 64);
	char text[3] = { 0 };

	if (!pick(m, 40)) {
		put(m, one_of(m, limits, 4));
		return;
	}
	if (n >= base)
		text[0] = digits[n / base % base];
	text[n >= base] = digits[n % base];
	put(m, text);
}

static void put_decimal(struct mangler *m)
{
	put_number(m, "0123456789", 10);
}

/* ---- C++ ---- */

static void cxx_type(struct mangler *m);
static void cxx_encoding(struct mangler *m);
static void cxx_expression(struct mangler *m);
static void cxx_name(struct mangler *m);

/* Whether to go one level deeper; what goes deeper leaves by m->depth--. */
static bool may_descend(struct mangler *m)
{
	if (m->depth >= 60 || m->len >= m->cap || !pick(m, 12))
		return false;
	m->depth++;
	return true;
}

static void cxx_substitution(struct mangler *m)
{
	if (!pick(m, 3)) {
		PUT_ONE_OF(m, "St", "Sa", "Sb", "Ss", "Si", "So", "Sd");
		return;
	}
	put(m, pick(m, 3) ? "S" : "T");
	if (pick(m, 3))
		put_number(m, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 36);
	put(m, "_");
}

static void cxx_source_name(struct mangler *m)
{
	PUT_ONE_OF(m, "1f", "3foo", "4Pool", "12_GLOBAL__N_1", "9function", "1a", "0", "2x",
		   "5alloc");
}

static void cxx_template_arguments(struct mangler *m)
{
	put(m, "I");
	for (unsigned int n = pick(m, 4); n-- && may_descend(m); m->depth--)
		switch (pick(m, 8)) {
		case 0:
			put(m, "J");
			cxx_type(m);
			cxx_type(m);
			put(m, "E");
			break;
		case 1:
			put(m, "X");
			cxx_expression(m);
			put(m, "E");
			break;
		case 2:
			PUT_ONE_OF(m, "Lb1E", "Li5E", "Lin3E", "Lj4294967295E", "LDnE", "L_Z1fvE");
			break;
		default:
			cxx_type(m);
		}
	put(m, "E");
}

static void cxx_unqualified_name(struct mangler *m)
{
	switch (pick(m, 10)) {
	case 0:
		PUT_ONE_OF(m, "nw", "na", "dl", "da", "pl", "aS", "eq", "cl", "ix", "pt", "ss",
			   "aw", "li3_km", "v13foo");
		break;
	case 1:
		PUT_ONE_OF(m, "C1", "C2", "D0", "D1", "D2", "CI1", "D9");
		break;
	case 2:
		put(m, "Ul");
		cxx_type(m);
		put(m, "E");
		put_decimal(m);
		put(m, "_");
		break;
	case 3:
		PUT_ONE_OF(m, "Ut_", "Ut0_", "L3foo", "DC1a1bE", "B5cxx11", "3fooB5cxx11");
		break;
	case 4:
		put(m, "cv");
		cxx_type(m);
		break;
	default:
		cxx_source_name(m);
	}
}

static void cxx_nested_name(struct mangler *m)
{
	put(m, "N");
	if (!pick(m, 4))
		PUT_ONE_OF(m, "K", "V", "r", "KR", "O", "H");
	for (unsigned int n = 1 + pick(m, 4); n-- && may_descend(m); m->depth--)
		switch (pick(m, 6)) {
		case 0:
			cxx_substitution(m);
			break;
		case 1:
			cxx_template_arguments(m);
			break;
		default:
			cxx_unqualified_name(m);
		}
	put(m, "E");
}

static void cxx_name(struct mangler *m)
{
	if (!may_descend(m)) {
		cxx_source_name(m);
		return;
	}
	switch (pick(m, 8)) {
	case 0:
		put(m, "Z");
		cxx_encoding(m);
		put(m, "E");
		if (pick(m, 2))
			cxx_name(m);
		else
			PUT_ONE_OF(m, "s", "s_0", "d_", "d0_1f");
		break;
	case 1:
		put(m, "St");
		cxx_unqualified_name(m);
		break;
	case 2:
		cxx_substitution(m);
		cxx_template_arguments(m);
		break;
	case 3:
		cxx_unqualified_name(m);
		cxx_template_arguments(m);
		break;
	case 4:
		cxx_unqualified_name(m);
		break;
	default:
		cxx_nested_name(m);
	}
	m->depth--;
}

static void cxx_expression(struct mangler *m)
{
	if (!may_descend(m)) {
		PUT_ONE_OF(m, "Li1E", "T_", "fp_", "fL0p_", "sZT_", "sZfp_", "fpT");
		return;
	}
	switch (pick(m, 8)) {
	case 0:
		PUT_ONE_OF(m, "ad", "ng", "nt", "st", "sz", "at", "az", "nx", "te", "tw", "sp",
			   "nw");
		cxx_expression(m);
		break;
	case 1:
		PUT_ONE_OF(m, "cl", "il", "tl", "cv", "sP", "nw", "gsnw");
		cxx_type(m);
		cxx_expression(m);
		put(m, "E");
		break;
	case 2:
		put(m, "qu");
		cxx_expression(m);
		cxx_expression(m);
		cxx_expression(m);
		break;
	case 3:
		PUT_ONE_OF(m, "sr", "dt", "on", "sc", "dc", "cc", "rc");
		cxx_type(m);
		cxx_name(m);
		break;
	case 4:
		PUT_ONE_OF(m, "fl", "fr", "fLpl", "fRpl");
		put(m, "pl");
		cxx_expression(m);
		cxx_expression(m);
		break;
	case 5:
		put(m, "L");
		cxx_type(m);
		put_decimal(m);
		put(m, "E");
		break;
	default:
		PUT_ONE_OF(m, "pl", "mi", "ml", "dv", "ls", "cm", "ix", "eq", "ss", "aa");
		cxx_expression(m);
		cxx_expression(m);
	}
	m->depth--;
}

static void cxx_type(struct mangler *m)
{
	if (!may_descend(m)) {
		PUT_ONE_OF(m, "i", "v", "c", "z", "S_", "S0_", "T_", "DF16_", "u3foo", "Dn", "Dc",
			   "s");
		return;
	}
	switch (pick(m, 12)) {
	case 0:
		PUT_ONE_OF(m, "P", "R", "O", "K", "V", "r", "C", "G", "Dp", "PK", "U3vec");
		cxx_type(m);
		break;
	case 1:
		put(m, "F");
		for (unsigned int n = 1 + pick(m, 3); n--;)
			cxx_type(m);
		put(m, "E");
		break;
	case 2:
		put(m, "A");
		put_decimal(m);
		put(m, "_");
		cxx_type(m);
		break;
	case 3:
		put(m, "M");
		cxx_type(m);
		cxx_type(m);
		break;
	case 4:
		PUT_ONE_OF(m, "Dt", "DT", "Do", "DO", "Dw", "Dv4_", "Dv_");
		cxx_expression(m);
		put(m, "E");
		break;
	case 5:
	case 6:
		cxx_substitution(m);
		if (pick(m, 2))
			cxx_template_arguments(m);
		break;
	case 7:
		cxx_source_name(m);
		cxx_template_arguments(m);
		break;
	case 8:
		PUT_ONE_OF(m, "i", "v", "S_", "T_");
		break;
	default:
		cxx_name(m);
	}
	m->depth--;
}

static void cxx_encoding(struct mangler *m)
{
	if (!pick(m, 8)) {
		PUT_ONE_OF(m, "TV", "TI", "TS", "TT", "GV", "GR", "Th8_", "Tv0_n8_", "Tc", "TW",
			   "TC", "GTt", "GA", "TA");
		cxx_type(m);
		return;
	}
	cxx_name(m);
	for (unsigned int n = pick(m, 4); n--;)
		cxx_type(m);
}

/*
 * A parameter pack over a chain of templates, each of which has the one before it as an argument
 * more than once: a walk over all that the name stands for takes exponentially long.
 */
static void cxx_chain(struct mangler *m)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	unsigned int n = 1 + pick(m, 60), first = n + pick(m, 3);

	PUT_ONE_OF(m, "_Z1fIiEvDp", "_Z1fIJiEEvDp", "_Z1fv", "_Z1fIiEvDT", "_Z1fIiEv", "_Z1fIiEvM");
	for (unsigned int i = 0; i < n; i++)
		PUT_ONE_OF(m, "1aI", "1aI", "1aI", "P1aI", "1aIJ");
	put(m, pick(m, 2) ? "ii" : "T_");
	for (unsigned int i = 0; i < n; i++) {
		char ref[] = { 'S', digits[(first + i) / 36 % 36], digits[(first + i) % 36], '_',
			       0 };

		if (first + i < 36)
			memmove(ref + 1, ref + 2, 3);
		put(m, "E");
		for (unsigned int times = (i + 1 < n) + !pick(m, 30); times; times--)
			put(m, ref);
	}
}

/* ---- Rust ---- */

static void rust_type(struct mangler *m);
static void rust_path(struct mangler *m);

static void rust_base62(struct mangler *m)
{
	if (pick(m, 3))
		put_number(m, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 62);
	put(m, "_");
}

static void rust_identifier(struct mangler *m)
{
	if (!pick(m, 4)) {
		put(m, "s");
		rust_base62(m);
	}
	PUT_ONE_OF(m, "4core", "3fmt", "5alloc", "1f", "0", "u8gdel_5qa",
		   "u30____7hkackfecea1cbdathfdh9hlq6y", "7_123foo", "u1_", "9999999999a");
}

static void rust_backref(struct mangler *m)
{
	put(m, "B");
	rust_base62(m);
}

static void rust_const(struct mangler *m)
{
	switch (pick(m, 5)) {
	case 0:
		put(m, "p");
		break;
	case 1:
		rust_backref(m);
		break;
	case 2:
		PUT_ONE_OF(m, "Re616263_", "eff_", "RS_", "Q", "A", "T", "V");
		break;
	default:
		PUT_ONE_OF(m, "j0_", "h1f_", "b1_", "c61_", "inff_",
			   "o123456789abcdef0123456789abcdef0_", "cffffffff_", "b2_", "an80_");
	}
}

static void rust_type(struct mangler *m)
{
	if (!may_descend(m)) {
		PUT_ONE_OF(m, "a", "b", "c", "e", "h", "i", "j", "p", "u", "v", "z", "B_", "B0_");
		return;
	}
	switch (pick(m, 10)) {
	case 0:
		put(m, "A");
		rust_type(m);
		rust_const(m);
		break;
	case 1:
		put(m, "T");
		for (unsigned int n = pick(m, 4); n--;)
			rust_type(m);
		put(m, "E");
		break;
	case 2:
		PUT_ONE_OF(m, "R", "Q", "RL_", "QL0_", "P", "O", "S");
		rust_type(m);
		break;
	case 3:
		PUT_ONE_OF(m, "F", "FG_", "FUK3_ab", "FKC", "FG0_");
		for (unsigned int n = pick(m, 3); n--;)
			rust_type(m);
		put(m, "E");
		rust_type(m);
		break;
	case 4:
		PUT_ONE_OF(m, "D", "DG_", "DGzzzzzz_");
		rust_path(m);
		if (pick(m, 2)) {
			put(m, "p1f");
			rust_type(m);
		}
		put(m, "EL_");
		break;
	case 5:
		rust_backref(m);
		break;
	default:
		rust_path(m);
	}
	m->depth--;
}

static void rust_path(struct mangler *m)
{
	if (!may_descend(m)) {
		PUT_ONE_OF(m, "C4core", "C1a", "B_", "Cs_5alloc");
		return;
	}
	switch (pick(m, 8)) {
	case 0:
		put(m, "M");
		rust_base62(m);
		rust_path(m);
		rust_type(m);
		break;
	case 1:
		PUT_ONE_OF(m, "X", "Xs_", "Y");
		rust_path(m);
		rust_type(m);
		rust_path(m);
		break;
	case 2:
	case 3:
		PUT_ONE_OF(m, "Nv", "Nt", "NC", "NS", "Na");
		rust_path(m);
		rust_identifier(m);
		break;
	case 4:
	case 5:
		put(m, "I");
		rust_path(m);
		for (unsigned int n = pick(m, 4); n--;)
			switch (pick(m, 4)) {
			case 0:
				put(m, "K");
				rust_const(m);
				break;
			case 1:
				put(m, "L");
				rust_base62(m);
				break;
			default:
				rust_type(m);
			}
		put(m, "E");
		break;
	case 6:
		rust_backref(m);
		break;
	default:
		put(m, "C");
		rust_identifier(m);
	}
	m->depth--;
}

static void rust_legacy(struct mangler *m)
{
	put(m, "_ZN");
	for (unsigned int n = pick(m, 5); n--;)
		PUT_ONE_OF(m, "4core", "3fmt", "5alloc", "8$LT$T$GT$", "22_$u7b$$u7b$closure$u7d$",
			   "2..", "7$u20$ab", "4$RF$", "6$BP$$C", "3$u$");
	PUT_ONE_OF(m, "17h0123456789abcdefE", "17h05af221e174051e9E", "17hE", "E",
		   "17h0000000000000000E");
}

/* ---- whole names and parts of them ---- */

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
