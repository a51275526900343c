/* What became of the functions that the user named. */
#include "probe/discover.h"
#include "probe/spec.h"
#include "session/internal.h"
#include "symbols/module.h"
#include "util/escape.h"
#include "util/log.h"

struct outcome {
	size_t probed, skipped;	       /* functions */
	size_t files;		       /* that it is about */
	uint32_t module;	       /* one of these */
	const struct probe_skip *skip; /* one of the skipped */
};

static struct outcome outcome_of(const struct session *s, size_t i)
{
	const struct probe_spec *spec = &s->plan->probes.specs[i];
	unsigned int row = probe_specs__row(i);
	struct outcome o = { 0 };

	for (size_t k = 0; k < s->nfiles; k++) {
		const struct probe_file *f = s->files[k];
		struct module *mod = f ? modules__get(s->modules, f->module) : NULL;

		if (!mod || !discover__spec_matches(mod, spec))
			continue;
		o.module = f->module;
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

static void complain(const struct session *s, const struct probe_spec *spec,
		     const struct outcome *o)
{
	struct strbuf text = { 0 }, file = { 0 };

	escape__plain(&text, spec->text);
	escape__plain(&file, o->files ? module__path(modules__get(s->modules, o->module)) : "");
	if (text.error || file.error)
		goto out;
	if (o->skip)
		log__warn("--probe %s: %s at 0x%llx is not probed: %s", text.data, o->skip->name,
			  (unsigned long long)o->skip->entry, o->skip->why);
	else if (!spec->file || o->files > 1)
		log__warn("--probe %s: none of %zu files defines it (inlined, stripped, or not "
			  "loaded yet)",
			  text.data, o->files);
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

void probe_report__complain(const struct session *s)
{
	for (size_t i = 0; s->plan->query.heap && i < s->plan->probes.n; i++) {
		struct outcome o = outcome_of(s, i);

		if (!o.probed || o.skipped)
			complain(s, &s->plan->probes.specs[i], &o);
	}
}
