// One client on one shard: reads a request, asks, answers, and again. Alive by its pending operations; all
// of it runs on its shard. Sees Asio, so only httpd includes it.
#pragma once
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>

#include "httpd/server.h"

namespace gonets::httpd::detail {

using client_socket =
    boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;

class connection : public std::enable_shared_from_this<connection> {
 public:
  virtual ~connection() = default;
  virtual void start() = 0;
  virtual void close() = 0;
};

// `ended` is called once, when it is destroyed, on its shard or, at the very end, on whoever destroys the shard.
std::shared_ptr<connection> make_connection(client_socket socket, bool over_tcp, const request_handler& answer,
                                            const server_options& options, std::move_only_function<void()> ended);

// Says 503 without reading, as far as the socket's buffer takes it, and closes.
void refuse_connection(client_socket socket);

}  // namespace gonets::httpd::detail
