// The server's side of the SASL mechanisms (RFC 4422) that a mail client may log in by: PLAIN (RFC 4616), LOGIN,
// SCRAM-SHA-256 (RFC 5802, 7677; without channel binding), OAUTHBEARER (RFC 7628), XOAUTH2 (Google's forerunner of it)
// and EXTERNAL (RFC 4422 A). Pure: the client's messages in, what to do next out. Any octets are survived.
//
//     switch (x.begin(initial_response)) ...       then, by the step that it gives:
//       challenge:            send challenge(), and respond() with what the client says
//       check_password,
//       check_token,
//       check_certificate:    find out, and conclude()
//       look_up:              give() what is kept of login()
//       proved:               SCRAM: login() knows the password. conclude() whether it may use it
//       succeeded, failed, malformed: the end
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sasl/password.h"

namespace gonets::sasl {

enum class mechanism : std::uint8_t { plain, login, scram_sha_256, oauthbearer, xoauth2, external };
inline constexpr std::size_t mechanism_count = 6;
std::string_view to_text(mechanism m);                            // "SCRAM-SHA-256"
std::optional<mechanism> parse_mechanism(std::string_view name);  // upper case

enum class step : std::uint8_t {
  challenge,
  check_password,
  check_token,
  check_certificate,
  look_up,
  proved,
  succeeded,
  failed,    // wrong, or another identity asked for than the one proved
  malformed  // against the mechanism's grammar or a limit
};

inline constexpr std::size_t login_bytes_max = 255;
inline constexpr std::size_t token_bytes_max = 8192;

class exchange {
 public:
  virtual ~exchange() = default;
  // `initial`: the client's first message, if it came with the command.
  virtual step begin(std::optional<std::string> initial) = 0;
  virtual step respond(std::string message) = 0;
  virtual step conclude(bool good) = 0;  // at check_*, proved
  // At look_up. For an unknown login a made-up verifier, always the same for it, so that nothing is told.
  virtual step give(const scram_verifier&) { return step::malformed; }

  const std::string& challenge() const { return challenge_; }  // at challenge; not in base 64
  const std::string& login() const { return login_; }          // empty: EXTERNAL or a token say who it is
  const std::string& secret() const { return secret_; }        // password or token, at check_password, check_token

 protected:
  std::string challenge_, login_, secret_;
};

// `nonce` is for SCRAM: printable ASCII without commas, fresh and random.
std::unique_ptr<exchange> make_exchange(mechanism m, std::string nonce);

}  // namespace gonets::sasl
