/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "exit N" and "signal N": how it ends; "cat": copies standard input to standard output. */
#include <signal.h>

#include "truth.h"

int main(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;

	keep(malloc(10));
	if (argc > 2 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "signal"))
		raise(atoi(argv[2]));
	while ((n = read(0, buf, sizeof(buf))) > 0)
		truth_write(1, buf, n);
	truth_write(2, "done\n", 5);
	return 0;
}
