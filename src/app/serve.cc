#include "app/serve.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>
#include <thread>

#include "app/control.h"
#include "app/parts.h"
#include "app/privileges.h"
#include "app/public_control.h"
#include "app/self_signed.h"
#include "base/log.h"
#include "config/check.h"
#include "config/load.h"
#include "config/reload.h"
#include "httpd/server.h"
#include "smtpd/server.h"

namespace gonets::app {
namespace {

constexpr std::size_t load_in_flight = 20'000;

void configure_log(const config::settings& with) {
  const auto level = with.log.level == "debug"     ? log::level::debug
                     : with.log.level == "warning" ? log::level::warning
                     : with.log.level == "error"   ? log::level::error
                                                   : log::level::info;
  log::configure(level, with.log.format == "json" ? log::format::json : log::format::text);
}

// Every connection is a descriptor, and the default of 1024 is few.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// What is made, where it is missing, for the user that the server runs as.
std::vector<std::string> folders_of(const config::settings& with) {
  std::vector<std::string> all{with.spool.path, accounts_folder(with)};
  for (const auto& each : with.sinks) {
    if (!each.folder.empty()) all.push_back(each.folder);
  }
  return all;
}

// Before there is a second thread: all inherit the mask, so that a signal that comes outside of sigwait() stays pending
// rather than end the process through a thread that has not blocked it.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

class server {
 public:
  server(const config::settings& with, std::string config_file)
      : with_(with),
        config_file_(std::move(config_file)),
        parts_(with_),
        smtp_(with_, parts_.shards, parts_.time, parts_.counts) {}

  int run(const sigset_t& signals);

 private:
  void bind();
  void bind_web();
  void start();
  void load();
  void reload();
  void stop();

  const config::settings with_;
  const std::string config_file_;
  parts parts_;
  smtpd::server smtp_;
  std::unique_ptr<control> control_;
  std::unique_ptr<public_control> public_control_;
  std::unique_ptr<httpd::server> api_, web_;
  std::jthread loader_;
  std::chrono::milliseconds stop_within_ = with_.server.stop_within;
};

void server::bind() {
  ensure_self_signed(with_, parts_.time.wall());
  smtp_.bind();
  control_ = std::make_unique<control>(parts_);
  httpd::server_options options;
  options.socket_path = with_.api.socket;
  options.listen = with_.api.listen;
  if (!with_.server.user.empty()) options.owner = find_user(with_.server.user);
  api_ = std::make_unique<httpd::server>(parts_.shards, httpd::handler_of(*control_), options);
  api_->bind();
  bind_web();
}

// Apart from the API, so that strangers, however many, take none of its connections.
void server::bind_web() {
  if (!with_.web.listen) return;
  public_control_ = std::make_unique<public_control>(parts_);
  httpd::server_options options;
  options.listen = with_.web.listen;
  options.loopback_only = false;
  options.connections_max = 1000;
  options.body_bytes_max = 16 * 1024;
  options.timeout = std::chrono::seconds(20);
  web_ =
      std::make_unique<httpd::server>(parts_.shards, httpd::handler_of(*public_control_, with_.web.proxies), options);
  web_->bind();
}

void server::start() {
  if (!with_.server.user.empty()) drop_privileges(with_.server.user, folders_of(with_));
  parts_.open();
  parts_.accounts->on_change(
      [this](const accounts::directory_ptr&, const accounts::directory_ptr&) { smtp_.recheck_sessions(); });
  parts_.shards.start();
  smtp_.start(*parts_.intake, *parts_.store, *parts_.logins);
  api_->start();
  if (web_) web_->start();
  loader_ = std::jthread([this] { load(); });
}

// While SMTP already answers: what the spool holds becomes known to the schedulers.
void server::load() {
  std::size_t in_flight = 0;
  auto loaded = parts_.store->load([&](spool::message_ptr m, std::vector<spool::loaded_recipient> recipients) {
    for (const auto& r : recipients)
      parts_.scheduler_of(*m, r).load_recipient(*m, r);
    in_flight += recipients.size();
    if (in_flight < load_in_flight) return;
    parts_.wait_for_shards();
    in_flight = 0;
  });
  parts_.wait_for_shards();
  parts_.loading.store(false);
  if (loaded) {
    GONETS_LOG(info, "queue_loaded", "messages", *loaded);
  } else {
    GONETS_LOG(error, "queue_load_failed", "error", loaded.error().detail, "effect",
               "mail that is not loaded waits for the next start");
  }
}

void server::reload() {
  auto fresh = config::load(config_file_);
  if (!fresh) {
    for (const auto& e : fresh.error())
      GONETS_LOG(error, "reload_refused", "error", to_text(e));
    return;
  }
  const auto findings = config::check(*fresh, parts_.time.wall());
  for (const auto& f : findings)
    GONETS_LOG(warning, "reload_finding", "finding", to_text(f));
  if (config::has_errors(findings)) {
    GONETS_LOG(error, "reload_refused", "error", "see the findings above");
    return;
  }
  for (const auto& name : config::reload_differences(with_, *fresh)) {
    GONETS_LOG(warning, "reload_needs_restart", "setting", name);
  }
  try {
    ensure_self_signed(*fresh, parts_.time.wall());
  } catch (const std::exception& e) {
    GONETS_LOG(error, "self_signed_certificate_failed", "error", e.what());
  }
  configure_log(*fresh);
  parts_.reconfigure(*fresh);
  smtp_.reconfigure(*fresh);
  stop_within_ = fresh->server.stop_within;
  GONETS_LOG(info, "reloaded", "file", config_file_);
}

void server::stop() {
  ::sd_notify(0, "STOPPING=1");
  GONETS_LOG(info, "stopping", "smtp_connections", smtp_.connections());
  const auto until = parts_.time.steady() + stop_within_;
  smtp_.stop();
  parts_.stop_delivery();
  while (parts_.time.steady() < until && (smtp_.connections() > 0 || parts_.deliveries() > 0)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  api_->stop();
  if (web_) web_->stop();
  GONETS_LOG(info, "stopped", "connections_cut", smtp_.connections() + parts_.deliveries());
  parts_.close();
  log::stop();
  std::_Exit(0);
}

int server::run(const sigset_t& signals) {
  raise_descriptor_limit();
  bind();
  start();
  GONETS_LOG(info, "started", "version", GONETS_VERSION, "hostname", with_.server.hostname);
  ::sd_notify(0, "READY=1");
  for (;;) {
    int number = 0;
    ::sigwait(&signals, &number);
    if (number != SIGHUP) break;
    reload();
  }
  stop();
  return 0;
}

}  // namespace

int serve(const config::settings& with, const std::string& config_file) {
  const auto signals = block_signals();
  configure_log(with);
  log::start();
  try {
    return server(with, config_file).run(signals);
  } catch (const std::exception& e) {
    log::stop();
    fmt::print(stderr, "gonets: cannot start: {}\n", e.what());
    std::_Exit(1);
  }
}

}  // namespace gonets::app
