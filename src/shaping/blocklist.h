// DNS block lists (RFC 5782): under which name an address is looked up, and what the answer means. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::shaping {

// "192.0.2.1", "list.example" -> "1.2.0.192.list.example"; an IPv6 address nibble by nibble. Nothing if `address` is
// none.
std::optional<std::string> blocklist_name(std::string_view address, std::string_view zone);

enum class listing : std::uint8_t {
  unknown,  // the list does not say: it refuses to answer us, or what it says is no listing
  clean,
  listed
};

// Of the A records of that name. A listing is an address of 127.0.0.0/8 (RFC 5782 2.1); by 127.255.255.0/24 lists say
// that they don't answer such as us (a public resolver, too many questions), and what lies elsewhere is somebody who
// answers for a zone that is gone.
listing listing_of(const std::vector<std::string>& addresses);

// Each list has one address that it must list, and one that it must not (RFC 5782 5), of either family.
std::string_view blocklist_test_listed(bool ipv6);
std::string_view blocklist_test_clean(bool ipv6);

// Whether lists could know the address: it is none of a private or local network.
bool is_public(std::string_view address);

}  // namespace gonets::shaping
