/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Productions of the grammar by which C++ names are mangled. */
#ifndef MANGLED_CXX_H
#define MANGLED_CXX_H

#include "mangler.h"

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

#endif
