#include "vision/runtime/model_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

namespace likeness::vision {
namespace {

namespace json = boost::json;

/// Reads members of one model and remembers the first thing that was wrong, so that the parser below stays a list.
class Reader {
 public:
  Reader(const json::object& object, std::string where) : object_(object), where_(std::move(where)) {}

  std::string text(std::string_view member, bool needed = true) {
    const json::value* value = object_.if_contains(member);
    if (value == nullptr) {
      if (needed) wrong(member, "is missing");
      return {};
    }
    if (!value->is_string()) {
      wrong(member, "must be a text");
      return {};
    }
    return std::string(value->get_string());
  }

  const json::array* list(std::string_view member, bool needed = true) {
    const json::value* value = object_.if_contains(member);
    if (value == nullptr || !value->is_array()) {
      if (needed || value != nullptr) wrong(member, value == nullptr ? "is missing" : "must be a list");
      return nullptr;
    }
    return &value->get_array();
  }

  const json::object* object(std::string_view member, bool needed = true) {
    const json::value* value = object_.if_contains(member);
    if (value == nullptr || !value->is_object()) {
      if (needed || value != nullptr) wrong(member, value == nullptr ? "is missing" : "must be an object");
      return nullptr;
    }
    return &value->get_object();
  }

  std::vector<std::int64_t> shape(std::string_view member) {
    std::vector<std::int64_t> sizes;
    const json::array* values = list(member);
    if (values == nullptr) return sizes;
    for (const json::value& value : *values) {
      boost::system::error_code error;
      const auto size = value.to_number<std::int64_t>(error);
      if (error || size < 1 || size > 100'000) {
        wrong(member, "must hold sizes from 1 to 100000");
        return {};
      }
      sizes.push_back(size);
    }
    if (sizes.empty() || sizes.size() > 6) wrong(member, "must have 1 to 6 sizes");
    return sizes;
  }

  std::vector<float> numbers(std::string_view member) {
    std::vector<float> numbers;
    const json::array* values = list(member);
    if (values == nullptr) return numbers;
    for (const json::value& value : *values) {
      boost::system::error_code error;
      numbers.push_back(static_cast<float>(value.to_number<double>(error)));
      if (error) wrong(member, "must hold numbers");
    }
    return numbers;
  }

  template <class Enum>
  Enum choice(std::string_view member, std::initializer_list<std::pair<std::string_view, Enum>> choices) {
    const std::string value = text(member);
    std::string known;
    for (const auto& [name, meaning] : choices) {
      if (name == value) return meaning;
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    wrong(member, "must be one of " + known);
    return choices.begin()->second;
  }

  void wrong(std::string_view member, std::string_view what) {
    if (error_.empty()) error_ = fmt::format("{}: \"{}\" {}", where_, member, what);
  }
  const std::string& error() const { return error_; }
  /// Takes the error of a reader of an inner object over.
  void adopt(const Reader& inner) {
    if (error_.empty()) error_ = inner.error_;
  }
  const std::string& where() const { return where_; }

 private:
  const json::object& object_;
  std::string where_;
  std::string error_;
};

InputForm read_input(Reader& model) {
  InputForm form;
  const json::object* object = model.object("input");
  if (object == nullptr) return form;
  Reader input(*object, model.where() + " input");
  form.shape = input.shape("shape");
  form.layout = input.choice<TensorLayout>(
      "layout", {{"NCHW", TensorLayout::Nchw}, {"NHWC", TensorLayout::Nhwc}, {"points", TensorLayout::Points}});
  form.what = input.text("what", false);
  if (form.layout == TensorLayout::Points) {
    model.adopt(input);
    return form;
  }
  form.colour = input.choice<ColourOrder>(
      "colour", {{"RGB", ColourOrder::Rgb}, {"BGR", ColourOrder::Bgr}, {"grey", ColourOrder::Grey}});
  form.mean = input.numbers("mean");
  form.scale = input.numbers("scale");
  const std::size_t channels = form.colour == ColourOrder::Grey ? 1 : 3;
  if (form.shape.size() != 4) input.wrong("shape", "must have four sizes");
  if (form.shape.size() == 4 && form.channels() != static_cast<int>(channels))
    input.wrong("shape", "does not have the channels of \"colour\" where \"layout\" says");
  if (form.mean.size() != channels) input.wrong("mean", "must have one number a channel");
  if (form.scale.size() != channels) input.wrong("scale", "must have one number a channel");
  if (std::find(form.scale.begin(), form.scale.end(), 0.0F) != form.scale.end()) input.wrong("scale", "must not be 0");
  model.adopt(input);
  return form;
}

std::vector<OutputForm> read_outputs(Reader& model) {
  std::vector<OutputForm> outputs;
  const json::array* list = model.list("outputs");
  if (list == nullptr) return outputs;
  for (const json::value& value : *list) {
    if (!value.is_object()) {
      model.wrong("outputs", "must hold objects");
      break;
    }
    Reader output(value.get_object(), model.where() + " outputs");
    OutputForm form;
    form.name = output.text("name");
    form.shape = output.shape("shape");
    form.what = output.text("what", false);
    outputs.push_back(std::move(form));
    model.adopt(output);
  }
  if (outputs.empty()) model.wrong("outputs", "must not be empty");
  return outputs;
}

std::vector<ModelFile> read_files(Reader& model) {
  std::vector<ModelFile> files;
  const json::array* list = model.list("files");
  if (list == nullptr) return files;
  for (const json::value& value : *list) {
    if (!value.is_object()) {
      model.wrong("files", "must hold objects");
      break;
    }
    Reader file(value.get_object(), model.where() + " files");
    ModelFile entry;
    entry.file = file.text("file");
    entry.package_path = file.text("package_path", false);
    // A manifest must not reach outside its folder.
    if (entry.file.empty() || entry.file.find('/') != std::string::npos || entry.file[0] == '.')
      file.wrong("file", "must be a plain file name");
    const auto digest = from_hex(file.text("sha256"));
    if (!digest || digest->size() != entry.sha256.size()) {
      file.wrong("sha256", "must be 64 hex digits");
    } else {
      std::copy(digest->begin(), digest->end(), entry.sha256.begin());
    }
    files.push_back(std::move(entry));
    model.adopt(file);
  }
  if (files.empty()) model.wrong("files", "must not be empty");
  return files;
}

ModelSpec read_model(Reader& reader) {
  ModelSpec spec;
  spec.role = reader.text("role");
  // It becomes part of file names and of metrics.
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (spec.role.empty() || spec.role.size() > 64 || !std::all_of(spec.role.begin(), spec.role.end(), plain))
    reader.wrong("role", "must be 1 to 64 of a-z, 0-9 and _");
  spec.name = reader.text("name");
  spec.version = reader.text("version");
  spec.format = reader.choice<ModelFormat>("format", {{"onnx", ModelFormat::Onnx},
                                                      {"tflite", ModelFormat::TfLite},
                                                      {"tfjs-graph", ModelFormat::TfjsGraph},
                                                      {"openvino-ir", ModelFormat::OpenVinoIr}});
  spec.registry = reader.text("registry", false);
  spec.package = reader.text("package", false);
  spec.licence = reader.text("licence");
  spec.training_data = reader.text("training_data", false);
  spec.measured = reader.text("measured", false);
  spec.files = read_files(reader);
  spec.input = read_input(reader);
  spec.outputs = read_outputs(reader);
  if (const json::object* parameters = reader.object("parameters", false)) {
    for (const auto& [name, value] : *parameters) {
      boost::system::error_code error;
      spec.parameters[std::string(name)] = value.to_number<double>(error);
      if (error) reader.wrong("parameters", "must hold numbers");
    }
  }
  const std::size_t needed = spec.format == ModelFormat::TfjsGraph || spec.format == ModelFormat::OpenVinoIr ? 2 : 1;
  if (spec.files.size() < needed) reader.wrong("files", "must hold the graph and the file of weights");
  return spec;
}

}  // namespace

int InputForm::height() const { return static_cast<int>(shape[layout == TensorLayout::Nchw ? 2 : 1]); }
int InputForm::width() const { return static_cast<int>(shape[layout == TensorLayout::Nchw ? 3 : 2]); }
int InputForm::channels() const { return static_cast<int>(shape[layout == TensorLayout::Nchw ? 1 : 3]); }

std::size_t InputForm::elements() const {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

Sha256 ModelSpec::content_sha256() const {
  Bytes digests;
  for (const ModelFile& file : files) digests.insert(digests.end(), file.sha256.begin(), file.sha256.end());
  return sha256(digests);
}

double ModelSpec::parameter(std::string_view name_wanted, double otherwise) const {
  const auto found = parameters.find(name_wanted);
  return found == parameters.end() ? otherwise : found->second;
}

Result<std::vector<ModelSpec>> parse_manifest(std::string_view text, const std::filesystem::path& folder,
                                              std::string_view source) {
  boost::system::error_code error;
  const json::value root = json::parse({text.data(), text.size()}, error);
  if (error) return client_error("InvalidManifest", fmt::format("{} is not JSON: {}", source, error.message()));
  const json::value* list = root.is_object() ? root.get_object().if_contains("models") : nullptr;
  if (list == nullptr || !list->is_array())
    return client_error("InvalidManifest", fmt::format("{} has no list \"models\"", source));
  std::vector<ModelSpec> specs;
  std::set<std::string> roles;
  for (const json::value& value : list->get_array()) {
    if (!value.is_object())
      return client_error("InvalidManifest", fmt::format("{}: \"models\" must hold objects", source));
    const json::object& object = value.get_object();
    const json::value* role = object.if_contains("role");
    Reader reader(object, fmt::format("{}, model {}", source,
                                      role != nullptr && role->is_string() ? std::string(role->get_string())
                                                                           : std::to_string(specs.size() + 1)));
    ModelSpec spec = read_model(reader);
    spec.folder = folder;
    if (!reader.error().empty()) return client_error("InvalidManifest", reader.error());
    if (!roles.insert(spec.role).second)
      return client_error("InvalidManifest", fmt::format("{} has role {} twice", source, spec.role));
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace likeness::vision
