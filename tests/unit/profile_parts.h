/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What profiles built by hand have in common: the run, mappings, and names of every kind. */
#ifndef PROFILE_PARTS_H
#define PROFILE_PARTS_H

#include <stdbool.h>

#include "util/array.h"
#include "golden.h"
#include "profile/profile.h"
#include "report/report.h"

#define WALL 1767323045678901234 /* 2026-01-02T03:04:05.678 UTC */

#define TEN(s) s s s s s s s s s s
#define LONG_NAME "std::vector<" TEN("std::map<std::string, std::pair<int, é>>, ") "int>::push_back"

/* What a traced program may call its functions, files and threads. */
#define HOSTILE_CONTROL "evil\033[2J\033[31m\a\r\nfunc\t\x7f"
#define HOSTILE_UTF8 "bad\xff\xc3(\xed\xa0\x80\xf8 end"
#define HOSTILE_QUOTES "\"quoted\\\" 'name' </script>&lt;"
#define HOSTILE_FOLDED " a;b; c 12 34 "
#define HOSTILE_RTL "\u202egnp.exe\u2066\u200f"
#define HOSTILE_C1                                                                                 \
	"c1\xc2\x9b"                                                                               \
	"31m\xc2\x85"
#define HOSTILE_WIDE "関数_🙂_e\u0301"

static const struct profile_mapping test_mappings[] = {
	{ "/usr/bin/orderd", "9f3c0123456789abcdef0123456789abcdef0123" },
	{ "/usr/lib/x86_64-linux-gnu/libc.so.6", "" },
	{ "/tmp/" HOSTILE_CONTROL "/" HOSTILE_FOLDED ".so", "00ff" },
	{ "[vdso]", "" },
};

static const struct profile_process test_targets[] = {
	{ .pid = 4242, .comm = "orderd", .exe = "/usr/bin/orderd" },
};

static const struct profile_run test_run = {
	.version = "0.1.0",
	.host = "db1.example.org",
	.kernel = "6.1.0-42-amd64",
	.interval_s = 30,
	.targets = test_targets,
	.ntargets = 1,
	.stack_mode = STACK_DWARF,
	.sort = SORT_BYTES,
};

#define MAIN .module = "/usr/bin/orderd", .mapping = 0
#define LIBC .module = "/usr/lib/x86_64-linux-gnu/libc.so.6", .mapping = 1, .library = true

static const struct profile_frame session_stack[] = {
	{ .func = "session_new",
	  .file = "/src/orderd/session.c",
	  .line = 88,
	  MAIN,
	  .offset = 0x11b2,
	  .address = 0x5581200011b2 },
	{ .func = "ev_accept",
	  .file = "/src/orderd/server.c",
	  .line = 131,
	  .inlined = true,
	  MAIN,
	  .offset = 0x2040,
	  .address = 0x558120002040 },
	{ .func = "handle_connect",
	  .file = "/src/orderd/server.c",
	  .line = 140,
	  MAIN,
	  .offset = 0x2040,
	  .address = 0x558120002040 },
	{ .func = "main", .file = "main.c", MAIN, .offset = 0x1100, .address = 0x558120001100 },
	{ LIBC, .offset = 0x271ca, .address = 0x7f00000271ca },
};

#endif
