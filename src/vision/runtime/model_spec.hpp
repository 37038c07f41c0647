#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace likeness::vision {

enum class ModelFormat : std::uint8_t { Onnx, TfLite, TfjsGraph, OpenVinoIr };
/// `Points`: not an image but coordinates; colour, mean and scale mean nothing.
enum class TensorLayout : std::uint8_t { Nchw, Nhwc, Points };
enum class ColourOrder : std::uint8_t { Rgb, Bgr, Grey };

/// How pixels become the first input: `(value - mean) / scale` of each channel, value 0..255, in `colour` order.
struct InputForm {
  std::vector<std::int64_t> shape;  // as declared, batch included
  TensorLayout layout = TensorLayout::Nchw;
  ColourOrder colour = ColourOrder::Rgb;
  std::vector<float> mean;   // one a channel
  std::vector<float> scale;  // one a channel, never 0
  std::string what;          // which part of the image, in words

  int width() const;
  int height() const;
  int channels() const;
  std::size_t elements() const;
};

struct OutputForm {
  std::string name;                 // of the tensor in the model
  std::vector<std::int64_t> shape;  // as declared, batch included
  std::string what;
};

struct ModelFile {
  std::string file;          // in the models folder
  std::string package_path;  // in the package
  Sha256 sha256{};
};

/// One model as the manifest describes it. A value; says nothing about whether the files are there.
struct ModelSpec {
  std::string role;     // what the code asks for: "face_detector"; unique in a manifest
  std::string name;     // "fr_detect"
  std::string version;  // of the package, or whatever the operator calls his own model
  ModelFormat format = ModelFormat::Onnx;
  std::string registry, package;  // where it comes from; empty for a drop-in
  std::string licence;
  std::string training_data;     // as far as it is known
  std::string measured;          // how good it is and on what
  std::vector<ModelFile> files;  // the first one is the model, others are read along with it
  InputForm input;
  std::vector<OutputForm> outputs;
  /// Numbers that belong to the model and not to the code: thresholds, crop factors.
  std::map<std::string, double, std::less<>> parameters;

  std::filesystem::path folder;  // where the files lie
  bool drop_in = false;

  /// Digest over the digests of all files: names the content of the model.
  Sha256 content_sha256() const;
  double parameter(std::string_view name, double otherwise) const;
};

/// Reads a manifest (`models/manifest.json` describes the form). `folder` is where its files lie; `source` names the
/// manifest in errors. Error "InvalidManifest" says which model and member is wrong.
Result<std::vector<ModelSpec>> parse_manifest(std::string_view json, const std::filesystem::path& folder,
                                              std::string_view source);

}  // namespace likeness::vision
