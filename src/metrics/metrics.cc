#include "metrics/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <stdexcept>
#include <variant>

namespace gonets::metrics {
namespace {

void append_number(std::string& to, double v) {
  if (std::isnan(v)) {
    to += "NaN";
  } else if (std::isinf(v)) {
    to += v > 0 ? "+Inf" : "-Inf";
  } else {
    fmt::format_to(std::back_inserter(to), "{}", v);
  }
}

void append_escaped(std::string& to, std::string_view text, bool quotes_too) {
  for (const char c : text) {
    if (c == '\n') {
      to += "\\n";
      continue;
    }
    if (c == '\\' || (quotes_too && c == '"')) to += '\\';
    to += c;
  }
}

// [a-zA-Z_:][a-zA-Z0-9_:]*; labels have no colon.
bool is_name(std::string_view name, bool colon) {
  const auto allowed = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::all_of(name.begin(), name.end(), allowed);
}

// `a="b",c="d"`: what tells the instruments of a family apart.
std::string label_text(labels with) {
  std::sort(with.begin(), with.end());
  std::string text;
  for (const auto& [name, value] : with) {
    if (!is_name(name, false)) throw std::logic_error(fmt::format("no name for a label: {}", name));
    if (!text.empty()) text += ',';
    text += name;
    text += "=\"";
    append_escaped(text, value, true);
    text += '"';
  }
  return text;
}

void append_sample(std::string& to, std::string_view name, std::string_view suffix, std::string_view label_list) {
  to += name;
  to += suffix;
  if (!label_list.empty()) fmt::format_to(std::back_inserter(to), "{{{}}}", label_list);
  to += ' ';
}

}  // namespace

histogram::histogram(std::vector<double> upper_bounds) : bounds_(std::move(upper_bounds)) {
  const bool finite = std::all_of(bounds_.begin(), bounds_.end(), [](double b) { return std::isfinite(b); });
  const bool ascending = std::adjacent_find(bounds_.begin(), bounds_.end(), std::greater_equal<>()) == bounds_.end();
  if (!finite || !ascending) throw std::invalid_argument("the bounds of a histogram must be finite and ascend");
  buckets_ = std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1);
}

void histogram::observe(double v) {
  if (std::isnan(v)) return;
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), v) - bounds_.begin();
  buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(v, std::memory_order_relaxed);
}

struct registry::impl {
  using callback = std::function<double()>;
  // Behind pointers, since what was handed out must not move.
  using instrument =
      std::variant<std::unique_ptr<counter>, std::unique_ptr<gauge>, std::unique_ptr<histogram>, callback>;

  struct family {
    std::string help;
    std::string_view type;
    std::map<std::string, instrument> by_labels;
  };

  family& family_of(std::string_view name, std::string_view help, std::string_view type) {
    if (!is_name(name, true)) throw std::logic_error(fmt::format("no name for a metric: {}", name));
    auto found = families.find(name);
    if (found == families.end()) {
      found = families.emplace(std::string(name), family{std::string(help), type, {}}).first;
    }
    if (found->second.type != type) {
      throw std::logic_error(fmt::format("{} is a {} already, and no {}", name, found->second.type, type));
    }
    return found->second;
  }

  template <class Instrument, class... Arguments>
  Instrument& make(std::string_view name, std::string_view help, std::string_view type, labels&& with,
                   Arguments&&... arguments) {
    const std::lock_guard lock(mutex);
    family& in = family_of(name, help, type);
    std::string key = label_text(std::move(with));
    auto found = in.by_labels.find(key);
    if (found == in.by_labels.end()) {
      auto made = std::make_unique<Instrument>(std::forward<Arguments>(arguments)...);
      found = in.by_labels.emplace(std::move(key), std::move(made)).first;
    }
    auto* same = std::get_if<std::unique_ptr<Instrument>>(&found->second);
    if (same == nullptr) throw std::logic_error(fmt::format("{} is read by a callback already", name));
    return **same;
  }

  mutable std::mutex mutex;
  std::map<std::string, family, std::less<>> families;
};

registry::registry() : impl_(std::make_unique<impl>()) {}
registry::~registry() = default;

counter& registry::make_counter(std::string_view name, std::string_view help, labels with) {
  return impl_->make<counter>(name, help, "counter", std::move(with));
}

gauge& registry::make_gauge(std::string_view name, std::string_view help, labels with) {
  return impl_->make<gauge>(name, help, "gauge", std::move(with));
}

histogram& registry::make_histogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                                    labels with) {
  return impl_->make<histogram>(name, help, "histogram", std::move(with), std::move(bounds));
}

void registry::make_callback_gauge(std::string_view name, std::string_view help, std::function<double()> read,
                                   labels with) {
  const std::lock_guard lock(impl_->mutex);
  impl::family& in = impl_->family_of(name, help, "gauge");
  const std::string key = label_text(std::move(with));
  const auto found = in.by_labels.find(key);
  if (found != in.by_labels.end() && !std::holds_alternative<impl::callback>(found->second)) {
    throw std::logic_error(fmt::format("{} is set by hand already", name));
  }
  in.by_labels.insert_or_assign(key, std::move(read));
}

std::string registry::render() const {
  std::string page;
  // The count is the sum of the buckets as read here, so that the page is consistent while others observe.
  const auto append_histogram = [&page](std::string_view name, const std::string& label_list, const histogram& h) {
    std::uint64_t count = 0;
    for (std::size_t i = 0; i <= h.bounds_.size(); ++i) {
      count += h.buckets_[i].load(std::memory_order_relaxed);
      std::string with_bound = label_list + (label_list.empty() ? "le=\"" : ",le=\"");
      append_number(with_bound, i < h.bounds_.size() ? h.bounds_[i] : INFINITY);
      append_sample(page, name, "_bucket", with_bound + '"');
      fmt::format_to(std::back_inserter(page), "{}\n", count);
    }
    append_sample(page, name, "_sum", label_list);
    append_number(page, h.sum_.load(std::memory_order_relaxed));
    page += '\n';
    append_sample(page, name, "_count", label_list);
    fmt::format_to(std::back_inserter(page), "{}\n", count);
  };

  const std::lock_guard lock(impl_->mutex);
  for (const auto& [name, family] : impl_->families) {
    fmt::format_to(std::back_inserter(page), "# HELP {} ", name);
    append_escaped(page, family.help, false);
    fmt::format_to(std::back_inserter(page), "\n# TYPE {} {}\n", name, family.type);
    for (const auto& [label_list, instrument] : family.by_labels) {
      if (const auto* h = std::get_if<std::unique_ptr<histogram>>(&instrument)) {
        append_histogram(name, label_list, **h);
        continue;
      }
      append_sample(page, name, "", label_list);
      if (const auto* c = std::get_if<std::unique_ptr<counter>>(&instrument)) {
        fmt::format_to(std::back_inserter(page), "{}", (*c)->value());
      } else if (const auto* g = std::get_if<std::unique_ptr<gauge>>(&instrument)) {
        fmt::format_to(std::back_inserter(page), "{}", (*g)->value());
      } else {
        append_number(page, std::get<impl::callback>(instrument)());
      }
      page += '\n';
    }
  }
  return page;
}

}  // namespace gonets::metrics
