/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "keep.h"
#include "own.h"

void plugin_leaks(void);
void plugin_leaks_own(void);

NOINLINE void plugin_leaks(void)
{
	keep(malloc(123));
	free(keep(malloc(10)));
}

NOINLINE void plugin_leaks_own(void)
{
	void *p = keep(je_malloc(10));

	keep(je_malloc(45));
	je_free(p);
}
