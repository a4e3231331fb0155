// The one door to cpp-httplib: one POST to a Kimina server and its reply, over http or https.
#pragma once

#include <string>
#include <string_view>

namespace posttrain::rewards {

struct HttpAddress {
  bool secure = false;
  std::string host;  // an IPv6 address without its brackets
  int port = 80;
  std::string text() const;
};
// "http://host:port", "https://host" or "http://[::1]:8000", with an optional trailing slash; without a scheme, http.
// Throws Error otherwise.
HttpAddress read_address(std::string_view url);

struct HttpReply {
  int status = 0;  // 0: no reply, see error
  std::string body, error;
};
// Never throws for what the network does. Over after `timeout_s`, whatever the server does ("timed out"), but for the
// system's own look-up of a host name. Signals neither end it nor reach the program by it. A certificate must be one
// that the system trusts.
HttpReply http_post(const HttpAddress& address, const std::string& path, const std::string& body, double timeout_s);

}  // namespace posttrain::rewards
