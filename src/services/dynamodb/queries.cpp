#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <type_traits>
#include <utility>

#include "domain/dynamodb/errors.hpp"
#include "domain/dynamodb/key_condition.hpp"
#include "domain/dynamodb/limits.hpp"
#include "services/dynamodb/bind.hpp"
#include "services/dynamodb/capacity.hpp"
#include "services/dynamodb/operations.hpp"
#include "services/dynamodb/parameters.hpp"

namespace likeness::dynamodb {

namespace {

/// What Query and Scan have in common, parsed.
struct Reading {
  std::optional<Condition> filter;
  std::optional<std::vector<Path>> paths;
  std::optional<Attributes> start;
  TablePtr table;
  const Index* index = nullptr;
};

bool keeps_its_message(const std::string& message) {
  for (const auto* part :
       {"contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude"})
    if (message.find(part) != std::string::npos) return true;
  return false;
}

template <class Input>
Result<void> read_start(const Input& in, Reading& out) {
  if (!in.exclusive_start_key) return {};
  auto key = attributes_of(*in.exclusive_start_key);
  if (!key) {
    if (keeps_its_message(key.error().message)) return fail(key);
    return validation("The provided starting key is invalid: " + key.error().message);
  }
  out.start = std::move(*key);
  return {};
}

template <class Input>
Result<void> read_projection(const Input& in, Placeholders& placeholders, Reading& out) {
  if (!in.projection_expression) return {};
  auto paths = parse_projection(*in.projection_expression, placeholders);
  if (!paths) return fail(paths);
  out.paths = std::move(*paths);
  return {};
}

template <class Input>
Result<void> check_select(const Input& in) {
  using shapes::Select;
  if (!in.select) return {};
  const auto refuse = [](std::string_view what) {
    return validation(fmt::format("1 validation error detected: {}", what));
  };
  const bool named = in.attributes_to_get || in.projection_expression;
  if (*in.select == Select::SpecificAttributes) {
    if (named) return {};
    return refuse("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
  }
  if (named)
    return refuse(fmt::format("Cannot specify the {} when choosing to get {}",
                              in.attributes_to_get ? "AttributesToGet" : "ProjectionExpression",
                              *in.select == Select::Count ? "only the Count" : shapes::to_text(*in.select)));
  if (*in.select == Select::AllProjectedAttributes && !in.index_name)
    return refuse("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  return {};
}

template <class Input>
Result<void> find_table(Database& database, const aws::RequestContext& context, const Input& in, Reading& out) {
  auto table = database.tables().find(caller_of(context), *in.table_name);
  if (!table) return fail(table);
  out.table = std::move(*table);
  if (!in.index_name) return {};
  out.index = out.table->find_index(*in.index_name);
  if (!out.index) return validation("The table does not have the specified index: " + *in.index_name);
  if (out.index->global && in.consistent_read.value_or(false))
    return validation("Consistent reads are not supported on global secondary indexes");
  if (out.index->status == Status::Creating)
    return validation("Cannot read from backfilling global secondary index: " + out.index->name);
  return {};
}

/// The parts of a start key are those of the table's and of the index's keys, of the right kinds.
Result<void> check_start(const Reading& reading, bool scan) {
  if (!reading.start) return {};
  const auto& table = *reading.table;
  std::vector<const KeyAttribute*> parts;
  const auto add = [&](const KeyAttribute& part, bool) {
    const bool known =
        std::any_of(parts.begin(), parts.end(), [&](const auto* other) { return other->name == part.name; });
    if (!known) parts.push_back(&part);
    return true;
  };
  table.keys.all_of(add);
  if (reading.index) reading.index->keys.all_of(add);
  const auto refuse = [&](bool whole) {
    return validation(whole ? "The provided starting key is invalid: The provided key element does not match the schema"
                            : "The provided starting key is invalid");
  };
  if (reading.start->count() != parts.size()) return refuse(scan && !reading.index);
  for (const auto* part : parts) {
    const auto* value = reading.start->find(part->name);
    if (!value) return refuse(!reading.index);
    if (value->type() != part->type) return refuse(true);
  }
  return {};
}

template <class Input>
Result<void> check_attributes(const Input& in, const Reading& reading) {
  const auto& table = *reading.table;
  if (reading.paths)
    if (auto fine = check_paths(table, *reading.paths); !fine) return fine;
  if (!reading.index || !reading.index->global) return {};
  if (in.select == shapes::Select::AllAttributes && reading.index->projection != Projection::All)
    return invalid_parameter(
        fmt::format("Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its projection "
                    "type is not ALL",
                    reading.index->name));
  if (!reading.paths) return {};
  std::string missing;
  for (const auto& path : *reading.paths)
    if (!projects_all_of(table, *reading.index, path.attribute()))
      missing.append(missing.empty() ? "" : ", ").append(path.attribute());
  if (!missing.empty())
    return invalid_parameter(
        fmt::format("Global secondary index {} does not project [{}]", reading.index->name, missing));
  return {};
}

/// Whether attributes are asked for that a local index does not hold.
template <class Input>
bool needs_items(const Input& in, const Reading& reading) {
  const Index* index = reading.index;
  if (!index || index->global || index->projection == Projection::All) return false;
  if (in.select == shapes::Select::AllAttributes) return true;
  if (!reading.paths) return false;
  return std::any_of(reading.paths->begin(), reading.paths->end(),
                     [&](const Path& path) { return !projects_all_of(*reading.table, *index, path.attribute()); });
}

template <class Output, class Input>
Output answer(const Input& in, const Reading& reading, PageResult page) {
  Output out;
  out.count = static_cast<std::int32_t>(page.items.size());
  out.scanned_count = static_cast<std::int32_t>(page.scanned);
  if (page.last_key) out.last_evaluated_key = to_wire(std::move(*page.last_key));
  if (in.select != shapes::Select::Count) {
    auto& items = out.items.emplace();
    items.reserve(page.items.size());
    for (auto& item : page.items)
      items.push_back(to_wire(reading.paths ? project(*reading.paths, item) : std::move(item)));
  }
  if (wants_capacity(in.return_consumed_capacity)) {
    const bool consistent = in.consistent_read.value_or(false);
    Units units;
    const double used = read_units(page.bytes, consistent);
    if (reading.index) {
      (reading.index->global ? units.global : units.local)[reading.index->name] = used;
      if (page.fetched_bytes > 0) units.table = read_units(page.fetched_bytes, consistent);
    } else {
      units.table = used;
    }
    out.consumed_capacity = consumed(in.return_consumed_capacity, reading.table->name, units);
  }
  return out;
}

Result<void> check_filter_keys(const Reading& reading, std::string_view what) {
  if (!reading.filter) return {};
  const KeySchema& keys = reading.index ? reading.index->keys : reading.table->keys;
  const auto paths = paths_of(*reading.filter);
  Result<void> fine;
  keys.all_of([&](const KeyAttribute& part, bool) {
    if (std::any_of(paths.begin(), paths.end(), [&](const Path* path) { return path->attribute() == part.name; }))
      fine = validation(
          fmt::format("{} can only contain non-primary key attributes: Primary key attribute: {}", what, part.name));
    return fine.has_value();
  });
  return fine;
}

/// A query's filter sees what the index holds, and nothing else. (A scan's filter takes the rest for absent.)
Result<void> check_filter_projected(const Reading& reading) {
  if (!reading.filter || !reading.index) return {};
  std::set<std::string_view> missing;
  for (const auto* path : paths_of(*reading.filter))
    if (!projects_all_of(*reading.table, *reading.index, path->attribute())) missing.insert(path->attribute());
  if (missing.empty()) return {};
  return invalid_parameter(fmt::format("Secondary index {} does not project one or more filter attributes: [{}]",
                                       reading.index->name, fmt::join(missing, ", ")));
}

Result<void> check_start_in_query(const Reading& reading, const QueryPlan& plan) {
  if (!reading.start) return {};
  const KeySchema& keys = reading.index ? reading.index->keys : reading.table->keys;
  const auto partitions = keys.partitions();
  bool same = true;
  for (std::size_t i = 0; i < partitions.size(); ++i)
    same = same && *reading.start->find(partitions[i]->name) == plan.partition[i];
  if (!plan.sort_conditions.empty()) {
    for (const auto& [name, condition] : plan.sort_conditions)
      if (!holds(legacy_condition(name, condition.comparison, condition.values), *reading.start))
        return validation("The provided starting key does not match the range key predicate");
    if (!same) return validation("The query can return at most one row and cannot be restarted");
  } else if (!same) {
    return validation("The provided starting key is outside query boundaries based on provided conditions");
  }
  return {};
}

/// Whether the query is of an index whose key has several attributes of a kind.
bool may_have_more(const Database& database, const aws::RequestContext& context, const shapes::QueryInput& in) {
  if (!in.index_name) return false;
  const auto table = database.tables().find(caller_of(context), *in.table_name);
  const Index* index = table ? (*table)->find_index(*in.index_name) : nullptr;
  return index && index->keys.has_several();
}

Result<shapes::QueryOutput> query(Database& database, const aws::RequestContext& context,
                                  const shapes::QueryInput& in) {
  const bool both = in.key_conditions && in.key_condition_expression;
  if (auto fine = check_mixture({{"ProjectionExpression", in.projection_expression.has_value()},
                                 {"FilterExpression", in.filter_expression.has_value()},
                                 {"KeyConditionExpression", in.key_condition_expression.has_value()}},
                                {{"AttributesToGet", in.attributes_to_get.has_value()},
                                 {"QueryFilter", in.query_filter.has_value()},
                                 {"ConditionalOperator", in.conditional_operator.has_value()},
                                 {"KeyConditions", both}},
                                in.expression_attribute_names.has_value(), in.expression_attribute_values.has_value());
      !fine)
    return fail(fine);
  Reading reading;
  auto legacy_filter = filter_condition(in.query_filter, in.conditional_operator);
  if (!legacy_filter) return fail(legacy_filter);
  reading.filter = std::move(*legacy_filter);
  if (in.attributes_to_get) {
    auto names = legacy_projection(*in.attributes_to_get);
    if (!names) return fail(names);
    reading.paths = std::move(*names);
  }
  if (auto fine = read_start(in, reading); !fine) return fail(fine);
  if (!in.key_conditions && !in.key_condition_expression)
    return validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.");
  auto placeholders = placeholders_of(in.expression_attribute_names, in.expression_attribute_values);
  if (!placeholders) return fail(placeholders);
  KeyConditions conditions;
  std::optional<Condition> key_condition;
  if (in.key_condition_expression) {
    auto parsed = parse_condition(*in.key_condition_expression, *placeholders, "KeyConditionExpression");
    if (!parsed) return fail(parsed);
    key_condition = std::move(*parsed);
  }
  if (in.filter_expression) {
    auto filter = parse_condition(*in.filter_expression, *placeholders, "FilterExpression");
    if (!filter) return fail(filter);
    reading.filter = std::move(*filter);
  }
  if (auto fine = read_projection(in, *placeholders, reading); !fine) return fail(fine);
  if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
  auto keys = key_condition ? key_conditions(*key_condition) : legacy_key_conditions(in.key_conditions);
  if (!keys) return fail(keys);
  conditions = std::move(*keys);
  if (conditions.empty() || (conditions.size() > kMaxKeyConditions && !may_have_more(database, context, in)))
    return validation("Conditions can be of length 1 or 2 only");
  if (auto fine = check_select(in); !fine) return fail(fine);
  if (auto fine = find_table(database, context, in, reading); !fine) return fail(fine);
  if (auto fine = check_start(reading, false); !fine) return fail(fine);
  auto plan = plan_query(*reading.table, reading.index, conditions);
  if (!plan) return fail(plan);
  if (auto fine = check_start_in_query(reading, *plan); !fine) return fail(fine);
  if (auto fine = check_filter_keys(reading, in.query_filter ? "QueryFilter" : "Filter Expression"); !fine)
    return fail(fine);
  if (auto fine = check_attributes(in, reading); !fine) return fail(fine);
  if (reading.filter)
    if (auto fine = check_paths(*reading.table, paths_of(*reading.filter)); !fine) return fail(fine);
  if (auto fine = check_filter_projected(reading); !fine) return fail(fine);

  PageRequest request;
  request.table = reading.table;
  request.index = reading.index;
  request.partition = std::move(plan->partition);
  request.first = std::move(plan->sort.first);
  request.last = std::move(plan->sort.last);
  request.backward = !in.scan_index_forward.value_or(true);
  request.start_after = reading.start;
  if (in.limit) request.limit = static_cast<std::size_t>(*in.limit);
  request.filter = reading.filter ? &*reading.filter : nullptr;
  request.whole_items = needs_items(in, reading);
  auto page = database.items().page(request);
  if (!page) return fail(page);
  return answer<shapes::QueryOutput>(in, reading, std::move(*page));
}

Result<shapes::ScanOutput> scan(Database& database, const aws::RequestContext& context, const shapes::ScanInput& in) {
  if (auto fine = check_mixture({{"ProjectionExpression", in.projection_expression.has_value()},
                                 {"FilterExpression", in.filter_expression.has_value()}},
                                {{"AttributesToGet", in.attributes_to_get.has_value()},
                                 {"ScanFilter", in.scan_filter.has_value()},
                                 {"ConditionalOperator", in.conditional_operator.has_value()}},
                                in.expression_attribute_names.has_value(), in.expression_attribute_values.has_value());
      !fine)
    return fail(fine);
  Reading reading;
  if (in.attributes_to_get) {
    auto names = legacy_projection(*in.attributes_to_get);
    if (!names) return fail(names);
    reading.paths = std::move(*names);
  }
  auto legacy_filter = filter_condition(in.scan_filter, in.conditional_operator);
  if (!legacy_filter) return fail(legacy_filter);
  reading.filter = std::move(*legacy_filter);
  if (auto fine = read_start(in, reading); !fine) return fail(fine);
  if (in.segment && !in.total_segments)
    return validation(
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present");
  if (in.total_segments && !in.segment)
    return validation(
        "The Segment parameter is required but was not present in the request when parameter TotalSegments is present");
  if (in.total_segments && *in.segment >= *in.total_segments)
    return validation("The Segment parameter is zero-based and must be less than parameter TotalSegments");
  auto placeholders = placeholders_of(in.expression_attribute_names, in.expression_attribute_values);
  if (!placeholders) return fail(placeholders);
  if (in.filter_expression) {
    auto filter = parse_condition(*in.filter_expression, *placeholders, "FilterExpression");
    if (!filter) return fail(filter);
    reading.filter = std::move(*filter);
  }
  if (auto fine = read_projection(in, *placeholders, reading); !fine) return fail(fine);
  if (auto fine = placeholders->check_all_used(); !fine) return fail(fine);
  if (auto fine = check_select(in); !fine) return fail(fine);
  if (auto fine = find_table(database, context, in, reading); !fine) return fail(fine);
  if (auto fine = check_start(reading, true); !fine) return fail(fine);
  if (auto fine = check_attributes(in, reading); !fine) return fail(fine);
  if (reading.filter)
    if (auto fine = check_paths(*reading.table, paths_of(*reading.filter)); !fine) return fail(fine);

  PageRequest request;
  request.table = reading.table;
  request.index = reading.index;
  if (in.total_segments) {
    request.segment = static_cast<std::uint64_t>(*in.segment);
    request.segments = static_cast<std::uint64_t>(*in.total_segments);
  }
  request.start_after = reading.start;
  if (in.limit) request.limit = static_cast<std::size_t>(*in.limit);
  request.filter = reading.filter ? &*reading.filter : nullptr;
  request.whole_items = needs_items(in, reading);
  auto page = database.items().page(request);
  if (!page) return fail(page);
  return answer<shapes::ScanOutput>(in, reading, std::move(*page));
}

}  // namespace

void register_queries(aws::Service& service, Database& database) {
  service.on<shapes::Query>(bind(database, query));
  service.on<shapes::Scan>(bind(database, scan));
}

}  // namespace likeness::dynamodb
