// The end of a loop turn: what happens there, in which order. The order is the durability contract,
// so it stands in one table:
//
//   tasks      one slice of every unfinished task, parked writes if there is room *
//   expiry     a slice of the keys whose time has come *
//   log        what was appended is written; with appendfsync always a sync is asked for
//   mark       replies of this turn wait for the log to reach its present end
//   release    replies that are durable enough go to the sockets
//   engine     the checkpointer's progress is taken in, log that nobody needs is dropped, a backup
//              goes on
//   seal       the overlay is sealed when it is due, only with a written log
//   clients    sessions that ended are destroyed, drained ones go on
//   *          may append to the log
//
// A reply is marked after everything that this turn appended was appended, and released after it
// was written: nothing is ever acknowledged that a crash of the process could lose. Loop thread.
#pragma once

#include <array>
#include <string_view>

namespace cairn::server {

class Server;

class Turn {
 public:
  explicit Turn(Server& server) : server_(&server) {}

  // Runs all phases; true when there is more work to do at once.
  bool Run();

  struct Phase {
    std::string_view name;
    void (Turn::*run)();
  };
  static const std::array<Phase, 8>& Phases();

 private:
  void Tasks();
  void Expiry();
  void Log();
  void Mark();
  void Release();
  void Engine();
  void Seal();
  void ClientLists();

  // The offset up to which the log is as durable as appendfsync asks.
  [[nodiscard]] uint64_t DurableOffset() const;

  Server* server_;
  bool more_ = false;
};

}  // namespace cairn::server
