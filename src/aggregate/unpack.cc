#include "aggregate/unpack.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace gonets::aggregate {
namespace {

using unpacked = std::expected<std::string, std::string>;

constexpr std::string_view gzip_begins = "\x1f\x8b";
constexpr std::string_view zip_file_begins = "PK\x03\x04";
constexpr std::string_view zip_directory_begins = "PK\x01\x02";
constexpr std::string_view zip_descriptor_begins = "PK\x07\x08";
constexpr int raw_deflate = -MAX_WBITS;
constexpr int gzip_stream = MAX_WBITS + 16;

std::unexpected<std::string> wrong(std::string_view what) {
  return std::unexpected(std::string(what));
}

struct inflater {
  z_stream stream{};
  bool ready = false;
  explicit inflater(int format) { ready = inflateInit2(&stream, format) == Z_OK; }
  ~inflater() {
    if (ready) inflateEnd(&stream);
  }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;
};

// One stream from the front of `packed`, which is left with what follows it.
unpacked inflate_stream(std::string_view& packed, int format, const unpack_limits& limits) {
  inflater z(format);
  if (!z.ready) return wrong("there is no memory to unpack it");
  z.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  z.stream.avail_in = static_cast<uInt>(packed.size());
  std::string plain;
  std::array<char, 16'384> part{};
  for (;;) {
    z.stream.next_out = reinterpret_cast<Bytef*>(part.data());
    z.stream.avail_out = static_cast<uInt>(part.size());
    const int state = inflate(&z.stream, Z_NO_FLUSH);
    const auto made = part.size() - z.stream.avail_out;
    plain.append(part.data(), made);
    if (plain.size() > limits.bytes_max)
      return std::unexpected(fmt::format("it unpacks to more than {} bytes", limits.bytes_max));
    const auto read = packed.size() - z.stream.avail_in;
    if (plain.size() > part.size() && plain.size() / limits.ratio_max > read)
      return std::unexpected(fmt::format("it unpacks to more than {} times its size", limits.ratio_max));
    if (state == Z_STREAM_END) break;
    if (state != Z_OK || (made == 0 && z.stream.avail_in == 0))
      return wrong("its compressed data is broken or cut off");
  }
  packed.remove_prefix(packed.size() - z.stream.avail_in);
  return plain;
}

std::uint32_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t number = 0;
  for (std::size_t i = count; i-- > 0;)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

std::uint32_t crc_of(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())));
}

// APPNOTE.TXT 4.3.7. Read from the front, as it came: the directory at its end may say something else.
unpacked unzip(std::string_view archive, const unpack_limits& limits) {
  constexpr std::size_t header_bytes = 30, descriptor_bytes = 16;
  constexpr std::uint32_t encrypted = 1, described_later = 8, stored = 0, deflated = 8;
  if (archive.size() < header_bytes) return wrong("the zip archive is cut off");
  const auto flags = little_endian(archive, 6, 2), method = little_endian(archive, 8, 2);
  auto crc = little_endian(archive, 14, 4);
  const std::size_t packed_bytes = little_endian(archive, 18, 4);
  const std::size_t name_and_more = little_endian(archive, 26, 2) + little_endian(archive, 28, 2);
  if (flags & encrypted) return wrong("the zip archive is encrypted");
  if (archive.size() - header_bytes < name_and_more) return wrong("the zip archive is cut off");
  auto rest = archive.substr(header_bytes + name_and_more);
  unpacked plain;
  if (method == deflated) {
    plain = inflate_stream(rest, raw_deflate, limits);
    if (!plain) return plain;
  } else if (method == stored && !(flags & described_later)) {
    if (packed_bytes > limits.bytes_max)
      return std::unexpected(fmt::format("it has more than {} bytes", limits.bytes_max));
    if (rest.size() < packed_bytes) return wrong("the zip archive is cut off");
    plain = std::string(rest.substr(0, packed_bytes));
    rest.remove_prefix(packed_bytes);
  } else {
    return wrong("the zip archive is packed in a way that reports are not");
  }
  if (flags & described_later) {
    const bool marked = rest.starts_with(zip_descriptor_begins);
    const std::size_t bytes = marked ? descriptor_bytes : descriptor_bytes - 4;
    if (rest.size() < bytes) return wrong("the zip archive is cut off");
    crc = little_endian(rest, marked ? 4 : 0, 4);
    rest.remove_prefix(bytes);
  }
  if (rest.starts_with(zip_file_begins)) return wrong("the zip archive has more than one file");
  if (!rest.starts_with(zip_directory_begins)) return wrong("the zip archive is cut off");
  if (crc != crc_of(*plain)) return wrong("the zip archive is damaged: its checksum is another one");
  return plain;
}

}  // namespace

unpacked unpack(std::string_view packed, const unpack_limits& limits) {
  if (packed.starts_with(gzip_begins)) return inflate_stream(packed, gzip_stream, limits);
  if (packed.starts_with(zip_file_begins)) return unzip(packed, limits);
  if (packed.size() > limits.bytes_max)
    return std::unexpected(fmt::format("it has more than {} bytes", limits.bytes_max));
  return std::string(packed);
}

}  // namespace gonets::aggregate
