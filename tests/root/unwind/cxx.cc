/* SPDX-License-Identifier: GPL-2.0-or-later */
// Stacks of a C++ program: the standard library, exceptions, threads.
#include <algorithm>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct Noisy {
	std::string text;
	explicit Noisy(int n) : text(static_cast<size_t>(n % 60) + 20, 'x') {}
	~Noisy() { std::string copy = text + text; }	// allocates while an exception passes
};

struct Shape {
	virtual ~Shape() = default;
	virtual std::string name(int depth) const = 0;
};

struct Square : Shape {
	std::string name(int depth) const override
	{
		return depth ? "square of " + name(depth - 1) : std::string(40, 's');
	}
};

static int thrower(int depth)
{
	Noisy n(depth);

	if (!depth)
		throw std::runtime_error("thrown from the bottom, with a text of some length");
	return thrower(depth - 1) + static_cast<int>(n.text.size());
}

static size_t containers(int n)
{
	std::map<std::string, std::vector<std::string>> m;
	std::unordered_map<int, std::set<std::string>> u;
	std::ostringstream out;

	for (int i = 0; i < n; i++) {
		m["a key that is not small, number " + std::to_string(i % 17)].push_back(std::string(30, 'v'));
		u[i % 5].insert("another long enough text " + std::to_string(i));
		out << i << ' ' << i * 0.5 << '\n';
	}
	std::vector<std::string> all;
	for (auto &p : m)
		std::copy(p.second.begin(), p.second.end(), std::back_inserter(all));
	std::sort(all.begin(), all.end(), [](const std::string &a, const std::string &b) { return a + "!" < b + "!"; });
	return all.size() + out.str().size();
}

static size_t functions(int n)
{
	std::function<std::string(int)> f = [&f](int k) {
		return k ? f(k - 1) + "a tail that needs the heap" : std::string(32, 'b');
	};
	std::unique_ptr<Shape> s = std::make_unique<Square>();

	return f(n).size() + s->name(n).size();
}

static size_t expressions()
{
	std::regex r("([a-z]+)[0-9]+(x|y)*$");
	std::smatch m;
	std::string text = "abc123xyxyxy";
	size_t n = 0;

	for (int i = 0; i < 3; i++)
		n += std::regex_match(text, m, r) ? m.size() : 0;
	return n;
}

static size_t exceptions(int n)
{
	size_t caught = 0;

	for (int i = 0; i < n; i++) {
		try {
			thrower(i);
		} catch (const std::exception &e) {
			try {
				std::string what = std::string(e.what()) + " and caught";
				throw std::logic_error(what);
			} catch (const std::logic_error &again) {
				caught += std::string(again.what()).size();
			}
		}
	}
	return caught;
}

int main()
{
	std::vector<std::thread> threads;
	size_t n = containers(60) + functions(15) + expressions() + exceptions(12);
	auto later = std::async(std::launch::async, [] { return containers(20) + exceptions(5); });

	for (int i = 0; i < 3; i++)
		threads.emplace_back([i] { containers(20 + i); functions(5); exceptions(4); });
	for (auto &t : threads)
		t.join();
	n += later.get();
	return n ? 0 : 1;
}
