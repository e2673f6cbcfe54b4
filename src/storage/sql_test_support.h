// A fresh, empty database for each test, of either engine; what is stored by SQL is tested over both.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "storage/sql.h"

namespace gonets::storage {

enum class engine : std::uint8_t { sqlite, postgresql };

inline auto both_engines() {
  return testing::Values(engine::sqlite, engine::postgresql);
}
inline std::string engine_name(const testing::TestParamInfo<engine>& info) {
  return info.param == engine::sqlite ? "sqlite" : "postgresql";
}

class temporary_database {
 public:
  explicit temporary_database(engine which) {
    char name[] = "/tmp/gonets-sql-test-XXXXXX";
    if (::mkdtemp(name) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    folder_ = name;
    url_ = which == engine::sqlite ? "sqlite:" + folder_ + "/accounts.db" : make_schema();
  }
  ~temporary_database() {
    std::filesystem::remove_all(folder_);
    if (!schema_.empty()) execute("DROP SCHEMA " + schema_ + " CASCADE");
  }
  temporary_database(const temporary_database&) = delete;
  temporary_database& operator=(const temporary_database&) = delete;

  const std::string& url() const { return url_; }
  const std::string& folder() const { return folder_; }

 private:
  static std::string server() {
    const char* url = std::getenv("GONETS_TEST_POSTGRESQL");
    if (url == nullptr) throw std::runtime_error("GONETS_TEST_POSTGRESQL names no database: run by scripts/test unit");
    return url;
  }
  // A schema of its own rather than a database: a hundred times faster to make.
  std::string make_schema() {
    schema_ = "test_" + std::to_string(::getpid()) + "_" + folder_.substr(folder_.rfind('-') + 1);
    for (auto& c : schema_)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    execute("CREATE SCHEMA " + schema_);
    const auto base = server();
    return base + (base.find('?') == base.npos ? "?" : "&") + "options=-csearch_path%3D" + schema_;
  }
  static void execute(const std::string& statement) {
    sql_database on({.url = server()});
    auto done = on.write([&](sql_session& s) -> sql_result<void> {
      s.change(statement);
      return {};
    });
    if (!done) throw std::runtime_error(done.error().detail);
  }

  std::string folder_, url_, schema_;
};

}  // namespace gonets::storage
