// The storage engine alone: gets, puts and commits of several writes at 1, 16 and 64 threads, and blobs of several
// sizes. Writes are durable (synced) unless --no-sync. Prints one Markdown table.
//
//   store_bench FOLDER [--seconds N] [--inline BYTES] [--no-sync] [--only WORD] [--threads N]

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "measured_loop.hpp"
#include "storage/embedded.hpp"

namespace likeness::storage {
namespace {

struct Arguments {
  std::filesystem::path folder;
  double seconds = 3;
  std::string only;
  int threads = 0;  // 0: 1, 16 and 64
  EmbeddedOptions options;
};

/// Prints how often and how long.
void measure(const Arguments& arguments, const std::string& name, int threads,
             const std::function<bool(int thread, int turn)>& work) {
  if (name.find(arguments.only) == std::string::npos) return;
  const auto found = bench::measured_loop(threads, arguments.seconds, work);
  fmt::print("| {} | {} | {:.0f} | {:.3f} | {:.3f} |{}\n", name, threads,
             static_cast<double>(found.turns) / found.seconds, found.p50_ms, found.p99_ms,
             found.failed ? " FAILED" : "");
  std::fflush(stdout);
}

Write put(std::string table, Key key, std::string value, Write::Expect expect = Write::Expect::Anything) {
  return {std::move(table), std::move(key), std::move(value), expect, {}};
}

int run(const Arguments& arguments) {
  auto opened = EmbeddedStorage::open(arguments.folder, arguments.options);
  if (!opened) {
    fmt::print(stderr, "{} {}\n", opened.error().message, opened.error().detail);
    return 1;
  }
  Store& store = (*opened)->store();
  Blobs& blobs = (*opened)->blobs();
  Log& log = (*opened)->log();
  std::mt19937 random(1);
  std::string noise(4u << 20, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  const auto value = [&](int turn, std::size_t size) {
    return noise.substr(static_cast<std::size_t>(turn) % 100'000, size);
  };
  constexpr int kItems = 200'000;
  const auto key = [](int number) {
    const auto spread = static_cast<std::uint32_t>(number) * 2654435761U;
    return Key{fmt::format("user{:08x}", spread), {}};
  };
  for (int number = 0; number < kItems; number += 500) {
    std::vector<Write> writes;
    writes.reserve(500);
    for (int i = number; i < number + 500; ++i) writes.push_back(put("t", key(i), value(i, 400)));
    if (!store.commit(std::move(writes))) return 1;
  }
  fmt::print("| what | threads | per second | p50 ms | p99 ms |\n|---|---|---|---|---|\n");
  const auto numbers = [](int thread, int turn) {
    return static_cast<int>((static_cast<std::uint64_t>(thread) * 7919 + static_cast<std::uint64_t>(turn) * 104'729) %
                            kItems);
  };
  for (const int threads : {1, 16, 64}) {
    if (arguments.threads != 0 && threads != arguments.threads) continue;
    measure(arguments, "get 400 B", threads, [&](int thread, int turn) {
      const auto found = store.get("t", key(numbers(thread, turn)));
      return found && *found;
    });
    measure(arguments, "get missing", threads,
            [&](int thread, int turn) { return store.get("t", key(kItems + numbers(thread, turn))).has_value(); });
    measure(arguments, "put 400 B", threads, [&](int thread, int turn) {
      return store.commit({put("t", key(numbers(thread, turn)), value(turn, 400))}).has_value();
    });
    measure(arguments, "commit of 3, one conditional", threads, [&](int thread, int turn) {
      const int number = numbers(thread, turn);
      const std::string sort = fmt::format("{:010}", number);
      return store
          .commit({put("t", key(number), value(turn, 400), Write::Expect::Present),
                   put("index", {fmt::format("{}", number % 1000), sort}, value(turn, 100)),
                   put("feed", {fmt::format("{}", thread), fmt::format("{:010}", turn)}, value(turn, 500))})
          .has_value();
    });
    measure(arguments, "range of 50", threads, [&](int thread, int turn) {
      Range range;
      range.limit = 50;
      return store.range("index", fmt::format("{}", numbers(thread, turn) % 1000), range).has_value();
    });
    measure(arguments, "log append 400 B", threads, [&](int thread, int turn) {
      return log.append(fmt::format("shard{}", thread % 4), {value(turn, 400)}).has_value();
    });
    // Small commits must not wait for large bytes that others write.
    if (const std::string name = "put 400 B beside 4 that put blobs of 100 KB";
        name.find(arguments.only) != std::string::npos) {
      std::atomic<int> stored = 0;
      std::vector<std::jthread> beside;
      beside.reserve(4);
      for (int i = 0; i < 4; ++i)
        beside.emplace_back([&, i](const std::stop_token& stop) {
          for (int turn = 0; !stop.stop_requested(); ++turn) {
            auto writer = blobs.create(100'000);
            if (!writer || !(*writer)->write(as_bytes(value(turn * 4 + i, 100'000)))) return;
            if (auto info = (*writer)->commit(); !info || !blobs.remove(info->id)) return;
            ++stored;
          }
        });
      measure(arguments, name, threads, [&](int thread, int turn) {
        return store.commit({put("t", key(numbers(thread, turn)), value(turn, 400))}).has_value();
      });
      fmt::print("| meanwhile: blobs of 100 KB | 4 | {:.0f} | | |\n", stored / arguments.seconds);
    }
    for (const std::size_t size : {std::size_t{1} << 10, std::size_t{10} << 10, std::size_t{30} << 10,
                                   std::size_t{100'000}, std::size_t{1} << 20}) {
      std::vector<std::vector<std::string>> ids(static_cast<std::size_t>(threads));
      const std::string name = size % 1024 == 0 ? fmt::format("{} KiB", size >> 10) : fmt::format("{} KB", size / 1000);
      measure(arguments, "blob put " + name, threads, [&](int thread, int turn) {
        auto writer = blobs.create(size);
        if (!writer) return false;
        const std::string content = value(turn, size);
        for (std::size_t at = 0; at < size; at += 64u << 10)
          if (!(*writer)->write(as_bytes(std::string_view(content).substr(at, 64u << 10)))) return false;
        auto info = (*writer)->commit();
        if (!info) return false;
        ids[static_cast<std::size_t>(thread)].push_back(info->id);
        return true;
      });
      measure(arguments, "blob get " + name, threads, [&](int thread, int turn) {
        const auto& mine = ids[static_cast<std::size_t>(thread)];
        if (mine.empty()) return true;
        auto reader = blobs.open(mine[static_cast<std::size_t>(turn) % mine.size()]);
        if (!reader) return false;
        thread_local Bytes buffer(128u << 10);
        for (;;) {
          auto count = (*reader)->read(buffer);
          if (!count) return false;
          if (*count == 0) return true;
        }
      });
      for (const auto& some : ids)
        for (const auto& id : some)
          if (!blobs.remove(id)) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace likeness::storage

int main(int argc, char** argv) {
  likeness::storage::Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto next = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (name == "--seconds")
      arguments.seconds = std::atof(next());
    else if (name == "--only")
      arguments.only = next();
    else if (name == "--threads")
      arguments.threads = std::atoi(next());
    else if (name == "--inline")
      arguments.options.blobs.inline_bytes = static_cast<std::size_t>(std::atoll(next()));
    else if (name == "--no-sync")
      arguments.options.store.sync = false;
    else
      arguments.folder = name;
  }
  if (arguments.folder.empty()) {
    std::fprintf(stderr,
                 "usage: store_bench FOLDER [--seconds N] [--inline BYTES] [--no-sync] [--only WORD] [--threads N]\n");
    return 2;
  }
  return likeness::storage::run(arguments);
}
