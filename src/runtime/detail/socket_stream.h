// What stream.cc, listener.cc share; sees Asio, so only `runtime` includes it.
#pragma once
#include <boost/asio/generic/stream_protocol.hpp>

#include "runtime/stream.h"

namespace gonets::runtime {

using generic_socket =
    boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;
using generic_endpoint = boost::asio::generic::stream_protocol::endpoint;

void set_no_delay(generic_socket& socket);
stream_ptr make_stream(generic_socket socket, wheel& timers);

}  // namespace gonets::runtime
