// Test support: a spool in a folder of its own, with the shards that it completes on.
#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/id_source.h"
#include "spool/audit.h"
#include "spool/spool.h"

namespace gonets::spool {

class folder {
 public:
  folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "gonets-spool-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::shared_ptr<queued_message> make_message(message_id id, std::size_t recipients = 1,
                                                    std::string body = "Subject: hello\r\n\r\nHow are you?\r\n") {
  auto m = std::make_shared<queued_message>();
  m->id = id;
  m->stream = "transactional";
  m->envelope.reverse_path = "sender@source.test";
  for (std::size_t i = 0; i < recipients; ++i) {
    m->envelope.recipients.push_back({"rcpt" + std::to_string(i) + "@sink.test", {}, {}});
  }
  m->head = "Received: from test\r\n";
  m->body = std::move(body);
  m->body_bytes = m->head.size() + m->body.size();
  m->in_memory = true;
  return m;
}

inline events::event make_event(events::kind kind, const queued_message& m, std::vector<std::uint16_t> indexes) {
  events::event e;
  e.kind = kind;
  e.at = m.accepted();
  e.message = m.id;
  for (const auto i : indexes)
    e.recipients.push_back({recipient_index{i}, m.envelope.recipients[i].address});
  return e;
}

inline change make_end(const queued_message& m, std::uint16_t index, events::kind how = events::kind::delivered) {
  change c;
  c.id = m.id;
  c.recipients_total = static_cast<std::uint16_t>(m.envelope.recipients.size());
  recipient_record ended;
  ended.phase = recipient_phase::ended;
  c.recipients.push_back({recipient_index{index}, ended});
  c.events.push_back(make_event(how, m, {index}));
  return c;
}

// One shard; opened and closed as often as the test likes.
class spool_fixture : public ::testing::Test {
 protected:
  void open(std::shared_ptr<rocksdb::FileSystem> file_system = nullptr) {
    shards_ = std::make_unique<runtime::shards>(1);
    options o;
    o.path = folder_.path();
    o.free_bytes_min = 0;
    o.file_system = std::move(file_system);
    auto opened = spool::open(o, *shards_, time(), counts_);
    ASSERT_TRUE(opened) << opened.error().detail;
    store_ = std::move(*opened);
    ids_ = std::make_unique<id_source>(0, store_->highest_id());
    shards_->start();
  }
  virtual const clock& time() const { return clock_; }
  void close() {
    if (store_) store_->drain();
    if (shards_) shards_->stop();
    store_.reset();
    shards_.reset();
  }
  void TearDown() override { close(); }

  message_id next_id() { return ids_->next(clock_.wall()); }

  using quotas_ptr = std::shared_ptr<const std::vector<shaping::quota>>;
  std::future<commit_status> accept_later(std::shared_ptr<queued_message> m, std::uint32_t chunks_written = 0,
                                          std::string first_chunk = "", quotas_ptr quotas = nullptr) {
    auto answer = std::make_shared<std::promise<commit_status>>();
    acceptance a;
    std::vector<std::uint16_t> all;
    for (std::uint16_t i = 0; i < m->envelope.recipients.size(); ++i)
      all.push_back(i);
    a.event = make_event(events::kind::accepted, *m, all);
    a.message = std::move(m);
    a.chunks_written = chunks_written;
    a.first_chunk = std::move(first_chunk);
    a.quotas = std::move(quotas);
    a.done = [answer](commit_status s) { answer->set_value(s); };
    auto waiting = answer->get_future();
    store_->accept(std::move(a));
    return waiting;
  }
  commit_status accept(std::shared_ptr<queued_message> m) { return accept_later(std::move(m)).get(); }
  void settle(change c) {
    std::promise<void> done;
    c.done = [&done](commit_status) { done.set_value(); };
    auto waiting = done.get_future();
    store_->settle(std::move(c));
    waiting.get();
  }
  std::vector<std::pair<message_ptr, std::vector<loaded_recipient>>> load() {
    std::vector<std::pair<message_ptr, std::vector<loaded_recipient>>> found;
    store_->begin_load();
    auto loaded = store_->load([&](message_ptr m, std::vector<loaded_recipient> r) { found.emplace_back(m, r); });
    EXPECT_TRUE(loaded);
    return found;
  }
  audit_result audit_now() {
    auto result = audit(store_->store(), nullptr);
    EXPECT_TRUE(result);
    return result ? *result : audit_result{};
  }

  folder folder_;
  runtime::system_clock clock_;
  metrics::registry counts_;
  std::unique_ptr<runtime::shards> shards_;
  std::unique_ptr<spool> store_;
  std::unique_ptr<id_source> ids_;
};

}  // namespace gonets::spool
