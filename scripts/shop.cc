/* SPDX-License-Identifier: GPL-2.0-or-later */
// A small web shop, which scripts/demo traces. Four workers serve made-up customers: products are
// loaded on first use, prices are cached up to a limit, pages are built and thrown away. One thing
// is kept that should not be: see checkout().

#include <array>
#include <chrono>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace
{

struct Product {
	std::string name, description;
	int cents;
};

struct Session { // a customer at the checkout
	std::string user;
	std::array<int, 20> cart;
	int cents;
};

struct PaymentDeclined : std::runtime_error {
	using std::runtime_error::runtime_error;
};

constexpr int catalogue_size = 800;
constexpr size_t price_limit = 100;

std::mutex catalogue_lock, prices_lock, sessions_lock;
std::array<std::unique_ptr<Product>, catalogue_size> catalogue;
std::list<std::pair<int, std::string>> prices;
std::map<int, std::unique_ptr<Session>> sessions;

} // namespace

static std::unique_ptr<Product> load_product(int id)
{
	return std::make_unique<Product>(
	    Product{ "product number " + std::to_string(id), std::string(1500, '.'), 100 + id });
}

// The catalogue grows until it has every product, and then no more.
static const Product &find_product(int id)
{
	std::lock_guard guard(catalogue_lock);
	if (!catalogue[id])
		catalogue[id] = load_product(id);
	return *catalogue[id];
}

// The prices that were asked for last: when the cache is full, a new one replaces the oldest.
static std::string find_price(int id, const Product &product)
{
	std::lock_guard guard(prices_lock);
	for (const auto &[priced, text] : prices)
		if (priced == id)
			return text;
	prices.emplace_front(id, std::to_string(product.cents) + " cents, taxes included");
	if (prices.size() > price_limit)
		prices.pop_back();
	return prices.front().second;
}

static Session &open_session(int customer)
{
	std::lock_guard guard(sessions_lock);
	auto session = std::make_unique<Session>();
	session->user = "user " + std::to_string(customer);
	return *(sessions[customer] = std::move(session));
}

static void close_session(int customer)
{
	std::lock_guard guard(sessions_lock);
	sessions.erase(customer);
}

static void take_payment(const Session &session)
{
	std::this_thread::sleep_for(1ms); // asking the bank
	if (session.cents % 20 == 0)
		throw PaymentDeclined("the card of " + session.user + " was declined");
}

static std::string render_page(const std::string &user, const std::string &text)
{
	return "<html><h1>Hello, " + user + "</h1><p>" + text + "</p></html>\n";
}

static std::string checkout(int customer, int product_id)
{
	const Product &product = find_product(product_id);
	Session &session = open_session(customer);
	session.cart[0] = product_id;
	session.cents = product.cents;
	take_payment(session); // the leak: when this throws, the session is never closed
	auto page =
	    render_page(session.user, product.name + ": " + find_price(product_id, product));
	close_session(customer);
	return page;
}

static void serve_customers(int worker)
{
	std::mt19937 random(worker);
	std::uniform_int_distribution<int> any_product(0, catalogue_size - 1);
	for (int customer = worker;; customer += 4) {
		try {
			checkout(customer, any_product(random));
		} catch (const PaymentDeclined &declined) {
			render_page("customer", declined.what());
		}
		std::this_thread::sleep_for(1ms);
	}
}

int main()
{
	std::vector<std::thread> workers;
	for (int worker = 0; worker < 4; worker++)
		workers.emplace_back(serve_customers, worker);
	std::cout << "the shop is open" << std::endl;
	for (auto &worker : workers)
		worker.join();
}
