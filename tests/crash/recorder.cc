// The recorder: a library that is loaded in front of the C library (LD_PRELOAD) and notes every
// change that the process makes below one folder, and how many bytes it hands to its clients
// (recording_format.h).
//
// The calls go to the kernel directly, so the recorder works before anything else of the process
// is initialised. Nothing is buffered: what is noted survives the process. A call that the recorder
// would have to follow and does not is noted as unsupported, and the reader refuses the recording.
//
// Threads: all; stamps and handles are atomic, events are appended under a mutex. Lifetime: the
// process.
#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "crash/recording_format.h"

namespace cairn::crash {
namespace {

constexpr size_t kMaxDescriptors = 1 << 16;
constexpr uint32_t kConnectionBit = 1U << 31;

std::array<std::atomic<uint32_t>, kMaxDescriptors> handles;  // by descriptor; 0 = not watched
std::atomic<uint32_t> next_handle = 1;
std::atomic<uint64_t> next_stamp = 1;
std::atomic<bool> active = false;
std::atomic<bool> closing = false;  // the process is about to be killed
std::atomic<int> under_way = 0;     // calls that have begun and are not noted yet
std::mutex append_mutex;
int output = -1;
uint64_t kill_at = 0;
uint64_t sync_delay_us = 0;
std::array<char, 2 * PATH_MAX> root;
size_t root_size = 0;

uint64_t EnvNumber(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  if (text == nullptr) return fallback;
  uint64_t value = fallback;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

uint64_t NowUs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

void Wait(uint64_t us) {
  const timespec time{static_cast<time_t>(us / 1'000'000),
                      static_cast<long>(us % 1'000'000 * 1000)};
  syscall(SYS_nanosleep, &time, nullptr);
}

[[noreturn]] void Die() {
  syscall(SYS_kill, getpid(), SIGKILL);
  while (true) pause();
}

// The end of the process by kEnvKillAt: nothing new begins, what has begun ends and is noted.
[[noreturn]] void KillHere() {
  if (closing.exchange(true)) {
    --under_way;
    while (true) pause();
  }
  while (under_way.load() != 1) Wait(50);
  Die();
}

using Path = std::array<char, 2 * PATH_MAX>;

// The absolute path of `path` without empty and `.` parts; empty when it is too long.
std::string_view Clean(const char* path, Path* out) {
  Path whole;
  size_t size = 0;
  const size_t length = std::strlen(path);
  if (length >= PATH_MAX) return {};
  if (path[0] != '/') {
    if (syscall(SYS_getcwd, whole.data(), PATH_MAX) < 0) return {};
    size = std::strlen(whole.data());
    whole[size++] = '/';
  }
  std::memcpy(whole.data() + size, path, length);
  size_t clean = 0;
  for (std::string_view rest(whole.data(), size + length); !rest.empty();) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    (*out)[clean++] = '/';
    part.copy(out->data() + clean, part.size());
    clean += part.size();
  }
  return {out->data(), clean};
}

// `path` relative to the watched folder, which itself is ""; false when it lies elsewhere.
bool Relative(const char* path, std::array<char, PATH_MAX>* out) {
  Path clean;
  std::string_view found = Clean(path, &clean);
  const std::string_view watched(root.data(), root_size);
  if (!found.starts_with(watched)) return false;
  found.remove_prefix(watched.size());
  if (!found.empty() && found.front() != '/') return false;
  if (!found.empty()) found.remove_prefix(1);
  if (found.size() >= out->size()) return false;
  (*out)[found.copy(out->data(), found.size())] = '\0';
  return true;
}

// Bytes of a call's buffers, cut to what the call took.
void Append(EventHeader event, std::string_view path, std::string_view path2,
            std::span<const iovec> data, size_t data_size) {
  event.wall_us = static_cast<int64_t>(NowUs(CLOCK_REALTIME));
  event.path_size = static_cast<uint32_t>(path.size());
  event.path2_size = static_cast<uint32_t>(path2.size());
  event.data_size = data_size;
  const auto put = [](const void* bytes, size_t size) {
    const char* at = static_cast<const char*>(bytes);
    while (size > 0) {
      const long written = syscall(SYS_write, output, at, size);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) Die();  // A recording with a hole would be worse than none.
      at += written;
      size -= static_cast<size_t>(written);
    }
  };
  const std::lock_guard lock(append_mutex);
  put(&event, sizeof event);
  put(path.data(), path.size());
  put(path2.data(), path2.size());
  for (const iovec& part : data) {
    const size_t size = std::min(part.iov_len, data_size);
    put(part.iov_base, size);
    data_size -= size;
  }
}

struct Described {
  EventHeader event;
  std::string_view path;
  std::string_view path2;
  std::span<const iovec> data;
  size_t data_size = 0;
};

// Makes the call between two stamps and notes it when it has worked. `describe(result)` gives the
// event; it is called after the call.
template <typename Call, typename Describe>
long Noted(Call call, Describe describe) {
  ++under_way;
  const uint64_t begin = next_stamp.fetch_add(1);
  if (closing.load() || (kill_at != 0 && begin >= kill_at)) KillHere();
  const long result = call();
  const int error = errno;
  if (result >= 0) {
    Described described = describe(result);
    described.event.begin = begin;
    described.event.end = next_stamp.fetch_add(1);
    Append(described.event, described.path, described.path2, described.data, described.data_size);
  }
  --under_way;
  errno = error;
  return result;
}

uint32_t HandleOf(int fd) {
  if (fd < 0 || static_cast<size_t>(fd) >= kMaxDescriptors) return 0;
  return active.load(std::memory_order_acquire)
             ? handles[static_cast<size_t>(fd)].load(std::memory_order_acquire)
             : 0;
}

bool IsConnection(uint32_t handle) {
  return (handle & kConnectionBit) != 0;
}

uint32_t Watch(long fd, uint32_t kind_bit) {
  const uint32_t handle = next_handle.fetch_add(1) | kind_bit;
  if (static_cast<size_t>(fd) >= kMaxDescriptors) Die();
  handles[static_cast<size_t>(fd)].store(handle, std::memory_order_release);
  return handle;
}

void Unsupported(const char* what) {
  Noted([] { return 0L; },
        [&](long) {
          return Described{
              .event = {.kind = EventKind::kUnsupported}, .path = what, .path2 = {}, .data = {}};
        });
}

long OpenAt(int dir, const char* path, int flags, mode_t mode) {
  std::array<char, PATH_MAX> relative;
  const auto call = [&] { return syscall(SYS_openat, dir, path, flags, mode); };
  if (!active.load(std::memory_order_acquire)) return call();
  if (dir != AT_FDCWD && path[0] != '/' && HandleOf(dir) != 0) Unsupported("openat");
  if (!Relative(path, &relative)) {
    const long fd = call();
    if (fd >= 0 && static_cast<size_t>(fd) < kMaxDescriptors) {
      handles[static_cast<size_t>(fd)].store(0, std::memory_order_release);
    }
    return fd;
  }
  return Noted(call, [&](long fd) {
    return Described{.event = {.kind = EventKind::kOpen,
                               .handle = Watch(fd, 0),
                               .flags = static_cast<uint32_t>(flags)},
                     .path = relative.data(),
                     .path2 = {},
                     .data = {}};
  });
}

// Data for a file or a connection. `offset` < 0: at the descriptor's own position.
template <typename Call>
long Write(int fd, std::span<const iovec> parts, int64_t offset, Call call) {
  const uint32_t handle = HandleOf(fd);
  if (handle == 0) return call();
  if (IsConnection(handle)) {
    return Noted(call, [&](long sent) {
      return Described{.event = {.kind = EventKind::kSend,
                                 .handle = handle,
                                 .offset = static_cast<uint64_t>(sent)},
                       .path = {},
                       .path2 = {},
                       .data = {}};
    });
  }
  const int64_t at = offset >= 0 ? offset : syscall(SYS_lseek, fd, 0, SEEK_CUR);
  if (at < 0) Unsupported("write without a position");
  if (offset < 0 && (syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND) != 0) Unsupported("O_APPEND");
  return Noted(call, [&](long written) {
    return Described{
        .event = {.kind = EventKind::kWrite, .handle = handle, .offset = static_cast<uint64_t>(at)},
        .path = {},
        .path2 = {},
        .data = parts,
        .data_size = static_cast<size_t>(written)};
  });
}

// A call on one descriptor without data.
template <typename Call>
long OnFile(int fd, EventKind kind, uint64_t offset, Call call) {
  const uint32_t handle = HandleOf(fd);
  if (handle == 0 || IsConnection(handle)) return call();
  return Noted(call, [&](long) {
    return Described{.event = {.kind = kind, .handle = handle, .offset = offset},
                     .path = {},
                     .path2 = {},
                     .data = {}};
  });
}

template <typename Call>
long Sync(int fd, EventKind kind, Call call) {
  return OnFile(fd, kind, 0, [&] {
    if (sync_delay_us == 0) return call();
    // A slow disk, so that writes and other syncs run into this one: part of the time before what
    // the kernel does, part behind it.
    const uint64_t chance = NowUs(CLOCK_MONOTONIC) * 0x9e3779b97f4a7c15U;
    Wait((chance >> 40) % sync_delay_us / 2);
    const long result = call();
    const int error = errno;
    Wait((chance >> 20) % sync_delay_us / 2);
    errno = error;
    return result;
  });
}

// A call that names one place in a folder.
template <typename Call>
long OnPath(int dir, const char* path, EventKind kind, Call call) {
  std::array<char, PATH_MAX> relative;
  if (!active.load(std::memory_order_acquire)) return call();
  if (dir != AT_FDCWD && path[0] != '/' && HandleOf(dir) != 0) Unsupported("a path by a folder");
  if (!Relative(path, &relative)) return call();
  return Noted(call, [&](long) {
    return Described{.event = {.kind = kind}, .path = relative.data(), .path2 = {}, .data = {}};
  });
}

template <typename Call>
long Rename(int from_dir, const char* from, int to_dir, const char* to, Call call) {
  std::array<char, PATH_MAX> relative_from;
  std::array<char, PATH_MAX> relative_to;
  if (!active.load(std::memory_order_acquire)) return call();
  for (const int dir : {from_dir, to_dir}) {
    if (dir != AT_FDCWD && HandleOf(dir) != 0) Unsupported("renameat");
  }
  const bool from_here = Relative(from, &relative_from);
  const bool to_here = Relative(to, &relative_to);
  if (!from_here && !to_here) return call();
  if (from_here != to_here) Unsupported("a rename across the watched folder's border");
  return Noted(call, [&](long) {
    return Described{.event = {.kind = EventKind::kRename},
                     .path = relative_from.data(),
                     .path2 = relative_to.data(),
                     .data = {}};
  });
}

long Accept(int fd, sockaddr* address, socklen_t* length, int flags) {
  const auto call = [&] { return syscall(SYS_accept4, fd, address, length, flags); };
  if (!active.load(std::memory_order_acquire)) return call();
  return Noted(call, [](long accepted) {
    return Described{
        .event = {.kind = EventKind::kAccept, .handle = Watch(accepted, kConnectionBit)},
        .path = {},
        .path2 = {},
        .data = {}};
  });
}

void* Map(void* address, size_t length, int protection, int flags, int fd, off64_t offset) {
  if (fd >= 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0) {
    OnFile(fd, EventKind::kMapShared, 0, [] { return 0L; });
  }
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, length, protection, flags, fd, offset));
}

__attribute__((constructor)) void Start() {
  const char* watched = std::getenv(kEnvRoot);
  const char* file = std::getenv(kEnvOutput);
  if (watched == nullptr || file == nullptr) return;
  root_size = Clean(watched, &root).size();
  if (root_size == 0) Die();
  next_stamp = EnvNumber(kEnvFirstStamp, 1);
  kill_at = EnvNumber(kEnvKillAt, 0);
  sync_delay_us = EnvNumber(kEnvSyncDelayUs, 0);
  output = static_cast<int>(
      syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (output < 0) Die();
  active.store(true, std::memory_order_release);
}

iovec Part(const void* bytes, size_t size) {
  return {const_cast<void*>(bytes), size};
}

}  // namespace
}  // namespace cairn::crash

// What the C library would do, with a note.
using cairn::crash::EventKind;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = va_arg(list, mode_t);
  va_end(list);
  return static_cast<int>(cairn::crash::OpenAt(AT_FDCWD, path, flags, mode));
}

int open64(const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = va_arg(list, mode_t);
  va_end(list);
  return static_cast<int>(cairn::crash::OpenAt(AT_FDCWD, path, flags, mode));
}

int openat(int dir, const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = va_arg(list, mode_t);
  va_end(list);
  return static_cast<int>(cairn::crash::OpenAt(dir, path, flags, mode));
}

int openat64(int dir, const char* path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  const mode_t mode = va_arg(list, mode_t);
  va_end(list);
  return static_cast<int>(cairn::crash::OpenAt(dir, path, flags, mode));
}

int creat(const char* path, mode_t mode) {
  return static_cast<int>(cairn::crash::OpenAt(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode));
}

int creat64(const char* path, mode_t mode) {
  return creat(path, mode);
}

int close(int fd) {
  if (cairn::crash::HandleOf(fd) != 0) {
    cairn::crash::handles[static_cast<size_t>(fd)].store(0, std::memory_order_release);
  }
  return static_cast<int>(syscall(SYS_close, fd));
}

ssize_t write(int fd, const void* bytes, size_t size) {
  const iovec part = cairn::crash::Part(bytes, size);
  return cairn::crash::Write(fd, {&part, 1}, -1,
                             [&] { return syscall(SYS_write, fd, bytes, size); });
}

ssize_t writev(int fd, const iovec* parts, int count) {
  return cairn::crash::Write(fd, {parts, static_cast<size_t>(count)}, -1,
                             [&] { return syscall(SYS_writev, fd, parts, count); });
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  const iovec part = cairn::crash::Part(bytes, size);
  return cairn::crash::Write(fd, {&part, 1}, offset,
                             [&] { return syscall(SYS_pwrite64, fd, bytes, size, offset); });
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  return pwrite(fd, bytes, size, offset);
}

ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  // The kernel takes the position in two halves; the upper one is empty where a word holds it all.
  return cairn::crash::Write(fd, {parts, static_cast<size_t>(count)}, offset,
                             [&] { return syscall(SYS_pwritev, fd, parts, count, offset, 0L); });
}

ssize_t pwritev64(int fd, const iovec* parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

ssize_t pwritev2(int fd, const iovec* parts, int count, off_t offset, int flags) {
  if (cairn::crash::HandleOf(fd) != 0) cairn::crash::Unsupported("pwritev2");
  return syscall(SYS_pwritev2, fd, parts, count, offset, 0L, flags);
}

ssize_t pwritev64v2(int fd, const iovec* parts, int count, off64_t offset, int flags) {
  return pwritev2(fd, parts, count, offset, flags);
}

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
  const iovec part = cairn::crash::Part(bytes, size);
  return cairn::crash::Write(
      fd, {&part, 1}, 0, [&] { return syscall(SYS_sendto, fd, bytes, size, flags, nullptr, 0); });
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return cairn::crash::Write(fd, {message->msg_iov, message->msg_iovlen}, 0,
                             [&] { return syscall(SYS_sendmsg, fd, message, flags); });
}

ssize_t sendfile(int out, int in, off_t* offset, size_t size) noexcept {
  if (cairn::crash::HandleOf(out) != 0) cairn::crash::Unsupported("sendfile");
  return syscall(SYS_sendfile, out, in, offset, size);
}

ssize_t sendfile64(int out, int in, off64_t* offset, size_t size) noexcept {
  return sendfile(out, in, offset, size);
}

ssize_t copy_file_range(int in, off64_t* in_offset, int out, off64_t* out_offset, size_t size,
                        unsigned flags) {
  if (cairn::crash::HandleOf(out) != 0) cairn::crash::Unsupported("copy_file_range");
  return syscall(SYS_copy_file_range, in, in_offset, out, out_offset, size, flags);
}

ssize_t splice(int in, off64_t* in_offset, int out, off64_t* out_offset, size_t size,
               unsigned flags) {
  if (cairn::crash::HandleOf(out) != 0) cairn::crash::Unsupported("splice");
  return syscall(SYS_splice, in, in_offset, out, out_offset, size, flags);
}

int fsync(int fd) {
  return static_cast<int>(
      cairn::crash::Sync(fd, EventKind::kSync, [&] { return syscall(SYS_fsync, fd); }));
}

int fdatasync(int fd) {
  return static_cast<int>(
      cairn::crash::Sync(fd, EventKind::kSync, [&] { return syscall(SYS_fdatasync, fd); }));
}

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags) {
  return static_cast<int>(cairn::crash::Sync(fd, EventKind::kSyncRange, [&] {
    return syscall(SYS_sync_file_range, fd, offset, size, flags);
  }));
}

int ftruncate(int fd, off_t size) noexcept {
  return static_cast<int>(cairn::crash::OnFile(fd, EventKind::kTruncate,
                                               static_cast<uint64_t>(size),
                                               [&] { return syscall(SYS_ftruncate, fd, size); }));
}

int ftruncate64(int fd, off64_t size) noexcept {
  return ftruncate(fd, size);
}

int truncate(const char* path, off_t size) noexcept {
  return static_cast<int>(cairn::crash::OnPath(AT_FDCWD, path, EventKind::kUnsupported,
                                               [&] { return syscall(SYS_truncate, path, size); }));
}

int truncate64(const char* path, off64_t size) noexcept {
  return truncate(path, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size) {
  if (mode != 0 && cairn::crash::HandleOf(fd) != 0) cairn::crash::Unsupported("fallocate");
  return static_cast<int>(
      cairn::crash::OnFile(fd, EventKind::kAllocate, static_cast<uint64_t>(offset + size),
                           [&] { return syscall(SYS_fallocate, fd, mode, offset, size); }));
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size) {
  return fallocate(fd, mode, offset, size);
}

int posix_fallocate(int fd, off_t offset, off_t size) {
  const int kept = errno;
  const int error = fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
  errno = kept;
  return error;
}

int posix_fallocate64(int fd, off64_t offset, off64_t size) {
  return posix_fallocate(fd, offset, size);
}

int rename(const char* from, const char* to) noexcept {
  return static_cast<int>(cairn::crash::Rename(AT_FDCWD, from, AT_FDCWD, to, [&] {
    return syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  }));
}

int renameat(int from_dir, const char* from, int to_dir, const char* to) noexcept {
  return static_cast<int>(cairn::crash::Rename(from_dir, from, to_dir, to, [&] {
    return syscall(SYS_renameat, from_dir, from, to_dir, to);
  }));
}

int renameat2(int from_dir, const char* from, int to_dir, const char* to, unsigned flags) noexcept {
  if (flags != 0) cairn::crash::Unsupported("renameat2");
  return renameat(from_dir, from, to_dir, to);
}

int link(const char* from, const char* to) noexcept {
  return static_cast<int>(cairn::crash::OnPath(AT_FDCWD, to, EventKind::kUnsupported,
                                               [&] { return syscall(SYS_link, from, to); }));
}

int symlink(const char* from, const char* to) noexcept {
  return static_cast<int>(cairn::crash::OnPath(AT_FDCWD, to, EventKind::kUnsupported,
                                               [&] { return syscall(SYS_symlink, from, to); }));
}

int unlink(const char* path) noexcept {
  return static_cast<int>(cairn::crash::OnPath(AT_FDCWD, path, EventKind::kUnlink,
                                               [&] { return syscall(SYS_unlink, path); }));
}

int unlinkat(int dir, const char* path, int flags) noexcept {
  const EventKind kind = (flags & AT_REMOVEDIR) != 0 ? EventKind::kRmdir : EventKind::kUnlink;
  return static_cast<int>(cairn::crash::OnPath(
      dir, path, kind, [&] { return syscall(SYS_unlinkat, dir, path, flags); }));
}

int remove(const char* path) noexcept {
  return unlink(path) == 0 ? 0 : (errno == EISDIR ? rmdir(path) : -1);
}

int rmdir(const char* path) noexcept {
  return static_cast<int>(cairn::crash::OnPath(AT_FDCWD, path, EventKind::kRmdir,
                                               [&] { return syscall(SYS_rmdir, path); }));
}

int mkdir(const char* path, mode_t mode) noexcept {
  return static_cast<int>(cairn::crash::OnPath(AT_FDCWD, path, EventKind::kMkdir,
                                               [&] { return syscall(SYS_mkdir, path, mode); }));
}

int mkdirat(int dir, const char* path, mode_t mode) noexcept {
  return static_cast<int>(cairn::crash::OnPath(
      dir, path, EventKind::kMkdir, [&] { return syscall(SYS_mkdirat, dir, path, mode); }));
}

void* mmap(void* address, size_t length, int protection, int flags, int fd, off_t offset) noexcept {
  return cairn::crash::Map(address, length, protection, flags, fd, offset);
}

void* mmap64(void* address, size_t length, int protection, int flags, int fd,
             off64_t offset) noexcept {
  return cairn::crash::Map(address, length, protection, flags, fd, offset);
}

int accept(int fd, sockaddr* address, socklen_t* length) {
  return static_cast<int>(cairn::crash::Accept(fd, address, length, 0));
}

int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  return static_cast<int>(cairn::crash::Accept(fd, address, length, flags));
}

int dup(int fd) noexcept {
  if (cairn::crash::HandleOf(fd) != 0) cairn::crash::Unsupported("dup");
  return static_cast<int>(syscall(SYS_dup, fd));
}

int dup2(int fd, int as) noexcept {
  if (cairn::crash::HandleOf(fd) != 0) cairn::crash::Unsupported("dup2");
  return static_cast<int>(syscall(SYS_dup2, fd, as));
}

int dup3(int fd, int as, int flags) noexcept {
  if (cairn::crash::HandleOf(fd) != 0) cairn::crash::Unsupported("dup3");
  return static_cast<int>(syscall(SYS_dup3, fd, as, flags));
}

}  // extern "C"
