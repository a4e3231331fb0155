// The little of HTTP/1.1 that a Kimina server needs: one POST, one reply with a length, in chunks or to the end.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::rewards {

struct HttpAddress {
  std::string host, port;
};
// "http://host:port" with an optional trailing slash; throws Error otherwise.
HttpAddress read_address(std::string_view url);

struct HttpReply {
  int status = 0;  // 0: no reply, see error
  std::string body, error;
};
// Never throws for what the network does.
HttpReply http_post(const HttpAddress& address, const std::string& path, const std::string& body, double timeout_s);

}  // namespace posttrain::rewards
