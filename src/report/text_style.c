#include "report/text_style.h"

void text_style__painted(struct text_style *ts, enum paint paint, const char *s)
{
	static const char *const codes[] = {
		[BOLD] = "\033[1m",   [DIM] = "\033[2m",     [RED] = "\033[31m",
		[GREEN] = "\033[32m", [YELLOW] = "\033[33m", [CYAN] = "\033[36m",
	};
	bool color = ts->color && paint != PLAIN && *s;

	if (color)
		strbuf__adds(&ts->sb, codes[paint]);
	strbuf__adds(&ts->sb, s);
	if (color)
		strbuf__adds(&ts->sb, "\033[0m");
}

void text_style__spaces(struct text_style *ts, size_t n)
{
	strbuf__addf(&ts->sb, "%*s", (int)n, "");
}

enum paint text_style__sign(const char *change)
{
	return *change == '+' ? RED : *change == '-' ? GREEN : PLAIN;
}
