#include "rewards/lean_http.h"

#include <httplib.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/letters.h"
#include "rewards/lean_reply.h"

namespace posttrain::rewards {
namespace {

// The library writes without MSG_NOSIGNAL: a server that has gone would end the program.
class NoPipeSignal {
 public:
  NoPipeSignal() {
    sigset_t pending;
    sigpending(&pending);
    before_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &mask_);
  }
  ~NoPipeSignal() {
    const timespec now{};
    while (!before_ && sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
    }
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  NoPipeSignal(const NoPipeSignal&) = delete;
  NoPipeSignal& operator=(const NoPipeSignal&) = delete;

 private:
  sigset_t pipe_{}, mask_{};
  bool before_ = false;
};

// The library's times are for one read each; this ends the whole.
class Watch {
 public:
  Watch(httplib::ClientImpl& client, Deadline until)
      : thread_([this, &client, until] {
          std::unique_lock lock(mutex_);
          while (!changed_.wait_until(lock, until, [this] { return over_; })) {
            late_ = true;
            client.stop();
            if (changed_.wait_for(lock, std::chrono::milliseconds(20), [this] { return over_; })) return;
          }
        }) {}
  ~Watch() { end(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Whether the time was over.
  bool end() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
    return late_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false, late_ = false;
  std::thread thread_;
};

std::string reason(httplib::Error error, const HttpAddress& address) {
  switch (error) {
    case httplib::Error::Connection:
      return "no connection to " + address.text();
    case httplib::Error::ConnectionTimeout:
      return "timed out";
    case httplib::Error::SSLConnection:
    case httplib::Error::SSLLoadingCerts:
      return "no https with " + address.text();
    case httplib::Error::SSLServerVerification:
      return "the certificate of " + address.text() + " is not one that this system trusts";
    default:
      return "the connection broke: " + httplib::to_string(error);
  }
}

}  // namespace

std::string HttpAddress::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

HttpAddress read_address(std::string_view url) {
  const auto bad = [given = std::string(url)] {
    return Error("rewards.lean", "url", "http://host:port or https://host:port", given);
  };
  HttpAddress out;
  if (url.starts_with("https://")) {
    out.secure = true;
    out.port = 443;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  }
  if (url.ends_with('/')) url.remove_suffix(1);
  std::string_view rest;
  if (url.starts_with('[')) {
    const size_t close = url.find(']');
    if (close == std::string_view::npos) throw bad();
    out.host = url.substr(1, close - 1);
    rest = url.substr(close + 1);
    const auto of_address = [](char c) { return is_digit(c) || c == ':' || c == '.' || (c >= 'a' && c <= 'f'); };
    if (!std::ranges::all_of(lower_case(out.host), of_address)) throw bad();
  } else {
    const size_t colon = std::min(url.find(':'), url.size());
    out.host = url.substr(0, colon);
    rest = url.substr(colon);
  }
  if (out.host.empty() || out.host.find_first_of("/?#@[] ") != std::string::npos) throw bad();
  if (rest.empty()) return out;
  const std::string port(rest.substr(1));
  const bool digits = !port.empty() && port.size() <= 5 && std::ranges::all_of(port, is_digit);
  if (rest[0] != ':' || !digits || std::stoi(port) < 1 || std::stoi(port) > 65535) throw bad();
  out.port = std::stoi(port);
  return out;
}

HttpReply http_post(const HttpAddress& address, const std::string& path, const std::string& body, double timeout_s) {
  const NoPipeSignal quiet;
  const std::unique_ptr<httplib::ClientImpl> client =
      address.secure ? std::make_unique<httplib::SSLClient>(address.host, address.port)
                     : std::make_unique<httplib::ClientImpl>(address.host, address.port);
  const auto limit = std::chrono::microseconds(std::max(int64_t{1000}, static_cast<int64_t>(timeout_s * 1e6)));
  client->set_connection_timeout(limit);
  client->set_read_timeout(limit);
  client->set_write_timeout(limit);
  httplib::Request request;
  request.method = "POST";
  request.path = path;
  request.headers = {{"Host", address.text()}, {"Content-Type", "application/json"}, {"Connection", "close"}};
  request.body = body;
  HttpReply out;
  bool too_long = false;
  request.content_receiver = [&](const char* piece, size_t bytes, uint64_t, uint64_t) {
    too_long = out.body.size() + bytes > kMostReplyBytes;
    if (!too_long) out.body.append(piece, bytes);
    return !too_long;
  };
  Watch watch(*client, deadline_in(timeout_s));
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  const bool done = client->send(request, response, error);
  const bool late = watch.end();
  if (done) {
    out.status = response.status;
  } else {
    out.error = too_long ? "a reply of more than 16 MiB" : late ? "timed out" : reason(error, address);
    out.body.clear();
  }
  return out;
}

}  // namespace posttrain::rewards
