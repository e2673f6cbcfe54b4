#include "app/cli/table.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t shrunk_width_min = 8;

std::string padding(std::size_t n) {
  return std::string(n, ' ');
}

// Puts one line together. Widths are counted here and not of the result, which has colours in it.
class line {
 public:
  line(const terminal& on, std::string& to) : on_(on), to_(to) {}

  void add(const cell& what, align side, std::size_t width) {
    if (width == 0) return;
    const std::size_t before = used_ == 0 ? 0 : gap;
    if (used_ + before >= on_.width) return;
    width = std::min<std::size_t>(width, on_.width - used_ - before);
    const auto text = cut(what.text, width);
    const auto free = width - columns(text);
    pending_ += before + (side == align::right ? free : 0);
    if (!text.empty()) {
      to_ += padding(pending_) + coloured(text, what.with, on_);
      pending_ = 0;
    }
    pending_ += side == align::left ? free : 0;
    used_ += before + width;
  }
  void end() { to_ += '\n'; }

 private:
  const terminal& on_;
  std::string& to_;
  std::size_t used_ = 0;
  std::size_t pending_ = 0;  // spaces, owed only if something follows
};

}  // namespace

void table::add(std::vector<cell> row) {
  assert(row.size() == columns_.size());
  for (auto& c : row)
    c.text = printable(c.text);
  rows_.push_back(std::move(row));
}

// Zero for a column that is left out.
std::vector<std::size_t> table::fit(unsigned width) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], columns(row[i].text));
  }
  std::size_t shown = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    widths[i] = std::max(widths[i], columns(columns_[i].title));
    ++shown;
  }
  auto all = std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + (shown == 0 ? 0 : (shown - 1) * gap);
  for (; all > width; --all) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (!columns_[i].shrinks || widths[i] <= shrunk_width_min) continue;
      if (widest == nullptr || widths[i] > *widest) widest = &widths[i];
    }
    if (widest == nullptr) break;
    --*widest;
  }
  return widths;
}

std::string table::render(const terminal& on) const {
  const auto widths = fit(on.width);
  std::string text;
  line title(on, text);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    title.add(cell(columns_[i].title, colour::bold), columns_[i].to, widths[i]);
  }
  title.end();
  for (const auto& row : rows_) {
    line next(on, text);
    for (std::size_t i = 0; i < row.size(); ++i)
      next.add(row[i], columns_[i].to, widths[i]);
    next.end();
  }
  return text;
}

}  // namespace gonets::app::cli
