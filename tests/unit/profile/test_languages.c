/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profile/languages.h"

#include <errno.h>
#include <stdbool.h>

#include "cli/option_row.h"
#include "probe/spec.h"
#include "test.h"

static bool is(const char *path, const char *name)
{
	const struct language *r = languages__of_file(path);

	return r ? !strcmp(r->name, name) : !*name;
}

TEST(programs_and_libraries)
{
	CHECK(is("/usr/bin/python3.11", "python"));
	CHECK(is("/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0", "python"));
	CHECK(is("/usr/bin/php8.2", "php"));
	CHECK(is("/usr/sbin/php-fpm8.2", "php"));
	CHECK(is("/usr/lib/apache2/modules/libphp8.2.so", "php"));
	CHECK(is("/usr/lib/jvm/java-17/lib/server/libjvm.so", "java"));
	CHECK(is("/usr/bin/node", "node"));
	CHECK(is("/usr/share/dotnet/shared/libcoreclr.so", "dotnet"));
	CHECK(is("/usr/bin/luajit-2.1", "luajit"));
	CHECK(is("/opt/java/cat", ""));
	CHECK(is("phpunit", ""));
	CHECK(is("", ""));
}

/* What is said of a runtime is whole, and its probes can be parsed. */
TEST(rows)
{
	const struct language *r;
	char why[256] = "";

	for (size_t i = 0; (r = languages__get(i)); i++) {
		struct probe_specs ps = { 0 };

		CHECK_EQ(languages__row(r), i);
		CHECK(r->name && r->files && (r->naming || r->probes));
		CHECK(!r->probes == !languages__preset(r->name));
		if (!r->probes)
			continue;
		CHECK(r->unseen && r->variable && r->setting && r->api);
		CHECK(!strncmp(r->setting, r->variable, strlen(r->variable)));
		CHECK_EQ(probe_specs__add(&ps, r->probes, why, sizeof(why)), 0);
		CHECK_STR(why, "");
		CHECK(ps.n > 3);
		CHECK(strstr(r->probes, r->api));
		probe_specs__release(&ps);
	}
}

/* The words of --runtime are the presets. */
TEST(the_option_has_all)
{
	const struct option_row *row = NULL;
	const char *word;
	size_t n = 0, len;

	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].name && !strcmp(option_rows[i].name, "runtime"))
			row = &option_rows[i];
	if (!row) {
		CHECK(row);
		return;
	}
	for (; (word = option__word(row, n, &len)); n++) {
		char name[16] = "";

		snprintf(name, sizeof(name), "%.*s", (int)len, word);
		CHECK(languages__preset(name));
	}
	for (size_t i = 0; languages__get(i); i++)
		n -= languages__get(i)->probes != NULL;
	CHECK_EQ(n, 0);
}
