/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generates completions for bash, zsh and fish: which options each verb has, and what their values
 * are. */
#include "cli/generate.h"

#include <string.h>

#include "cli/option_row.h"
#include "util/array.h"
#include "util/strbuf.h"

static bool is_shown(const struct option_row *r, enum verb v)
{
	return r->name && r->help && option__verbs(r) & OF(v);
}

/* Adds the words of a choice, each after `before`; false: the option has none. */
static bool add_words(struct strbuf *sb, const struct option_row *r, const char *between)
{
	const char *word;
	size_t len, i;

	for (i = 0; (word = option__word(r, i, &len)); i++) {
		strbuf__adds(sb, i ? between : "");
		strbuf__add(sb, word, len);
	}
	return i > 0;
}

/* Returns the length of the first clause of a help text. */
static size_t summary_length(const char *help)
{
	static const char *const ends[] = { ";", ": ", " (" };
	size_t len = strlen(help);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *end = strstr(help, ends[i]);

		if (end && (size_t)(end - help) < len)
			len = (size_t)(end - help);
	}
	return len;
}

/* Adds the first clause of a help text, with a backslash before each of `special`. */
static void add_summary(struct strbuf *sb, const char *help, const char *special)
{
	for (size_t i = 0; i < summary_length(help); i++) {
		if (strchr(special, help[i]))
			strbuf__addc(sb, '\\');
		strbuf__addc(sb, help[i]);
	}
}

static void add_verbs(struct strbuf *sb)
{
	for (size_t v = 0; v < VERBS; v++) {
		if (option_verbs[v].name)
			strbuf__addf(sb, " %s", option_verbs[v].name);
	}
}

/* ---- bash ---- */

static const char bash_start[] =
    "# Completions of memtrace for bash; made from its table of options.\n\n"
    "_memtrace()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb='' i\n"
    "\tlocal options\n\n"
    "\tCOMPREPLY=()\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tif [[ ${COMP_WORDS[i]} == -- ]]; then # the command to start, and its arguments\n"
    "\t\t\tcompopt -o default\n"
    "\t\t\t((i + 1 < COMP_CWORD)) || mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
    "\t\t\treturn\n"
    "\t\tfi\n"
    "\tdone\n"
    "\t((COMP_CWORD > 1)) && verb=${COMP_WORDS[1]}\n"
    "\tif [[ $cur == \"=\" ]]; then # --name=value is three words\n"
    "\t\tcur=''\n"
    "\telif [[ $prev == \"=\" ]]; then\n"
    "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "\tfi\n\n"
    "\tcase $prev in\n";

static const char bash_pids[] = "$(cd /proc && printf '%s ' [0-9]*)";

static void bash_reply(struct strbuf *sb, const char *compgen)
{
	strbuf__addf(sb, "mapfile -t COMPREPLY < <(compgen %s -- \"$cur\")\n", compgen);
}

static void bash_value(struct strbuf *sb, const struct option_row *r)
{
	struct strbuf words = { 0 };

	strbuf__adds(sb, "\t");
	if (r->letter)
		strbuf__addf(sb, "-%c | ", r->letter);
	strbuf__addf(sb, "--%s)\n\t\t", r->name);
	if (r->type == VALUE_FILE || r->type == VALUE_FOLDER) {
		strbuf__adds(sb, "compopt -o filenames\n\t\t");
		bash_reply(sb, r->type == VALUE_FILE ? "-f" : "-d");
		strbuf__adds(sb, "\t\t");
	} else if (r->type == VALUE_USER) {
		bash_reply(sb, "-u");
		strbuf__adds(sb, "\t\t");
	} else {
		strbuf__adds(&words, "-W \"");
		if (r->type == VALUE_PID)
			strbuf__adds(&words, bash_pids);
		if (r->type == VALUE_PID || add_words(&words, r, " ")) {
			strbuf__adds(&words, "\"");
			bash_reply(sb, words.error ? "-f" : words.data);
			strbuf__adds(sb, "\t\t");
		}
	}
	strbuf__adds(sb, "return\n\t\t;;\n");
	strbuf__free(&words);
}

static void bash_options(struct strbuf *sb, enum verb v)
{
	if (option_verbs[v].name)
		strbuf__addf(sb, "\t%s)", option_verbs[v].name);
	else
		strbuf__adds(sb, "\t*)");
	strbuf__adds(sb, " options='");
	for (size_t i = 0, n = 0; i < option_row_count; i++) {
		if (is_shown(&option_rows[i], v))
			strbuf__addf(sb, "%s--%s", n++ ? " " : "", option_rows[i].name);
	}
	strbuf__adds(sb, "' ;;\n");
}

void generate__bash(struct strbuf *sb)
{
	strbuf__adds(sb, bash_start);
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].name && option_rows[i].help && option_rows[i].value)
			bash_value(sb, &option_rows[i]);
	}
	strbuf__adds(sb, "\tesac\n\tcase $verb in\n");
	for (int v = VERBS - 1; v >= 0; v--) /* the one without a name matches anything, so it
					      * comes last */
		bash_options(sb, (enum verb)v);
	strbuf__adds(sb, "\tesac\n\tif [[ $cur == -* ]]; then\n\t\t");
	bash_reply(sb, "-W \"$options\"");
	strbuf__adds(sb, "\telif ((COMP_CWORD == 1)); then\n\t\t"
			 "mapfile -t COMPREPLY < <(compgen -W \"");
	add_verbs(sb);
	strbuf__adds(sb, "\" -- \"$cur\")\n"
			 "\telif [[ $verb == report || $verb == diff ]]; then\n"
			 "\t\tcompopt -o filenames\n\t\t");
	bash_reply(sb, "-f");
	strbuf__adds(sb, "\tfi\n}\ncomplete -F _memtrace memtrace\n");
}

/* ---- zsh ---- */

static void zsh_action(struct strbuf *sb, const struct option_row *r)
{
	static const char *const actions[] = {
		[VALUE_FILE] = "_files",
		[VALUE_FOLDER] = "_files -/",
		[VALUE_PID] = "_pids",
		[VALUE_USER] = "_users",
	};
	struct strbuf words = { 0 };

	strbuf__adds(sb, ":");
	if (add_words(&words, r, " ") && !words.error)
		strbuf__addf(sb, "value:(%s)", words.data);
	else if (r->type != VALUE_OTHER && r->type != VALUE_FORMAT)
		strbuf__addf(sb, "value:%s", actions[r->type]);
	else
		strbuf__adds(sb, "value: ");
	strbuf__free(&words);
}

/* '(-i --interval)'{-i+,--interval=}'[time between reports]:value: ' */
static void zsh_option(struct strbuf *sb, const struct option_row *r)
{
	const char *repeat = r->help && strstr(r->help, "repeatable") ? "*" : "";

	strbuf__adds(sb, "\t\t");
	if (r->letter && !*repeat)
		strbuf__addf(sb, "'(-%c --%s)'", r->letter, r->name);
	if (r->letter)
		strbuf__addf(sb, "%s{-%c%s,--%s%s}'", *repeat ? "'*'" : "", r->letter,
			     r->value ? "+" : "", r->name, r->value ? "=" : "");
	else
		strbuf__addf(sb, "'%s--%s%s", repeat, r->name, r->value ? "=" : "");
	strbuf__adds(sb, "[");
	for (size_t i = 0; i < summary_length(r->help); i++) {
		if (r->help[i] == '\'')
			strbuf__adds(sb, "'\\'");
		else if (strchr("[]\\", r->help[i]))
			strbuf__addc(sb, '\\');
		strbuf__addc(sb, r->help[i]);
	}
	strbuf__adds(sb, "]");
	if (r->value)
		zsh_action(sb, r);
	strbuf__adds(sb, "'\n");
}

static void zsh_verb(struct strbuf *sb, enum verb v)
{
	const struct verb_row *row = &option_verbs[v];

	strbuf__addf(sb, "\t%s)\n\t\tspecs=(\n", row->name ? row->name : "*");
	for (size_t i = 0; i < option_row_count; i++) {
		if (is_shown(&option_rows[i], v))
			zsh_option(sb, &option_rows[i]);
	}
	for (size_t i = 1; i <= row->files; i++)
		strbuf__addf(sb, "\t\t'%zu:recording:_files'\n", i);
	if (!row->files)
		strbuf__adds(sb, "\t\t'*::command:_normal'\n");
	strbuf__adds(sb, "\t\t)\n\t\t;;\n");
}

void generate__zsh(struct strbuf *sb)
{
	strbuf__adds(sb, "#compdef memtrace\n"
			 "# Completions of memtrace for zsh; made from its table of options.\n\n"
			 "local -a specs verbs\n"
			 "local verb=$words[2]\n\n"
			 "if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n"
			 "\tverbs=(\n");
	for (size_t v = 0; v < VERBS; v++) {
		if (!option_verbs[v].name)
			continue;
		strbuf__addf(sb, "\t'%s:", option_verbs[v].name);
		add_summary(sb, option_verbs[v].help, "");
		strbuf__adds(sb, "'\n");
	}
	strbuf__adds(sb, "\t)\n\t_describe -t verbs verb verbs\n\treturn\nfi\n"
			 "case $verb in\n");
	for (int v = VERBS - 1; v >= 0; v--)
		zsh_verb(sb, (enum verb)v);
	strbuf__adds(sb, "esac\n"
			 "if [[ $verb == (");
	for (size_t v = 0, n = 0; v < VERBS; v++) {
		if (option_verbs[v].name)
			strbuf__addf(sb, "%s%s", n++ ? "|" : "", option_verbs[v].name);
	}
	strbuf__adds(sb, ") ]]; then\n"
			 "\tshift words\n\t((CURRENT--))\n"
			 "fi\n"
			 "_arguments -s -S $specs\n");
}

/* ---- fish ---- */

/* Adds the condition under which fish offers an option: the verb, if the option is not for all. */
static void fish_condition(struct strbuf *sb, const struct option_row *r)
{
	struct strbuf verbs = { 0 }, others = { 0 };
	bool plain = option__verbs(r) & OF(VERB_TRACE);

	for (size_t v = 0; v < VERBS; v++) {
		if (option_verbs[v].name)
			strbuf__addf(option__verbs(r) & OF(v) ? &verbs : &others, " %s",
				     option_verbs[v].name);
	}
	if (plain && others.len && !others.error)
		strbuf__addf(sb, " -n 'not __fish_seen_subcommand_from%s'", others.data);
	else if (!plain && verbs.len && !verbs.error)
		strbuf__addf(sb, " -n '__fish_seen_subcommand_from%s'", verbs.data);
	strbuf__free(&verbs);
	strbuf__free(&others);
}

static void fish_option(struct strbuf *sb, const struct option_row *r)
{
	static const char *const values[] = {
		[VALUE_FILE] = " -r -F",
		[VALUE_FOLDER] = " -x -a '(__fish_complete_directories)'",
		[VALUE_PID] = " -x -a '(__fish_complete_pids)'",
		[VALUE_USER] = " -x -a '(__fish_complete_users)'",
	};
	struct strbuf words = { 0 };

	strbuf__adds(sb, "complete -c memtrace");
	fish_condition(sb, r);
	if (r->letter)
		strbuf__addf(sb, " -s %c", r->letter);
	strbuf__addf(sb, " -l %s", r->name);
	if (r->value && add_words(&words, r, " ") && !words.error)
		strbuf__addf(sb, " -x -a '%s'", words.data);
	else if (r->value && r->type != VALUE_OTHER && r->type != VALUE_FORMAT)
		strbuf__adds(sb, values[r->type]);
	else if (r->value)
		strbuf__adds(sb, " -x");
	strbuf__adds(sb, " -d '");
	add_summary(sb, r->help, "'\\");
	strbuf__adds(sb, "'\n");
	strbuf__free(&words);
}

void generate__fish(struct strbuf *sb)
{
	strbuf__adds(sb, "# Completions of memtrace for fish; made from its table of options.\n\n"
			 "complete -c memtrace -f\n"
			 "complete -c memtrace -n 'contains -- -- (commandline -opc)' -x -a "
			 "'(__fish_complete_subcommand --fcs-skip=2)'\n");
	for (size_t v = 0; v < VERBS; v++) {
		if (!option_verbs[v].name)
			continue;
		strbuf__addf(sb, "complete -c memtrace -n __fish_use_subcommand -a %s -d '",
			     option_verbs[v].name);
		add_summary(sb, option_verbs[v].help, "'\\");
		strbuf__adds(sb, "'\n");
		if (option_verbs[v].files)
			strbuf__addf(
			    sb, "complete -c memtrace -n '__fish_seen_subcommand_from %s' -F\n",
			    option_verbs[v].name);
	}
	for (size_t i = 0; i < option_row_count; i++) {
		if (option_rows[i].name && option_rows[i].help)
			fish_option(sb, &option_rows[i]);
	}
}
