// One POST and its reply, with servers that do not behave and signals that come in between.
#include "rewards/lean_http.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/error.h"

namespace posttrain::rewards {
namespace {

// Takes one connection, reads a request's head, and lets `answer` do with it what it wants.
class OneServer {
 public:
  explicit OneServer(std::function<void(int)> answer, bool v6 = false) {
    line_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = v6 ? sizeof six : sizeof four;
    auto* at = v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
    usable = line_ >= 0 && bind(line_, at, size) == 0 && listen(line_, 1) == 0 && getsockname(line_, at, &size) == 0;
    port = ntohs(v6 ? six.sin6_port : four.sin_port);
    if (!usable) return;
    thread_ = std::thread([this, answer = std::move(answer)] {
      sigset_t all;
      sigfillset(&all);
      pthread_sigmask(SIG_BLOCK, &all, nullptr);
      const int fd = accept(line_, nullptr, nullptr);
      if (fd < 0) return;
      char piece[4096];
      for (std::string head; head.find("\r\n\r\n") == std::string::npos;) {
        const ssize_t n = read(fd, piece, sizeof piece);
        if (n <= 0) break;
        head.append(piece, static_cast<size_t>(n));
        request = head;
      }
      answer(fd);
      close(fd);
    });
  }
  ~OneServer() {
    shutdown(line_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(line_);
  }
  bool usable = false;
  int port = 0;
  std::string request;

 private:
  int line_ = -1;
  std::thread thread_;
};

void say(int fd, std::string_view text) {
  send(fd, text.data(), text.size(), MSG_NOSIGNAL);
}

HttpReply post(const std::string& url, double timeout_s = 30, const std::string& body = "{}") {
  return http_post(read_address(url), "/api/check", body, timeout_s);
}
std::string here(const OneServer& server) {
  return "http://127.0.0.1:" + std::to_string(server.port);
}

TEST(Http, RepliesComeWithALengthInChunksAndToTheEnd) {
  for (const char* reply : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                            "HTTP/1.1 200 OK\r\n\r\nhello"}) {
    const OneServer server([&](int fd) { say(fd, reply); });
    const HttpReply got = post(here(server));
    EXPECT_EQ(got.status, 200) << got.error;
    EXPECT_EQ(got.body, "hello");
  }
  const OneServer busy([](int fd) { say(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"); });
  EXPECT_EQ(post(here(busy)).status, 503);
}

TEST(Http, AnAddressOfIpVersionSixStandsInBrackets) {
  const OneServer server([](int fd) { say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); }, true);
  if (!server.usable) GTEST_SKIP() << "no IPv6 here";
  const std::string host = "[::1]:" + std::to_string(server.port);
  EXPECT_EQ(post("http://" + host + "/").body, "ok");
  EXPECT_NE(server.request.find("Host: " + host), std::string::npos) << server.request;
}

TEST(Http, SignalsDoNotBreakIt) {
  struct sigaction noted {
  }, before{};
  noted.sa_handler = [](int) {};  // no SA_RESTART: every call that waits is interrupted
  sigaction(SIGALRM, &noted, &before);
  const itimerval often{{0, 2000}, {0, 2000}}, never{};
  setitimer(ITIMER_REAL, &often, nullptr);
  const OneServer server([](int fd) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    say(fd, "ok");
  });
  const HttpReply got = post(here(server));
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  EXPECT_EQ(got.status, 200) << got.error;
  EXPECT_EQ(got.body, "ok");
}

TEST(Http, TheTimeIsForTheWhole) {
  const auto wait = [](int) { std::this_thread::sleep_for(std::chrono::seconds(3)); };
  const auto trickle = [](int fd) {  // a byte now and then, each well within the time
    say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    for (int i = 0; i < 30; ++i) {
      say(fd, "x");
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  };
  for (const std::function<void(int)>& answer : {std::function<void(int)>(wait), std::function<void(int)>(trickle)}) {
    const OneServer server(answer);
    const Clock clock;
    const HttpReply got = post(here(server), 0.5);
    const double took = clock.seconds();
    EXPECT_EQ(got.status, 0);
    EXPECT_EQ(got.error, "timed out");
    EXPECT_GE(took, 0.45);
    EXPECT_LT(took, 2.8) << "not only when the server let go";
  }
}

TEST(Http, WhatTheServerDoesIsAValue) {
  const OneServer silent([](int) {});
  EXPECT_EQ(post(here(silent)).status, 0);
  const OneServer nonsense([](int fd) { say(fd, "220 ready\r\n"); });
  EXPECT_EQ(post(here(nonsense)).status, 0);
  const OneServer cut([](int fd) { say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"); });
  EXPECT_EQ(post(here(cut)).status, 0);
  const OneServer gone([](int) {});  // while a long request is on its way: an error, not SIGPIPE
  EXPECT_EQ(post(here(gone), 30, std::string(size_t{32} << 20, 'x')).status, 0);
  const OneServer endless([](int fd) {
    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    const std::string piece(1 << 20, 'x');
    for (int i = 0; i < 20; ++i) say(fd, piece);
  });
  EXPECT_EQ(post(here(endless)).error, "a reply of more than 16 MiB");
  EXPECT_NE(post("http://127.0.0.1:9", 5).error.find("127.0.0.1:9"), std::string::npos);
  const OneServer plain([](int fd) { say(fd, "HTTP/1.1 400 Bad\r\n\r\n"); });
  const HttpReply secure = post("https://127.0.0.1:" + std::to_string(plain.port), 5);
  EXPECT_EQ(secure.status, 0);
  EXPECT_NE(secure.error, "");
}

TEST(Http, AddressesAreReadOrRefused) {
  const HttpAddress secure = read_address("https://lean.example.org/"), six = read_address("[::1]:80"),
                    named = read_address("localhost:8000");
  EXPECT_TRUE(secure.secure);
  EXPECT_EQ(secure.text(), "lean.example.org:443");
  EXPECT_EQ(six.text(), "[::1]:80");
  EXPECT_EQ(six.host, "::1");
  EXPECT_EQ(named.text(), "localhost:8000");
  for (const char* bad : {"", "http://", "http://a:b", "http://a:0", "http://a:65536", "http://a/b", "ftp://a",
                          "http://[::1", "http://[zz]:1", "http://u@h:1", "http://[::1]x"})
    EXPECT_THROW(read_address(bad), Error) << bad;
}

}  // namespace
}  // namespace posttrain::rewards
