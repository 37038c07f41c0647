#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// The tables that tools/codegen/generate.py writes from a service model. A protocol is a set of functions that walk
/// these tables over the generated structs, so one file serves every service that speaks it.
namespace likeness::aws {

/// The C++ type behind each kind:
///   Structure a generated struct      List std::vector<T> (std::deque<bool> for booleans)   Map std::map<std::string,
///   T> String std::string                Enum a generated enum class over std::uint16_t: the index into `enum_values`
///   Boolean bool                      Integer std::int32_t    Long std::int64_t    Float float    Double double
///   Blob Bytes                        Timestamp TimePoint     Document aws::Document  Stream aws::Stream
enum class Kind : std::uint8_t {
  Structure,
  List,
  Map,
  String,
  Enum,
  Boolean,
  Integer,
  Long,
  Float,
  Double,
  Blob,
  Timestamp,
  Document,
  Stream
};

/// Where a member travels in protocols that use more than the body.
enum class Location : std::uint8_t { Body, Uri, Query, Header, PrefixHeaders, StatusCode };

/// Unset: the protocol's own default.
enum class TimestampFormat : std::uint8_t { Unset, EpochSeconds, Iso8601, HttpDate };

/// Access to a `std::optional<T>` or `Box<T>` member without knowing T.
struct OptionalOps {
  void* (*emplace)(void* slot);           // makes the value and gives its address
  const void* (*find)(const void* slot);  // null where absent
  void (*reset)(void* slot);
};

struct ListOps {
  void* (*append)(void* list);  // adds a default value and gives its address, valid until the next append
  void (*drop_last)(void* list);
  std::size_t (*size)(const void* list);
  const void* (*at)(const void* list, std::size_t index);
};

struct MapOps {
  void* (*insert)(void* map, std::string key);  // the new value's address; null if the key is there already
  std::size_t (*size)(const void* map);
  void (*erase)(void* map, const std::string& key);
  void (*each)(const void* map, void* state, void (*visit)(void* state, const std::string& key, const void* value));
};

struct Shape;

/// Owns an input, output or error whose type only the table knows.
using Object = std::unique_ptr<void, void (*)(void*)>;

struct Member {
  std::string_view name;       // in the model
  std::string_view wire_name;  // locationName if the model has one, else the name
  const Shape* shape = nullptr;
  std::size_t offset = 0;  // of the optional in the struct
  const OptionalOps* ops = nullptr;
  bool required = false;
  Location location = Location::Body;
  TimestampFormat timestamp_format = TimestampFormat::Unset;
  bool flattened = false;
  bool xml_attribute = false;
  bool json_value = false;         // a string that holds JSON
  bool idempotency_token = false;  // the SDK fills it in where the caller did not
  std::string_view xml_namespace;
  /// In forms and the XML of the query protocol, where the name there is another one than in JSON.
  std::string_view query_name;

  std::string_view form_name() const { return query_name.empty() ? wire_name : query_name; }
  void* slot(void* structure) const { return static_cast<std::byte*>(structure) + offset; }
  const void* slot(const void* structure) const { return static_cast<const std::byte*>(structure) + offset; }
  const void* find(const void* structure) const { return ops->find(slot(structure)); }
  /// Whether the items of a list or map stand beside the other members instead of inside of an element of their own.
  bool is_flattened() const;
};

struct Shape {
  std::string_view name;
  Kind kind = Kind::Structure;

  std::span<const Member> members;  // Structure
  const Shape* element = nullptr;   // List: of an item; Map: of a value
  const Shape* key = nullptr;       // Map
  const ListOps* list = nullptr;
  const MapOps* map = nullptr;
  std::span<const std::string_view> enum_values;

  // Bounds of the length of a string, blob, list or map, or of a number's value.
  bool has_min = false;
  bool has_max = false;
  double min = 0;
  double max = 0;
  std::string_view pattern;           // of the whole string, in RE2's syntax
  std::string_view forbidden_prefix;  // a leading negative lookahead of the model's pattern, which RE2 lacks
  std::string_view model_pattern;     // as the model has it, for messages

  bool is_union = false;
  bool is_sensitive = false;  // never logged or put into a message
  bool is_streaming = false;
  bool is_event_stream = false;  // a Stream whose bytes are messages (event_stream.hpp)
  bool is_flattened = false;
  TimestampFormat timestamp_format = TimestampFormat::Unset;
  std::string_view item_name;   // List: XML element, "member" if the model says nothing
  std::string_view key_name;    // Map, XML
  std::string_view value_name;  // Map, XML
  std::string_view xml_namespace;
  std::string_view xml_name;  // of the element, where it is not the shape's name
  std::string_view payload;   // name of the member that is the whole body

  // Of structures that are errors.
  bool is_exception = false;
  bool is_fault = false;        // the server's
  int http_status = 0;          // 0: 400, or 500 for a fault
  std::string_view error_code;  // where it differs from the name
  Object (*make)() = nullptr;

  const Member* find_member(std::string_view wire_name) const {
    for (const auto& member : members)
      if (member.wire_name == wire_name) return &member;
    return nullptr;
  }
};

inline bool Member::is_flattened() const { return flattened || shape->is_flattened; }

struct Operation {
  std::string_view name;
  std::string_view http_method;
  std::string_view http_uri;  // with "{Label}" and "{Label+}"
  int http_status = 200;
  const Shape* input = nullptr;  // null: none
  const Shape* output = nullptr;
  Object (*make_input)() = nullptr;
  Object (*make_output)() = nullptr;
  std::span<const Shape* const> errors;
  std::string_view input_root;   // XML element
  std::string_view output_root;  // XML element, where it is not named after the shape
  std::string_view input_namespace;
  std::string_view result_wrapper;  // of the query protocol
  bool checksum_required = false;   // a digest of the body has to come with it
  bool is_deprecated = false;       // another operation of the same method and path has taken its place
  bool is_unsigned = false;         // callable without credentials
};

enum class Protocol : std::uint8_t { Json, Query, RestJson, RestXml, Ec2, Cbor };

struct ServiceModel {
  std::string_view id;               // the folder of the model: "rekognition"
  std::string_view service_id;       // "Rekognition"
  std::string_view full_name;        // "Amazon Rekognition"
  std::string_view endpoint_prefix;  // first label of the host name
  std::string_view signing_name;     // service in the credential scope
  std::string_view api_version;
  std::string_view target_prefix;  // before the dot of X-Amz-Target
  std::string_view json_version;   // "1.0" or "1.1"
  std::string_view xml_namespace;
  /// Errors in JSON come with the code that the query protocol had for them, in the header x-amzn-query-error.
  bool query_compatible = false;
  bool signs_like_s3 = false;             // paths as they are, bodies that need not be part of the signature
  Protocol protocol = Protocol::Json;     // botocore's choice
  std::span<const Protocol> protocols;    // all that the service speaks
  std::span<const Operation> operations;  // by name
  std::span<const Shape* const> shapes;   // all, by name

  /// Null if the model has no such operation.
  const Operation* find_operation(std::string_view name) const;
};

}  // namespace likeness::aws
