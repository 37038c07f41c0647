#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/cli/console.hpp"

namespace likeness::app {

/// One thing that was looked at.
struct Diagnosis {
  enum class State { Good, Warning, Bad };
  State state = State::Good;
  std::string subject;  // "memory"
  std::string found;    // "3.2 GB free"
  std::string advice;   // what to do; empty when nothing is to be done
};

struct DoctorOptions {
  std::filesystem::path data;
  std::string listen = "127.0.0.1:4600";
  std::string cpu_summary;  // of the probe that ran before anything else
  bool amx_faults = false;
  bool quick = false;  // leave out reading every model file
};

/// Looks at processor, inference library, models, data folder, port, memory, open files and fonts. Changes nothing.
std::vector<Diagnosis> examine(const DoctorOptions& options);

/// Prints what `examine` found; kNo if something is bad, else kDone.
int run_doctor(const DoctorOptions& options, Console& console);

struct ModelsOptions {
  bool verify = false;
};
/// Lists the models with their licences; kNo if a file is missing or, with `verify`, damaged.
int run_models(const ModelsOptions& options, Console& console);

}  // namespace likeness::app
