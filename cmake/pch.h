// Precompiled for the I/O half: what nearly each of its units includes, and what costs the most to parse.
#pragma once
#include <fmt/format.h>
#include <boost/asio.hpp>

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>
