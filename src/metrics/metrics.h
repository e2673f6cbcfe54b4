// Counters, gauges and histograms, and their exposition in Prometheus' text format. Instruments are created once, by
// the part that owns them, and live as long as the registry; bumping one is a relaxed atomic add, safe from any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gonets::metrics {

using labels = std::vector<std::pair<std::string, std::string>>;

class counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class gauge {
 public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class histogram {
 public:
  // Finite and ascending, each inclusive; one beyond them all is added. Throws std::invalid_argument otherwise.
  explicit histogram(std::vector<double> upper_bounds);
  void observe(double v);  // NaN is ignored

 private:
  friend class registry;
  std::vector<double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> buckets_;
  std::atomic<double> sum_{0};
};

class registry {
 public:
  registry();
  ~registry();
  // The same name and labels, in any order, give the same instrument. Names follow Prometheus' conventions:
  // gonets_..._total, _seconds, _bytes. The first call's help text and bounds count. Throws std::logic_error for a name
  // that is of another type already, or that Prometheus does not allow.
  counter& make_counter(std::string_view name, std::string_view help, labels with = {});
  gauge& make_gauge(std::string_view name, std::string_view help, labels with = {});
  histogram& make_histogram(std::string_view name, std::string_view help, std::vector<double> bounds, labels with = {});
  // Read when the page is asked for; must be safe from any thread, and must not call the registry. The last one set
  // counts.
  void make_callback_gauge(std::string_view name, std::string_view help, std::function<double()> read,
                           labels with = {});
  // Text format 0.0.4; families sorted by name.
  std::string render() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace gonets::metrics
