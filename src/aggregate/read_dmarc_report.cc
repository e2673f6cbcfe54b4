#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "aggregate/detail/values.h"
#include "aggregate/read_report.h"

namespace gonets::aggregate {
namespace {

constexpr std::size_t name_bytes_max = 200;             // of reporter and id
constexpr std::uint64_t seconds_max = 253'402'300'799;  // the year 9999

// Takes the document as expat reads it, one element after the other, and knows where it is by the path.
class document {
 public:
  document(XML_Parser by, const report_limits& limits) : parser_(by), limits_(limits) {
    XML_SetUserData(by, this);
    XML_SetElementHandler(
        by, [](void* self, const XML_Char* name, const XML_Char**) { static_cast<document*>(self)->begin(name); },
        [](void* self, const XML_Char*) { static_cast<document*>(self)->end(); });
    XML_SetCharacterDataHandler(by, [](void* self, const XML_Char* text, int length) {
      static_cast<document*>(self)->add({text, static_cast<std::size_t>(length)});
    });
    XML_SetStartDoctypeDeclHandler(by, [](void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
      static_cast<document*>(self)->stop("it has a document type, which reports have not");
    });
  }

  std::expected<dmarc_report, std::string> read(std::string_view xml) {
    const auto state = XML_Parse(parser_, xml.data(), static_cast<int>(xml.size()), XML_TRUE);
    if (!wrong_.empty()) return std::unexpected(wrong_);
    if (state != XML_STATUS_OK)
      return std::unexpected(fmt::format("line {} of the XML: {}", XML_GetCurrentLineNumber(parser_),
                                         XML_ErrorString(XML_GetErrorCode(parser_))));
    if (!is_report_) return std::unexpected("the XML is no DMARC report: its root is not <feedback>");
    if (found_.domain.empty()) return std::unexpected("the report names no domain that there could be");
    if (found_.head.reporter.empty() || found_.head.id.empty())
      return std::unexpected("the report does not say whose it is, or has no report_id");
    if (found_.rows.empty()) return std::unexpected("the report has no rows");
    return std::move(found_);
  }

 private:
  void stop(std::string why) {
    if (wrong_.empty()) wrong_ = std::move(why);
    XML_StopParser(parser_, XML_FALSE);
  }

  // A prefix says nothing here: there is one vocabulary.
  void begin(std::string_view name) {
    if (!wrong_.empty()) return;  // expat may go on for a little when it is stopped
    if (const auto colon = name.rfind(':'); colon != std::string_view::npos) name.remove_prefix(colon + 1);
    if (parents_.size() == limits_.depth_max)
      return stop(fmt::format("its elements are more than {} deep", limits_.depth_max));
    if (name.size() > limits_.text_bytes_max) return stop("an element's name is too long");
    parents_.push_back(path_.size());
    path_ += '/';
    path_ += name;
    text_.clear();
    if (path_ == "/feedback") is_report_ = true;
    if (path_ == "/feedback/record") row_ = {};
  }

  void add(std::string_view text) { text_ += text.substr(0, limits_.text_bytes_max - text_.size()); }

  void end() {
    if (!wrong_.empty()) return;
    take();
    text_.clear();
    path_.resize(parents_.back());
    parents_.pop_back();
  }

  void take() {
    text_ = detail::line_of(text_, limits_.text_bytes_max);
    const std::string_view at = path_;
    if (at.starts_with("/feedback/record")) return take_record(at.substr(16));
    auto& head = found_.head;
    if (at == "/feedback/report_metadata/org_name") head.reporter = detail::line_of(text_, name_bytes_max);
    if (at == "/feedback/report_metadata/report_id") head.id = detail::line_of(text_, name_bytes_max);
    if (at == "/feedback/report_metadata/date_range/begin") head.begin = time_of(text_);
    if (at == "/feedback/report_metadata/date_range/end") head.end = time_of(text_);
    if (at == "/feedback/policy_published/domain") found_.domain = detail::domain_of(text_);
  }

  void take_record(std::string_view at) {
    if (at == "/row/source_ip") row_.source = detail::address_of(text_);
    if (at == "/row/count") row_.messages = detail::count_of(text_, limits_.count_max).value_or(0);
    if (at == "/row/policy_evaluated/disposition") row_.disposition = detail::word_of(text_);
    if (at == "/row/policy_evaluated/dkim") row_.dkim = detail::word_of(text_);
    if (at == "/row/policy_evaluated/spf") row_.spf = detail::word_of(text_);
    if (at == "/identifiers/header_from") row_.header_from = detail::domain_of(text_);
    if (!at.empty() || row_.source.empty() || row_.messages == 0) return;
    if (found_.rows.size() == limits_.rows_max) return stop(fmt::format("it has more than {} rows", limits_.rows_max));
    found_.rows.push_back(std::move(row_));
  }

  static wall_time time_of(std::string_view text) {
    return wall_time(std::chrono::seconds(detail::count_of(text, seconds_max).value_or(0)));
  }

  XML_Parser parser_;
  const report_limits& limits_;
  dmarc_report found_;
  dmarc_row row_;
  std::string path_, text_, wrong_;
  std::vector<std::size_t> parents_;  // where each element's path ends
  bool is_report_ = false;
};

struct parser_free {
  void operator()(XML_Parser p) const { XML_ParserFree(p); }
};

}  // namespace

std::expected<dmarc_report, std::string> read_dmarc_report(std::string_view xml, const report_limits& limits) {
  const std::unique_ptr<XML_ParserStruct, parser_free> parser(XML_ParserCreate(nullptr));
  if (!parser) return std::unexpected("there is no memory to read it");
  if (xml.size() > INT32_MAX) return std::unexpected("it is too large");
  return document(parser.get(), limits).read(xml);
}

}  // namespace gonets::aggregate
