// A table that fits the terminal: columns that may shrink give way, the widest first; what is cut ends in "…".
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "app/cli/terminal.h"

namespace gonets::app::cli {

enum class align : unsigned char { left, right };

struct column {
  std::string title;
  align to = align::left;
  bool shrinks = false;
};

struct cell {
  // NOLINTNEXTLINE(google-explicit-constructor): a row is a list of texts, few of them coloured
  cell(std::string t, colour c = colour::none) : text(std::move(t)), with(c) {}
  std::string text;
  colour with;
};

class table {
 public:
  explicit table(std::vector<column> all) : columns_(std::move(all)) {}
  // As many cells as columns; made printable here.
  void add(std::vector<cell> row);
  bool empty() const { return rows_.empty(); }
  // Lines with a line feed each, without spaces at their ends; no line is wider than the terminal. Columns in which
  // every cell is empty are left out.
  std::string render(const terminal& on) const;

 private:
  std::vector<std::size_t> fit(unsigned width) const;
  std::vector<column> columns_;
  std::vector<std::vector<cell>> rows_;
};

}  // namespace gonets::app::cli
