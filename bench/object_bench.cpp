// Objects of S3 without the network: puts and gets of 10 KB, 100 KB and 10 MB at 1, 16 and 64 threads, durable, with
// MD5 (the ETag), CRC-64/NVME and the storage's own checksums. Prints one Markdown table.
//
//   object_bench FOLDER [--seconds N] [--threads N] [--only WORD]

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/objects/object_store.hpp"
#include "measured_loop.hpp"
#include "storage/embedded.hpp"

namespace likeness::objects {
namespace {

struct Arguments {
  std::filesystem::path folder;
  double seconds = 3;
  int threads = 0;
  std::string only;
};

/// Prints rate, time and CPU time of one.
void measure(const Arguments& arguments, const std::string& name, int threads, std::size_t size,
             const std::function<bool(int thread, int turn)>& work) {
  const auto found = bench::measured_loop(threads, arguments.seconds, work);
  const auto count = static_cast<double>(found.turns);
  fmt::print("| {} | {} | {:.0f} | {:.0f} | {:.2f} | {:.2f} | {:.2f} |{}\n", name, threads, count / found.seconds,
             count * static_cast<double>(size) / found.seconds / 1e6, found.p50_ms, found.p99_ms,
             found.cpu_seconds / count * 1e3, found.failed ? " FAILED" : "");
  std::fflush(stdout);
}

int run(const Arguments& arguments) {
  auto storage = storage::EmbeddedStorage::open(arguments.folder, {});
  if (!storage) {
    fmt::print(stderr, "{} {}\n", storage.error().message, storage.error().detail);
    return 1;
  }
  const Clock& clock = Clock::system();
  auto feed = domain::ChangeFeed::open((*storage)->store(), "s3", clock);
  if (!feed) return 1;
  auto opened = ObjectStore::open((*storage)->store(), (*storage)->blobs(), **feed, clock);
  if (!opened) return 1;
  ObjectStore& objects = **opened;
  const auto bucket =
      objects.buckets.create({.name = "bench-bucket", .account = "000000000000", .region = "us-east-1"});
  if (!bucket) return 1;
  std::mt19937_64 random(1);
  Bytes noise(11'000'000);
  for (std::size_t i = 0; i + 8 <= noise.size(); i += 8) {
    const std::uint64_t word = random();
    std::memcpy(noise.data() + i, &word, 8);
  }
  fmt::print("| what | threads | per second | MB/s | p50 ms | p99 ms | CPU ms |\n|---|---|---|---|---|---|---|\n");
  for (const auto& [size, size_name] : {std::pair<std::size_t, std::string>{10'000, "10 KB"},
                                        {50'000, "50 KB"},
                                        {100'000, "100 KB"},
                                        {10'000'000, "10 MB"}})
    for (const int threads : {1, 16, 64}) {
      if (arguments.threads != 0 && threads != arguments.threads) continue;
      // Each thread has 8 keys, so that most puts replace an object.
      const auto key = [](int thread, int turn) { return fmt::format("photos/{}/{}", thread, turn % 8); };
      std::vector<int> stored(static_cast<std::size_t>(threads));  // keys of each thread that there are
      const auto put_one = [&, length = size](int thread, int turn) {
        std::size_t at = static_cast<std::size_t>(turn) * 64 % 900'000;
        const std::size_t end = at + length;
        Put put;
        put.key = key(thread, turn);
        put.source = [&](std::span<std::uint8_t> into) -> Result<std::size_t> {
          const std::size_t count = std::min({into.size(), std::size_t{64} << 10, end - at});
          std::memcpy(into.data(), noise.data() + at, count);
          at += count;
          return count;
        };
        put.expected.size = length;
        int& there = stored[static_cast<std::size_t>(thread)];
        there = std::max(there, std::min(turn + 1, 8));
        return objects.objects.put(*bucket, std::move(put)).has_value();
      };
      if (const std::string name = "put " + size_name; name.find(arguments.only) != std::string::npos)
        measure(arguments, name, threads, size, put_one);
      if (const std::string name = "get " + size_name; name.find(arguments.only) != std::string::npos)
        measure(arguments, name, threads, size, [&](int thread, int turn) {
          int& there = stored[static_cast<std::size_t>(thread)];
          if (there == 0 && !put_one(thread, 0)) return false;
          const auto found = objects.objects.find(*bucket, key(thread, turn % there), {});
          if (!found) return false;
          auto reader = objects.objects.open(*found, 0, found->size);
          if (!reader) return false;
          thread_local Bytes buffer(256u << 10);
          for (;;) {
            const auto count = (*reader)->read(buffer);
            if (!count) return false;
            if (*count == 0) return true;
          }
        });
    }
  return 0;
}

}  // namespace
}  // namespace likeness::objects

int main(int argc, char** argv) {
  likeness::objects::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto next = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (name == "--seconds")
      arguments.seconds = std::atof(next());
    else if (name == "--threads")
      arguments.threads = std::atoi(next());
    else if (name == "--only")
      arguments.only = next();
    else
      arguments.folder = name;
  }
  if (arguments.folder.empty()) {
    std::fprintf(stderr, "usage: object_bench FOLDER [--seconds N] [--threads N] [--only WORD]\n");
    return 2;
  }
  return likeness::objects::run(arguments);
}
