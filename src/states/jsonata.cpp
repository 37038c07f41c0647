#include "states/jsonata.hpp"

#include <fmt/format.h>
#include <quickjs.h>

#include <algorithm>
#include <random>

#include "base/bytes.hpp"
#include "states/jsonata_sources.hpp"
#include "states/named_digest.hpp"

namespace likeness::states {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

/// btoa and atob over characters of one byte.
constexpr std::string_view kWindow = R"js(Object.assign(globalThis, (() => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const btoa = (text) => {
    let out = '';
    for (let i = 0; i < text.length; i += 3) {
      const rest = text.length - i;
      const bits = ((text.charCodeAt(i) & 255) << 16) | (rest > 1 ? (text.charCodeAt(i + 1) & 255) << 8 : 0) |
        (rest > 2 ? text.charCodeAt(i + 2) & 255 : 0);
      out += alphabet[bits >> 18] + alphabet[(bits >> 12) & 63] + (rest > 1 ? alphabet[(bits >> 6) & 63] : '=') +
        (rest > 2 ? alphabet[bits & 63] : '=');
    }
    return out;
  };
  const atob = (text) => {
    let out = '';
    let bits = 0;
    let count = 0;
    for (const c of text) {
      const value = alphabet.indexOf(c);
      if (value < 0) continue;
      bits = ((bits << 6) | value) & 0xffffff;
      count += 6;
      if (count >= 8) {
        count -= 8;
        out += String.fromCharCode((bits >> count) & 255);
      }
    }
    return out;
  };
  return { btoa, atob, window: globalThis };
})());)js";

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(undefined_behavior_sanitizer)
constexpr std::size_t kStackBytes = 4u << 20;  // instrumented frames are several times as large
#else
constexpr std::size_t kStackBytes = 768u << 10;
#endif

std::string text_of(JSContext* context, JSValueConst value) {
  std::size_t size = 0;
  const char* const text = JS_ToCStringLen(context, &size, value);
  if (text == nullptr) return "";
  std::string out(text, size);
  JS_FreeCString(context, text);
  return out;
}

JSValue js_hash(JSContext* context, JSValueConst, int count, JSValueConst* arguments) {
  if (count < 2) return JS_NULL;
  const auto digest = named_digest(text_of(context, arguments[1]), text_of(context, arguments[0]));
  return digest ? JS_NewString(context, digest->c_str()) : JS_NULL;
}

JSValue js_uuid(JSContext* context, JSValueConst, int, JSValueConst*) {
  return JS_NewString(context, uuid_v4().c_str());
}

JSValue js_random(JSContext* context, JSValueConst, int, JSValueConst*) {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return JS_NewFloat64(context, std::uniform_real_distribution<double>(0, 1)(generator));
}

}  // namespace

/// One engine with its memory. Used by one thread at a time, not always the same.
class Jsonata::Context {
 public:
  explicit Context(const JsonataOptions& options) : options_(options) {
    runtime_ = JS_NewRuntime();
    if (runtime_ == nullptr) return;
    JS_SetMemoryLimit(runtime_, options.memory_bytes);
    JS_SetMaxStackSize(runtime_, kStackBytes);
    JS_SetInterruptHandler(
        runtime_, [](JSRuntime*, void* self) { return static_cast<Context*>(self)->late() ? 1 : 0; }, this);
    context_ = JS_NewContext(runtime_);
    if (context_ == nullptr) return;
    deadline_ = std::chrono::steady_clock::now() + std::chrono::seconds(30);  // loading is not the caller's time
    // What the library asks of a browser for $base64encode and $base64decode.
    const auto window = evaluate(kWindow);
    if (JS_IsException(window)) return;
    JS_FreeValue(context_, window);
    const auto library = evaluate(jsonata_library());
    if (JS_IsException(library)) return;
    JS_FreeValue(context_, library);
    const auto make = evaluate(jsonata_glue());
    if (JS_IsException(make)) return;
    const auto global = JS_GetGlobalObject(context_);
    JSValue arguments[4] = {
        JS_GetPropertyStr(context_, global, "jsonata"), JS_NewCFunction(context_, js_hash, "hash", 2),
        JS_NewCFunction(context_, js_uuid, "uuid", 0), JS_NewCFunction(context_, js_random, "random", 0)};
    run_ = JS_Call(context_, make, JS_UNDEFINED, 4, arguments);
    for (const auto& argument : arguments) JS_FreeValue(context_, argument);
    JS_FreeValue(context_, global);
    JS_FreeValue(context_, make);
    ok_ = !JS_IsException(run_);
  }
  ~Context() {
    if (context_ != nullptr) {
      JS_FreeValue(context_, run_);
      JS_FreeContext(context_);
    }
    if (runtime_ != nullptr) JS_FreeRuntime(runtime_);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  bool ok() const { return ok_; }

  /// The answer's JSON. After an error the context is of no further use.
  Result<std::string> call(const std::string& request) {
    JS_UpdateStackTop(runtime_);
    deadline_ = std::chrono::steady_clock::now() + options_.time_limit;
    JSValue argument = JS_NewStringLen(context_, request.data(), request.size());
    const auto promise = JS_Call(context_, run_, JS_UNDEFINED, 1, &argument);
    JS_FreeValue(context_, argument);
    if (JS_IsException(promise)) return broken();
    for (;;) {
      JSContext* where = nullptr;
      const int ran = JS_ExecutePendingJob(runtime_, &where);
      if (ran < 0 || late()) {
        JS_FreeValue(context_, promise);
        return broken();
      }
      if (ran == 0) break;
    }
    Result<std::string> out = std::string();
    const auto state = JS_PromiseState(context_, promise);
    const auto result = JS_PromiseResult(context_, promise);
    if (state == JS_PROMISE_FULFILLED) {
      out = text_of(context_, result);
    } else {
      ok_ = false;
      out = late() ? timeout() : client_error("Error", "the expression does not end");
      if (state == JS_PROMISE_REJECTED && !late()) out = client_error("OutOfMemory", text_of(context_, result));
    }
    JS_FreeValue(context_, result);
    JS_FreeValue(context_, promise);
    return out;
  }

 private:
  bool late() const { return std::chrono::steady_clock::now() > deadline_; }
  Failure timeout() const {
    return client_error("Timeout", fmt::format("The evaluation took longer than {} ms.", options_.time_limit.count()));
  }
  Failure broken() {
    ok_ = false;
    if (late()) return timeout();
    const auto exception = JS_GetException(context_);
    auto text = text_of(context_, exception);
    JS_FreeValue(context_, exception);
    return client_error("OutOfMemory", text.empty() || text == "null" ? "out of memory" : text);
  }
  JSValue evaluate(std::string_view script) {
    const std::string copy(script);  // the engine wants a nul at the end
    return JS_Eval(context_, copy.data(), copy.size(), "jsonata", JS_EVAL_TYPE_GLOBAL);
  }

  const JsonataOptions options_;
  JSRuntime* runtime_ = nullptr;
  JSContext* context_ = nullptr;
  JSValue run_ = JS_UNDEFINED;
  SteadyTime deadline_;
  bool ok_ = false;
};

class Jsonata::Lease {
 public:
  explicit Lease(const Jsonata& owner) : owner_(owner) {
    std::unique_lock lock(owner.mutex_);
    owner.freed_.wait(lock, [&] { return !owner.free_.empty() || owner.in_use_ < owner.options_.contexts; });
    ++owner.in_use_;
    if (!owner.free_.empty()) {
      context_ = std::move(owner.free_.back());
      owner.free_.pop_back();
    }
    lock.unlock();
    if (context_ == nullptr) context_ = std::make_unique<Context>(owner.options_);
  }
  ~Lease() {
    {
      const std::lock_guard lock(owner_.mutex_);
      --owner_.in_use_;
      if (context_->ok()) owner_.free_.push_back(std::move(context_));
    }
    owner_.freed_.notify_one();
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Context& operator*() { return *context_; }

 private:
  const Jsonata& owner_;
  std::unique_ptr<Context> context_;
};

Jsonata::Jsonata(JsonataOptions options) : options_(options) {}
Jsonata::~Jsonata() = default;

Result<std::string> Jsonata::run(bool check_only, const Call& call) const {
  std::string request = "{\"expressions\":[";
  for (std::size_t i = 0; i < call.expressions.size(); ++i) {
    if (i > 0) request.push_back(',');
    write_json_string(call.expressions[i], request);
  }
  request += "],\"aws\":";
  request += call.dialect == Dialect::StepFunctions ? "true" : "false";
  request += ",\"check\":";
  request += check_only ? "true" : "false";
  if (call.input) {
    request += ",\"input\":";
    write_json(*call.input, request);
  }
  request += ",\"bindings\":{";
  bool first = true;
  const auto bind = [&](std::string_view name, const Value& value) {
    if (!first) request.push_back(',');
    first = false;
    write_json_string(name, request);
    request.push_back(':');
    write_json(value, request);
  };
  if (call.variables != nullptr)
    for (const auto& [name, value] : *call.variables) bind(name, value);
  if (call.states != nullptr) bind("states", *call.states);
  request += "}}";
  Lease context(*this);
  if (!(*context).ok()) return server_error("InternalFailure", "JSONata is not available", "QuickJS did not start");
  return (*context).call(request);
}

Result<std::vector<std::optional<Value>>> Jsonata::evaluate(const Call& call) const {
  auto answer = run(false, call);
  if (!answer) return fail(answer);
  auto parsed = parse_json(*answer);
  if (!parsed) return client_error("UnsupportedResult", "returned an unsupported result type.");
  if (const Value* const error = parsed->find("error")) {
    Error out{error->is_string() ? error->as_string() : "Error", std::string(parsed->text_of("message")),
              Error::Fault::Client, ""};
    if (const Value* const at = parsed->find("at"); at != nullptr && at->is_integer())
      out.detail = std::to_string(at->as_integer());
    return Failure(std::move(out));
  }
  std::vector<std::optional<Value>> out;
  const Value* const results = parsed->find("results");
  if (results == nullptr || !results->is_array()) return client_error("Error", "the engine gave no answer");
  out.reserve(results->as_array().size());
  for (const auto& result : results->as_array()) {
    if (result.is_array() && !result.as_array().empty()) {
      out.emplace_back(result.as_array().front());
    } else {
      out.emplace_back(std::nullopt);
    }
  }
  return out;
}

Result<void> Jsonata::check(std::string_view expression) const {
  const std::string text(expression);
  Call call;
  call.expressions = std::span(&text, 1);
  auto answer = run(true, call);
  if (!answer) return fail(answer);
  const auto parsed = parse_json(*answer);
  if (parsed && parsed->find("error") == nullptr) return {};
  return client_error(parsed ? std::string(parsed->text_of("error")) : "Error",
                      parsed ? std::string(parsed->text_of("message")) : "the engine gave no answer");
}

std::optional<std::string> jsonata_expression(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  if (!text.starts_with("{%") || !text.ends_with("%}") || text.size() < 4) return std::nullopt;
  text.remove_prefix(2);
  text.remove_suffix(2);
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return std::string();
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

}  // namespace likeness::states
