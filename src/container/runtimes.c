/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "container/runtimes.h"

#include "util/array.h"

#define RUNTIME_ROW(name) &runtime_##name,

static const struct runtime *const rows[] = { RUNTIMES(RUNTIME_ROW) };

size_t runtimes__count(void)
{
	return ARRAY_SIZE(rows);
}

const struct runtime *runtimes__at(size_t i)
{
	return rows[i];
}
