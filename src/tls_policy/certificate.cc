#include "tls_policy/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "base/text.h"

namespace gonets::tls_policy {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>>;

bio_ptr reader_of(std::string_view pem) {
  return bio_ptr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

certificate_ptr first_certificate(std::string_view pem) {
  certificate_ptr made(PEM_read_bio_X509_AUX(reader_of(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return made;
}

std::string text_of(const ASN1_STRING* s) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(s)), static_cast<std::size_t>(ASN1_STRING_length(s))};
}

std::string common_name(const X509_NAME* of) {
  const int at = X509_NAME_get_index_by_NID(of, NID_commonName, -1);
  return at < 0 ? std::string() : text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(of, at)));
}

std::vector<std::string> names_of(X509* certificate, const std::string& subject) {
  std::vector<std::string> names;
  const names_ptr all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const auto* const name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) names.push_back(to_lower(text_of(name->d.dNSName)));
  }
  if (names.empty() && !subject.empty()) names.push_back(to_lower(subject));
  std::ranges::sort(names);
  return names;
}

wall_time time_of(const ASN1_TIME* t) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(t, &parts) != 1) return {};
  using namespace std::chrono;
  const year_month_day day{year(parts.tm_year + 1900), month(static_cast<unsigned>(parts.tm_mon + 1)),
                           std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  return sys_days(day) + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

std::string fingerprint(const X509* certificate) {
  static constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

template <class Write>
std::string written(Write write) {
  const bio_ptr to(BIO_new(BIO_s_mem()));
  if (!to || write(to.get()) != 1) throw std::runtime_error("cannot write a PEM");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(to.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

void extend(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>> made(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!made || X509_add_ext(certificate, made.get(), -1) != 1) {
    throw std::runtime_error("a certificate cannot say \"" + value + "\"");
  }
}

}  // namespace

const std::string& certificate_facts::name() const {
  return names.empty() ? subject : names.front();
}

std::expected<certificate_facts, std::string> read_certificate(std::string_view pem) {
  const auto certificate = first_certificate(pem);
  if (!certificate) return std::unexpected("no certificate in PEM");
  auto* const x = certificate.get();
  certificate_facts facts;
  facts.subject = common_name(X509_get_subject_name(x));
  facts.issuer = common_name(X509_get_issuer_name(x));
  facts.names = names_of(x, facts.subject);
  facts.not_before = time_of(X509_get0_notBefore(x));
  facts.not_after = time_of(X509_get0_notAfter(x));
  facts.sha256 = fingerprint(x);
  facts.self_signed = X509_self_signed(x, 0) == 1;
  return facts;
}

std::string key_mismatch(std::string_view certificate_pem, std::string_view key_pem) {
  const auto certificate = first_certificate(certificate_pem);
  if (!certificate) return "there is no certificate in PEM";
  // An empty passphrase, so that nobody is asked for one.
  const key_ptr key(PEM_read_bio_PrivateKey(
      reader_of(key_pem).get(), nullptr, [](char*, int, int, void*) { return 0; }, nullptr));
  ERR_clear_error();
  if (!key) return "there is no private key in PEM without a passphrase";
  const bool own = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return own ? "" : "the key does not belong to the certificate";
}

pem_pair make_self_signed(const std::vector<std::string>& names, wall_time now, std::chrono::days valid_for) {
  const key_ptr key(EVP_EC_gen("P-256"));
  const certificate_ptr certificate(X509_new());
  if (!key || !certificate) throw std::bad_alloc();
  auto* const x = certificate.get();
  // RFC 5280 4.1.2.2: positive, at most 20 octets, and no two alike.
  std::array<unsigned char, 16> serial;
  RAND_bytes(serial.data(), static_cast<int>(serial.size()));
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, freed_by<BN_free>> number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x));
  X509_set_version(x, X509_VERSION_3);
  const auto seconds = [](wall_time t) {
    return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
  };
  ASN1_TIME_set(X509_getm_notBefore(x), seconds(now - std::chrono::days(1)));
  ASN1_TIME_set(X509_getm_notAfter(x), seconds(now + valid_for));
  X509_set_pubkey(x, key.get());
  auto* const subject = X509_get_subject_name(x);
  // A common name has at most 64 characters (RFC 5280 A.1); clients read the extension anyway.
  const auto shown = names.front().substr(0, 64);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(shown.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(x, subject);
  extend(x, NID_basic_constraints, "critical,CA:FALSE");
  extend(x, NID_key_usage, "critical,digitalSignature");
  extend(x, NID_ext_key_usage, "serverAuth");
  extend(x, NID_subject_key_identifier, "hash");
  std::string all;
  for (const auto& name : names)
    all += (all.empty() ? "DNS:" : ",DNS:") + name;
  extend(x, NID_subject_alt_name, all);
  if (X509_sign(x, key.get(), EVP_sha256()) == 0) throw std::runtime_error("cannot sign a certificate");
  return {written([&](BIO* to) { return PEM_write_bio_X509(to, x); }), written([&](BIO* to) {
            return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace gonets::tls_policy
