// A real authoritative DNS server for tests: Debian's knotd on loopback, with zones that the test writes.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace gonets::runtime {

// Runs from the constructor, which throws if it cannot, until stop() or the end of the object, which also removes its
// files. A zone whose records are no zone-file syntax is served as SERVFAIL.
class knot_server {
 public:
  struct zone {
    std::string name;     // "example.test"
    std::string records;  // zone-file lines relative to the name; SOA, NS and the TTL of 300 s are added
    bool is_signed = false;
  };

  explicit knot_server(const std::vector<zone>& zones) : directory_(make_directory()) {
    for (const auto& z : zones)
      write_zone(z);
    // Between our releasing the port and knotd's binding it another process may take it.
    for (int attempt = 0; attempt < 5; ++attempt) {
      port_ = free_port();
      write_configuration(zones);
      spawn();
      if (wait_until_started()) return;
      stop();
    }
    std::filesystem::remove_all(directory_);
    throw std::runtime_error("knotd does not start: " + log_);
  }
  ~knot_server() {
    stop();
    std::filesystem::remove_all(directory_);
  }
  knot_server(const knot_server&) = delete;
  knot_server& operator=(const knot_server&) = delete;

  // A file with DS records of the signed zones.
  std::string trust_anchors(const std::vector<zone>& zones) const {
    auto file = (directory_ / "anchors").string();
    for (const auto& z : zones) {
      if (!z.is_signed) continue;
      const auto command = fmt::format("keymgr -c {}/knot.conf {} ds >>{} 2>>{}/keymgr.log", directory_.string(),
                                       z.name, file, directory_.string());
      if (std::system(command.c_str()) != 0) throw std::runtime_error("keymgr fails");
    }
    return file;
  }

  std::uint16_t port() const { return port_; }  // on 127.0.0.1, UDP and TCP

  void stop() {
    if (pid_ > 0) {
      ::kill(pid_, SIGTERM);
      ::waitpid(std::exchange(pid_, -1), nullptr, 0);
    }
    if (output_ >= 0) ::close(std::exchange(output_, -1));
  }

 private:
  static constexpr const char* program = "/usr/sbin/knotd";  // package knot
  static constexpr int start_milliseconds_max = 20'000;

  static std::filesystem::path make_directory() {
    auto name = (std::filesystem::temp_directory_path() / "gonets-knot-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp " + name);
    return name;
  }

  // Free for both UDP and TCP.
  static std::uint16_t free_port() {
    for (int attempt = 0; attempt < 100; ++attempt) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      auto* const generic = reinterpret_cast<sockaddr*>(&address);
      socklen_t length = sizeof address;
      const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const bool both = ::bind(udp, generic, length) == 0 && ::getsockname(udp, generic, &length) == 0 &&
                        ::bind(tcp, generic, length) == 0;
      ::close(udp);
      ::close(tcp);
      if (both) return ntohs(address.sin_port);
    }
    throw std::runtime_error("no port is free for UDP and TCP");
  }

  void write_zone(const zone& z) const {
    std::ofstream file(directory_ / (z.name + ".zone"));
    file << fmt::format(
        "$ORIGIN {}.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 300\n@ NS ns\nns A 127.0.0.1\n{}\n", z.name,
        z.records);
  }

  void write_configuration(const std::vector<zone>& zones) const {
    std::ofstream file(directory_ / "knot.conf");
    const auto directory = directory_.string();
    file << fmt::format(
        "server:\n  rundir: \"{0}\"\n  listen: 127.0.0.1@{1}\n"
        "  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
        "database:\n  storage: \"{0}\"\n"
        "log:\n  - target: stdout\n    any: info\n"
        "policy:\n  - id: test\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
        "template:\n  - id: default\n    storage: \"{0}\"\n    journal-content: none\n    zonefile-sync: -1\n"
        "zone:\n",
        directory, port_);
    for (const auto& z : zones)
      file << fmt::format("  - domain: {0}.\n    file: \"{0}.zone\"\n{1}", z.name,
                          z.is_signed ? "    dnssec-signing: on\n    dnssec-policy: test\n" : "");
  }

  void spawn() {
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    auto configuration = (directory_ / "knot.conf").string();
    std::array<std::string, 3> words = {program, "-c", configuration};
    std::array<char*, 4> arguments = {words[0].data(), words[1].data(), words[2].data(), nullptr};
    const int error = ::posix_spawn(&pid_, program, &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    output_ = pipe[0];
    if (error != 0) {
      pid_ = -1;
      log_ = fmt::format("{} (package knot) cannot be run", program);
    }
  }

  // knotd says so once its zones are loaded and its sockets bound.
  bool wait_until_started() {
    log_.clear();
    std::array<char, 4096> buffer{};
    while (log_.find("server started") == std::string::npos) {
      pollfd waited{output_, POLLIN, 0};
      if (::poll(&waited, 1, start_milliseconds_max) <= 0) return false;
      const auto count = ::read(output_, buffer.data(), buffer.size());
      if (count <= 0) return false;
      log_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
  }

  std::filesystem::path directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  int output_ = -1;
  std::string log_;
};

}  // namespace gonets::runtime
