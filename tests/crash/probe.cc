// Changes the folder that it is given in every way that the recorder must see; for
// crash_recorder_test. Ends with the line of the first call that failed.
#include <array>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

int failed_line = 0;

void Must(bool worked, int line) {
  if (!worked && failed_line == 0) failed_line = line;
}

iovec Part(const std::string& text) {
  return {const_cast<char*>(text.data()), text.size()};
}

void Files(const std::string& dir) {
  const std::string text = "some bytes of a file";
  const std::array<iovec, 2> parts = {Part(text), Part(text)};
  const int a = open((dir + "/a").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  Must(a >= 0, __LINE__);
  Must(write(a, text.data(), text.size()) > 0, __LINE__);
  Must(writev(a, parts.data(), 2) > 0, __LINE__);
  Must(pwrite(a, text.data(), text.size(), 1000) > 0, __LINE__);
  Must(pwritev(a, parts.data(), 2, 5000) > 0, __LINE__);
  Must(lseek(a, 9000, SEEK_SET) == 9000, __LINE__);
  Must(writev(a, parts.data(), 2) > 0, __LINE__);
  Must(ftruncate(a, 9010) == 0, __LINE__);
  Must(fsync(a) == 0, __LINE__);
  Must(fdatasync(a) == 0, __LINE__);
  Must(posix_fallocate(a, 0, 12'000) == 0, __LINE__);
  Must(close(a) == 0, __LINE__);

  const int b = creat((dir + "//b").c_str(), 0600);
  Must(b >= 0 && pwrite64(b, text.data(), text.size(), 3) > 0, __LINE__);
  Must(ftruncate64(b, 10) == 0, __LINE__);
  Must(sync_file_range(b, 0, 0, 0) == 0, __LINE__);
  Must(close(b) == 0, __LINE__);

  const int c = openat(AT_FDCWD, (dir + "/./c").c_str(), O_WRONLY | O_CREAT | O_DSYNC, 0600);
  Must(c >= 0 && write(c, text.data(), text.size()) > 0, __LINE__);
  Must(close(c) == 0, __LINE__);
}

void Names(const std::string& dir) {
  Must(mkdir((dir + "/sub").c_str(), 0700) == 0, __LINE__);
  Must(mkdir((dir + "/gone").c_str(), 0700) == 0, __LINE__);
  Must(rmdir((dir + "/gone").c_str()) == 0, __LINE__);
  Must(rename((dir + "/b").c_str(), (dir + "/c").c_str()) == 0, __LINE__);
  Must(close(creat((dir + "/sub/d").c_str(), 0600)) == 0, __LINE__);
  Must(renameat(AT_FDCWD, (dir + "/sub/d").c_str(), AT_FDCWD, (dir + "/sub/e").c_str()) == 0,
       __LINE__);
  Must(close(creat((dir + "/sub/f").c_str(), 0600)) == 0, __LINE__);
  Must(unlink((dir + "/sub/f").c_str()) == 0, __LINE__);
  Must(close(creat((dir + "/sub/g").c_str(), 0600)) == 0, __LINE__);
  Must(unlinkat(AT_FDCWD, (dir + "/sub/g").c_str(), 0) == 0, __LINE__);
  const int folder = open(dir.c_str(), O_RDONLY | O_DIRECTORY);
  Must(folder >= 0 && fsync(folder) == 0, __LINE__);
  Must(close(folder) == 0, __LINE__);
}

// Many writes and syncs at once; each thread has a file of its own.
void Threads(const std::string& dir) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&dir, number] {
      const std::string path = dir + "/thread-" + std::to_string(number);
      const int fd = open(path.c_str(), O_RDWR | O_CREAT, 0600);
      for (int i = 0; i < 500; ++i) {
        const std::string text = std::to_string(number) + ":" + std::to_string(i) + "\n";
        if (pwrite(fd, text.data(), text.size(), i * 7) < 0 || fdatasync(fd) != 0) return;
      }
      close(fd);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 1;
  const std::string dir = argv[1];
  Files(dir);
  Names(dir);
  Threads(dir);
  if (failed_line != 0) std::fprintf(stderr, "line %d failed\n", failed_line);
  if (argc > 2) {
    // A call that the recorder does not follow.
    Must(symlink("a", (dir + "/link").c_str()) == 0, __LINE__);
  }
  return failed_line == 0 ? 0 : 1;
}
