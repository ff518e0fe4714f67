/// @file
/// Makes and changes the orders-like SQLite database that the benchmarks and long tests run on.
///
/// Integers, prices, words, timestamps and JSON, three tables and five indexes: what a shop's
/// database looks like. Everything follows from the seed, so that two runs measure the same bytes.
/// Built and called by orders_data.py. Memory is bounded by SQLite's cache, whatever the size.

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr double kBytesPerOrder = 394.5;  // Measured at 1 GB: file size over orders.
constexpr std::size_t kWords = 5'000;
constexpr std::uint64_t kSkus = 50'000;
constexpr std::array<std::string_view, 6> kStates = {"new",     "paid",      "packed",
                                                     "shipped", "delivered", "returned"};
constexpr std::array<std::string_view, 3> kChannels = {"web", "app", "phone"};
constexpr std::array<unsigned, 4> kItemsPerOrder = {1, 1, 2, 3};

constexpr const char* kTables = R"(
CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT, email TEXT UNIQUE, city TEXT, since INTEGER);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER, placed INTEGER, state TEXT, total REAL,
                    note TEXT, details TEXT);
CREATE TABLE items(id INTEGER PRIMARY KEY, order_id INTEGER, sku TEXT, quantity INTEGER, price REAL);
)";
/// Made at once, these would have no room in their pages and the first change would split every
/// one. They are made early and grow with the last rows, as in a database that lives.
constexpr const char* kIndexes = R"(
CREATE INDEX orders_customer ON orders(customer);
CREATE INDEX orders_placed ON orders(placed);
CREATE INDEX items_order ON items(order_id);
CREATE INDEX items_sku ON items(sku);
)";
constexpr double kGrownShare = 0.3;
/// Beyond, growing at random places would take longer than all the rest.
constexpr std::uint64_t kGrownOrdersMax = 4'000'000;

/// SplitMix64. Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
        return mixed ^ (mixed >> 31U);
    }
    /// A number in [0, bound); `bound` is below 2^32.
    std::uint64_t below(std::uint64_t bound) { return ((next() >> 32U) * bound) >> 32U; }
    /// A number in [0, 1).
    double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

private:
    std::uint64_t state_;
};

/// A connection; throws std::runtime_error with SQLite's own words.
class Database {
public:
    explicit Database(const std::string& path) {
        sqlite3* opened = nullptr;
        const int code = sqlite3_open_v2(
            path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
            nullptr);
        handle_.reset(opened);
        check(code);
    }

    void check(int code) const {
        if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW) {
            throw std::runtime_error(sqlite3_errmsg(handle_.get()));
        }
    }
    void run(const std::string& sql) const {
        check(sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr));
    }
    [[nodiscard]] sqlite3* get() const { return handle_.get(); }

private:
    struct Close {
        void operator()(sqlite3* database) const { sqlite3_close(database); }
    };
    std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement: `put` binds the next parameter, `run` steps and starts over.
class Statement {
public:
    Statement(const Database& database, const char* sql) : database_(database) {
        sqlite3_stmt* prepared = nullptr;
        database.check(sqlite3_prepare_v2(database.get(), sql, -1, &prepared, nullptr));
        handle_.reset(prepared);
    }

    Statement& put(std::uint64_t value) {
        sqlite3_bind_int64(handle_.get(), ++bound_, static_cast<sqlite3_int64>(value));
        return *this;
    }
    Statement& put(double value) {
        sqlite3_bind_double(handle_.get(), ++bound_, value);
        return *this;
    }
    /// `text` stays unchanged until `run`.
    Statement& put(std::string_view text) {
        sqlite3_bind_text(handle_.get(), ++bound_, text.data(), static_cast<int>(text.size()),
                          SQLITE_STATIC);
        return *this;
    }
    void run() {
        database_.check(sqlite3_step(handle_.get()));
        sqlite3_reset(handle_.get());
        bound_ = 0;
    }
    std::uint64_t number() {
        database_.check(sqlite3_step(handle_.get()));
        return static_cast<std::uint64_t>(sqlite3_column_int64(handle_.get(), 0));
    }

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
    };
    const Database& database_;
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
    int bound_ = 0;
};

/// Made-up words; frequent ones stand first, as their rank in a natural language.
std::vector<std::string> vocabulary() {
    constexpr std::string_view consonants = "bcdfghklmnprstvw";
    constexpr std::array<std::string_view, 7> vowels = {"a", "e", "i", "o", "u", "ai", "er"};
    constexpr std::array<unsigned, 6> lengths = {1, 2, 2, 3, 3, 4};
    Random random(7);
    std::vector<std::string> words(kWords);
    for (std::string& word : words) {
        for (unsigned left = lengths.at(random.below(lengths.size())); left > 0; --left) {
            word += consonants.at(random.below(consonants.size()));
            word += vowels.at(random.below(vowels.size()));
        }
    }
    return words;
}

void append(std::string& text, std::uint64_t number) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    text.append(digits.data(), end);
}

/// Makes rows and inserts them.
class Shop {
public:
    Shop(const Database& database, std::uint64_t seed)
        : words_(vocabulary()),
          random_(seed),
          insert_customer_(database, "INSERT INTO customers VALUES(?,?,?,?,?)"),
          insert_order_(database, "INSERT INTO orders VALUES(?,?,?,?,?,?,?)"),
          insert_items_{Statement(database, items_sql(1).c_str()),
                        Statement(database, items_sql(2).c_str()),
                        Statement(database, items_sql(3).c_str())},
          update_order_(database,
                        "UPDATE orders SET state=?, total=?, placed=placed+1 WHERE id=?") {}

    void add_customer(std::uint64_t number) {
        std::string name;
        append_text(name, 2, 2);
        std::string email(word());
        email += '.';
        append(email, number);
        email += "@example.com";
        insert_customer_.put(number).put(name).put(email).put(word());
        insert_customer_.put(1'600'000'000 + number).run();
    }

    void add_order(std::uint64_t number, std::uint64_t customers) {
        note_.clear();
        append_text(note_, 3, 20);
        make_details();
        insert_order_.put(number).put(1 + random_.below(customers));
        insert_order_.put(1'700'000'000 + number * 7 + random_.below(1000)).put(state());
        insert_order_.put(price(50'000)).put(note_).put(details_).run();
        const unsigned items = kItemsPerOrder.at(random_.below(kItemsPerOrder.size()));
        Statement& insert = insert_items_.at(items - 1);
        for (unsigned item = 0; item < items; ++item) {
            std::string& sku = skus_.at(item);
            sku = "SKU-0";
            append(sku, 10'000 + random_.below(kSkus));
            insert.put(number).put(sku).put(1 + random_.below(8)).put(price(9'900));
        }
        insert.run();
    }

    void update_order(std::uint64_t number) {
        update_order_.put(state()).put(price(50'000)).put(number).run();
    }

    Random& random() { return random_; }

private:
    static std::string items_sql(unsigned items) {
        std::string sql = "INSERT INTO items(order_id, sku, quantity, price) VALUES(?,?,?,?)";
        for (unsigned item = 1; item < items; ++item) {
            sql += ",(?,?,?,?)";
        }
        return sql;
    }
    std::string_view word() {
        // The square makes early words frequent (roughly Zipf's law).
        const double drawn = random_.unit();
        return words_[static_cast<std::size_t>(kWords * drawn * drawn)];
    }
    void append_text(std::string& text, std::uint64_t words_min, std::uint64_t words_max) {
        text += word();
        for (auto left = words_min + random_.below(words_max - words_min + 1); left > 1; --left) {
            text += ' ';
            text += word();
        }
    }
    std::string_view state() { return kStates.at(random_.below(kStates.size())); }
    double price(std::uint64_t cents_max) {
        return static_cast<double>(random_.below(cents_max)) / 100;
    }
    void make_details() {
        details_ = R"({"channel": ")";
        details_ += kChannels.at(random_.below(kChannels.size()));
        details_ += R"(", "ip": "10)";
        for (int part = 0; part < 3; ++part) {
            details_ += '.';
            append(details_, random_.below(256));
        }
        details_ += R"(", "coupon": )";
        if (random_.below(10) < 3) {
            append(details_, random_.below(1'000'000'000));
        } else {
            details_ += "null";
        }
        details_ += R"(, "address": {"street": ")";
        append_text(details_, 1, 2);
        details_ += R"(", "no": )";
        append(details_, random_.below(200));
        details_ += R"(, "zip": )";
        append(details_, random_.below(100'000));
        details_ += "}}";
    }

    std::vector<std::string> words_;
    Random random_;
    Statement insert_customer_;
    Statement insert_order_;
    std::array<Statement, 3> insert_items_;  ///< For one, two and three items.
    Statement update_order_;
    std::string note_;
    std::string details_;
    std::array<std::string, 3> skus_;
};

void make(const std::string& path, double megabytes, std::uint64_t seed,
          const std::string& journal) {
    const auto orders = std::max<std::uint64_t>(
        10, static_cast<std::uint64_t>(std::llround(megabytes * 1e6 / kBytesPerOrder)));
    const std::uint64_t customers = std::max<std::uint64_t>(1, orders / 20);
    const auto grown = std::min(
        static_cast<std::uint64_t>(static_cast<double>(orders) * kGrownShare), kGrownOrdersMax);
    const Database database(path);
    database.run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000;");
    database.run(std::string("PRAGMA locking_mode=EXCLUSIVE; PRAGMA threads=2;") + kTables +
                 "BEGIN");
    {
        Shop shop(database, seed);
        for (std::uint64_t number = 1; number <= customers; ++number) {
            shop.add_customer(number);
        }
        for (std::uint64_t number = 1; number <= orders; ++number) {
            shop.add_order(number, customers);
            if (number == orders - grown) {
                database.run(kIndexes);
            }
        }
    }
    database.run("COMMIT; PRAGMA journal_mode=" + journal);
}

void change(const std::string& path, std::uint64_t seed, double update, double add) {
    const Database database(path);
    database.run("PRAGMA cache_size=-400000; BEGIN");
    const std::uint64_t orders = Statement(database, "SELECT max(id) FROM orders").number();
    const std::uint64_t customers = Statement(database, "SELECT max(id) FROM customers").number();
    {
        Shop shop(database, seed);
        std::vector<bool> is_updated(orders + 1);
        for (auto left = static_cast<std::uint64_t>(static_cast<double>(orders) * update);
             left > 0;) {
            const std::uint64_t number = 1 + shop.random().below(orders);
            if (!is_updated[number]) {
                is_updated[number] = true;
                shop.update_order(number);
                --left;
            }
        }
        const auto added = static_cast<std::uint64_t>(static_cast<double>(orders) * add);
        for (std::uint64_t number = orders + 1; number <= orders + added; ++number) {
            shop.add_order(number, customers);
        }
    }
    database.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace

/// orders_data make PATH MEGABYTES SEED JOURNAL | orders_data change PATH SEED UPDATE APPEND
int main(int count, char** values) {
    const std::vector<std::string> given(values + 1, values + count);
    try {
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // Counting every allocation costs a tenth.
        if (given.size() == 5 && given[0] == "make") {
            make(given[1], std::stod(given[2]), std::stoull(given[3]), given[4]);
        } else if (given.size() == 5 && given[0] == "change") {
            change(given[1], std::stoull(given[2]), std::stod(given[3]), std::stod(given[4]));
        } else {
            std::cerr << "orders_data: call it through orders_data.py\n";
            return 2;
        }
    } catch (const std::exception& error) {
        std::cerr << "orders_data: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
