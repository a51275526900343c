/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "profiles.h"
#include "report/text_width.h"

static const struct report_style wide, narrow = { .width = 80 };
static const struct report_style colored = { .color = true, .width = 100 };

static void compare(const char *name, const struct profile *p, const struct report_style *st)
{
	struct text t;

	setenv("TZ", "UTC", 1);
	t = render("text", p, st, false);
	check_golden(name, t.data, t.len);
	text_free(&t);
}

TEST(one_process)
{
	compare("ordinary.txt", &ordinary, &wide);
}

TEST(a_terminal_of_80_columns)
{
	compare("ordinary-80.txt", &ordinary, &narrow);
}

TEST(colour)
{
	compare("ordinary-color.txt", &ordinary, &colored);
}

TEST(the_final_report_says_so_and_sums_up)
{
	struct profile p = ordinary;

	p.final = true;
	compare("ordinary-final.txt", &p, &wide);
}

TEST(several_processes_and_losses)
{
	compare("hostile.txt", &hostile, &wide);
}

TEST(hostile_names_on_a_terminal)
{
	compare("hostile-80.txt", &hostile, &narrow);
}

TEST(no_sites)
{
	compare("empty.txt", &empty, &wide);
}

TEST(many_processes_are_cut)
{
	struct profile_process many[30];
	struct profile p = empty;

	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct profile_process){ .pid = 100 + (uint32_t)i,
						    .comm = "child",
						    .live_bytes = i * 1024,
						    .live_blocks = i };
	p.processes = many;
	p.nprocesses = ARRAY_SIZE(many);
	compare("many.txt", &p, &wide);
}

static size_t columns(const char *s, const char *end)
{
	size_t n = 0;

	for (; s < end; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Lines with names keep to the width; wide characters were checked by eye in the golden file. */
TEST(no_line_is_wider_than_the_terminal)
{
	for (int width = 80; width < 300; width += 7) {
		struct report_style st = { .width = width };
		struct text t = render("text", &ordinary, &st, false);
		const char *end;

		for (const char *s = t.data; *s; s = end + 1) {
			end = strchr(s, '\n');
			CHECK(columns(s, end) <= (size_t)width);
			CHECK(end == s || end[-1] != ' ');
		}
		text_free(&t);
	}
}

/* Whatever names hold, a terminal gets only printable text and line ends. */
TEST(no_control_byte_reaches_the_terminal)
{
	for (int width = 0; width < 200; width++) {
		struct report_style st = { .width = width };
		struct text t = render("text", &hostile, &st, false);

		for (size_t i = 0; i < t.len; i++) {
			unsigned char c = (unsigned char)t.data[i];

			CHECK((c >= 0x20 && c != 0x7f) || c == '\n');
			CHECK(c != 0xc2 || (unsigned char)t.data[i + 1] >= 0xa0);
		}
		CHECK(!strstr(t.data, "\u202e"));
		text_free(&t);
	}
}

TEST(well_formed_at_every_width)
{
	const char *const python[] = { "python3", "-c",
				       "import sys; sys.stdin.buffer.read().decode('utf-8')",
				       NULL };
	const struct report_format *text = report__find("text");
	struct text said, all = { 0 };
	FILE *out = open_memstream(&all.data, &all.len);
	int status;

	for (int width = 0; width < 200; width++)
		text->report(&hostile, &(struct report_style){ .width = width }, out);
	fclose(out);
	status = run(python, all.data, all.len, &said);
	text_free(&all);
	if (status)
		explain(said.data);
	text_free(&said);
	if (status == 127)
		SKIP("python3 is not installed");
	CHECK_EQ(status, 0);
}

TEST(a_full_disk_is_reported)
{
	CHECK_EQ(render_to_full("text", &ordinary), -ENOSPC);
}

TEST(one_is_singular)
{
	struct profile p = empty;
	struct text t;

	p.live_blocks = p.allocs = p.frees = p.unmatched_frees = p.superseded = 1;
	p.inherited_frees = p.disinherited = 1;
	p.late = p.outsiders = p.lost_events = p.lost_stacks = p.lost_table = 1;
	t = render("text", &p, &wide, false);
	CHECK(strstr(t.data, " in 1 block, "));
	CHECK(strstr(t.data, "calls    1 allocation, 1 free\n"));
	CHECK(strstr(t.data, "earlier  1 more free, of a block "));
	CHECK(!strstr(t.data, "unseen "));
	CHECK(strstr(t.data, "forks    1 more free, of a block inherited "));
	CHECK(strstr(t.data, "± forks  1 process inherited more blocks than "));
	CHECK(strstr(t.data, "missed   1 free (noticed when its address was "));
	CHECK(strstr(t.data, "late     1 program, library or child ran unprobed "));
	CHECK(strstr(t.data, "others   1 process outside the target shares "));
	CHECK(strstr(t.data, "± lost   1 event (raise --ring), 1 call stack, 1 block (out "));
	text_free(&t);
}

TEST(lines_of_figures_fit_into_80_columns)
{
	struct profile p = ordinary;
	struct text t;

	p.final = true;
	p.superseded = p.late = p.outsiders = p.stack_guessed = p.stack_collisions = 999;
	p.lost_events = p.lost_stacks = p.lost_table = 99;
	p.unseen_frees = p.inherited_frees = p.disinherited = 9999;
	t = render("text", &p, &narrow, false);
	for (char *line = strtok(t.data, "\n"); line; line = strtok(NULL, "\n"))
		CHECK(text_width__width(line) <= 80);
	text_free(&t);
}
