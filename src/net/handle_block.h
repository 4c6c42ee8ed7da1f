// The memory of one libuv handle. For net/ only.
//
// libuv goes on using a handle until its close callback, which comes after its owner is gone. So a
// handle is the first part of a heap block that the owner creates with `new` and gives up with
// Close; the close callback deletes it. What a callback needs while it runs (its std::function,
// output under way) belongs in the block too. Loop thread only.
#pragma once

#include <uv.h>

namespace cairn::net {

// `Block` derives from HandleBlock<Block, uv_xxx_t> and is the only owner of what it holds.
template <typename Block, typename Handle>
class HandleBlock {
 public:
  HandleBlock() { handle_.data = static_cast<Block*>(this); }
  HandleBlock(const HandleBlock&) = delete;
  HandleBlock& operator=(const HandleBlock&) = delete;

  Handle* handle() { return &handle_; }
  // The block of a handle that libuv hands to a callback.
  static Block* Of(const Handle* handle) { return static_cast<Block*>(handle->data); }

  // No callback of libuv's follows; the block is deleted in this or the next round.
  void Close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle_),
             [](uv_handle_t* handle) { delete static_cast<Block*>(handle->data); });
  }

 protected:
  ~HandleBlock() = default;

 private:
  Handle handle_{};
};

}  // namespace cairn::net
