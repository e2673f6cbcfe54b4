#include "bounce/classifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>

namespace gonets::bounce {
namespace {

constexpr std::uint16_t none = 0xffff;
// "This mailbox is not currently full": so many words may stand between a negation and what it denies.
constexpr int negation_reach = 2;

bool is_class(std::string_view text) {
  return text.size() == 3 && text.substr(1) == "xx" && text[0] >= '2' && text[0] <= '5';
}

int number(std::string_view text) {
  int n = 0;
  if (text.empty() || text.size() > 3) return -1;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    n = n * 10 + (c - '0');
  }
  return n;
}

}  // namespace

struct classifier::findings {
  struct hit {
    std::uint16_t what, first, last;  // words
  };
  std::array<hit, hits_max> hits;
  std::size_t count = 0;
  std::bitset<concepts_max> present;
};

classifier::classifier(rule_file file, std::vector<std::string>& faults) : file_(std::move(file)) {
  for (const concept_words& c : file_.concepts) {
    if (lists_.size() == concepts_max) break;
    if (c.name == "negation") negation_ = static_cast<std::uint16_t>(lists_.size());
    lists_.push_back({c.negatable});
    for (const std::string& word : c.words) {
      if (c.in_hosts) kept_.insert(word.substr(0, word.find('*')));
    }
  }
  for (std::size_t i = 0; i < lists_.size(); ++i)
    add_words(file_.concepts[i].words, static_cast<std::uint16_t>(i));
  for (std::uint32_t i = 0; i < file_.rules.size(); ++i) {
    const std::size_t before = faults.size();
    condition made = compile(file_.rules[i], i, faults);
    if (faults.size() == before) conditions_.push_back(std::move(made));
  }
  std::stable_sort(conditions_.begin(), conditions_.end(),
                   [](const condition& a, const condition& b) { return a.weight > b.weight; });
  words_.finish();
}

void classifier::add_words(const std::vector<std::string>& words, std::uint16_t what) {
  std::string shape;
  for (const std::string& each : words) {
    std::string_view text = each;
    const bool open_start = text.starts_with('*'), open_end = text.ends_with('*');
    normalise(text, kept_, shape);
    std::string_view word = shape;
    if (word.size() < 2) continue;
    const auto count = static_cast<std::uint8_t>(std::count(word.begin(), word.end(), ' ') - 1);
    if (open_start) word.remove_prefix(1);
    if (open_end) word.remove_suffix(1);
    words_.add(word, static_cast<std::uint32_t>(patterns_.size()));
    patterns_.push_back({what, count});
  }
}

std::uint16_t classifier::find_concept(std::string_view name) const {
  for (std::size_t i = 0; i < file_.concepts.size() && i < concepts_max; ++i) {
    if (file_.concepts[i].name == name) return static_cast<std::uint16_t>(i);
  }
  return none;
}

classifier::condition classifier::compile(const rule& r, std::uint32_t index, std::vector<std::string>& faults) {
  condition c{.within = static_cast<std::uint16_t>(r.within), .weight = r.weight, .rule = index};
  const auto find_all = [&](std::string_view names) {
    either found;
    while (!names.empty()) {
      const std::size_t bar = std::min(names.find('|'), names.size());
      const auto id = find_concept(names.substr(0, bar));
      if (id == none) {
        faults.push_back(fmt::format("{}: rule \"{}\" names a concept that is not there: \"{}\"", r.line, r.name,
                                     names.substr(0, bar)));
      }
      found.push_back(id);
      names.remove_prefix(std::min(bar + 1, names.size()));
    }
    return found;
  };
  for (const std::string& each : r.all)
    c.all.push_back(find_all(each));
  for (const std::string& each : r.unless) {
    const auto found = find_all(each);
    c.unless.insert(c.unless.end(), found.begin(), found.end());
  }
  if (!r.phrases.empty() && lists_.size() < concepts_max) {
    const auto own = static_cast<std::uint16_t>(lists_.size());
    lists_.push_back({});
    add_words(r.phrases, own);
    c.all.push_back({own});
  }
  for (const std::string& code : r.codes) {
    const int n = number(code);
    if (is_class(code)) {
      const auto from = static_cast<std::uint16_t>((code[0] - '0') * 100);
      c.codes.push_back({from, static_cast<std::uint16_t>(from + 99)});
    } else if (n >= 200 && n < 600) {
      c.codes.push_back({static_cast<std::uint16_t>(n), static_cast<std::uint16_t>(n)});
    } else {
      faults.push_back(fmt::format("{}: rule \"{}\": \"{}\" is no reply code", r.line, r.name, code));
    }
  }
  for (const std::string& status : r.statuses) {
    const auto first = status.find('.'), second = status.find('.', first + 1);
    const std::string_view all = status;
    if (first != 1 || second == std::string::npos) {
      faults.push_back(fmt::format("{}: rule \"{}\": \"{}\" is no status", r.line, r.name, status));
      continue;
    }
    c.statuses.push_back({static_cast<std::uint8_t>(all[0] == 'x' ? 0 : all[0] - '0'),
                          number(all.substr(2, second - 2)), number(all.substr(second + 1))});
  }
  if (c.all.empty() && c.codes.empty() && c.statuses.empty()) {
    faults.push_back(fmt::format("{}: rule \"{}\" has no condition", r.line, r.name));
  }
  return c;
}

void classifier::find(std::string_view text, findings& to) const {
  automaton::state at = 0;
  int word = -1;  // of the characters being read; the text begins with a space
  for (const char c : text) {
    at = words_.next(at, c);
    word += c == ' ';
    if (!words_.matches(at)) continue;
    // A pattern that ends with a space ends with the word before it.
    const int last = c == ' ' ? word - 1 : word;
    words_.each_match(at, [&](std::uint32_t id) {
      const pattern& p = patterns_[id];
      if (to.count == hits_max) return;
      to.hits[to.count++] = {p.what, static_cast<std::uint16_t>(std::max(0, last - p.words + 1)),
                             static_cast<std::uint16_t>(last)};
    });
    if (to.count == hits_max) break;
  }
  const auto denied = [&](const findings::hit& h) {
    if (!lists_[h.what].negatable) return false;
    return std::any_of(to.hits.begin(), to.hits.begin() + static_cast<std::ptrdiff_t>(to.count), [&](const auto& n) {
      return n.what == negation_ && n.last < h.first && h.first - n.last <= negation_reach;
    });
  };
  for (std::size_t i = 0; i < to.count; ++i) {
    if (denied(to.hits[i]))
      to.hits[i].what = none;
    else
      to.present.set(to.hits[i].what);
  }
}

// Some word of the first concept has one of each other concept within reach.
bool classifier::near_each_other(const condition& c, const findings& in) const {
  const auto is_of = [](const findings::hit& h, const either& names) {
    return std::find(names.begin(), names.end(), h.what) != names.end();
  };
  const auto* end = in.hits.data() + in.count;
  for (const auto* a = in.hits.data(); a != end; ++a) {
    if (!is_of(*a, c.all.front())) continue;
    const bool complete = std::all_of(c.all.begin() + 1, c.all.end(), [&](const either& other) {
      return std::any_of(in.hits.data(), end, [&](const findings::hit& b) {
        if (!is_of(b, other)) return false;
        const int gap = b.first > a->last ? b.first - a->last : a->first > b.last ? a->first - b.last : 0;
        return gap <= c.within;
      });
    });
    if (complete) return true;
  }
  return false;
}

bool classifier::holds(const condition& c, const reply_facts& facts, const findings& in) const {
  const auto present = [&](std::uint16_t id) { return in.present.test(id); };
  for (const either& each : c.all) {
    if (!std::any_of(each.begin(), each.end(), present)) return false;
  }
  if (!c.codes.empty() && std::none_of(c.codes.begin(), c.codes.end(), [&](const code_condition& k) {
        return facts.code >= k.from && facts.code <= k.to;
      })) {
    return false;
  }
  if (!c.statuses.empty() && std::none_of(c.statuses.begin(), c.statuses.end(), [&](const status_condition& k) {
        const auto& s = facts.status;
        return s.present() && (k.klass == 0 || k.klass == s.klass) && (k.subject < 0 || k.subject == s.subject) &&
               (k.detail < 0 || k.detail == s.detail);
      })) {
    return false;
  }
  if (std::any_of(c.unless.begin(), c.unless.end(), present)) return false;
  return c.all.size() < 2 || near_each_other(c, in);
}

bool classifier::lasts(const reply_facts& facts, const category_facts& of) {
  if (facts.delayed || of.how_long == lasting::temporary) return false;
  if (facts.code >= 400) return facts.code >= 500;
  if (facts.status.klass >= 4) return facts.status.klass == 5;
  return of.how_long == lasting::by_code;
}

verdict classifier::classify(const reply_facts& facts) const {
  static thread_local std::string shape;
  normalise(facts.text, kept_, shape);
  findings found;
  find(shape, found);
  const auto winner =
      std::find_if(conditions_.begin(), conditions_.end(), [&](const condition& c) { return holds(c, facts, found); });
  verdict v;
  if (winner != conditions_.end()) {
    v.because = &file_.rules[winner->rule];
    v.is = v.because->is;
    v.confidence = v.because->weight / 100.0;
  }
  const category_facts& of = facts_of(v.is);
  v.permanent = lasts(facts, of);
  v.suppress = v.permanent && of.dead_address;
  return v;
}

}  // namespace gonets::bounce
