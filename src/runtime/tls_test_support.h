// Certificates made by the test that needs them: a CA of its own, and what it signs, as PEM files in a folder that goes
// with it.
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/detail/tls_context.h"

namespace gonets::runtime::testing {

using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;

struct certificate_request {
  std::vector<std::string> names;  // DNS names of the extension
  std::string common_name = "test";
  int days_from = -1, days_until = 30;
  bool rsa = false;
};

struct made_certificate {
  certificate_files files;
  certificate_ptr certificate;
  key_ptr key;

  // The data of a TLSA record "usage 0 1", the whole certificate, or "usage 1 1", its key.
  std::string sha256(bool of_key) const {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (of_key) {
      unsigned char* der = nullptr;
      const int bytes = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
      EVP_Digest(der, static_cast<std::size_t>(bytes), digest, &size, EVP_sha256(), nullptr);
      OPENSSL_free(der);
    } else {
      X509_digest(certificate.get(), EVP_sha256(), digest, &size);
    }
    return {reinterpret_cast<const char*>(digest), size};
  }
};

class certificate_maker {
 public:
  certificate_maker() {
    std::string name = std::filesystem::temp_directory_path() / "gonets-tls-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for certificates");
    folder_ = name;
    ca_ = make("ca", {.common_name = "Test CA"}, true);
  }
  ~certificate_maker() { std::filesystem::remove_all(folder_); }
  certificate_maker(const certificate_maker&) = delete;
  certificate_maker& operator=(const certificate_maker&) = delete;

  const made_certificate& ca() const { return ca_; }
  std::string ca_file() const { return ca_.files.certificate; }
  std::string folder() const { return folder_; }
  // Signed by the CA, which stands behind it in the file.
  made_certificate make(const std::string& file, const certificate_request& wanted) {
    return make(file, wanted, false);
  }

 private:
  static void add(X509* to, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
    auto* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr) throw std::runtime_error("bad extension " + value);
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
  }

  made_certificate make(const std::string& file, const certificate_request& wanted, bool is_ca) {
    made_certificate made;
    made.files = {folder_ + "/" + file + ".pem", folder_ + "/" + file + ".key"};
    made.key.reset(wanted.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"));
    made.certificate.reset(X509_new());
    auto* const x = made.certificate.get();
    auto* const issuer = is_ca ? x : ca_.certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
    X509_time_adj_ex(X509_getm_notBefore(x), wanted.days_from, 0, nullptr);
    X509_time_adj_ex(X509_getm_notAfter(x), wanted.days_until, 0, nullptr);
    X509_set_pubkey(x, made.key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer));
    add(x, issuer, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add(x, issuer, NID_subject_key_identifier, "hash");
    std::string names;
    for (const auto& name : wanted.names)
      names += (names.empty() ? "DNS:" : ",DNS:") + name;
    if (!names.empty()) add(x, issuer, NID_subject_alt_name, names);
    X509_sign(x, is_ca ? made.key.get() : ca_.key.get(), EVP_sha256());
    write(made.files.certificate, [&](FILE* to) {
      PEM_write_X509(to, x);
      if (!is_ca) PEM_write_X509(to, issuer);
    });
    write(made.files.key,
          [&](FILE* to) { PEM_write_PrivateKey(to, made.key.get(), nullptr, nullptr, 0, nullptr, nullptr); });
    return made;
  }

  template <class Work>
  static void write(const std::string& path, Work work) {
    FILE* const to = std::fopen(path.c_str(), "w");
    if (to == nullptr) throw std::runtime_error("cannot write " + path);
    work(to);
    std::fclose(to);
  }

  std::string folder_;
  long serial_ = 0;
  made_certificate ca_;
};

}  // namespace gonets::runtime::testing
