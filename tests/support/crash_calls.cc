#include "support/crash_calls.h"

#include <atomic>
#include <cstdarg>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

std::atomic<int> calls_left = 0;

void CountCall() {
  if (calls_left > 0 && --calls_left == 0) _exit(cairn::test::kCrashed);
}

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  CountCall();
  return Real<ssize_t(int, const void*, size_t, off_t)>("pwrite")(fd, bytes, size, offset);
}

extern "C" ssize_t pwritev(int fd, const iovec* parts, int count, off_t offset) {
  CountCall();
  return Real<ssize_t(int, const iovec*, int, off_t)>("pwritev")(fd, parts, count, offset);
}

extern "C" int fdatasync(int fd) {
  CountCall();
  return Real<int(int)>("fdatasync")(fd);
}

extern "C" int fsync(int fd) {
  CountCall();
  return Real<int(int)>("fsync")(fd);
}

extern "C" int ftruncate(int fd, off_t size) noexcept {
  CountCall();
  return Real<int(int, off_t)>("ftruncate")(fd, size);
}

extern "C" int rename(const char* from, const char* to) noexcept {
  CountCall();
  return Real<int(const char*, const char*)>("rename")(from, to);
}

extern "C" int unlink(const char* path) noexcept {
  CountCall();
  return Real<int(const char*)>("unlink")(path);
}

extern "C" int mkdir(const char* path, mode_t mode) noexcept {
  CountCall();
  return Real<int(const char*, mode_t)>("mkdir")(path, mode);
}

extern "C" int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    CountCall();
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  return Real<int(const char*, int, ...)>("open")(path, flags, mode);
}

namespace cairn::test {

void CrashAtCall(int nth) {
  calls_left = nth;
}

}  // namespace cairn::test
