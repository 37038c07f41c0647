#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "vision/measurements.hpp"

namespace likeness::vision {

/// bias + sum of weight * value over single measurements + dot products with vectors.
struct LinearHead {
  double bias = 0;
  std::map<std::string, double, std::less<>> weights;
  std::map<std::string, std::vector<float>, std::less<>> vectors;
};

/// A piecewise linear function through points with rising x; level beyond its ends.
struct Curve {
  std::vector<double> x, y;
  double operator()(double at) const;
  /// Where a rising curve has this value; the nearest end beyond its range.
  double inverse(double value) const;
};

/// Turns measurements into probabilities, as models/calibration.json says (that file's own "about" describes the form).
/// Immutable; thread-safe.
class Calibration {
 public:
  /// Error "InvalidCalibration", with the member that is wrong.
  static Result<Calibration> parse(std::string_view json);
  /// The one built into the program.
  static Result<Calibration> built_in();

  /// Probability (0..1) of the logistic head; its head must exist (see `require`). A measurement that is missing
  /// counts as 0.
  double probability(std::string_view head, const Measurements& measured) const;
  /// Value of the linear head of this name, without the logistic function.
  double value(std::string_view head, const Measurements& measured) const;
  /// Probabilities of the classes of a multinomial head, in the order of its classes; they sum to 1.
  std::vector<double> distribution(std::string_view head, const Measurements& measured) const;
  const std::vector<std::string>& classes(std::string_view head) const;
  const Curve& curve(std::string_view name) const;

  /// The names of the measurements that a logistic, linear or multinomial head reads: tells which models it needs.
  std::vector<std::string_view> inputs(std::string_view head) const;

  /// Error "InvalidCalibration" unless all of these are there.
  struct Required {
    std::vector<std::string> logistic, linear, multinomial, curves;
  };
  Result<void> require(const Required& required) const;

 private:
  struct Logistic {
    LinearHead head;
    std::string curve;  // applied to the probability, if not empty
  };
  struct Multinomial {
    std::vector<std::string> names;
    std::vector<LinearHead> heads;
  };
  std::map<std::string, Logistic, std::less<>> logistic_;
  std::map<std::string, LinearHead, std::less<>> linear_;
  std::map<std::string, Multinomial, std::less<>> multinomial_;
  std::map<std::string, Curve, std::less<>> curves_;
};

/// The text of models/calibration.json as it was when the program was built.
std::string_view built_in_calibration();

}  // namespace likeness::vision
