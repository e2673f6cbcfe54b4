// The reference page of the configuration, made from the declarations.
#pragma once
#include <string>

namespace gonets::config {

// Markdown; committed as docs/configuration.md, which a test compares with this.
std::string reference_markdown();

}  // namespace gonets::config
