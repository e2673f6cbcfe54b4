#include "bounce/automaton.h"

#include <algorithm>

namespace gonets::bounce {

void automaton::add(std::string_view pattern, std::uint32_t id) {
  if (pattern.empty()) return;
  state at = 0;
  for (const char c : pattern) {
    const auto byte = static_cast<std::uint8_t>(c);
    auto& edges = drafts_[at].edges;
    const auto found = std::find_if(edges.begin(), edges.end(), [&](const edge& e) { return e.byte == byte; });
    if (found != edges.end()) {
      at = found->to;
      continue;
    }
    const auto to = static_cast<state>(drafts_.size());
    edges.push_back({byte, to});
    drafts_.emplace_back();
    at = to;
  }
  auto& ids = drafts_[at].ids;
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

automaton::state automaton::child(state of, std::uint8_t byte) const {
  for (const edge& e : drafts_[of].edges) {
    if (e.byte == byte) return e.to;
  }
  return 0;
}

// Breadth first, so that a state's `fail`, which is shorter, is complete before it.
void automaton::link() {
  std::vector<state> order;
  order.reserve(drafts_.size());
  for (const edge& e : drafts_[0].edges)
    order.push_back(e.to);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const state at = order[i];
    for (const edge& e : drafts_[at].edges) {
      state fail = nodes_[at].fail;
      while (fail != 0 && child(fail, e.byte) == 0)
        fail = nodes_[fail].fail;
      nodes_[e.to].fail = child(fail, e.byte);
      order.push_back(e.to);
    }
    const state fail = nodes_[at].fail;
    nodes_[at].next_match = nodes_[fail].ids_count != 0 ? fail : nodes_[fail].next_match;
  }
}

void automaton::finish() {
  nodes_.assign(drafts_.size(), {});
  for (state s = 0; s < drafts_.size(); ++s) {
    const draft& from = drafts_[s];
    node& to = nodes_[s];
    to.first_id = static_cast<std::uint32_t>(ids_.size());
    to.ids_count = static_cast<std::uint32_t>(from.ids.size());
    ids_.insert(ids_.end(), from.ids.begin(), from.ids.end());
    if (s == 0 || from.edges.size() > edges_max) {
      to.row = static_cast<std::uint32_t>(rows_.size());
      auto& row = rows_.emplace_back();
      for (const edge& e : from.edges)
        row[e.byte] = e.to;
    } else {
      to.first_edge = static_cast<std::uint32_t>(edges_.size());
      to.edge_count = static_cast<std::uint32_t>(from.edges.size());
      edges_.insert(edges_.end(), from.edges.begin(), from.edges.end());
    }
  }
  link();
  drafts_.clear();
  drafts_.shrink_to_fit();
}

}  // namespace gonets::bounce
