// Routes that end here: Maildir, the capture mailbox, discard. One message at a time a worker, on the blocking pool.
#include <array>

#include "delivery/delivery.h"
#include "delivery/maildir.h"

namespace gonets::delivery {
namespace {

class local_worker final : public worker, public std::enable_shared_from_this<local_worker> {
 public:
  local_worker(delivery& owner, spool::site_id site, std::shared_ptr<const routed_destination> to)
      : owner_(owner), site_(site), to_(std::move(to)) {}

  void resume() override { take_next(); }
  void shut_down() override { stopping_ = true; }

 private:
  void take_next();
  void deliver(spool::lease l);
  void finish(spool::lease l, spool::attempt_result result);

  delivery& owner_;
  const spool::site_id site_;
  const std::shared_ptr<const routed_destination> to_;
  bool stopping_ = false;
};

smtp::recipient_outcome outcome_of(reply answer) {
  smtp::recipient_outcome o;
  o.what = answer.positive()    ? smtp::disposition::delivered
           : answer.permanent() ? smtp::disposition::failed
                                : smtp::disposition::deferred;
  o.at = stage::end_of_data;
  o.answer = std::move(answer);
  return o;
}

// Blocking.
smtp::recipient_outcome deliver_one(const environment& env, const config::route& route, const spool::queued_message& m,
                                    std::string_view address, std::string_view host) {
  if (route.kind == config::route_kind::feedback) return outcome_of(env.take_back(m, address));
  maildir_delivery d;
  if (route.kind == config::route_kind::capture) {
    d.folder = env.capture_path;
    d.ends = line_ends::crlf;
  } else {
    auto path = maildir_path(route.path, address);
    if (!path) return outcome_of({550, {5, 1, 1}, "no such mailbox: the address can't name a folder"});
    d.folder = std::move(*path);
  }
  d.reverse_path = m.envelope.reverse_path;
  d.recipient = address;
  d.host = host;
  d.now = env.time.wall();
  d.read = [&env, &m, chunk = 0u](std::string& part, bool& more) mutable {
    if (m.in_memory) {
      part = m.head + m.body;
      more = false;
      return true;
    }
    auto found = env.store.fetch_chunk(m.id, chunk++);
    if (!found) return false;
    part = std::move(*found);
    more = chunk < m.chunks;
    return true;
  };
  return outcome_of(deliver_to_maildir(d));
}

void local_worker::take_next() {
  auto l =
      stopping_ ? std::nullopt : owner_.work().take(site_, owner_.env().with.delivery.recipients_per_transaction_max);
  if (!l) return owner_.gone(site_, *this);
  deliver(std::move(*l));
}

void local_worker::deliver(spool::lease l) {
  spool::attempt_result result;
  if (to_->route.kind == config::route_kind::discard) {
    result.discarded = true;
    result.recipients.assign(l.recipients.size(), outcome_of({250, {2, 0, 0}, "discarded by route"}));
    // Settled in a later turn: this may run inside of the scheduler's open().
    owner_.env().shards.post(owner_.env().shard,
                             [self = shared_from_this(), l = std::move(l), result = std::move(result)]() mutable {
                               self->finish(std::move(l), std::move(result));
                             });
    return;
  }
  const auto& env = owner_.env();
  // The settings are the shard's: a reload may be changing them while the pool works.
  auto work = [self = shared_from_this(), &env, l, host = env.with.server.hostname]() mutable {
    spool::attempt_result done;
    const auto began = env.time.steady();
    done.final_here = true;
    for (const auto index : l.recipients) {
      done.recipients.push_back(
          deliver_one(env, self->to_->route, *l.message, l.message->envelope.recipients[index.value].address, host));
    }
    done.duration = std::chrono::floor<std::chrono::milliseconds>(env.time.steady() - began);
    env.shards.post(env.shard, [self, l = std::move(l), done = std::move(done)]() mutable {
      self->finish(std::move(l), std::move(done));
    });
  };
  if (env.blocking.run(std::move(work))) return;
  result.recipients.assign(l.recipients.size(), outcome_of({451, {4, 3, 2}, "too busy to write to mailboxes"}));
  env.shards.post(env.shard, [self = shared_from_this(), l = std::move(l), result = std::move(result)]() mutable {
    self->finish(std::move(l), std::move(result));
  });
}

void local_worker::finish(spool::lease l, spool::attempt_result result) {
  owner_.work().settle(std::move(l), std::move(result));
  take_next();
}

}  // namespace

std::shared_ptr<worker> make_local_worker(delivery& owner, spool::site_id site,
                                          std::shared_ptr<const routed_destination> to) {
  return std::make_shared<local_worker>(owner, site, std::move(to));
}

}  // namespace gonets::delivery
