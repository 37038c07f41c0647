// Each model of the manifest alone in plain OpenVINO, nothing of our workers around it: batch 1, float32, one thread a
// stream. Latency: one request on one stream, median. Throughput: one request on each of as many streams as cores,
// driven by the library's own asynchronous calls. The floor that the HTTP benchmark is held against.
//
//   models_alone [--json] [--seconds S] [ROLE...]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <openvino/openvino.hpp>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "vision/runtime/cpu_probe.hpp"
#include "vision/runtime/model_registry.hpp"
#include "vision/runtime/read_model.hpp"
#include "vision/runtime/workers.hpp"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

ov::CompiledModel compile(ov::Core& core, const std::shared_ptr<ov::Model>& model, int streams) {
  return core.compile_model(model, "CPU", ov::hint::inference_precision(ov::element::f32),
                            ov::hint::execution_mode(ov::hint::ExecutionMode::ACCURACY), ov::num_streams(streams),
                            ov::inference_num_threads(streams));
}

ov::InferRequest request_of(ov::CompiledModel& compiled) {
  ov::InferRequest request = compiled.create_infer_request();
  for (std::size_t i = 0; i < compiled.inputs().size(); ++i) {
    ov::Tensor tensor = request.get_input_tensor(i);
    // Not zeros, which some kernels and denormals treat in their own time.
    if (tensor.get_element_type() == ov::element::f32) std::fill_n(tensor.data<float>(), tensor.get_size(), 0.3F);
  }
  return request;
}

double median_latency_ms(ov::CompiledModel compiled, double seconds) {
  ov::InferRequest request = request_of(compiled);
  for (int i = 0; i < 5; ++i) request.infer();
  std::vector<double> times;
  for (const auto begin = Clock::now(); seconds_since(begin) < seconds || times.size() < 11;) {
    const auto one = Clock::now();
    request.infer();
    times.push_back(seconds_since(one) * 1000);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

double runs_per_second(ov::CompiledModel compiled, int streams, double seconds) {
  std::vector<ov::InferRequest> requests;
  for (int i = 0; i < streams; ++i) requests.push_back(request_of(compiled));
  for (auto& request : requests) request.infer();
  std::mutex mutex;
  std::condition_variable finished;
  std::size_t done = 0;
  int running = streams;
  const auto begin = Clock::now();
  for (auto& request : requests)
    request.set_callback([&](const std::exception_ptr& error) {
      std::unique_lock lock(mutex);
      ++done;
      if (!error && seconds_since(begin) < seconds) {
        lock.unlock();
        request.start_async();
        return;
      }
      if (--running == 0) finished.notify_one();
    });
  for (auto& request : requests) request.start_async();
  std::unique_lock lock(mutex);
  finished.wait(lock, [&] { return running == 0; });
  const double rate = static_cast<double>(done) / seconds_since(begin);
  lock.unlock();
  for (auto& request : requests) request.wait();
  return rate;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace likeness;
  log::set_level(log::Level::Warn);
  vision::probe_cpu_before_inference();
  bool as_json = false;
  double seconds = 1;
  std::vector<std::string> roles;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--json") {
      as_json = true;
    } else if (argument == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else {
      roles.push_back(argument);
    }
  }
  const auto registry = vision::ModelRegistry::load();
  if (!registry) {
    std::fprintf(stderr, "%s\n", registry.error().message.c_str());
    return 1;
  }
  const int streams = static_cast<int>(vision::usable_cores());
  ov::Core core;
  std::string json;
  if (!as_json) fmt::print("| model | latency ms | runs/s, {} streams |\n|---|---|---|\n", streams);
  for (const auto& spec : registry->specs()) {
    if (!roles.empty() && std::find(roles.begin(), roles.end(), spec.role) == roles.end()) continue;
    const auto model = vision::read_model(core, spec);
    if (!model) {
      std::fprintf(stderr, "%s\n", model.error().message.c_str());
      return 1;
    }
    const double latency = median_latency_ms(compile(core, *model, 1), seconds);
    const double rate = runs_per_second(compile(core, *model, streams), streams, seconds);
    if (as_json) {
      json += fmt::format("{}\"{}\": {{\"latency_ms\": {:.4f}, \"runs_per_second\": {:.2f}}}", json.empty() ? "" : ", ",
                          spec.role, latency, rate);
    } else {
      fmt::print("| {} | {:.3f} | {:.1f} |\n", spec.role, latency, rate);
    }
  }
  if (as_json) fmt::print("{{{}}}\n", json);
  return 0;
}
