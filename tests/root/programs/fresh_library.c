/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A library that allocates in its constructor. */
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
