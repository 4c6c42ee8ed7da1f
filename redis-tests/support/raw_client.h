// A Redis client that shows bytes: what goes to the socket and exactly what comes back.
//
// RESP2 and RESP3 framing is read only to find where a reply ends. Each client is used by one
// thread. Connections go to 127.0.0.1 only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::redis_tests {

using Command = std::vector<std::string>;

// Appends `command` as an array of bulk strings to *out.
void AppendCommand(const Command& command, std::string* out);

// Length in bytes of the whole reply at the start of `data`; 0 when it is not complete yet.
size_t ReplyLength(std::string_view data);

// One element of a reply that is not an aggregate: its payload, as a view of the reply.
struct Scalar {
  char type;  // the first byte of its frame
  bool null;
  std::string_view text;
};

// All scalars of one reply in order, nested ones included: one for a simple reply, the elements of
// an array, names and values of a map. REQUIRES: `reply` is complete.
std::vector<Scalar> Scalars(std::string_view reply);

// A reply as text for a person: escaped, the middle of long ones left out.
std::string Shown(std::string_view bytes);

// A command as text for a person, in the form that the tables of cases take.
std::string Shown(const Command& command);

class RawClient {
 public:
  RawClient() = default;
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Connects to 127.0.0.1:port, dropping an older connection; false when nobody listens.
  bool Connect(int port);
  // The same for a Unix socket.
  bool ConnectUnix(const std::string& path);
  void Close();
  [[nodiscard]] bool connected() const { return fd_ >= 0; }

  // Writes `requests` and reads `count` replies, at the same time, so that neither side's buffers
  // can block the other. Appends the replies that came to *replies (exact bytes). False when the
  // connection broke or `timeout_ms` passed without all of them; what came before is there.
  bool Exchange(std::string_view requests, size_t count, std::vector<std::string>* replies,
                int timeout_ms = 60'000);

  // One command and its reply. Throws std::runtime_error when the connection breaks.
  std::string Call(const Command& command);

 private:
  // Connects fd_; false when nobody listens.
  bool ConnectTo(const void* address, unsigned size);
  bool Fill();  // reads what has come; false at the end of the stream
  bool TakeReply(std::string* reply);

  int fd_ = -1;
  std::string input_;
  size_t input_at_ = 0;     // bytes of input_ that were given out already
  size_t wanted_size_ = 0;  // no reply can be complete before input_ is this long
};

}  // namespace cairn::redis_tests
