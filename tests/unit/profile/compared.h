/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles that are compared, and the rows of a comparison as text. */
#ifndef COMPARED_H
#define COMPARED_H

#include "profiles.h"

#include "profile/compare.h"

/* "CHANGE/BLOCKS@ID …" in order. */
static inline const char *rows(const struct comparison *c)
{
	static char text[1024];
	char *p = text;

	*p = '\0';
	for (size_t i = 0; i < c->nsites; i++)
		p += snprintf(p, sizeof(text) - (size_t)(p - text), "%s%+d/%+d@%s", i ? " " : "",
			      (int)c->sites[i].bytes, (int)c->sites[i].blocks,
			      c->sites[i].site->id + (strlen(c->sites[i].site->id) > 14 ? 14 : 2));
	return text;
}

static inline struct profile run_with(const struct profile_site *site, double elapsed)
{
	return (struct profile){ .run = &test_run,
				 .wall_ns = WALL,
				 .final = true,
				 .elapsed_s = elapsed,
				 .sites = site,
				 .nsites = site->live_bytes > 0 };
}

#endif
