/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocates as soon as it is there. */
#include <stdlib.h>

#include "keep.h"

NOINLINE static void in_library(void)
{
	for (int i = 0; i < 3; i++)
		keep(malloc(50));
}

__attribute__((constructor)) static void born(void)
{
	in_library();
}
