#include "rewards/lean_http.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <algorithm>
#include <charconv>

#include "base/clock.h"
#include "base/error.h"
#include "base/letters.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

struct Socket {
  int fd = -1;
  ~Socket() {
    if (fd >= 0) close(fd);
  }
};

bool connect_to(Socket& s, const HttpAddress& address, double timeout_s) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &found) != 0) return false;
  for (const addrinfo* a = found; a != nullptr && s.fd < 0; a = a->ai_next) {
    s.fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    const timeval time{static_cast<time_t>(timeout_s), 0};
    setsockopt(s.fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    setsockopt(s.fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    if (connect(s.fd, a->ai_addr, a->ai_addrlen) != 0) {
      close(s.fd);
      s.fd = -1;
    }
  }
  freeaddrinfo(found);
  return s.fd >= 0;
}

// Chunks put together; nothing while some are missing.
bool unchunk(std::string_view text, std::string& out) {
  out.clear();
  for (;;) {
    const size_t line = text.find("\r\n");
    if (line == std::string_view::npos) return false;
    size_t size = 0;
    if (std::from_chars(text.data(), text.data() + line, size, 16).ec != std::errc() || size > kMostReplyBytes)
      return false;
    text.remove_prefix(line + 2);
    if (size == 0) return true;
    if (text.size() < size + 2) return false;
    out += text.substr(0, size);
    text.remove_prefix(size + 2);
  }
}

}  // namespace

HttpAddress read_address(std::string_view url) {
  const std::string_view given = url;
  if (url.starts_with("http://")) url.remove_prefix(7);
  if (url.ends_with('/')) url.remove_suffix(1);
  const size_t colon = url.rfind(':');
  const std::string_view port = colon == std::string_view::npos ? "80" : url.substr(colon + 1);
  const std::string_view host = url.substr(0, colon);
  const bool digits = !port.empty() && std::ranges::all_of(port, is_digit);
  if (host.empty() || !digits || host.find('/') != std::string_view::npos)
    throw Error("rewards.lean", "url", "http://host:port", std::string(given));
  return {std::string(host), std::string(port)};
}

HttpReply http_post(const HttpAddress& address, const std::string& path, const std::string& body, double timeout_s) {
  HttpReply out;
  Socket s;
  if (!connect_to(s, address, timeout_s)) {
    out.error = "no connection to " + address.host + ":" + address.port;
    return out;
  }
  const std::string request =
      "POST " + path + " HTTP/1.1\r\nHost: " + address.host +
      "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  for (std::string_view rest = request; !rest.empty();) {
    const ssize_t n = send(s.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (n <= 0) {
      out.error = "the server takes no request";
      return out;
    }
    rest.remove_prefix(static_cast<size_t>(n));
  }
  const Deadline until = deadline_in(timeout_s);
  std::string text;
  for (;;) {
    if (milliseconds_until(until) == 0) {
      out.error = "timed out";
      return out;
    }
    char chunk[65536];
    const ssize_t n = recv(s.fd, chunk, sizeof chunk, 0);
    if (n < 0) {
      out.error = errno == EAGAIN ? "timed out" : "the connection broke";
      return out;
    }
    text.append(chunk, static_cast<size_t>(n));
    if (text.size() > kMostReplyBytes) {
      out.error = "a reply of more than 16 MiB";
      return out;
    }
    const size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) {
      if (n > 0) continue;
      out.error = "no reply";
      return out;
    }
    const std::string headers = lower_case(text.substr(0, head + 2));
    const std::string_view rest = std::string_view(text).substr(head + 4);
    const size_t length_at = headers.find("\r\ncontent-length:");
    bool whole = n == 0;
    if (headers.find("\r\ntransfer-encoding: chunked") != std::string::npos) {
      whole = unchunk(rest, out.body);
    } else if (length_at != std::string::npos) {
      const size_t length = std::strtoull(headers.c_str() + length_at + 17, nullptr, 10);
      whole = rest.size() >= length;
      if (whole) out.body = rest.substr(0, length);
    } else if (whole) {
      out.body = rest;
    }
    if (whole) {
      if (headers.starts_with("http/1.") && headers.size() > 12) out.status = std::atoi(headers.c_str() + 9);
      if (out.status == 0) out.error = "not HTTP";
      return out;
    }
    if (n == 0) {
      out.error = "a reply that is cut off";
      return out;
    }
  }
}

}  // namespace posttrain::rewards
