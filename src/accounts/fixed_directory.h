// A directory that never changes: for tests, and for tools that run without a database.
#pragma once
#include "accounts/directory.h"

namespace gonets::accounts {

class fixed_directory final : public directory_source {
 public:
  explicit fixed_directory(contents all = {}) : directory_(std::make_shared<const directory>(std::move(all))) {}
  directory_ptr current() const override { return directory_; }
  bool reliable() const override { return true; }
  bool complete() const override { return true; }

 private:
  directory_ptr directory_;
};

}  // namespace gonets::accounts
