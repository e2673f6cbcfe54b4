// A zstd stream whose flushed part can be ended later by somebody who has no more than its bytes. Throws
// std::runtime_error when zstd fails, which takes a broken invariant or no memory.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace gonets::sinks::detail {

class compressor {
 public:
  compressor();
  // Both append to `to`. What was flushed can be read back before the frame ends.
  void add_and_flush(std::string_view text, std::string& to);
  void end(std::string& to);
  bool frame_open() const { return open_; }

 private:
  void run(std::string_view text, int how, std::string& to);
  std::unique_ptr<void, void (*)(void*)> context_;
  bool open_ = false;
};

// Behind a flushed part ends its frame: an empty last block (RFC 8878 3.1.1.2), as the frames have no checksum.
inline constexpr std::string_view end_of_frame{"\x01\x00\x00", 3};

}  // namespace gonets::sinks::detail
