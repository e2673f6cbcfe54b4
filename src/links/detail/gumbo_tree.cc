#include "links/detail/gumbo_tree.h"

#include <csetjmp>
#include <cstddef>

namespace gonets::links {
namespace {

// Usual HTML takes about 20 times its size, nothing but short tags 60 times.
constexpr std::size_t bytes_max(std::size_t html_bytes) {
  return (1u << 20) + 64 * html_bytes;
}
constexpr std::size_t alignment = alignof(std::max_align_t);

}  // namespace

// Taken from one block, whose untouched pages cost nothing, and given back with it: no recursion over a deep tree.
struct gumbo_tree::memory {
  explicit memory(std::size_t bytes) : block(std::make_unique_for_overwrite<std::byte[]>(bytes)), left(bytes) {}

  static void* allocate(void* from, std::size_t bytes) {
    auto& self = *static_cast<memory*>(from);
    const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    // Gumbo takes any answer for memory, so it must not get one. It is C, with nothing to unwind.
    if (rounded < bytes || rounded > self.left) std::longjmp(self.exceeded, 1);
    void* const taken = self.block.get() + self.used;
    self.used += rounded;
    self.left -= rounded;
    return taken;
  }
  static void free(void*, void*) {}

  std::unique_ptr<std::byte[]> block;
  std::size_t used = 0;
  std::size_t left;
  std::jmp_buf exceeded;
};

gumbo_tree::gumbo_tree(std::string_view html) : memory_(std::make_unique<memory>(bytes_max(html.size()))) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = memory::allocate;
  options.deallocator = memory::free;
  options.userdata = memory_.get();
  options.max_errors = 0;  // each has a copy of the stack of open elements
  if (setjmp(memory_->exceeded) != 0) return;
  output_ = gumbo_parse_with_options(&options, html.data(), html.size());
}

gumbo_tree::~gumbo_tree() = default;

}  // namespace gonets::links
