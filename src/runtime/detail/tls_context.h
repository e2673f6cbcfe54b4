// What tls.cc makes and tls_channel.cc uses; sees OpenSSL, so only `runtime` includes it.
#pragma once
#include <openssl/ssl.h>

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/tls.h"

namespace gonets::runtime {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* what) const {
    Free(what);
  }
};
using ssl_context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using session_ptr = std::unique_ptr<SSL_SESSION, freed_by<SSL_SESSION_free>>;

// What OpenSSL noted first in this thread, the cause, for people; forgets it all. `otherwise` when there is nothing.
std::string take_ssl_error(std::string_view otherwise);

// Sessions of a client, the latest of each key; the one that was longest without use goes first. For all threads.
class session_cache {
 public:
  struct found {
    session_ptr session;  // the caller's own copy
    tls_facts::proof verified_by = tls_facts::proof::none;
  };
  explicit session_cache(std::size_t sessions_max) : sessions_max_(sessions_max) {}
  found find(const std::string& key);
  void put(const std::string& key, session_ptr session, tls_facts::proof verified_by);
  void forget(const std::string& key);

 private:
  struct entry {
    std::string key;
    session_ptr session;
    tls_facts::proof verified_by;
  };
  const std::size_t sessions_max_;
  std::mutex mutex_;
  std::list<entry> entries_;  // the latest use first
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;
};

class tls_context {
 public:
  explicit tls_context(std::size_t sessions_max) : sessions(sessions_max) {}
  SSL_CTX* native() const { return contexts.front().get(); }
  SSL_CTX* context_for(std::string_view server_name) const;  // null: none bears this name

  std::vector<ssl_context_ptr> contexts;              // a server: one for each certificate's names; a client: one
  std::unordered_map<std::string, SSL_CTX*> by_name;  // lower case; "*.example.com" as it stands
  session_cache sessions;
};

}  // namespace gonets::runtime
