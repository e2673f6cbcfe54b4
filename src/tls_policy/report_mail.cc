#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <stdexcept>

#include "message/trace.h"
#include "tls_policy/tls_report.h"

namespace gonets::tls_policy {
namespace {

constexpr std::size_t base64_line_bytes = 57;  // 76 characters

void append_base64(std::string& to, std::string_view bytes) {
  unsigned char line[(base64_line_bytes + 2) / 3 * 4 + 1];
  for (; !bytes.empty(); bytes.remove_prefix(std::min(base64_line_bytes, bytes.size()))) {
    const auto part = bytes.substr(0, base64_line_bytes);
    const int length =
        EVP_EncodeBlock(line, reinterpret_cast<const unsigned char*>(part.data()), static_cast<int>(part.size()));
    to.append(reinterpret_cast<const char*>(line), static_cast<std::size_t>(length));
    to += "\r\n";
  }
}

// For people whose mail program can't open the attachment.
std::string summary_text(const report& r) {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  for (const auto& p : r.policies) {
    succeeded += p.successes;
    for (const auto& f : p.failures)
      failed += f.sessions;
  }
  return fmt::format(
      "This is an aggregate TLS report (RFC 8460) from {}\r\n"
      "about the encryption of mail sent to {} on {:%Y-%m-%d} (UTC).\r\n\r\n"
      "Sessions with the encryption that was asked for: {}\r\n"
      "Sessions that failed: {}\r\n\r\n"
      "The attached report, gzip-compressed JSON, has the details.\r\n",
      r.submitter, r.domain, r.day, succeeded, failed);
}

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib: no memory");
  }
  std::string packed(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string compose_report_mail(const report& r, const report_mail& with, std::string_view compressed) {
  const auto boundary = fmt::format("=_tlsrpt.{:016x}", with.random);
  std::string text;
  text.reserve(2048 + compressed.size() * 3 / 2);
  text += fmt::format("From: <{}>\r\nTo: <{}>\r\nDate: ", with.from, with.to);
  message::append_date(text, with.now);
  text += fmt::format(
      "\r\nMessage-ID: <{}.{:016x}@{}>\r\n"
      "Subject: Report Domain: {}\r\n Submitter: {}\r\n Report-ID: <{}>\r\n"
      "TLS-Report-Domain: {}\r\n"
      "TLS-Report-Submitter: {}\r\n"
      "TLS-Required: No\r\n"
      "Auto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\n"
      "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"{}\"\r\n\r\n",
      r.id, with.random, r.submitter, r.domain, r.submitter, r.id, r.domain, r.submitter, boundary);
  text += fmt::format("--{}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{}\r\n", boundary, summary_text(r));
  text += fmt::format(
      "--{}\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: attachment;\r\n filename=\"{}\"\r\n\r\n",
      boundary, report_file_name(r));
  append_base64(text, compressed);
  text += fmt::format("--{}--\r\n", boundary);
  return text;
}

}  // namespace gonets::tls_policy
