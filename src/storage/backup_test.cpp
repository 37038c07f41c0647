#include "storage/backup.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace likeness::storage {
namespace {

namespace fs = std::filesystem;

Bytes some_bytes(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

std::string put_blob(Blobs& blobs, const Bytes& content) {
  auto writer = blobs.create(content.size());
  EXPECT_TRUE(writer && (*writer)->write(content));
  auto info = (*writer)->commit();
  EXPECT_TRUE(info);
  return info ? info->id : "";
}

std::optional<Bytes> blob(const Blobs& blobs, const std::string& id) {
  auto reader = blobs.open(id);
  if (!reader) return std::nullopt;
  Bytes out, buffer(64u << 10);
  for (;;) {
    auto count = (*reader)->read(buffer);
    if (!count) return std::nullopt;
    if (*count == 0) return out;
    out.insert(out.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
}

std::unique_ptr<EmbeddedStorage> opened(const fs::path& data) {
  auto storage = EmbeddedStorage::open(data);
  EXPECT_TRUE(storage) << storage.error().message << storage.error().detail;
  return storage ? std::move(*storage) : nullptr;
}

TEST(Backup, IsWhatWasThereWhenItWasMade) {
  TemporaryStorage storage;
  const TemporaryFolder elsewhere;
  const Bytes small = some_bytes(1000, 1), large = some_bytes(500'000, 2);
  ASSERT_TRUE(storage->store().commit({{.table = "t", .key = {"p", "s"}, .value = "before", .expected_value = {}}}));
  const Position position = *storage->log().append("l", {"one", "two"});
  const std::string small_id = put_blob(storage->blobs(), small), large_id = put_blob(storage->blobs(), large);
  std::ofstream(storage.folder() / "credentials") << "secret";
  fs::permissions(storage.folder() / "credentials", fs::perms::owner_read | fs::perms::owner_write);
  std::ofstream(storage.folder() / "LOCK") << "1";

  const auto made = storage->backup(elsewhere.path() / "backup");
  ASSERT_TRUE(made) << made.error().message << made.error().detail;
  EXPECT_TRUE(made->not_whole.empty());
  // What happens afterwards is not in it.
  ASSERT_TRUE(storage->store().commit({{.table = "t", .key = {"p", "s"}, .value = "after", .expected_value = {}}}));
  ASSERT_TRUE(storage->log().append("l", {"three"}));
  ASSERT_TRUE(storage->blobs().remove(small_id));
  ASSERT_TRUE(storage->blobs().remove(large_id));

  const auto restored = restore_backup(elsewhere.path() / "backup", elsewhere.path() / "data", false);
  ASSERT_TRUE(restored) << restored.error().message << restored.error().detail;
  EXPECT_EQ(restored->files, made->files);
  const auto copy = opened(elsewhere.path() / "data");
  ASSERT_TRUE(copy);
  EXPECT_EQ(**copy->store().get("t", {"p", "s"}), "before");
  EXPECT_EQ(copy->log().read("l", position, 10)->records.size(), 2u);
  EXPECT_EQ(blob(copy->blobs(), small_id), small);
  EXPECT_EQ(blob(copy->blobs(), large_id), large);
  EXPECT_EQ(fs::status(elsewhere.path() / "data" / "credentials").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(elsewhere.path() / "data" / "LOCK"));
  EXPECT_FALSE(fs::exists(elsewhere.path() / "data" / "BACKUP"));
  // Writing to the copy or to the original leaves the backup alone: it can be restored again.
  ASSERT_TRUE(copy->store().commit({{.table = "t", .key = {"p", "s"}, .value = "copy", .expected_value = {}}}));
  EXPECT_TRUE(restore_backup(elsewhere.path() / "backup", elsewhere.path() / "again", false));
}

TEST(Backup, UnderWritesEveryTableAgreesWithTheOtherAndHasItsBlobs) {
  TemporaryStorage storage;
  const TemporaryFolder elsewhere;
  std::atomic<bool> stop = false;
  std::atomic<int> rounds = 0;
  std::vector<std::thread> writers;
  writers.reserve(3);
  for (unsigned w = 0; w < 3; ++w)
    writers.emplace_back([&, w] {
      std::string before;
      for (unsigned number = 0; !stop; ++number, ++rounds) {
        // Two tables name a blob that replaces the one before, which is then removed.
        const std::string id =
            put_blob(storage->blobs(), some_bytes(number % 2 == 0 ? 2000 : 60'000, w * 1000 + number));
        const Key key{"p", std::to_string(w)};
        const std::string value = id + " " + std::to_string(w * 1000 + number);
        ASSERT_TRUE(storage->store().commit({{.table = "a", .key = key, .value = value, .expected_value = {}},
                                             {.table = "b", .key = key, .value = value, .expected_value = {}}}));
        if (!before.empty()) {
          ASSERT_TRUE(storage->blobs().remove(before));
        }
        before = id;
      }
    });
  for (int backup = 0; backup < 5; ++backup) {
    for (const int now = rounds; rounds < now + 20;) std::this_thread::yield();
    const fs::path folder = elsewhere.path() / std::to_string(backup);
    const auto made = storage->backup(folder);
    ASSERT_TRUE(made) << made.error().message << made.error().detail;
    const auto restored = restore_backup(folder, elsewhere.path() / "data", false);
    ASSERT_TRUE(restored) << restored.error().message << restored.error().detail;
    {
      const auto copy = opened(elsewhere.path() / "data");
      ASSERT_TRUE(copy);
      for (int w = 0; w < 3; ++w) {
        const auto a = copy->store().get("a", {"p", std::to_string(w)});
        const auto b = copy->store().get("b", {"p", std::to_string(w)});
        ASSERT_TRUE(a && *a && b && *b);
        EXPECT_EQ(**a, **b);
        const std::string id = (*a)->substr(0, (*a)->find(' '));
        const auto seed = static_cast<unsigned>(std::stoul((*a)->substr(id.size() + 1)));
        EXPECT_EQ(blob(copy->blobs(), id), some_bytes(seed % 1000 % 2 == 0 ? 2000 : 60'000, seed))
            << backup << " " << w;
      }
    }
    fs::remove_all(elsewhere.path() / "data");
  }
  stop = true;
  for (auto& writer : writers) writer.join();
  // What was removed meanwhile is gone.
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(storage.folder() / "blobs"))
    files += entry.is_regular_file();
  EXPECT_LE(files, 6u);
}

TEST(Backup, NothingIsWrittenOverWhatIsThere) {
  TemporaryStorage storage;
  const TemporaryFolder elsewhere;
  std::ofstream(elsewhere.path() / "mine") << "x";
  const auto refused = storage->backup(elsewhere.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "NotEmpty");
  ASSERT_TRUE(storage->backup(elsewhere.path() / "backup"));
  const auto restored = restore_backup(elsewhere.path() / "backup", elsewhere.path());
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, "NotEmpty");
}

TEST(Backup, ThatIsNotWholeIsRefusedAndLeavesNothing) {
  TemporaryStorage storage;
  const TemporaryFolder elsewhere;
  ASSERT_TRUE(storage->store().commit(
      {{.table = "t", .key = {"p", "s"}, .value = std::string(100'000, 'v'), .expected_value = {}}}));
  put_blob(storage->blobs(), some_bytes(3000, 1));
  put_blob(storage->blobs(), some_bytes(300'000, 2));
  const auto spoil = [&](const std::string& name, const std::function<void(const fs::path&)>& how) {
    const fs::path folder = elsewhere.path() / name;
    ASSERT_TRUE(storage->backup(folder));
    how(folder);
    const auto restored = restore_backup(folder, elsewhere.path() / "data", false);
    EXPECT_FALSE(restored) << name;
    EXPECT_FALSE(fs::exists(elsewhere.path() / "data")) << name;
  };
  const auto file_like = [](const fs::path& folder, const std::string& part) {
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file() && entry.path().string().find(part) != std::string::npos) return entry.path();
    ADD_FAILURE() << "no " << part;
    return fs::path();
  };
  // Links: a change in place would spoil the original too.
  const auto flip_in_copy = [](const fs::path& file) {
    const fs::path copy = file.string() + ".copy";
    fs::copy_file(file, copy);
    std::fstream stream(copy, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(200);
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(200);
    stream.put(byte);
    stream.close();
    fs::rename(copy, file);
  };
  spoil("no list", [](const fs::path& folder) { fs::remove(folder / "BACKUP"); });
  spoil("half a list",
        [](const fs::path& folder) { fs::resize_file(folder / "BACKUP", fs::file_size(folder / "BACKUP") - 6); });
  spoil("no blob", [&](const fs::path& folder) { fs::remove(file_like(folder, "/blobs/")); });
  spoil("bad blob", [&](const fs::path& folder) { flip_in_copy(file_like(folder, "/blobs/")); });
  spoil("bad table", [&](const fs::path& folder) { flip_in_copy(file_like(folder, ".sst")); });
  spoil("bad small blob", [&](const fs::path& folder) { flip_in_copy(file_like(folder, ".blob")); });
  EXPECT_FALSE(restore_backup(elsewhere.path() / "never", elsewhere.path() / "data", false));
}

}  // namespace
}  // namespace likeness::storage
