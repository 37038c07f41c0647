#pragma once

#include <boost/json.hpp>
#include <string>
#include <vector>

#include "aws/codec.hpp"
#include "aws/model.hpp"

/// What the tests over botocore's protocol cases share. The cases lie beside the project: LIKENESS_VECTORS.
namespace likeness::aws::vectors {

namespace json = boost::json;

/// "input/query": the file of that name.
json::value load(const std::string& name);

std::string text_of(const json::value& value);
double number_of(const json::value& value);

/// Whether `object` holds what `wanted` says, in the model's words (not in those of any protocol).
void expect_equal(const Shape& shape, const void* object, const json::value& wanted);
/// The other way round.
void fill(const Shape& shape, void* object, const json::value& from);

/// Equal as JSON values, 1234 and 1234.0 being the same.
bool same_json(const json::value& a, const json::value& b);

/// The same elements with the same text and attributes, entries of maps in any order; namespaces and white space
/// between elements do not matter, nor does the text of a RequestId. Empty if so, else where they part.
std::string difference_of_xml(const std::string& a, const std::string& b, bool same_root_name);

struct Tally {
  int passed = 0;
  int cases = 0;
  int without_body = 0;
};
int failures();
void count(Tally& tally, int failures_before);

/// The exception that a case's error is, by name or code; null if there is none.
const Shape* exception_of(const ServiceModel& model, const std::string& code);

}  // namespace likeness::aws::vectors
