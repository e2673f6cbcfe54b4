// The bytes of stored records: big-endian fixed integers where keys must sort, varints (LEB128) elsewhere, and strings
// with a varint length. A reader never reads past its input: after the first failure ok() is false and all else is
// zero.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::wire {

void put_be64(std::string& to, std::uint64_t v);
void put_be32(std::string& to, std::uint32_t v);
void put_be16(std::string& to, std::uint16_t v);
void put_varint(std::string& to, std::uint64_t v);
void put_text(std::string& to, std::string_view text);

class reader {
 public:
  explicit reader(std::string_view from) : rest_(from) {}
  std::uint8_t byte();
  std::uint64_t be64();
  std::uint32_t be32();
  std::uint16_t be16();
  std::uint64_t varint();
  std::string_view text();  // a view into the input
  std::string_view bytes(std::size_t n);
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::uint64_t fixed(std::size_t n);
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace gonets::wire
