#include "sim/world.h"

#include <charconv>

namespace gonets::sim {

struct world::place final : spool::destination {
  place(std::string key, std::uint32_t n, std::string h) : destination(std::move(key)), number(n), host(std::move(h)) {}
  std::vector<std::string> hosts() const override { return {host}; }
  pacing paced() const override { return pacing::careful; }
  const std::uint32_t number;
  const std::string host;
};

std::uint32_t world::add_site(provider_shape shape, manners how, std::uint64_t seed) {
  const auto number = static_cast<std::uint32_t>(sites_.size());
  const auto host = "mx.s" + std::to_string(number) + ".test";
  sites_.push_back(std::make_unique<modelled_site>(host, std::move(shape), how, seed));
  places_.push_back(std::make_shared<const place>("mx:" + host, number, host));
  return number;
}

std::uint32_t world::add_domain(std::uint32_t site) {
  site_of_.push_back(site);
  looked_up_.push_back(false);
  return static_cast<std::uint32_t>(site_of_.size() - 1);
}

modelled_site& world::site(const spool::destination& to) {
  return *sites_[static_cast<const place&>(to).number];
}

namespace {

std::uint32_t number_of(std::string_view domain) {
  std::uint32_t number = 0;
  std::from_chars(domain.data() + 1, domain.data() + domain.size(), number);
  return number;
}

}  // namespace

spool::destination_ptr world::at(std::uint32_t domain) {
  return places_[site_of_[domain]];
}

spool::destination_ptr world::known(std::string_view domain) {
  const auto number = number_of(domain);
  return looked_up_[number] ? at(number) : nullptr;
}

void world::find(std::string_view domain, handler done) {
  const auto number = number_of(domain);
  const auto wait = sites_[site_of_[number]]->manner.lookup;
  time_.after(wait, [this, number, done = std::move(done)]() mutable {
    looked_up_[number] = true;
    done(at(number), {});
  });
}

}  // namespace gonets::sim
