/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the oracle, the probes on it and the driver agree on. */
#ifndef ORACLE_H
#define ORACLE_H

#include "abi/event.h"

#define ORACLE_FRAMES 192

enum { RECORD_STACK, RECORD_FILES };

struct record {
	ev_u64 kind;
	ev_u64 seq;
	ev_u64 n;		     /* frames of the truth */
	ev_u64 truth[ORACLE_FRAMES]; /* of oracle_take's caller, and so on */
	struct event_stack st;	     /* of oracle_take, its caller, and so on */
};

#endif
