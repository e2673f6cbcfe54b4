// Decides when each queued recipient is sent, on one shard. It owns the in-memory index of the recipients whose site
// belongs to this shard (and of those without a site yet), hands out leases, and settles what came of them. It knows no
// sockets: delivery, DNS and the spool are passed in.
//
// All calls on its shard, except `load_recipient` and the constructor.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/id_source.h"
#include "bounce/classifier.h"
#include "bounce/suppression_policy.h"
#include "message/dsn.h"
#include "metrics/metrics.h"
#include "runtime/executor.h"
#include "scheduler/entry_table.h"
#include "scheduler/flow_board.h"
#include "scheduler/site.h"
#include "scheduler/standing_hold.h"
#include "scheduler/view.h"
#include "shaping/limit_book.h"
#include "shaping/limit_clock.h"
#include "shaping/reply_rule.h"
#include "shaping/retry.h"
#include "shaping/warm_up_book.h"
#include "spool/lease.h"
#include "spool/queue_store.h"

namespace gonets::scheduler {

struct stream_policy {
  std::string name;
  unsigned priority = 1;
  shaping::retry_policy retry;
};

struct pace_options {
  bool adaptive = true;       // false: no faster and no slower than limits and connections allow
  bool dry_run = false;       // what rules and replies would change is said and not done
  double start_rate = 10;     // messages a second, where nothing is known of a site
  double rate_max = 100'000;  // messages a second
  unsigned start_connections = 4;
};

struct options {
  std::size_t shard = 0;
  std::string hostname;                // Reporting-MTA of DSNs
  std::vector<stream_policy> streams;  // at most 255; an unknown stream counts as the first
  std::size_t connections_per_site_max = 20;
  std::chrono::milliseconds site_backoff_base{30'000};
  std::chrono::milliseconds site_backoff_max{900'000};
  std::uint64_t hot_bytes_max = 134'217'728;  // bodies in memory on this shard
  std::uint64_t seed = 0;                     // of what must be unguessable in DSNs
  std::shared_ptr<const shaping::rules> rules = std::make_shared<const shaping::rules>();
  const bounce::classifier* bounces = nullptr;  // says what refusals mean; null: that is not told
  pace_options pace;
};

struct environment {
  spool::queue_store& store;
  runtime::executor& shards;
  runtime::background& blocking;
  const clock& time;
  id_source& ids;
  spool::directory& directory;  // of this shard
  spool::transport& transport;  // of this shard
  metrics::registry& counts;
  shaping::limit_book& limits;      // of all shards...
  shaping::warm_up_book& warm_ups;  // ...and these
};

class scheduler final : public spool::work_source {
 public:
  scheduler(options with, environment env);
  ~scheduler() override;
  // All shards' schedulers, this one included, by shard; before anything else is called.
  void join(std::vector<scheduler*> all) { all_ = std::move(all); }
  // Takes from `fresh` what can change while running: streams, connections, back-off, rules.
  void reconfigure(options fresh);

  // A message that was just made safe, on the shard that accepted it.
  void admit(spool::message_ptr m);
  // A recipient found in the spool at start; from any thread. It goes to the shard that `spread` picks.
  void load_recipient(const spool::queued_message& m, const spool::loaded_recipient& r);

  std::optional<spool::lease> take(spool::site_id site, std::size_t recipients_max) override;
  void settle(spool::lease done, spool::attempt_result result) override;
  bool passes_host_over(const spool::lease& of, std::size_t recipient, const smtp::recipient_outcome& o) const override;
  std::optional<std::size_t> messages_a_connection_max(spool::site_id site) const override;
  void site_reached(spool::site_id site) override;
  void connection_closed(spool::site_id site, bool reached) override;

  // Every 50 ms or so: what is due, what waits too long for a connection.
  void tick();
  void stop() { stopping_ = true; }  // no new leases
  std::size_t leased() const { return leased_; }

  // Accounts whose mail waits, and why (a sentence for operators), in place of those told before. New ones take effect
  // on all but the attempts under way; those left out are sent again.
  using account_reasons = std::unordered_map<account_id, std::string>;
  void pause_accounts(std::shared_ptr<const account_reasons> which);
  // Accounts that share with a weight other than 1, in place of those told before.
  using account_weights = std::unordered_map<account_id, std::uint32_t>;
  void weigh_accounts(std::shared_ptr<const account_weights> which);
  // Accounts with a suppression policy other than the usual, in place of those told before.
  using suppression_policies = std::unordered_map<account_id, bounce::suppression_policy>;
  void suppress_by(std::shared_ptr<const suppression_policies> which);
  // As pause_accounts(), for standing holds.
  void hold_back(std::shared_ptr<const standing_holds> which);
  // Queued recipients by the first hold that applies to them; those under way and those held one by one don't count.
  std::unordered_map<hold_id, std::uint64_t> count_held_back() const;

  // Somebody called mail spam that left by this egress for that provider: its warm-up, if any, slows down.
  void note_complaint(std::string_view egress, std::string_view provider);
  // The directory may know another way now for what waits for sites by this egress (egress.cc).
  void look_again(std::string_view egress);

  // Operating; docs in view.h.
  totals count() const;
  std::vector<site_line> lines(std::size_t max) const;
  selection select(const selector& which, std::size_t max) const;
  std::size_t act(const selector& which, action what, const std::string& reason);
  std::vector<explanation> explain(message_id id) const;
  // How mail flows (flow.cc). What is in the queue is as of a moment ago where it is long.
  flow_view flow();
  // How fast the domain's site is sent to, and why no faster. Asked on any one shard; `answer` is called on the shard
  // that owns the site, or with nothing on this one when it can't be told where the domain's mail goes.
  using site_answer = std::move_only_function<void(std::optional<site_view>, const smtp::recipient_outcome& why_not)>;
  void view_site(const std::string& domain, site_answer answer, const viewer& by = {});
  // The same with a change of its pace, which adaptive_rate.h explains; an empty stream: all of them.
  void pin_site(const std::string& domain, pin to, site_answer answer);
  void release_site(const std::string& domain, const std::string& stream, site_answer answer);

 private:
  struct newcomer {
    spool::message_ptr hot;
    entry as;
    std::string domain;
    std::string labels;
  };
  // On the shard whose table is to have it from now on.
  handle add(newcomer n);

  void dispatch(newcomer n);
  void place(newcomer n, spool::destination_ptr to);
  void place(handle h, spool::destination_ptr to);
  // Recipients of a message that are placed together must be leased together: sites are kicked once all are in place.
  void kick_later(site& s);
  void kick_placed();
  void resolve(handle h);
  void resolved(const std::string& domain, spool::destination_ptr found, const smtp::recipient_outcome& why_not);
  void defer_until(handle h, std::int64_t due_ms);
  void due(handle h);
  void enqueue(handle h, site& at, bool front);
  void pause(handle h);
  // standing_hold.cc. `at`: its site; null: not known, it is looked up.
  const shaping::provider* provider_of(const entry& e, const site* at) const;
  const standing_hold* standing_over(const entry& e, const site* at) const;  // null: none
  bool must_pause(const entry& e, const site* at) const;
  void review_pauses();
  std::string why_paused(const entry& e) const;
  // suppressed.cc
  bool may_be_suppressed(const spool::queued_message& m, recipient_index who) const;
  void look_up_suppression(handle h);
  void suppression_found(handle h, const spool::message_ptr& m, const std::optional<suppression::entry>& found);
  void suppress(handle h, const spool::message_ptr& m, const suppression::entry& why);
  static std::string why_suppressed(const suppression::entry& e);
  const bounce::suppression_policy& suppression_policy_of(account_id who) const;
  void keep_apart_suppressed(std::vector<handle>& taken);
  std::optional<spool::lease> take_next(spool::site_id id, std::size_t recipients_max);
  // schedule.cc: what senders say of times.
  void note_schedule(entry& e, const spool::queued_message& m) const;
  void keep_until_release(newcomer n, wall_time release_at);
  bool held_by_sender(const entry& e) const;
  wall_time expiry_of(const entry& e) const;
  std::int64_t given_up_ms(const entry& e) const;
  void watch_expiry(handle h);
  void watch_notice(handle h, std::int64_t at_ms);
  void tell_of_delay(handle h);
  void tell_of_delay(handle h, const spool::message_ptr& m);
  void expire(handle h);
  handle unlinked(handle h);
  void forget(handle h);
  void cool(entry& e);

  site& site_for(const spool::destination_ptr& to);
  site* find(spool::site_id id);
  site* site_of(const std::string& domain);  // null: not known, or nothing goes there
  void kick(site& s);
  bool may_open(site& s, wall_time now);
  void open_connection(site& s, wall_time now);
  std::size_t connections_max(const site& s) const;
  void plan_wake(site& s, wall_time at);
  void watch(site& s);  // tick() asks again
  bool waits_for_disk(site& s);
  wall_time kept_until(const site& s, wall_time now) const;
  void learn_of(site& s);
  void load_some(site& s);
  void loaded(spool::site_id at, message_id id, const std::vector<handle>& waiting, const spool::message_ptr& m);
  void drop_if_idle(site& s);
  void expire_waiting(site& s);

  // Who may be sent next; pace.cc. What time it is, for pace, limits and holds:
  wall_time flow_now() const { return flow_.now(); }
  struct turn {
    stream_line* line = nullptr;  // null: nobody may go now...
    account_line* account = nullptr;
    std::optional<wall_time> until;  // ...but then
    bool until_something_ends = false;
    bool until_warmer = false;  // a warm-up's cap is among what keeps mail back
    void wait(std::optional<wall_time> at);
  };
  turn next_to_send(site& s, wall_time now);
  void wait_for(site& s, const turn& t);
  // Whether what is about to be sent is counted on the disk already; else that is asked for. kept.cc
  std::optional<shaping::block> cover_send(site& s, std::uint8_t stream, account_id account, wall_time now);
  void reserved(spool::site_id id, const std::vector<shaping::limit_reserve>& written);
  bool exhaust(site& s, shaping::limit_kind window, wall_time now);
  void recall(site& s);
  void keep_hold(const site& s);
  void lift_hold(site& s);
  void keep_pin(const site& s, const stream_pace& p);
  void recall_pin(const site& s, stream_pace& p, wall_time now);
  void recall_account_holds();
  bool admit_send(site& s, const stream_line& line, account_id account, wall_time now);
  void end_send(site& s, std::uint8_t stream, account_id account, std::optional<wall_time> unused_since);
  std::optional<shaping::block> limit_in_the_way(const site& s, std::uint8_t stream, account_id account,
                                                 wall_time now) const;
  shaping::limit_subject subject_of(const site& s) const;
  shaping::limit_subject subject_of(const site& s, std::uint8_t stream, account_id account) const;
  shaping::urgency urgency_of(std::uint8_t stream) const;
  struct account_hold {
    account_id account;
    std::uint8_t stream;
    std::string where;  // a provider's name, or a site's key
    wall_time until{};
    std::string why;
  };
  void keep_account_hold(const account_hold& h);
  const account_hold* account_held(const site& s, std::uint8_t stream, account_id account, wall_time now) const;
  void hold_account(site& s, std::uint8_t stream, account_id account, const shaping::ruling& by);
  bool is_paced(const site& s) const;
  shaping::pace_policy policy_for(const site& s, const stream_pace* p) const;
  stream_pace& pace_for(site& s, std::uint8_t stream, wall_time now);
  void end_slowdown(site& s, stream_pace& p, wall_time now);
  bool slow_down(site& s, std::uint8_t stream, const shaping::ruling& by, wall_time began);
  stream_pace* who_gives_way(site& s, std::uint8_t stream, wall_time now) const;
  void learn_pace(site& s, std::uint8_t stream, const shaping::pace_result& r);
  bool crowded_out(const site& s, const spool::attempt_result& r) const;
  void note_pace(const site& s, std::uint8_t stream, const std::string& what, std::string_view rule = {});
  std::vector<explanation::obstacle> in_the_way(const entry& e) const;
  site_view view_of(const site& s, const viewer& by = {}) const;
  void count_queue();
  void note_flow(const entry& e, events::kind how, wall_time now);
  // On the shard that owns the site; nothing is changed where `change` is empty.
  using site_change = std::function<void(scheduler& owner, site& s)>;
  void with_site(const std::string& domain, site_change change, site_answer answer, const viewer& by = {});

  struct settlement;
  using settlement_ptr = std::shared_ptr<settlement>;
  void settle_one(settlement& s, handle h, const smtp::recipient_outcome& o);
  void conclude(settlement& s, handle h, events::kind how, const smtp::recipient_outcome& o, std::string_view why = {});
  void add_event(settlement& s, events::kind how, const entry& e, const smtp::recipient_outcome& o, wall_time next,
                 std::string_view why);
  void suppress_address(settlement& s, const entry& e, std::string_view why);
  void draw_consequence(settlement& s, const entry& e, events::kind end, bool from_peer, const bounce::verdict& of);
  void note_delivered(settlement& s, const entry& e);
  bool policy_decides(const smtp::recipient_outcome& o) const;
  void postpone(settlement& s, handle h, wall_time due, const smtp::recipient_outcome& o, std::string_view why);
  std::optional<shaping::ruling> ruling_of(const entry& e, const smtp::recipient_outcome& o) const;
  void hold_site(site& s, const shaping::ruling& by);
  void close_window(site& s, const shaping::ruling& by);
  void leave_egress(site& s, const spool::egress_trouble& why);  // egress.cc
  void pass_on(site& s);
  void list_leaving(site& s);
  void pass_some(site& s);
  // warm_up.cc
  void spill(site& s);
  void note_warm_up(const site& s, const std::optional<shaping::pace_outcome>& pace, bool against_egress);
  void review_warm_ups();
  void kick_sites_of(const std::string& egress, const std::string& provider);
  bool go_by_other(entry& e, const shaping::ruling& by);
  void obey(settlement& s, const entry& e, const smtp::recipient_outcome& o,
            const std::optional<shaping::ruling>& ruled);
  void want_report(settlement& s, const entry& e, events::kind how, const smtp::recipient_outcome& o, wall_time until);
  // With the message in memory or not; writes the change, and the reports that it causes.
  void finish(settlement_ptr s);
  void write(settlement& s);
  void add_reports(settlement& s);
  void add_report(settlement& s, message::dsn_kind kind);
  // For a recipient that no lease holds: resolving failed, it expired while waiting, an operator removed it.
  // Nothing else happens to the entry until `then` has it, in state `leased`; unless the disk can't give it: then it is
  // due again in a while.
  // `on_pool`, if any, gets the message before, on the blocking pool.
  using message_user = std::move_only_function<void(const spool::message_ptr&)>;
  void with_message(handle h, message_user then, message_user on_pool = {});
  void end_entry(handle h, events::kind how, const smtp::recipient_outcome& why, const std::string& reason);
  const stream_policy& policy(std::uint8_t stream) const { return with_.streams[stream]; }
  std::uint32_t weight_of(account_id account) const;
  std::uint8_t stream_number(const std::string& name) const;
  void notice_clock_step();  // clock_step.cc
  wall_time due_of(const spool::recipient_record& r) const;
  std::int64_t now_ms() const { return env_.time.wall().time_since_epoch().count(); }
  bool matches(const entry& e, const selector& which, std::int64_t now) const;
  entry_view view_of(handle h) const;
  void hold(handle h, const std::string& reason);
  void release(handle h, const std::string& reason);
  void retry(handle h);
  void remove(handle h, const std::string& reason);
  void record_phase(const entry& e, spool::recipient_record record, events::kind kind, const std::string& reason);

  struct due_item {
    std::int64_t due_ms;  // of the wall clock
    handle who;
    bool operator>(const due_item& o) const { return due_ms > o.due_ms; }
  };
  struct wake_item {
    wall_time at;  // of flow_
    spool::site_id who;
    bool operator>(const wake_item& o) const { return at > o.at; }
  };

  options with_;
  environment env_;
  shaping::limit_clock flow_;
  std::chrono::milliseconds wall_ahead_;  // of flow_, when last looked at
  std::vector<scheduler*> all_;
  entry_table entries_;
  std::vector<std::unique_ptr<site>> sites_;
  std::vector<std::uint32_t> free_sites_;
  std::unordered_map<std::string, std::uint32_t> site_numbers_;
  std::vector<due_item> due_;  // heaps
  std::vector<wake_item> wakes_;
  std::unordered_map<std::string, std::vector<handle>> lookups_;  // under way, by domain
  struct departure {
    newcomer who;
    spool::destination_ptr to;
  };
  std::vector<spool::site_id> placed_;             // to be kicked by kick_placed()
  std::vector<std::vector<departure>> departing_;  // by shard: to be sent there by kick_placed()
  std::vector<spool::site_id> watched_;            // sites with something ready
  std::vector<account_hold> account_holds_;
  wall_time warm_ups_reviewed_{};
  std::uint64_t hot_bytes_ = 0;
  std::size_t leased_ = 0;
  std::shared_ptr<const account_reasons> paused_ = std::make_shared<const account_reasons>();
  std::shared_ptr<const suppression_policies> suppression_policies_;  // null: none was told
  std::shared_ptr<const account_weights> weights_ = std::make_shared<const account_weights>();
  std::shared_ptr<const standing_holds> standing_ = std::make_shared<const standing_holds>();
  std::mt19937_64 random_;
  bool stopping_ = false;
  flow_board flows_;
  flow_view counted_;         // of the queue...
  steady_time next_count_{};  // ...and when it may be counted anew

  metrics::counter& delivered_;
  metrics::counter& deferred_;
  metrics::counter& bounced_;
  metrics::counter& expired_;
  metrics::counter& discarded_;
  metrics::counter& cancelled_;
  metrics::counter& suppressed_;
  metrics::gauge& queued_;
};

}  // namespace gonets::scheduler
