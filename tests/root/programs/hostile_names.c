/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leaks in functions whose names are made to harm whoever demangles them. */
#include "truth.h"

/* Refers to itself: the demangler of Rust names recursed without end. */
__attribute__((noinline)) void _RB_(void);
void _RB_(void)
{
	keep(malloc(1000));
	__asm__ volatile("");
}

/* Types within types that refer to each other: the demangler of C++ names walked 2^40 steps. */
__attribute__((noinline)) void exponential(void) __asm__(
    "_Z1fIiEvDp1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI"
    "1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aI1aIiiES14_ES15_ES16_ES17_ES18_ES19_ES1A_ES1B_ES1C_ES1D_ES1E_"
    "ES1F_ES1G_ES1H_ES1I_ES1J_ES1K_ES1L_ES1M_ES1N_ES1O_ES1P_ES1Q_ES1R_ES1S_ES1T_ES1U_ES1V_ES1W_"
    "ES1X_ES1Y_ES1Z_ES20_ES21_ES22_ES23_ES24_ES25_ES26_E");
void exponential(void)
{
	keep(malloc(2000));
	__asm__ volatile("");
}

int main(void)
{
	truth_begin();
	_RB_();
	exponential();
	truth("_RB_", "malloc", 1, 1000);
	truth("exponential", "malloc", 1, 2000);
	truth_end();
	return 0;
}
