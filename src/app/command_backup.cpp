#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "app/cli/environment.hpp"
#include "app/commands.hpp"
#include "app/control.hpp"
#include "app/folder_lock.hpp"
#include "base/log.hpp"
#include "storage/backup.hpp"
#include "storage/embedded.hpp"

namespace likeness::app {
namespace {

namespace fs = std::filesystem;

struct BackupOptions {
  std::string where;
  std::optional<std::string> data;
};

fs::path data_folder(const BackupOptions& options) {
  return options.data ? fs::path(*options.data) : default_data_folder();
}

int failed(const Error& error) {
  std::fprintf(stderr, "likeness: %s%s%s\n", error.message.c_str(), error.detail.empty() ? "" : " ",
               error.detail.c_str());
  return 2;
}

/// Nobody serves from the folder: we do it ourselves, under its lock.
Result<std::string> backup_at_rest(const fs::path& data, const fs::path& destination) {
  const auto lock = FolderLock::take(data);
  if (!lock) return Failure(lock.error());
  auto storage = storage::EmbeddedStorage::open(data);
  if (!storage) return fail(storage);
  return backup_to(**storage, destination);
}

int run_backup(const BackupOptions& options) {
  const fs::path data = data_folder(options);
  if (!fs::exists(data / "FORMAT"))
    return failed(client_error("NoData", data.string() + " is not a data folder (--data).").value());
  // Absolute, since the server may have been started elsewhere.
  const fs::path destination = fs::absolute(options.where);
  auto done = ask_server(data, "backup " + destination.string());
  if (!done && done.error().code == "NoServer") done = backup_at_rest(data, destination);
  if (!done) return failed(done.error());
  std::printf("%s: %s\n", destination.c_str(), done->c_str());
  return 0;
}

int run_restore(const BackupOptions& options) {
  const fs::path data = data_folder(options);
  const auto done = storage::restore_backup(options.where, data);
  if (!done) return failed(done.error());
  std::printf("%s: %llu files, %llu bytes, all checked\n", data.c_str(), static_cast<unsigned long long>(done->files),
              static_cast<unsigned long long>(done->bytes));
  return 0;
}

}  // namespace

Result<std::string> backup_to(storage::EmbeddedStorage& storage, const fs::path& destination) {
  auto report = storage.backup(destination);
  if (!report) return fail(report);
  std::string text = std::to_string(report->files) + " files, " + std::to_string(report->bytes) + " bytes";
  // From a crash, or damaged by the disk: the reader should know of either.
  if (!report->not_whole.empty())
    text += "; left out " + std::to_string(report->not_whole.size()) + " blobs that are not whole, such as " +
            report->not_whole.front();
  return text;
}

void add_backup_commands(CLI::App& root, int& exit_code) {
  const auto add = [&](const char* name, const char* help, const char* what, int (*run)(const BackupOptions&)) {
    auto options = std::make_shared<BackupOptions>();
    CLI::App* command = root.add_subcommand(name, help);
    command->add_option("FOLDER", options->where, what)->required();
    command->add_option("--data", options->data, "the data folder; else $LIKENESS_DATA or the usual one")
        ->type_name("DIR");
    command->callback([options, run, &exit_code] {
      log::set_level(log::Level::Error);  // the answer says what there is to know
      exit_code = run(*options);
    });
  };
  add("backup", "Write a backup of the data folder, also while a server runs on it", "a new folder for the backup",
      run_backup);
  add("restore", "Make a data folder from a backup and check every byte of it", "the folder of the backup",
      run_restore);
}

}  // namespace likeness::app
