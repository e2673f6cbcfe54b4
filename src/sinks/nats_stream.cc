#include "sinks/nats_stream.h"

#include <fmt/format.h>
#include <nats/nats.h>

#include <charconv>
#include <functional>
#include <utility>

#include "sinks/broker_writer.h"
#include "sinks/detail/jetstream.h"

namespace gonets::sinks {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t connect_timeout_ms = 2000;
constexpr std::int64_t request_timeout_ms = 2000;
constexpr std::int64_t write_deadline_ms = 5000;
constexpr std::int64_t ping_interval_ms = 20'000;
constexpr int pings_out_max = 2;

template <auto Destroy>
struct destroyer {
  template <class Thing>
  void operator()(Thing* thing) const {
    Destroy(thing);
  }
};
using options_ptr = std::unique_ptr<natsOptions, destroyer<natsOptions_Destroy>>;
using connection_ptr = std::unique_ptr<natsConnection, destroyer<natsConnection_Destroy>>;
using subscription_ptr = std::unique_ptr<natsSubscription, destroyer<natsSubscription_Destroy>>;
using message_ptr = std::unique_ptr<natsMsg, destroyer<natsMsg_Destroy>>;
using inbox_ptr = std::unique_ptr<natsInbox, destroyer<natsInbox_Destroy>>;
using context_ptr = std::unique_ptr<jsCtx, destroyer<jsCtx_Destroy>>;
using stream_ptr = std::unique_ptr<jsStreamInfo, destroyer<jsStreamInfo_Destroy>>;

// Of the last call on this thread.
std::string text_of(natsStatus s) {
  natsStatus of = NATS_OK;
  const char* told = nats_GetLastError(&of);
  const std::string_view word = natsStatus_GetText(s);
  std::string_view details = told == nullptr || of != s ? "" : told;
  if (const auto place = details.find("): "); details.starts_with('(') && place != details.npos)
    details.remove_prefix(place + 3);  // in the library's source
  if (details.empty() || details == word) return std::string(word);
  return fmt::format("{}: {}", word, details);
}

// The library tells of errors on threads of its own; here each shows in what the next call gives.
void ignore(natsConnection*, natsSubscription*, natsStatus, void*) {}

class nats_stream final : public broker_writer {
 public:
  nats_stream(const config::sink& with, std::string state_path, std::string server, const clock& time,
              std::stop_token stopped)
      : broker_writer(std::move(state_path), std::move(server), {}, time, std::move(stopped)), with_(with) {}

 protected:
  outcome<bool> connect() override;
  outcome<void> send(const outgoing& event) override;
  outcome<void> collect(std::chrono::milliseconds wait) override;
  std::string trouble() override;

 private:
  outcome<void> connect_to(const std::string& server);
  natsStatus set_up(natsOptions* o, const std::string& server) const;
  natsStatus log_in(natsOptions* o) const;
  outcome<void> check_stream();
  outcome<void> check_subjects(const jsStreamInfo& found) const;
  outcome<void> take_ack(natsMsg* reply);
  std::unexpected<std::string> lost(natsStatus s);
  std::string stream_command() const;

  const config::sink with_;
  std::size_t server_ = 0;  // of with_.servers: that it is connected to, or tries first
  connection_ptr connection_;
  std::string inbox_;
  subscription_ptr acks_;  // to "INBOX.SEQ"; goes before its connection
};

// Always anew: what was sent by the last one has no other way to be acknowledged.
outcome<bool> nats_stream::connect() {
  acks_.reset();
  connection_.reset();
  std::string why;
  for (std::size_t tries = 0; tries < with_.servers.size(); ++tries) {
    if (stopping()) return std::unexpected("stopping");
    const auto done = connect_to(with_.servers[server_]);
    if (done) return false;
    why += fmt::format("{}{}: {}", why.empty() ? "" : "; ", with_.servers[server_], done.error());
    acks_.reset();
    connection_.reset();
    server_ = (server_ + 1) % with_.servers.size();
  }
  return std::unexpected(why);
}

natsStatus nats_stream::log_in(natsOptions* o) const {
  if (!with_.credentials_file.empty())
    return natsOptions_SetUserCredentialsFromFiles(o, with_.credentials_file.c_str(), nullptr);
  if (!with_.token.empty()) return natsOptions_SetToken(o, with_.token.c_str());
  if (!with_.user.empty()) return natsOptions_SetUserInfo(o, with_.user.c_str(), with_.password.c_str());
  return NATS_OK;
}

natsStatus nats_stream::set_up(natsOptions* o, const std::string& server) const {
  const std::function<natsStatus()> steps[] = {
      [&] { return natsOptions_SetURL(o, ("nats://" + server).c_str()); },
      [&] { return natsOptions_SetName(o, ("gonets " + with_.name).c_str()); },
      [&] { return natsOptions_SetTimeout(o, connect_timeout_ms); },
      [&] { return natsOptions_SetWriteDeadline(o, write_deadline_ms); },
      [&] { return natsOptions_SetPingInterval(o, ping_interval_ms); },
      [&] { return natsOptions_SetMaxPingsOut(o, pings_out_max); },
      [&] { return natsOptions_SetAllowReconnect(o, false); },
      [&] { return natsOptions_SetIgnoreDiscoveredServers(o, true); },
      [&] { return natsOptions_SetErrorHandler(o, ignore, nullptr); }, [&] { return log_in(o); },
      [&] { return with_.tls ? natsOptions_SetSecure(o, true) : NATS_OK; },
      // A server that demands TLS gets it without `tls`, too.
      [&] { return natsOptions_SetExpectedHostname(o, std::string(config::server_host(server)).c_str()); },
      [&] { return with_.tls_ca.empty() ? NATS_OK : natsOptions_LoadCATrustedCertificates(o, with_.tls_ca.c_str()); }};
  for (const auto& step : steps) {
    if (const auto s = step(); s != NATS_OK) return s;
  }
  return NATS_OK;
}

outcome<void> nats_stream::connect_to(const std::string& server) {
  natsOptions* made = nullptr;
  if (const auto s = natsOptions_Create(&made); s != NATS_OK) return std::unexpected(text_of(s));
  const options_ptr options(made);
  if (const auto s = set_up(made, server); s != NATS_OK) return std::unexpected(text_of(s));
  natsConnection* connection = nullptr;
  if (const auto s = natsConnection_Connect(&connection, made); s != NATS_OK) {
    return std::unexpected(text_of(s) + (s == NATS_SECURE_CONNECTION_WANTED ? "; it offers no TLS" : ""));
  }
  connection_.reset(connection);
  if (auto done = check_stream(); !done) return done;
  natsInbox* inbox = nullptr;
  if (const auto s = natsInbox_Create(&inbox); s != NATS_OK) return std::unexpected(text_of(s));
  const inbox_ptr named(inbox);
  inbox_ = inbox;
  natsSubscription* acks = nullptr;
  if (const auto s = natsConnection_SubscribeSync(&acks, connection, (inbox_ + ".*").c_str()); s != NATS_OK)
    return std::unexpected(text_of(s));
  acks_.reset(acks);
  return {};
}

std::string nats_stream::stream_command() const {
  return fmt::format("nats stream add {} --subjects '{}'", with_.jetstream, detail::subject_for(with_.subject, "*"));
}

// So that a wrong name is told at once, and not by each event.
outcome<void> nats_stream::check_stream() {
  jsCtx* context = nullptr;
  if (const auto s = natsConnection_JetStream(&context, connection_.get(), nullptr); s != NATS_OK)
    return std::unexpected(text_of(s));
  const context_ptr js(context);
  jsOptions options;
  jsOptions_Init(&options);
  options.Wait = request_timeout_ms;
  jsStreamInfo* info = nullptr;
  jsErrCode code{};
  const auto s = js_GetStreamInfo(&info, context, with_.jetstream.c_str(), &options, &code);
  const stream_ptr stream(info);
  if (code == JSStreamNotFoundErr || s == NATS_NOT_FOUND)
    return std::unexpected(
        fmt::format("there is no stream \"{}\"; make it, as by: {}", with_.jetstream, stream_command()));
  if (s == NATS_NO_RESPONDERS || code == JSNotEnabledErr || code == JSNotEnabledForAccountErr)
    return std::unexpected("JetStream is not enabled there, or not for this login");
  if (s != NATS_OK) return std::unexpected(fmt::format("stream \"{}\": {}", with_.jetstream, text_of(s)));
  return check_subjects(*info);
}

outcome<void> nats_stream::check_subjects(const jsStreamInfo& found) const {
  const auto subject = detail::subject_for(with_.subject, "*");
  std::string listens;
  for (int i = 0; i < found.Config->SubjectsLen; ++i) {
    const std::string_view pattern = found.Config->Subjects[i];
    if (detail::covers_subject(pattern, subject)) return {};
    listens += fmt::format("{}\"{}\"", listens.empty() ? "" : ", ", pattern);
  }
  return std::unexpected(
      fmt::format("the stream \"{}\" takes {}, not \"{}\": change `subject`, or the stream's subjects", with_.jetstream,
                  listens.empty() ? "nothing" : listens, subject));
}

std::unexpected<std::string> nats_stream::lost(natsStatus s) {
  const auto why = trouble();
  return std::unexpected(fmt::format("{}: {}", with_.servers[server_], why.empty() ? text_of(s) : why));
}

std::string nats_stream::trouble() {
  if (!connection_) return {};
  const char* text = nullptr;
  const auto s = natsConnection_GetLastError(connection_.get(), &text);
  if (s == NATS_OK) return {};
  return text == nullptr || *text == '\0' ? natsStatus_GetText(s) : text;
}

outcome<void> nats_stream::send(const outgoing& event) {
  const auto most = natsConnection_GetMaxPayload(connection_.get());
  if (most > 0 && event.line.size() > static_cast<std::size_t>(most)) {
    return std::unexpected(fmt::format("event {} has {} bytes, and {} takes {}: raise its max_payload",
                                       event.about.seq.value, event.line.size(), with_.servers[server_], most));
  }
  const auto subject = detail::subject_for(with_.subject, events::to_text(event.about.kind));
  const auto reply = fmt::format("{}.{}", inbox_, event.about.seq.value);
  natsMsg* made = nullptr;
  auto s =
      natsMsg_Create(&made, subject.c_str(), reply.c_str(), event.line.data(), static_cast<int>(event.line.size()));
  const message_ptr message(made);
  if (s == NATS_OK) s = natsMsgHeader_Set(made, "Nats-Msg-Id", event.id.c_str());
  if (s == NATS_OK) s = natsMsgHeader_Set(made, "Nats-Expected-Stream", with_.jetstream.c_str());
  if (s == NATS_OK) s = natsConnection_PublishMsg(connection_.get(), made);
  if (s != NATS_OK) return lost(s);
  return {};
}

outcome<void> nats_stream::collect(std::chrono::milliseconds wait) {
  for (;;) {
    natsMsg* got = nullptr;
    const auto s = natsSubscription_NextMsg(&got, acks_.get(), wait.count());
    const message_ptr reply(got);
    if (s == NATS_TIMEOUT) return {};
    if (s != NATS_OK) return lost(s);
    if (auto done = take_ack(got); !done) return done;
    wait = 0ms;
  }
}

outcome<void> nats_stream::take_ack(natsMsg* reply) {
  const std::string_view subject = natsMsg_GetSubject(reply);
  const auto number = subject.substr(subject.rfind('.') + 1);
  event_seq seq;
  std::from_chars(number.data(), number.data() + number.size(), seq.value);
  if (natsMsg_IsNoResponders(reply))
    return std::unexpected(
        fmt::format("no stream takes event {} any more; make it, as by: {}", seq.value, stream_command()));
  const std::string_view text(natsMsg_GetData(reply), static_cast<std::size_t>(natsMsg_GetDataLength(reply)));
  if (auto done = detail::read_publish_ack(text); !done) {
    return std::unexpected(fmt::format("{}: event {} for the stream \"{}\": {}", with_.servers[server_], seq.value,
                                       with_.jetstream, done.error()));
  }
  acknowledged(seq);
  return {};
}

}  // namespace

std::unique_ptr<writer> make_nats_stream(const config::sink& with, std::string state_path, std::string server,
                                         const clock& time, std::stop_token stopped) {
  return std::make_unique<nats_stream>(with, std::move(state_path), std::move(server), time, std::move(stopped));
}

}  // namespace gonets::sinks
