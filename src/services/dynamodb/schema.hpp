#pragma once

#include <optional>
#include <string>
#include <vector>

#include "services/dynamodb/convert.hpp"

/// From what CreateTable and UpdateTable are given to keys and indexes of a definition, with all of AWS's checks.
namespace likeness::dynamodb {

using WireDefinitions = std::vector<shapes::AttributeDefinition>;
using WireSchema = std::vector<shapes::KeySchemaElement>;

std::vector<KeyAttribute> attributes_from(const WireDefinitions& definitions);

/// Of a table or a local index: a HASH and perhaps a RANGE element. Errors: ValidationException.
Result<KeySchema> schema_from(const WireSchema& schema, const std::vector<KeyAttribute>& attributes);
/// Of a global index: up to four HASH elements, then up to four RANGE elements. Errors: ValidationException.
Result<KeySchema> global_schema_from(const WireSchema& schema, const std::vector<KeyAttribute>& attributes);
Result<void> read_projection(const std::optional<shapes::Projection>& wire, Index& index);
Result<void> check_throughput(const shapes::ProvisionedThroughput& throughput);
Throughput throughput_from(const std::optional<shapes::ProvisionedThroughput>& wire);
OnDemandLimits limits_from(const std::optional<shapes::OnDemandThroughput>& wire);
Result<void> read_stream(const shapes::StreamSpecification& wire, TimePoint now, StreamSettings& out);

/// Every defined attribute must be a key of the table or of an index.
Result<void> check_all_used(const Table& table);

/// A new table; CreateTable's checks in AWS's order.
Result<Table> table_from(const shapes::CreateTableInput& in, const domain::Caller& caller, TimePoint now);

inline constexpr std::size_t kMaxGlobalIndexes = 20;
inline constexpr std::size_t kMaxLocalIndexes = 5;

}  // namespace likeness::dynamodb
