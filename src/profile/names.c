/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/names.h"

#include <signal.h>

#include "util/array.h"

/* Values may come from a recording: what is out of range has no name. */
#define NAME_OF(names, i) ((size_t)(i) < ARRAY_SIZE(names) ? (names)[i] : NULL)

const char *profile_names__verdict(enum verdict verdict)
{
	static const char *const names[VERDICTS] = {
		[VERDICT_UNKNOWN] = "unknown", [VERDICT_CHURN] = "churn",
		[VERDICT_STARTUP] = "startup", [VERDICT_PLATEAU] = "plateau",
		[VERDICT_GROWING] = "growing", [VERDICT_LEAK] = "leak",
	};

	return NAME_OF(names, verdict);
}

const char *profile_names__doubt(enum doubt doubt)
{
	static const char *const names[DOUBTS] = {
		[DOUBT_SLOWS] = "slows",
		[DOUBT_OLDER] = "older",
		[DOUBT_YOUNG] = "young",
		[DOUBT_FEW] = "few",
	};

	return NAME_OF(names, doubt);
}

const char *profile_names__kind(enum api_kind kind)
{
	static const char *const names[API_KINDS] = { [API_HEAP] = "heap", [API_MAP] = "map" };

	return NAME_OF(names, kind);
}

const char *profile_names__mapping(enum mapped_kind kind)
{
	static const char *const names[MAPPED_KINDS] = {
		[MAPPED_ANONYMOUS] = "anonymous",
		[MAPPED_STACK] = "thread stack",
		[MAPPED_FILE] = "file",
		[MAPPED_SHARED] = "shared memory",
	};

	return NAME_OF(names, kind);
}

const char *profile_names__sort(enum sort_key key)
{
	static const char *const names[SORT_KEYS] = {
		[SORT_LEAK] = "leak",	  [SORT_BYTES] = "bytes", [SORT_BLOCKS] = "blocks",
		[SORT_GROWTH] = "growth", [SORT_AGE] = "age",	  [SORT_RATE] = "rate",
		[SORT_MARK] = "mark",
	};

	return NAME_OF(names, key);
}

const char *profile_names__by(enum merge_by by)
{
	static const char *const names[MERGE_KEYS] = {
		[BY_PROCESS] = "process",
		[BY_CONTAINER] = "container",
		[BY_STACK] = "stack",
	};

	return NAME_OF(names, by);
}

const char *profile_names__stack_mode(enum stack_mode mode)
{
	static const char *const names[] = {
		[STACK_OFF] = "none",
		[STACK_FP] = "fp",
		[STACK_DWARF] = "dwarf",
	};

	return NAME_OF(names, mode);
}

const char *profile_names__signal(int number)
{
#define SIGNAL(name) [name] = #name
	static const char *const names[] = {
		SIGNAL(SIGHUP),	 SIGNAL(SIGINT),    SIGNAL(SIGQUIT), SIGNAL(SIGILL),
		SIGNAL(SIGTRAP), SIGNAL(SIGABRT),   SIGNAL(SIGBUS),  SIGNAL(SIGFPE),
		SIGNAL(SIGKILL), SIGNAL(SIGUSR1),   SIGNAL(SIGSEGV), SIGNAL(SIGUSR2),
		SIGNAL(SIGPIPE), SIGNAL(SIGALRM),   SIGNAL(SIGTERM), SIGNAL(SIGSTKFLT),
		SIGNAL(SIGXCPU), SIGNAL(SIGVTALRM), SIGNAL(SIGPROF), SIGNAL(SIGXFSZ),
		SIGNAL(SIGIO),	 SIGNAL(SIGPWR),    SIGNAL(SIGSYS),
	};
#undef SIGNAL

	return number >= 0 && (size_t)number < ARRAY_SIZE(names) ? names[number] : NULL;
}
