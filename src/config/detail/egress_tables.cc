// The tables of egresses and pools.
#include "config/detail/declare.h"
#include "shaping/limit_fields.h"

namespace gonets::config {
namespace {

using namespace detail;
using detail::text;

constexpr unsigned weight_max = 1'000'000;

// ["a", "b"], or { a = 3, b = 1 }.
struct member_list {
  std::string expected() const {
    return fmt::format(
        "an array of egresses, such as [\"a\", \"b\"], or a table with their weights from 1 to {}, such "
        "as {{ a = 3, b = 1 }}",
        weight_max);
  }

  void read(const value& v, std::vector<pool::member>& to, mismatches& wrong) const {
    const text name{"the name of an egress", is_egress_name};
    if (v.kind == value_kind::array) {
      for (const value& each : v.items)
        name.read(each, to.emplace_back().egress, wrong);
      return;
    }
    if (v.kind != value_kind::table) return refuse(v, expected(), wrong);
    for (const member& m : v.members) {
      if (!is_egress_name(m.name)) {
        wrong.push_back({m.line, m.column, quote(m.name), name.expected(), ""});
        continue;
      }
      auto& added = to.emplace_back();
      added.egress = m.name;
      count{1, weight_max}.read(m.content, added.weight, wrong);
    }
  }

  std::string write(const std::vector<pool::member>& members) const {
    std::string all;
    for (const auto& m : members)
      all += fmt::format("{}{} = {}", all.empty() ? "" : ", ", m.egress, m.weight);
    return all.empty() ? "[]" : "{ " + all + " }";
  }
};

// Its password is never cited, nor written.
struct proxy_url {
  std::string expected() const {
    return R"("socks5://10.0.0.2:1080", "socks5://user:password@10.0.0.2:1080" or "haproxy://10.0.0.2:2525": an address, not a name)";
  }
  void read(const value& v, exit_proxy& to, mismatches& wrong) const {
    if (v.kind == value_kind::text && v.text.empty()) return;
    const auto p = v.kind == value_kind::text ? parse_proxy(v.text) : std::nullopt;
    if (p) {
      to = *p;
    } else {
      wrong.push_back({v.line, v.column, "something else", expected(), ""});
    }
  }
  std::string write(const exit_proxy& p) const { return quote(proxy_text(p)); }
};

}  // namespace

const std::vector<declaration<egress>>& egress_declarations() {
  const text name{"a name of a to z, 0 to 9, - and _, such as \"mail-a\"", is_egress_name};
  static const std::vector<declaration<egress>> all{
      required(setting<&egress::name>("name", reload, name,
                                      "By which pools, routes, streams and `[[limit]]` name it. `default` is taken.")),
      setting<&egress::source_ipv4>(
          "source_ipv4", reload, ipv4_source,
          "The address of this machine that its connections leave from, or the proxy's. Where only one of "
          "the two is given, the other family is not used; without both, the system chooses.",
          "an address that this machine does not have: the egress is down for a while, and "
          "its mail goes by the others of the pool"),
      setting<&egress::source_ipv6>("source_ipv6", reload, ipv6_source, "The same for IPv6."),
      setting<&egress::helo>("helo", reload, host_name,
                             "The name given in EHLO; the DNS should map it to the source address and back. Empty: "
                             "`delivery.helo`."),
      setting<&egress::proxy>(
          "proxy", reload, proxy_url{},
          "What its connections go through: a SOCKS 5 proxy, or HAProxy with `accept-proxy`, which is told by the "
          "PROXY "
          "protocol which address to connect to, and from which. In user and password, what URLs don't allow is "
          "written as `%XX`. The source address is the proxy's then: for SOCKS it says what receivers will see, and "
          "which families are used.",
          "a proxy that can't be reached, or refuses the login: as for a missing source address"),
      setting<&egress::public_addresses>(
          "public_addresses", reload,
          list_of<text>{
              {"an address, such as \"192.0.2.1\"", [](std::string_view s) { return parse_address(s).has_value(); }},
              "addresses",
              0,
              100},
          "What receivers see its connections come from, behind NAT or a proxy: looked up on `blocklists.zones`. "
          "Empty: its source addresses."),
  };
  return all;
}

const std::vector<declaration<pool>>& pool_declarations() {
  const text name{"a name of a to z, 0 to 9, - and _, such as \"bulk\"", is_egress_name};
  static const std::vector<declaration<pool>> all{
      required(setting<&pool::name>("name", reload, name, "By which routes and streams name it.")),
      required(setting<&pool::members>("egresses", reload, member_list{},
                                       "Its egresses. Messages are spread over them by weight; all recipients and all "
                                       "attempts of a message take the same one, while it works.")),
  };
  return all;
}

const std::vector<declaration<shaping::warm_up_order>>& warm_up_declarations() {
  using shaping::warm_up_order, shaping::warm_up_plan;
  constexpr auto in = &warm_up_order::plan;
  const text name{"a name of a to z, 0 to 9, - and _, such as \"mail-a\"", is_egress_name};
  const text provider{"the name of a provider, or \"*\" for each by itself",
                      [](std::string_view s) { return !s.empty(); }};
  const choice<shaping::warm_up_curve> curves{
      {{"exponential", shaping::warm_up_curve::exponential}, {"linear", shaping::warm_up_curve::linear}}};
  const choice<shaping::when_full> ways{
      {{"other_egress", shaping::when_full::other_egress}, {"wait", shaping::when_full::wait}}};
  static const std::vector<declaration<warm_up_order>> all{
      required(setting<&warm_up_order::egress>("egress", reload, name, "The egress that is warmed up.")),
      setting<&warm_up_order::provider>("provider", reload, provider,
                                        "The provider at which; `*`: at each by itself, and at all sites of no known "
                                        "provider together. Of several that fit, the first counts."),
      setting<in, &warm_up_plan::first_day>(
          "first_day", reload, count{1, shaping::limit_max}, "Messages that it may send there in 24 hours at first.",
          "no reply to clients: mail goes by another egress or waits, see `when_full`"),
      setting<in, &warm_up_plan::last_day>("last_day", reload, count{1, shaping::limit_max},
                                           "The same on the last day. Afterwards there is no cap."),
      setting<in, &warm_up_plan::days>("days", reload, count{1, 365}, "How many days the plan has, if all go well."),
      setting<in, &warm_up_plan::curve>(
          "curve", reload, curves, "Whether each day has so many times as much as the one before, or so much more."),
      setting<in, &warm_up_plan::full>(
          "when_full", reload, ways,
          "Where mail goes that the day's cap keeps back: by another egress of the same pool, "
          "if there is one; or it waits."),
      setting<in, &warm_up_plan::deferred_max>(
          "deferred_max", reload, fraction{0, 1},
          "The share of the attempts that may be put off, or refused for the sake of "
          "the egress; when it is more, the plan goes a day back."),
      setting<in, &warm_up_plan::complained_max>("complained_max", reload, fraction{0, 1},
                                                 "The same for complaints, of the messages accepted."),
  };
  return all;
}

std::string_view warm_up_doc() {
  return "How an egress that receivers don't know yet is made known to them: a cap on what it sends to a provider in "
         "24 "
         "hours, which grows day by day as long as its mail is taken well ([docs/egress.md](egress.md#warm-up)). "
         "`gonets warm-up list` shows where each stands.";
}

std::string_view egress_doc() {
  return "A way by which mail leaves: a source address, the name given in EHLO, and perhaps a proxy "
         "([docs/egress.md](egress.md)). Each has a pace, limits and connections of its own at each site. The one "
         "named "
         "`default` is always there, made of `delivery.source_ipv4`, `delivery.source_ipv6` and `delivery.helo`.";
}

std::string_view pool_doc() {
  return "Egresses over which mail is spread, and which stand in for each other. A name in `route.egress` comes before "
         "that of `stream.NAME.egress`, and this before `delivery.egress`.";
}

}  // namespace gonets::config
