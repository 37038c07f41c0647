#include "services/dynamodb/measured.hpp"

#include <array>
#include <string>
#include <string_view>

#include "services/dynamodb/convert.hpp"

namespace likeness::dynamodb {

namespace {

using metrics::Dimension;
using metrics::Unit;

constexpr std::string_view kSpace = "AWS/DynamoDB";

/// Requests may name a table by its ARN.
std::string name_of(const std::string& table) {
  constexpr std::string_view kInArn = ":table/";
  const auto at = table.starts_with("arn:") ? table.find(kInArn) : std::string::npos;
  return at == std::string::npos ? table : table.substr(at + kInArn.size());
}

/// Only of tables that exist: names of others could be any number.
template <class Op>
void measure_one(aws::Service& service, metrics::Recorder& recorder) {
  service.observe<Op>([&recorder](const aws::RequestContext&, const auto& in, const typename Op::Output* out,
                                  const Error* error, std::chrono::duration<double, std::milli> took) {
    if (error != nullptr && error->code != "ConditionalCheckFailedException") return;
    const std::array dimensions = {Dimension{"Operation", std::string(Op::operation().name)},
                                   Dimension{"TableName", name_of(in.table_name.value_or(""))}};
    if (error != nullptr) {
      recorder.record(kSpace, "ConditionalCheckFailedRequests", std::span(dimensions).last(1), 1, Unit::Count);
      return;
    }
    recorder.record(kSpace, "SuccessfulRequestLatency", dimensions, took.count(), Unit::Milliseconds);
    if constexpr (requires { out->count; })
      recorder.record(kSpace, "ReturnedItemCount", dimensions, out->count.value_or(0), Unit::Count);
  });
}

/// Batches count for each of their tables.
template <class Op>
void measure_batch(aws::Service& service, metrics::Recorder& recorder) {
  service.observe<Op>([&recorder](const aws::RequestContext&, const auto& in, const typename Op::Output*,
                                  const Error* error, std::chrono::duration<double, std::milli> took) {
    if (error != nullptr) return;
    for (const auto& [table, requests] : *in.request_items)
      recorder.record(kSpace, "SuccessfulRequestLatency",
                      {{"Operation", std::string(Op::operation().name)}, {"TableName", name_of(table)}}, took.count(),
                      Unit::Milliseconds);
  });
}

}  // namespace

void measure(aws::Service& service, metrics::Recorder& recorder) {
  measure_one<shapes::PutItem>(service, recorder);
  measure_one<shapes::UpdateItem>(service, recorder);
  measure_one<shapes::DeleteItem>(service, recorder);
  measure_one<shapes::GetItem>(service, recorder);
  measure_one<shapes::Query>(service, recorder);
  measure_one<shapes::Scan>(service, recorder);
  measure_batch<shapes::BatchGetItem>(service, recorder);
  measure_batch<shapes::BatchWriteItem>(service, recorder);
}

}  // namespace likeness::dynamodb
