// Finds all of many patterns in one pass over a text (Aho and Corasick, 1975). Built once, then read by any thread.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gonets::bounce {

class automaton {
 public:
  // `id` is what matches are reported as; several patterns may have one id, and one pattern several.
  void add(std::string_view pattern, std::uint32_t id);
  // After the last add(), before the first match.
  void finish();

  // Where the text read so far leads to; begins with 0.
  using state = std::uint32_t;
  state next(state from, char c) const {
    const auto byte = static_cast<unsigned char>(c);
    for (;;) {
      const node& at = nodes_[from];
      if (at.row != no_row) {
        const state to = rows_[at.row][byte];
        if (to != 0 || from == 0) return to;
      } else {
        for (std::uint32_t e = at.first_edge; e != at.first_edge + at.edge_count; ++e) {
          if (edges_[e].byte == byte) return edges_[e].to;
        }
      }
      from = at.fail;
    }
  }
  // Calls visit(id) for every pattern that ends here.
  template <class Visit>
  void each_match(state at, Visit&& visit) const {
    for (state s = nodes_[at].ids_count != 0 ? at : nodes_[at].next_match; s != 0; s = nodes_[s].next_match) {
      const node& n = nodes_[s];
      for (std::uint32_t i = n.first_id; i != n.first_id + n.ids_count; ++i)
        visit(ids_[i]);
    }
  }
  bool matches(state at) const { return nodes_[at].ids_count != 0 || nodes_[at].next_match != 0; }

 private:
  static constexpr std::uint32_t no_row = 0xffffffff;
  static constexpr std::size_t edges_max = 6;  // more than that are looked up in a row of all bytes

  struct edge {
    std::uint8_t byte;
    state to;
  };
  struct node {
    std::uint32_t row = no_row;
    std::uint32_t first_edge = 0;
    std::uint32_t edge_count = 0;
    std::uint32_t first_id = 0;
    std::uint32_t ids_count = 0;
    state fail = 0;
    state next_match = 0;  // the nearest state on the way of `fail` where patterns end
  };
  struct draft {
    std::vector<edge> edges;
    std::vector<std::uint32_t> ids;
  };

  state child(state of, std::uint8_t byte) const;
  void link();

  std::vector<draft> drafts_{1};
  std::vector<node> nodes_;
  std::vector<edge> edges_;
  std::vector<std::uint32_t> ids_;
  std::vector<std::array<state, 256>> rows_;
};

}  // namespace gonets::bounce
