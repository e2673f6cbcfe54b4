// A connected stream socket (TCP or Unix) on one shard, plain or TLS. Callbacks, not coroutines: the protocol machines
// of `smtp` are the control flow, and what drives them is a loop over bytes.
//
// Owned through a shared_ptr; operations under way keep it alive. After close() no callback runs any more.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/shards.h"
#include "runtime/tls.h"

namespace gonets::runtime {

struct peer_address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 as IPv4-mapped IPv6
  std::uint16_t port = 0;
  std::string text() const;  // "192.0.2.1", "2001:db8::1"
  static bool parse(std::string_view text, std::array<std::uint8_t, 16>& bytes);
};

enum class io_error : std::uint8_t { none, end, timed_out, failed };

class stream : public std::enable_shared_from_this<stream> {
 public:
  // `bytes` is valid until the next read(). Empty when `error` is not none.
  using on_read = std::move_only_function<void(std::string_view bytes, io_error error)>;
  using on_written = std::move_only_function<void(io_error error)>;
  using on_handshake = std::move_only_function<void(const std::optional<tls_failure>& failure)>;

  virtual ~stream() = default;

  // One at a time. Never calls back before it returns.
  virtual void read(on_read done) = 0;
  // Writes all of `parts`. True: done already, and `done` will not be called (the usual case, without a copy). False:
  // the rest was copied, and `done` is called later. One at a time.
  virtual bool write(std::span<const std::string_view> parts, on_written done) = 0;
  // Applies to the reads, writes and handshakes under way and to come, until changed; they end with timed_out.
  virtual void expires_after(std::chrono::milliseconds from_now) = 0;
  // Throws away what has been received and not yet read: before the reply that lets a handshake begin, since nothing
  // that was sent before it can be trusted. Nothing may be under way.
  virtual void discard_received() = 0;
  // The handshake, on a stream that is plain and has neither a read nor a write under way. Bytes that were read before
  // are the caller's, and must be thrown away: whoever sent them was not protected. After a failure only close() is
  // of use.
  virtual void start_tls_server(tls_context_ptr context, on_handshake done) = 0;
  virtual void start_tls_client(tls_context_ptr context, const client_handshake& wanted, on_handshake done) = 0;
  // At once and quietly, but for the notice that TLS ends with; from any state.
  virtual void close() = 0;
  virtual bool is_tls() const = 0;
  virtual std::string tls_description()
      const = 0;  // "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 bits)"; empty when plain
  virtual tls_facts facts_of_tls() const = 0;  // of the last handshake, if it succeeded
  virtual peer_address peer() const = 0;
  virtual peer_address local() const = 0;
};

using stream_ptr = std::shared_ptr<stream>;

struct connect_target {
  std::string address;  // textual IPv4 or IPv6, or the path of a Unix socket when port is 0
  std::uint16_t port = 0;
  std::string source_address;  // bound before connecting; empty: the system's choice
};
// Connects on `shard`. On failure the pointer is null and `why` says it for people ("Connection refused").
using on_connected = std::move_only_function<void(stream_ptr connected, std::string why)>;
void connect(shards& on, std::size_t shard, const connect_target& to, std::chrono::milliseconds timeout,
             on_connected done);

// Whether connections can leave from it.
bool is_own_address(const std::string& address);

}  // namespace gonets::runtime
