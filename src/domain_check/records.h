// What a sender domain is to publish in DNS. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gonets::domain_check {

// An address that mail leaves from, and the name it greets with.
struct egress {
  std::string address, helo;
};

// What is the same for all domains of this server.
struct platform {
  std::string hostname;
  std::string spf;               // "include:spf.example.net": what others put into their record; empty: the egresses
  std::string return_path_host;  // target of the return-path's CNAME; empty: MX here and SPF of its own
  std::string tracking_host;     // target of the tracking host's CNAME
  std::string dmarc_reports;     // address for rua=; empty: none proposed
  std::string tls_reports;       // the same of _smtp._tls (RFC 8460)
  std::vector<egress> egresses;
  bool tls = true;  // mail leaves over TLS wherever the receiver offers it
};

struct signing_key {
  std::string selector;
  std::string record;     // "v=DKIM1; k=rsa; p=..."
  std::string algorithm;  // "rsa-sha256"
  int bits = 0;
  bool active = false;
};

struct subject {
  std::string name;                   // A-labels, lower case
  std::string proof;                  // TXT at _gonets.<name>
  std::string return_path, tracking;  // host names; empty: none
  std::vector<signing_key> keys;      // all whose record should be there
};

struct dns_record {
  // Stable word: ownership, spf, dkim, dmarc, dmarc_reports, tls_reports, return_path, tracking.
  std::string purpose;
  std::string name;        // without the trailing dot
  std::string type;        // "TXT"
  std::string value;       // of TXT the text, unquoted; of MX "10 host."
  bool elsewhere = false;  // not in the domain's own zone: the operator publishes it
};

std::vector<dns_record> records_for(const subject& of, const platform& on);
std::string spf_record_for(const platform& on);

// Where a domain lets reports go to another organization's address, its consent must be found there (RFC 7489 7.1): the
// name of that TXT record, "v=DMARC1". Empty: none is needed.
std::string dmarc_consent_name(std::string_view domain, std::string_view reports_address);

// Lines of a zone file, absolute names; TXT in strings of at most 255 bytes. What belongs into another zone is a
// comment.
std::string zone_fragment(const std::vector<dns_record>& records);

}  // namespace gonets::domain_check
