#include "storage/sql.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <thread>
#include <utility>

#include "storage/schema.h"
#include "storage/sql_test_support.h"

namespace gonets::storage {
namespace {

class sql : public testing::TestWithParam<engine> {
 protected:
  temporary_database where{GetParam()};
  sql_database db{{.url = where.url()}};

  sql_result<void> add_plan(std::string name) {
    return db.write([&](sql_session& s) -> sql_result<void> {
      s.change("INSERT INTO plans (name, quotas) VALUES (:name, '[]')", {name});
      return {};
    });
  }
  std::int64_t count_plans(sql_database& in) {
    auto n = in.read([](sql_session& s) -> sql_result<std::int64_t> {
      const auto row = s.row("SELECT COUNT(*) FROM plans WHERE name <> 'free'");
      return row ? row->integer(0) : -1;
    });
    return n ? *n : -2;
  }
};
INSTANTIATE_TEST_SUITE_P(over, sql, both_engines(), engine_name);

TEST_P(sql, gives_back_numbers_texts_and_nulls_as_they_were_bound) {
  constexpr std::int64_t large = 9'223'372'036'854'775'807;
  const std::string text = "line\nпочта '\"\\:a $1";
  auto read = db.write([&](sql_session& s) -> sql_result<std::vector<sql_row>> {
    s.change("CREATE TABLE t (a BIGINT, b TEXT, c TEXT)");
    s.change("INSERT INTO t (a, b, c) VALUES (:a, :b, :c)", {large, text, std::nullopt});
    s.change("INSERT INTO t (a, b, c) VALUES (:a, :b, :c)", {-1, "", "x"});
    return s.rows("SELECT a, b, c FROM t ORDER BY a DESC");
  });
  ASSERT_TRUE(read.has_value()) << read.error().detail;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ(read->at(0).integer(0), large);
  EXPECT_EQ(read->at(0).text(1), text);
  EXPECT_TRUE(read->at(0).null(2));
  EXPECT_EQ(read->at(1).integer(0), -1);
  EXPECT_FALSE(read->at(1).null(1));
  EXPECT_EQ(read->at(1).text(2), "x");
}

TEST_P(sql, counts_the_rows_that_a_statement_changed_and_returns_what_it_is_asked_for) {
  auto changed = db.write([&](sql_session& s) -> sql_result<std::uint64_t> {
    EXPECT_EQ(s.change("UPDATE plans SET quotas = '[]' WHERE name = :n", {"nobody"}), 0u);
    const auto next = s.row("UPDATE counters SET value = value + 1 WHERE name = :n RETURNING value", {"revision"});
    EXPECT_TRUE(next && next->integer(0) == 2);
    return s.change("UPDATE plans SET quotas = '[]'");
  });
  ASSERT_TRUE(changed.has_value()) << changed.error().detail;
  EXPECT_EQ(*changed, 1u);
}

TEST_P(sql, inserts_many_rows_at_once_whatever_their_texts_hold) {
  sql_rows rows;
  rows.add(1, "plain");
  rows.add(-2, "a \"quoted\\ {text}, NULL");
  rows.add(3, "");
  rows.add(4, "NULL");
  rows.add(1, "of a key that is there");
  auto read = db.write([&](sql_session& s) -> sql_result<std::vector<sql_row>> {
    s.change("CREATE TABLE t (a BIGINT PRIMARY KEY, b TEXT)");
    s.insert_each("t", "a, b", "ON CONFLICT DO NOTHING", rows);
    s.insert_each("t", "a, b", "", sql_rows());
    return s.rows("SELECT a, b FROM t ORDER BY abs(a)");
  });
  ASSERT_TRUE(read.has_value()) << read.error().detail;
  ASSERT_EQ(read->size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(read->at(i).integer(0), std::get<std::int64_t>(rows[i][0].held()));
    EXPECT_EQ(read->at(i).text(1), std::get<std::string>(rows[i][1].held()));
    EXPECT_FALSE(read->at(i).null(1));
  }
}

TEST(sql_sqlite, leaves_nothing_in_its_log_of_what_was_deleted) {
  const temporary_database where(engine::sqlite);
  sql_database on({.url = where.url(), .erase_deleted = true});
  const auto bytes = [&] {
    std::string all;
    for (const auto& each : std::filesystem::directory_iterator(where.folder())) {
      std::ifstream file(each.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  };
  const auto change = [&](std::string_view statement) {
    ASSERT_TRUE(on.write([&](sql_session& s) -> sql_result<void> {
      s.change(statement);
      return {};
    }));
  };
  change("INSERT INTO plans (name, quotas) VALUES ('tell-tale', '[]')");
  change("DELETE FROM plans WHERE name = 'tell-tale'");
  EXPECT_NE(bytes().find("tell-tale"), std::string::npos);
  ASSERT_TRUE(on.erase_log());
  EXPECT_EQ(bytes().find("tell-tale"), std::string::npos);
}

TEST_P(sql, a_row_that_cannot_be_inserted_fails_the_work_and_undoes_the_others) {
  sql_rows rows;
  rows.add("one", "[]");
  rows.add("one", "[]");
  auto done = db.write([&](sql_session& s) -> sql_result<void> {
    s.insert_each("plans", "name, quotas", "", rows);
    EXPECT_TRUE(s.failed());
    return {};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().what, sql_failure::constraint);
  EXPECT_EQ(done.error().detail.find("one"), std::string::npos) << done.error().detail;
  auto found = db.read(
      [](sql_session& s) -> sql_result<bool> { return s.row("SELECT 1 FROM plans WHERE name = 'one'").has_value(); });
  EXPECT_TRUE(found.has_value() && !*found);
}

TEST(sql_sqlite, says_when_all_is_on_the_disk_and_when_a_reader_keeps_it_off) {
  const temporary_database where(engine::sqlite);
  sql_database on({.url = where.url(), .sync_each = false});
  const auto add = [&](std::string_view name) {
    return on.write([&](sql_session& s) -> sql_result<void> {
      s.change("INSERT INTO plans (name, quotas) VALUES (:name, '[]')", {name});
      return {};
    });
  };
  ASSERT_TRUE(add("first"));
  auto all = on.sync();
  EXPECT_TRUE(all.has_value() && *all);
  sql_database beside({.url = where.url(), .read_only = true});
  auto read = beside.read([&](sql_session& s) -> sql_result<void> {
    s.row("SELECT 1 FROM plans");
    EXPECT_TRUE(add("second"));
    EXPECT_TRUE(on.sync().has_value());
    EXPECT_TRUE(add("third"));
    all = on.sync();
    EXPECT_TRUE(all.has_value() && !*all);
    return {};
  });
  ASSERT_TRUE(read);
  all = on.sync();
  EXPECT_TRUE(all.has_value() && *all);
}

TEST_P(sql, undoes_everything_when_the_work_gives_an_error) {
  auto done = db.write([&](sql_session& s) -> sql_result<void> {
    s.change("INSERT INTO plans (name, quotas) VALUES ('gone', '[]')");
    return std::unexpected(sql_error{sql_failure::refused, "thought better of it"});
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().detail, "thought better of it");
  EXPECT_EQ(count_plans(db), 0);
}

TEST_P(sql, undoes_everything_and_runs_no_further_statement_after_one_failed) {
  ASSERT_TRUE(add_plan("here").has_value());
  auto done = db.write([&](sql_session& s) -> sql_result<void> {
    s.change("INSERT INTO plans (name, quotas) VALUES ('gone', '[]')");
    s.change("INSERT INTO plans (name, quotas) VALUES ('here', '[]')");
    EXPECT_TRUE(s.failed());
    EXPECT_TRUE(s.rows("SELECT name FROM plans").empty());
    return {};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().what, sql_failure::constraint);
  EXPECT_EQ(count_plans(db), 1);
  EXPECT_TRUE(add_plan("after").has_value()) << "the connection is as good as before";
}

TEST_P(sql, tells_no_bound_value_in_an_error) {
  auto done = db.write([&](sql_session& s) -> sql_result<void> {
    s.change(
        "INSERT INTO domain_keys (domain, selector, state, private_key, created, since) VALUES (:d, :s, 'active', :k, "
        "0, 0)",
        {77, "s", "very-secret"});
    return {};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().what, sql_failure::constraint);
  EXPECT_EQ(done.error().detail.find("very-secret"), std::string::npos) << done.error().detail;
}

TEST_P(sql, keeps_what_was_written_for_who_opens_it_next) {
  ASSERT_TRUE(add_plan("kept").has_value());
  sql_database again({.url = where.url()});
  EXPECT_EQ(count_plans(again), 1);
}

TEST_P(sql, refuses_the_database_of_a_newer_release) {
  ASSERT_TRUE(db.write([](sql_session& s) -> sql_result<void> {
                  s.change("UPDATE schema SET version = 999");
                  return {};
                }).has_value());
  sql_database again({.url = where.url()});
  auto opened = again.connect();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().what, sql_failure::refused);
  EXPECT_NE(opened.error().detail.find("schema 999"), std::string::npos) << opened.error().detail;
}

TEST_P(sql, says_that_a_database_is_unavailable) {
  const bool sqlite = GetParam() == engine::sqlite;
  sql_database nowhere({.url = sqlite ? "sqlite:" + where.folder() + "/missing/a.db"
                                      : "postgresql://nobody@/none?host=" + where.folder()});
  auto opened = nowhere.connect();
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().what, sql_failure::unavailable) << opened.error().detail;
  EXPECT_NE(opened.error().detail.find(where.folder()), std::string::npos) << opened.error().detail;
}

TEST_P(sql, lets_a_second_connection_wait_for_the_first_and_lose_nothing) {
  sql_database other({.url = where.url()});
  ASSERT_TRUE(db.connect().has_value());
  ASSERT_TRUE(other.connect().has_value());
  const auto count_up = [](sql_database& in) {
    for (int i = 0; i < 20; ++i) {
      auto done = in.write([](sql_session& s) -> sql_result<void> {
        s.change("UPDATE counters SET value = value + 1 WHERE name = 'domain'");
        return {};
      });
      EXPECT_TRUE(done.has_value()) << done.error().detail;
    }
  };
  std::jthread beside([&] { count_up(other); });
  count_up(db);
  beside.join();
  auto total = db.read([](sql_session& s) -> sql_result<std::int64_t> {
    return s.row("SELECT value FROM counters WHERE name = 'domain'")->integer(0);
  });
  EXPECT_EQ(total, 40);
}

TEST(sql_sqlite, keeps_its_file_from_other_users) {
  const temporary_database where(engine::sqlite);
  sql_database db({.url = where.url()});
  ASSERT_TRUE(db.connect().has_value());
  struct stat found {};
  ASSERT_EQ(::stat((where.folder() + "/accounts.db").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

// As a search meets a day's partitions being made.
TEST(sql_postgresql, a_transaction_that_gives_way_to_another_in_a_deadlock_is_done_again) {
  const temporary_database where(engine::postgresql);
  sql_database one({.url = where.url()}), other({.url = where.url()});
  ASSERT_TRUE(one.write([](sql_session& s) -> sql_result<void> {
    s.change("CREATE TABLE a (n BIGINT)");
    s.change("CREATE TABLE b (n BIGINT)");
    return {};
  }));
  std::atomic<int> runs{0};
  std::latch both{2};
  const auto take = [&](sql_database& by, std::string_view first, std::string_view second) {
    bool again = false;
    return by.write([&](sql_session& s) -> sql_result<void> {
      ++runs;
      s.change(fmt::format("LOCK TABLE {}", first));
      if (!std::exchange(again, true)) both.arrive_and_wait();
      s.rows(fmt::format("SELECT n FROM {}", second));
      return {};
    });
  };
  sql_result<void> beside;
  std::jthread thread([&] { beside = take(other, "b", "a"); });
  const auto here = take(one, "a", "b");
  thread.join();
  EXPECT_TRUE(here) << here.error().detail;
  EXPECT_TRUE(beside) << beside.error().detail;
  EXPECT_EQ(runs, 3);
}

TEST(sql_postgresql, goes_on_with_a_new_connection_when_the_old_one_was_cut) {
  const temporary_database where(engine::postgresql);
  sql_database db({.url = where.url()}), other({.url = where.url()});
  auto own =
      db.read([](sql_session& s) -> sql_result<std::int64_t> { return s.row("SELECT pg_backend_pid()")->integer(0); });
  ASSERT_TRUE(own.has_value());
  ASSERT_TRUE(other
                  .write([&](sql_session& s) -> sql_result<void> {
                    s.rows("SELECT CAST(pg_terminate_backend(:pid) AS TEXT)", {*own});
                    return {};
                  })
                  .has_value());
  int runs = 0;
  auto done = db.write([&](sql_session& s) -> sql_result<void> {
    ++runs;
    s.change("INSERT INTO plans (name, quotas) VALUES ('after', '[]')");
    return {};
  });
  EXPECT_TRUE(done.has_value()) << done.error().detail;
  EXPECT_GE(runs, 1);
}

}  // namespace
}  // namespace gonets::storage
