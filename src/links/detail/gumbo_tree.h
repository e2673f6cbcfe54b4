// HTML as Gumbo parses it, in memory that is bounded: unclosed formatting elements are cloned by Gumbo again and again.
#pragma once
#include <gumbo.h>

#include <memory>
#include <string_view>

namespace gonets::links {

class gumbo_tree {
 public:
  // `html` outlives the tree, which points into it. is_too_much(html) is false.
  explicit gumbo_tree(std::string_view html);
  ~gumbo_tree();
  gumbo_tree(const gumbo_tree&) = delete;
  gumbo_tree& operator=(const gumbo_tree&) = delete;

  const GumboOutput* output() const { return output_; }  // null when it would not fit

 private:
  struct memory;
  std::unique_ptr<memory> memory_;
  const GumboOutput* output_ = nullptr;
};

}  // namespace gonets::links
