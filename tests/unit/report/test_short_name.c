/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/short_name.h"

#include "test.h"

static const char *shorten(const char *name, size_t most)
{
	static struct strbuf sb;

	strbuf__reset(&sb);
	short_name__add(&sb, name, most);
	return sb.data;
}

TEST(short_names_are_unchanged)
{
	CHECK_STR(shorten("session_new", 20), "session_new");
	CHECK_STR(shorten("std::vector<int>::at(int)", 25), "std::vector<int>::at(int)");
}

TEST(template_arguments_first)
{
	CHECK_STR(shorten("std::map<int, std::vector<char> >::operator[](int const&)", 50),
		  "std::map<…>::operator[](int const&)");
	CHECK_STR(shorten("std::unique_ptr<T, D<T> >::operator->() const", 10),
		  "std::unique_ptr<…>::operator->() const");
	CHECK_STR(shorten("ostream<char>& operator<< <char>(ostream<char>&, char)", 52),
		  "operator<< <char>(ostream<char>&, char)");
	CHECK_STR(shorten("a::operator<(b<c>, d)", 5), "a::operator<(…)");
	CHECK_STR(shorten("my_operator<int>(long long, long long)", 10), "my_operator<…>(…)");
}

TEST(the_type_that_is_returned_goes_first)
{
	CHECK_STR(shorten("std::unique_ptr<app::Session, std::default_delete<app::Session> > "
			  "std::make_unique<app::Session>()",
			  60),
		  "std::make_unique<app::Session>()");
	CHECK_STR(shorten("decltype (auto) app::call<int>(int)", 10), "app::call<…>(…)");
	CHECK_STR(shorten("<a::B as core::ops::Drop>::drop", 10), "<…>::drop");
	/* Not C++: the blanks are part of the name. */
	CHECK_STR(shorten("LazyCompile:*render /srv/app/views/index.js:12", 20),
		  "LazyCompile:*render /srv/app/views/index.js:12");
	CHECK_STR(shorten("f(int) const", 5), "f(…) const");
}

TEST(then_parameters)
{
	CHECK_STR(
	    shorten(
		"f<a>(std::basic_string<char> const&, int)::{lambda(int)#1}::operator()(int) const",
		30),
	    "f<…>(…)::{lambda(…)#1}::operator()(…) const");
	CHECK_STR(shorten("(anonymous namespace)::leak(unsigned long, char const*)", 20),
		  "(anonymous namespace)::leak(…)");
}

TEST(unmatched_brackets_are_unchanged)
{
	CHECK_STR(shorten("broken<a::b(c", 3), "broken<a::b(c");
	CHECK_STR(shorten("x<y>::z(", 3), "x<…>::z(");
	CHECK_STR(shorten("<>", 1), "<>");
	CHECK_STR(shorten("", 0), "");
}
