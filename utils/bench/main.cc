// cairn-bench: Redis and Cairn side by side on this machine. What is measured, and how: README.md
// beside this file.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "bench/dataset.h"
#include "bench/machine.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/socket.h"
#include "bench/throughput.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace cairn::bench {
namespace {

struct Arguments {
  Options options;
  std::string redis_server = "redis-server";
  std::string cairn_server;
  std::vector<std::string> only;
  std::string markdown_file;
  bool quick = false;
};

// The server that was built together with this program.
std::string CairnBesideThis() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "cairn-server";
}

void Declare(CLI::App& app, Arguments& arguments) {
  Options& o = arguments.options;
  std::vector<std::string> words(kPartWords.begin(), kPartWords.end());
  for (std::string_view word : kPolicyWords) words.emplace_back(word);
  for (std::string_view word : kCommandWords) words.emplace_back(word);
  for (std::string_view word : kDepthWords) words.emplace_back(word);
  app.add_flag("--quick", arguments.quick,
               "Small numbers: shows that everything runs, measures nothing");
  app.add_option("--only", arguments.only,
                 "Only these parts or cells, e.g. everysec,set,depth16 or dataset")
      ->delimiter(',')
      ->check(CLI::IsMember(words));
  app.add_option("--runs", o.runs, "Runs of each cell; medians are shown")
      ->check(CLI::Range(1, 99))
      ->capture_default_str();
  app.add_option("--seconds", o.seconds, "Length of a run; 600 when --requests is given")
      ->check(CLI::Range(0.01, 3600.0))
      ->capture_default_str();
  app.add_option("--requests", o.requests, "Requests of a run; 0 = as many as fit into --seconds")
      ->capture_default_str();
  app.add_option("--keys", o.keys, "Keys of the throughput part")
      ->check(CLI::Range(1u, 1'000'000'000u))
      ->capture_default_str();
  app.add_option("--dataset-keys", o.dataset_keys, "Keys of the dataset part")
      ->check(CLI::Range(1u, 1'000'000'000u))
      ->capture_default_str();
  app.add_option("--connections", o.connections, "Connections")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  app.add_option("--value-bytes", o.value_bytes, "Size of a value")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--patience", o.patience_s,
                 "Seconds to wait before a run while something else uses the machine")
      ->check(CLI::Range(0, 600))
      ->capture_default_str();
  app.add_option("--dir", o.dir, "Folder on the disk to use")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_option("--redis-server", arguments.redis_server, "Redis' binary")->capture_default_str();
  app.add_option("--cairn-server", arguments.cairn_server,
                 "Cairn's binary (default: the one beside this program)");
  app.add_option("--markdown", arguments.markdown_file,
                 "Also write the report to this file, as Markdown");
}

void Complete(const CLI::App& app, Arguments& arguments) {
  Options& o = arguments.options;
  const auto quick = [&](const char* option, auto& value, auto small) {
    if (arguments.quick && app.count(option) == 0) value = small;
  };
  quick("--runs", o.runs, 1);
  quick("--seconds", o.seconds, 0.2);
  quick("--keys", o.keys, 10'000u);
  quick("--dataset-keys", o.dataset_keys, 50'000u);
  quick("--patience", o.patience_s, 0);
  if (arguments.quick) {
    o.settle_timeout_s = 10;
    o.attempts = 1;
  }
  if (o.requests > 0 && app.count("--seconds") == 0) o.seconds = 600;
  o.only.insert(arguments.only.begin(), arguments.only.end());
  o.cpus = PlanCpus(AvailableCpus());
  if (arguments.cairn_server.empty()) arguments.cairn_server = CairnBesideThis();
}

// About twice what the larger of the two servers takes at its largest (Redis while it rewrites its
// append-only file).
absl::Status CheckDiskSpace(const Options& options) {
  const uint64_t keys = std::max(options.keys * 10, options.dataset_keys);
  const uint64_t wanted = keys * (options.value_bytes + 100) * 6;
  if (FreeDiskBytes(options.dir) >= wanted) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("{} needs {} MB of free disk; choose another folder with --dir", options.dir,
                  wanted / 1'000'000));
}

std::vector<std::string> Heading(const Options& options) {
  std::vector<std::string> lines = DescribeMachine(options.dir);
  for (Side side : kBothSides) {
    lines.push_back(fmt::format("{}: {}", kSideNames[side], options.servers[side].version));
  }
  for (Policy policy : {Policy::kEverysec, Policy::kAlways, Policy::kNone}) {
    for (Side side : kBothSides) {
      std::vector<std::string> args =
          ServerCommandLine(options.servers[side], policy, "<port>", "<dir>", options.cpus);
      for (std::string& arg : args) {
        if (arg.empty()) arg = "\"\"";
      }
      lines.push_back(
          fmt::format("{} {}: {}", kSideNames[side], PolicyName(policy), fmt::join(args, " ")));
    }
  }
  lines.push_back(fmt::format(
      "processors: generator {}, server's main thread {}, server's other threads and children {}",
      CpuList(options.cpus.client), CpuList(options.cpus.server_main),
      CpuList(options.cpus.server_helpers)));
  lines.push_back(fmt::format(
      "{} connections, {} keys, values of {} bytes, {} run(s) of {} s a cell", options.connections,
      options.keys, options.value_bytes, options.runs, options.seconds));
  return lines;
}

bool WantsPart(const Options& options, std::string_view part) {
  if (options.only.empty() || options.only.contains(std::string(part))) return true;
  // Naming a cell asks for the throughput part.
  return part == "throughput" && !(options.only.size() == 1 && options.only.contains("dataset"));
}

absl::Status Measure(Arguments& arguments, std::string& markdown) {
  Options& options = arguments.options;
  const PerSide<std::string> binaries = {arguments.redis_server, arguments.cairn_server};
  for (Side side : kBothSides) {
    absl::StatusOr<ServerKind> kind = IdentifyServer(binaries[side]);
    if (!kind.ok()) return Annotate(kind.status(), kSideNames[side]);
    options.servers[side] = *std::move(kind);
  }
  if (absl::Status s = CheckDiskSpace(options); !s.ok()) return s;
  const auto report = [&](auto&& render) {
    fmt::print("{}\n", render(Format::kText));
    std::fflush(stdout);
    markdown += render(Format::kMarkdown) + "\n";
  };
  report([&](Format format) { return RenderLines(Heading(options), format); });
  if (IsMemoryFileSystem(options.dir)) {
    fmt::print(stderr, "warning: {} is in memory, so syncing costs nothing there; see --dir\n",
               options.dir);
  }
  if (absl::Status s = PinSelf(options.cpus.client); !s.ok()) return s;

  Progress progress;
  absl::Status status;
  if (WantsPart(options, "throughput")) {
    std::vector<Cell> cells;
    status = RunThroughput(options, progress, cells);
    progress.Show("");
    report([&](Format format) { return RenderThroughput(cells, format); });
  }
  if (status.ok() && WantsPart(options, "dataset")) {
    Dataset dataset;
    status = RunDataset(options, progress, dataset);
    progress.Show("");
    report([&](Format format) { return RenderDataset(dataset, format); });
  }
  return status;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Measures Redis and Cairn side by side on this machine and prints one table.",
               "cairn-bench");
  Declare(app, arguments);
  CLI11_PARSE(app, argc, argv);
  Complete(app, arguments);
  CatchInterrupts();
  std::string markdown;
  const absl::Status status = Measure(arguments, markdown);
  if (!arguments.markdown_file.empty() && !(std::ofstream(arguments.markdown_file) << markdown)) {
    fmt::print(stderr, "cairn-bench: cannot write {}\n", arguments.markdown_file);
    return EXIT_FAILURE;
  }
  if (status.ok()) return EXIT_SUCCESS;
  fmt::print(stderr, "cairn-bench: {}\n",
             std::string_view(status.message().data(), status.message().size()));
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) {
  return cairn::bench::Main(argc, argv);
}
