#include "vision/runtime/tfjs_graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <openvino/openvino.hpp>
#include <openvino/opsets/opset13.hpp>
#include <set>
#include <stdexcept>

#include "base/bytes.hpp"

// The form of the files is that of the TensorFlow.js converter: "modelTopology" is a GraphDef as JSON (texts in base64,
// 64-bit numbers as texts), "weightsManifest" lists the constants in the order in which the weights file holds them.
namespace likeness::vision {
namespace {

namespace json = boost::json;
namespace op = ov::opset13;

/// Everything below throws this; the one public function turns it into an Error.
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A tensor of the graph. TensorFlow's images are NHWC, OpenVINO convolves NCHW: images are turned round once, when
/// they enter the first convolution, and stay so (`nchw`) until something needs the order of TensorFlow.
struct Value {
  ov::Output<ov::Node> output;
  bool nchw = false;
};

ov::Output<ov::Node> int_constant(const std::vector<std::int64_t>& values) {
  return op::Constant::create(ov::element::i64, ov::Shape{values.size()}, values);
}
ov::Output<ov::Node> transposed(const ov::Output<ov::Node>& input, const std::vector<std::int64_t>& order) {
  return std::make_shared<op::Transpose>(input, int_constant(order));
}
std::int64_t rank(const Value& value) { return value.output.get_partial_shape().rank().get_length(); }

Value to_nchw(const Value& value) {
  if (value.nchw) return value;
  if (rank(value) != 4) throw Unreadable("an image operation has an input that is not an image");
  return {transposed(value.output, {0, 3, 1, 2}), true};
}
Value to_tensorflow(const Value& value) {
  return value.nchw ? Value{transposed(value.output, {0, 2, 3, 1}), false} : value;
}

class Importer {
 public:
  Importer(const json::object& root, const std::string& weights, const std::vector<std::int64_t>& input_shape)
      : input_shape_(input_shape) {
    const json::value* format = root.if_contains("format");
    if (format == nullptr || !format->is_string() || format->get_string() != "graph-model")
      throw Unreadable("it is not a TensorFlow.js graph model");
    read_weights(root, weights);
    for (const json::value& node : root.at("modelTopology").at("node").as_array()) {
      const std::string name(node.at("name").as_string());
      nodes_[name] = &node.as_object();
      order_.push_back(name);
    }
    if (const json::value* signature = root.if_contains("signature"))
      for (const auto& [key, output] : signature->at("outputs").as_object())
        wanted_outputs_.push_back(bare(output.at("name").as_string()));
  }

  std::shared_ptr<ov::Model> build() {
    std::set<std::string> consumed;
    for (const auto& [name, node] : nodes_)
      for (const std::string& input : inputs_of(*node)) consumed.insert(input);
    // Converters leave the signature away at times; what nobody reads is then an output.
    if (wanted_outputs_.empty())
      for (const std::string& name : order_)
        if (!consumed.contains(name)) wanted_outputs_.push_back(name);
    ov::ResultVector results;
    for (const std::string& name : wanted_outputs_) {
      auto result = std::make_shared<op::Result>(to_tensorflow(value_of(name, 0)).output);
      result->get_output_tensor(0).set_names({name});
      result->input_value(0).get_tensor().add_names({name});
      results.push_back(result);
    }
    return std::make_shared<ov::Model>(results, parameters_, "tfjs");
  }

 private:
  static std::string bare(std::string_view name) {
    if (name.starts_with('^')) name.remove_prefix(1);
    return std::string(name.substr(0, name.find(':')));
  }

  static std::vector<std::string> inputs_of(const json::object& node) {
    std::vector<std::string> names;
    if (const json::value* list = node.if_contains("input"))
      for (const json::value& name : list->as_array()) names.push_back(bare(name.as_string()));
    return names;
  }

  void read_weights(const json::object& root, const std::string& bytes) {
    std::size_t offset = 0;
    for (const json::value& group : root.at("weightsManifest").as_array()) {
      if (group.at("paths").as_array().size() != 1 || root.at("weightsManifest").as_array().size() != 1)
        throw Unreadable("its weights are in several files");
      for (const json::value& entry : group.at("weights").as_array()) {
        ov::Shape shape;
        std::size_t count = 1;
        for (const json::value& size : entry.at("shape").as_array()) {
          shape.push_back(size.to_number<std::size_t>());
          if (shape.back() != 0 && count > bytes.size() / shape.back())
            throw Unreadable("a weight is larger than the file");
          count *= shape.back();
        }
        weights_[std::string(entry.at("name").as_string())] =
            read_weight(entry.as_object(), shape, count, bytes, offset);
      }
    }
    if (offset != bytes.size()) throw Unreadable("its file of weights does not have the length that it says");
  }

  template <class Stored>
  static std::vector<Stored> take(const std::string& bytes, std::size_t& offset, std::size_t count) {
    if (count > (bytes.size() - offset) / sizeof(Stored)) throw Unreadable("its file of weights ends early");
    std::vector<Stored> values(count);
    std::copy_n(bytes.data() + offset, count * sizeof(Stored), reinterpret_cast<char*>(values.data()));
    offset += count * sizeof(Stored);
    return values;
  }

  template <class Stored>
  static std::vector<float> dequantised(const std::vector<Stored>& stored, const json::object& quantization) {
    const auto scale = quantization.at("scale").to_number<float>();
    const auto least = quantization.at("min").to_number<float>();
    std::vector<float> values;
    values.reserve(stored.size());
    for (const Stored value : stored) values.push_back(static_cast<float>(value) * scale + least);
    return values;
  }

  static std::shared_ptr<ov::Node> read_weight(const json::object& entry, const ov::Shape& shape, std::size_t count,
                                               const std::string& bytes, std::size_t& offset) {
    const std::string_view type = entry.at("dtype").as_string();
    if (type == "int32") return op::Constant::create(ov::element::i32, shape, take<std::int32_t>(bytes, offset, count));
    if (type != "float32") throw Unreadable(fmt::format("weights of type {} are not known", type));
    const json::value* quantization = entry.if_contains("quantization");
    if (quantization == nullptr)
      return op::Constant::create(ov::element::f32, shape, take<float>(bytes, offset, count));
    const std::string_view stored = quantization->at("dtype").as_string();
    std::vector<float> values;
    if (stored == "float16") {
      const auto halves = take<ov::float16>(bytes, offset, count);
      values.assign(halves.begin(), halves.end());
    } else if (stored == "uint8") {
      values = dequantised(take<std::uint8_t>(bytes, offset, count), quantization->as_object());
    } else if (stored == "uint16") {
      values = dequantised(take<std::uint16_t>(bytes, offset, count), quantization->as_object());
    } else {
      throw Unreadable(fmt::format("quantisation to {} is not known", stored));
    }
    return op::Constant::create(ov::element::f32, shape, values);
  }

  // Attributes.
  static const json::object& attributes(const json::object& node) { return node.at("attr").as_object(); }
  static std::string text(std::string_view base64) {
    const auto bytes = from_base64(base64);
    if (!bytes) throw Unreadable("a text in it is not base64");
    return std::string(as_text(*bytes));
  }
  static bool flag(const json::object& node, std::string_view name) {
    const json::value* attribute = attributes(node).if_contains(name);
    const json::value* value = attribute == nullptr ? nullptr : attribute->as_object().if_contains("b");
    return value != nullptr && value->as_bool();
  }
  /// The height and width entries of a list of four in the order NHWC.
  static std::vector<std::size_t> sides(const json::object& node, std::string_view name) {
    const json::value* attribute = attributes(node).if_contains(name);
    if (attribute == nullptr) return {1, 1};
    const json::array& list = attribute->at("list").at("i").as_array();
    std::vector<std::size_t> sizes;
    for (const json::value& value : list)
      sizes.push_back(value.is_string() ? std::stoul(std::string(value.as_string())) : value.to_number<std::size_t>());
    if (sizes.size() != 4 || sizes[0] != 1 || sizes[3] != 1)
      throw Unreadable(fmt::format("{} over batch or channels is not known", name));
    return {sizes[1], sizes[2]};
  }
  static ov::op::PadType padding(const json::object& node) {
    const json::value* layout = attributes(node).if_contains("data_format");
    if (layout != nullptr && text(layout->at("s").as_string()) != "NHWC") throw Unreadable("its images are not NHWC");
    const std::string kind = text(attributes(node).at("padding").at("s").as_string());
    // TensorFlow puts the odd pixel of SAME below and to the right.
    if (kind == "SAME") return ov::op::PadType::SAME_UPPER;
    if (kind == "VALID") return ov::op::PadType::VALID;
    throw Unreadable(fmt::format("padding {} is not known", kind));
  }

  Value value_of(const std::string& name, int depth) {
    if (depth > 2000) throw Unreadable("its graph has a cycle");
    const auto known = values_.find(name);
    if (known != values_.end()) return known->second;
    const auto found = nodes_.find(name);
    if (found == nodes_.end()) throw Unreadable(fmt::format("node {} is missing", name));
    const json::object& node = *found->second;
    std::vector<Value> inputs;
    for (const std::string& input : inputs_of(node)) inputs.push_back(value_of(input, depth + 1));
    Value value = convert(name, std::string(node.at("op").as_string()), node, inputs);
    value.output.get_node_shared_ptr()->set_friendly_name(name);
    values_[name] = value;
    return value;
  }

  Value convert(const std::string& name, const std::string& kind, const json::object& node,
                const std::vector<Value>& inputs) {
    const auto in = [&](std::size_t index) -> const Value& {
      if (index >= inputs.size()) throw Unreadable(fmt::format("{} has too few inputs", name));
      return inputs[index];
    };
    if (kind == "Const") {
      const auto found = weights_.find(name);
      return {found == weights_.end() ? integers_in_graph(name, node) : found->second->output(0), false};
    }
    if (kind == "Placeholder") return placeholder(name, node);
    if (kind == "Identity") return in(0);
    if (kind == "Add" || kind == "AddV2" || kind == "BiasAdd") return elementwise<op::Add>(in(0), in(1));
    if (kind == "Sub") return elementwise<op::Subtract>(in(0), in(1));
    if (kind == "Mul") return elementwise<op::Multiply>(in(0), in(1));
    if (kind == "Minimum") return elementwise<op::Minimum>(in(0), in(1));
    if (kind == "Maximum") return elementwise<op::Maximum>(in(0), in(1));
    if (kind == "Relu" || kind == "Relu6" || kind == "Sigmoid") return activation(kind, in(0));
    if (kind == "Softmax")
      return {std::make_shared<op::Softmax>(in(0).output, in(0).nchw ? 1 : rank(in(0)) - 1), in(0).nchw};
    if (kind == "Conv2D") return convolution(node, in(0), in(1));
    if (kind == "_FusedConv2D") return fused(node, convolution(node, in(0), in(1)), inputs);
    if (kind == "DepthwiseConv2dNative") return depthwise(node, in(0), in(1));
    if (kind == "MatMul") return product(node, in(0), in(1));
    if (kind == "_FusedMatMul") return fused(node, product(node, in(0), in(1)), inputs);
    if (kind == "MaxPool") return pooled(node, in(0));
    if (kind == "Mean") return mean(node, in(0), in(1));
    throw Unreadable(fmt::format("operation {} (node {}) is not known", kind, name));
  }

  /// A constant that the graph itself carries, such as the axes of a mean.
  static ov::Output<ov::Node> integers_in_graph(const std::string& name, const json::object& node) {
    const json::value* value = attributes(node).if_contains("value");
    const json::value* tensor = value == nullptr ? nullptr : value->as_object().if_contains("tensor");
    const json::value* list = tensor == nullptr ? nullptr : tensor->as_object().if_contains("intVal");
    if (list == nullptr) throw Unreadable(fmt::format("the weights {} are missing", name));
    std::vector<std::int64_t> numbers;
    for (const json::value& number : list->as_array()) numbers.push_back(number.to_number<std::int64_t>());
    return int_constant(numbers);
  }

  Value placeholder(const std::string& name, const json::object& node) {
    ov::PartialShape shape;
    if (parameters_.empty() && !input_shape_.empty()) {
      shape = ov::PartialShape(ov::Shape(input_shape_.begin(), input_shape_.end()));
    } else {
      std::vector<ov::Dimension> sizes;
      for (const json::value& size : attributes(node).at("shape").at("shape").at("dim").as_array())
        sizes.emplace_back(std::stoll(std::string(size.at("size").as_string())));
      shape = ov::PartialShape(sizes);
    }
    auto parameter = std::make_shared<op::Parameter>(ov::element::f32, shape);
    parameter->output(0).get_tensor().set_names({name});
    parameters_.push_back(parameter);
    return {parameter, false};
  }

  template <class Operation>
  static Value elementwise(Value a, Value b) {
    if (a.nchw || b.nchw) {
      for (Value* value : {&a, &b}) {
        // Numbers per channel line up with the last size in NHWC; in NCHW they need a shape of their own.
        if (!value->nchw && rank(*value) == 1)
          *value = {std::make_shared<op::Reshape>(value->output, int_constant({1, -1, 1, 1}), false), true};
        else if (!value->nchw && rank(*value) == 4)
          *value = to_nchw(*value);
        else if (!value->nchw && rank(*value) != 0)
          throw Unreadable("an image is combined with something that is neither image, channels nor number");
      }
      return {std::make_shared<Operation>(a.output, b.output), true};
    }
    return {std::make_shared<Operation>(a.output, b.output), false};
  }

  static Value activation(const std::string& kind, const Value& input) {
    if (kind == "Relu") return {std::make_shared<op::Relu>(input.output), input.nchw};
    if (kind == "Relu6") return {std::make_shared<op::Clamp>(input.output, 0, 6), input.nchw};
    return {std::make_shared<op::Sigmoid>(input.output), input.nchw};
  }

  static Value convolution(const json::object& node, const Value& input, const Value& kernel) {
    return {std::make_shared<op::Convolution>(to_nchw(input).output, transposed(kernel.output, {3, 2, 0, 1}),
                                              ov::Strides(sides(node, "strides")), ov::CoordinateDiff{0, 0},
                                              ov::CoordinateDiff{0, 0}, ov::Strides(sides(node, "dilations")),
                                              padding(node)),
            true};
  }

  static Value depthwise(const json::object& node, const Value& input, const Value& kernel) {
    // [height, width, channels, multiplier] -> a group a channel: [channels, multiplier, 1, height, width].
    const ov::Shape shape = kernel.output.get_shape();
    if (shape.size() != 4) throw Unreadable("a depthwise kernel does not have four sizes");
    const auto size = [&](std::size_t i) { return static_cast<std::int64_t>(shape[i]); };
    const auto grouped = std::make_shared<op::Reshape>(transposed(kernel.output, {2, 3, 0, 1}),
                                                       int_constant({size(2), size(3), 1, size(0), size(1)}), false);
    return {std::make_shared<op::GroupConvolution>(to_nchw(input).output, grouped, ov::Strides(sides(node, "strides")),
                                                   ov::CoordinateDiff{0, 0}, ov::CoordinateDiff{0, 0},
                                                   ov::Strides(sides(node, "dilations")), padding(node)),
            true};
  }

  static Value product(const json::object& node, const Value& a, const Value& b) {
    return {std::make_shared<op::MatMul>(to_tensorflow(a).output, to_tensorflow(b).output, flag(node, "transpose_a"),
                                         flag(node, "transpose_b")),
            false};
  }

  static Value pooled(const json::object& node, const Value& input) {
    const auto strides = sides(node, "strides");
    const auto size = sides(node, "ksize");
    return {
        std::make_shared<op::MaxPool>(to_nchw(input).output, ov::Strides(strides), ov::Strides{1, 1}, ov::Shape{0, 0},
                                      ov::Shape{0, 0}, ov::Shape(size), ov::op::RoundingType::FLOOR, padding(node))
            ->output(0),
        true};
  }

  static Value mean(const json::object& node, const Value& input, const Value& axes) {
    const auto constant = std::dynamic_pointer_cast<op::Constant>(axes.output.get_node_shared_ptr());
    if (!constant) throw Unreadable("the axes of a mean are not constant");
    auto numbers = constant->cast_vector<std::int64_t>();
    const bool keep = flag(node, "keep_dims");
    Value image = input;
    std::sort(numbers.begin(), numbers.end());
    if (input.nchw && numbers == std::vector<std::int64_t>{1, 2}) {
      numbers = {2, 3};
    } else {
      image = to_tensorflow(input);
    }
    return {std::make_shared<op::ReduceMean>(image.output, int_constant(numbers), keep), image.nchw && keep};
  }

  /// What TensorFlow folded into an operation, taken apart again.
  static Value fused(const json::object& node, Value value, const std::vector<Value>& inputs) {
    std::size_t next = 2;
    for (const json::value& entry : attributes(node).at("fused_ops").at("list").at("s").as_array()) {
      const std::string kind = text(entry.as_string());
      if (kind == "BiasAdd") {
        if (next >= inputs.size()) throw Unreadable("a fused operation has no bias");
        value = elementwise<op::Add>(value, inputs[next++]);
      } else if (kind == "Relu" || kind == "Relu6" || kind == "Sigmoid") {
        value = activation(kind, value);
      } else {
        throw Unreadable(fmt::format("fused operation {} is not known", kind));
      }
    }
    return value;
  }

  const std::vector<std::int64_t>& input_shape_;
  std::map<std::string, const json::object*> nodes_;
  std::vector<std::string> order_;
  std::vector<std::string> wanted_outputs_;
  std::map<std::string, std::shared_ptr<ov::Node>> weights_;
  std::map<std::string, Value> values_;
  ov::ParameterVector parameters_;
};

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw Unreadable("it cannot be opened");
  return text;
}

}  // namespace

Result<std::shared_ptr<ov::Model>> import_tfjs_graph(const std::filesystem::path& model_json,
                                                     const std::filesystem::path& weights,
                                                     const std::vector<std::int64_t>& input_shape) {
  try {
    const json::value root = json::parse(read_file(model_json));
    const std::string bytes = read_file(weights);
    return Importer(root.as_object(), bytes, input_shape).build();
  } catch (const std::exception& e) {
    return server_error("ModelUnreadable", fmt::format("{} cannot be read as a graph model: {}",
                                                       model_json.filename().string(), e.what()));
  }
}

}  // namespace likeness::vision
