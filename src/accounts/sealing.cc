#include "accounts/sealing.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/log.h"
#include "base/secret.h"
#include "dkim/tag_list.h"

namespace gonets::accounts {
namespace {

constexpr std::string_view version = "1:";
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t key_file_bytes_max = 4096;

using cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype([](EVP_CIPHER_CTX* c) { ::EVP_CIPHER_CTX_free(c); })>;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}
int length(std::string_view text) {
  return static_cast<int>(text.size());
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdefABCDEF") != text.npos) return std::nullopt;
  std::string found;
  for (std::size_t i = 0; i < text.size(); i += 2)
    found.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return found;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string file_error(std::string_view what, const std::string& path) {
  return fmt::format("cannot {} accounts.key_file {}: {}", what, path, std::strerror(errno));
}

std::expected<seal::key, std::string> make_key_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return std::unexpected(file_error("make", path));
  auto secret = random_bytes(sizeof(seal::key));
  const auto text = dkim::to_base64(secret) + "\n";
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file) == 0;
  if (!written) {
    auto error = file_error("write", path);
    ::close(file);
    ::unlink(path.c_str());
    return std::unexpected(std::move(error));
  }
  ::close(file);
  GONETS_LOG(info, "accounts_key_file_made", "file", path, "advice",
             "keep a copy of it: without it the private keys in the database are lost");
  return *seal::parse_key(text);
}

}  // namespace

seal::~seal() {
  ::OPENSSL_cleanse(key_.data(), key_.size());
}

std::optional<seal::key> seal::parse_key(std::string_view text) {
  text = trimmed(text);
  auto found = from_hex(text);
  if (!found) found = dkim::from_base64(text);
  if (!found || found->size() != sizeof(key)) return std::nullopt;
  key k{};
  std::memcpy(k.data(), found->data(), k.size());
  return k;
}

std::string seal::close(std::string_view secret, std::string_view place) const {
  const auto nonce = random_bytes(nonce_bytes);
  return close(secret, place, {bytes(nonce), nonce.size()});
}

// nonce, ciphertext, tag
std::string seal::close(std::string_view secret, std::string_view place, std::span<const std::uint8_t> nonce) const {
  const cipher c(::EVP_CIPHER_CTX_new());
  std::string out(nonce_bytes + secret.size() + tag_bytes, '\0');
  std::memcpy(out.data(), nonce.data(), nonce_bytes);
  int n = 0;
  const bool done = c && ::EVP_EncryptInit_ex(c.get(), ::EVP_aes_256_gcm(), nullptr, key_.data(), nonce.data()) == 1 &&
                    ::EVP_EncryptUpdate(c.get(), nullptr, &n, bytes(place), length(place)) == 1 &&
                    ::EVP_EncryptUpdate(c.get(), bytes(out) + nonce_bytes, &n, bytes(secret), length(secret)) == 1 &&
                    ::EVP_EncryptFinal_ex(c.get(), bytes(out) + nonce_bytes + n, &n) == 1 &&
                    ::EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(tag_bytes),
                                          bytes(out) + nonce_bytes + secret.size()) == 1;
  if (!done) std::abort();  // takes a lack of memory, or an OpenSSL without AES
  return std::string(version) + dkim::to_base64(out);
}

std::optional<std::string> seal::open(std::string_view sealed, std::string_view place) const {
  if (!sealed.starts_with(version)) return std::nullopt;
  auto in = dkim::from_base64(sealed.substr(version.size()));
  if (!in || in->size() < nonce_bytes + tag_bytes) return std::nullopt;
  const cipher c(::EVP_CIPHER_CTX_new());
  std::string out(in->size() - nonce_bytes - tag_bytes, '\0');
  int n = 0;
  const bool genuine = c && ::EVP_DecryptInit_ex(c.get(), ::EVP_aes_256_gcm(), nullptr, key_.data(), bytes(*in)) == 1 &&
                       ::EVP_DecryptUpdate(c.get(), nullptr, &n, bytes(place), length(place)) == 1 &&
                       ::EVP_DecryptUpdate(c.get(), bytes(out), &n, bytes(*in) + nonce_bytes, length(out)) == 1 &&
                       ::EVP_CIPHER_CTX_ctrl(c.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(tag_bytes),
                                             bytes(*in) + in->size() - tag_bytes) == 1 &&
                       ::EVP_DecryptFinal_ex(c.get(), bytes(out) + out.size(), &n) == 1;
  if (!genuine) return std::nullopt;
  return out;
}

seal::key seal::derive(std::string_view purpose) const {
  key made{};
  std::ranges::copy(hmac_sha256({reinterpret_cast<const char*>(key_.data()), key_.size()}, purpose), made.begin());
  return made;
}

std::string random_text(std::size_t characters) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  constexpr unsigned fair = 256 / alphabet.size() * alphabet.size();  // a byte beyond would favour the first letters
  std::string out;
  while (out.size() < characters) {
    for (const char c : random_bytes(characters)) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < fair && out.size() < characters) out.push_back(alphabet[byte % alphabet.size()]);
    }
  }
  return out;
}

std::expected<seal::key, std::string> load_key_file(const std::string& path, bool make) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT && make) return make_key_file(path);
  if (file < 0) {
    auto error = file_error("read", path);
    if (errno == ENOENT) error += "; make one by: openssl rand -base64 32 > " + path + ", and give all nodes the same";
    return std::unexpected(std::move(error));
  }
  std::string text(key_file_bytes_max, '\0');
  const auto got = ::read(file, text.data(), text.size());
  struct stat about {};
  const bool open_to_others = ::fstat(file, &about) == 0 && (about.st_mode & 0077) != 0;
  ::close(file);
  if (got < 0) return std::unexpected(file_error("read", path));
  const auto key = seal::parse_key(std::string_view(text).substr(0, static_cast<std::size_t>(got)));
  ::OPENSSL_cleanse(text.data(), text.size());
  if (!key)
    return std::unexpected(fmt::format(
        "accounts.key_file {} must hold 32 bytes, as 64 hex digits or as base64: openssl rand -base64 32", path));
  if (open_to_others)
    GONETS_LOG(warning, "accounts_key_file_open", "file", path, "advice", "let nobody else read it: chmod 600");
  return *key;
}

}  // namespace gonets::accounts
