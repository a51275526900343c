/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/pace.h"

#define SHARE 5 /* one part of so many is spent on it */

uint64_t pace__next(const struct pace *p)
{
	const uint64_t ahead = (PACE_BURST - 1) * PACE_GAP_NS;

	return p->paid > ahead ? p->paid - ahead : 0;
}

void pace__took(struct pace *p, uint64_t began, uint64_t ended)
{
	uint64_t cost = ended > began ? (ended - began) * SHARE : 0;

	if (p->paid < began)
		p->paid = began;
	p->paid += cost > PACE_GAP_NS ? cost : PACE_GAP_NS;
}
