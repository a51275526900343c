/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports which of the functions that the user named are probed. */
#include "probe/discover.h"
#include "probe/spec.h"
#include "session/internal.h"
#include "session/traced_files.h"
#include "symbols/module.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/plural.h"

struct outcome {
	size_t probed, skipped;	       /* functions */
	size_t files;		       /* that may define it */
	const struct module *module;   /* one of these */
	const struct probe_skip *skip; /* one of the skipped functions */
};

static struct outcome outcome_of(const struct session *s, size_t i)
{
	const struct probe_spec *spec = &s->plan->probes.specs[i];
	unsigned int row = probe_specs__row(i);
	const struct traced_file *file;
	struct outcome o = { 0 };
	size_t pos = 0;

	while ((file = traced_files__next(s->files, &pos))) {
		const struct probe_file *f = file->probes;

		if (!discover__spec_matches(file->module, spec))
			continue;
		o.module = file->module;
		o.files++;
		for (size_t j = 0; j < f->n; j++)
			o.probed += f->sites[j].api == row;
		for (size_t j = 0; j < f->nskipped; j++)
			if (f->skipped[j].api == row) {
				o.skip = &f->skipped[j];
				o.skipped++;
			}
	}
	return o;
}

size_t probe_report__found(const struct session *s)
{
	size_t found = 0;

	for (size_t i = 0; i < s->plan->probes.n; i++)
		found += outcome_of(s, i).probed > 0;
	return found;
}

static void log_outcome(const struct probe_spec *spec, const struct outcome *o)
{
	struct strbuf text = { 0 }, file = { 0 };

	escape__plain(&text, spec->text);
	escape__plain(&file, o->module ? module__path(o->module) : "");
	if (text.error || file.error)
		goto out;
	if (o->skip)
		log__warn("--probe %s: %s at 0x%llx is not probed: %s", text.data, o->skip->name,
			  (unsigned long long)o->skip->entry, o->skip->why);
	else if (!spec->file || o->files > 1)
		log__warn("--probe %s: not defined in %zu mapped file%s (inlined, stripped, or not "
			  "loaded yet)",
			  text.data, o->files, plural(o->files));
	else if (o->files)
		log__warn("--probe %s: %s does not define it (inlined, or stripped: then its "
			  "offset is needed)",
			  text.data, file.data);
	else
		log__warn("--probe %s: no such file is mapped yet; it is probed when it is",
			  text.data);
out:
	strbuf__free(&text);
	strbuf__free(&file);
}

/* A runtime lacks some functions in some versions: it is missing if all are. Returns the first
 * specification behind the i-th runtime's. */
static size_t log_missing_runtime(const struct session *s, size_t i)
{
	const struct probe_specs *ps = &s->plan->probes;
	const char *preset = ps->specs[i].preset;
	size_t found = 0;

	for (; i < ps->n && ps->specs[i].preset == preset; i++) {
		struct outcome o = outcome_of(s, i);

		found += o.probed;
		if (o.skipped)
			log_outcome(&ps->specs[i], &o);
	}
	if (!found)
		log__warn("--runtime %s: no mapped file has its functions (another runtime, "
			  "stripped, or not loaded yet)",
			  preset);
	return i;
}

void probe_report__log_missing(const struct session *s)
{
	for (size_t i = 0; s->plan->query.heap && i < s->plan->probes.n;) {
		struct outcome o;

		if (s->plan->probes.specs[i].preset) {
			i = log_missing_runtime(s, i);
			continue;
		}
		o = outcome_of(s, i);
		if (!o.probed || o.skipped)
			log_outcome(&s->plan->probes.specs[i], &o);
		i++;
	}
}
