/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Productions of the grammars by which Rust names are mangled, the old one and the new one. */
#ifndef MANGLED_RUST_H
#define MANGLED_RUST_H

#include "mangler.h"

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

#endif
