#include "aws/xml_reader.hpp"

#include <expat.h>
#include <fmt/format.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "aws/scalars.hpp"

namespace likeness::aws {
namespace {

std::string_view local(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

/// What the parser calls as it goes through the text. Every open element has a frame.
class Handler {
 public:
  Handler(XML_Parser parser, const Shape& root, void* structure, const XmlReadOptions& options)
      : parser_(parser), root_(root), structure_(structure), options_(options) {}

  std::string problem;  // set where the parser was stopped by us
  std::vector<Violation> violations;

  void start(std::string_view full_name, const XML_Char** attributes) {
    if (stopped_) return;
    if (skipped_ > 0) {
      ++skipped_;
      return;
    }
    const auto name = local(full_name);
    if (frames_.size() >= options_.depth_limit) return stop("elements nest too deep");
    if (frames_.empty()) {
      if (!options_.root.empty() && name != options_.root && name != options_.or_root)
        return stop(fmt::format("the root is no {}", options_.root));
      frames_.push_back({.role = Role::Structure, .shape = &root_, .object = structure_});
      return take_attributes(attributes);
    }
    const Frame& top = frames_.back();
    switch (top.role) {
      case Role::Structure: {
        const Member* member = find(*top.shape, name);
        if (member == nullptr) {
          skipped_ = 1;
          return;
        }
        return open_member(*member, top.object, attributes);
      }
      case Role::List:
        if (name == (top.shape->item_name.empty() ? "member" : top.shape->item_name))
          return open_value(*top.shape->element, top.shape->list->append(top.object), {}, attributes);
        skipped_ = 1;
        return;
      case Role::Map:
        if (name == "entry")
          frames_.push_back({.role = Role::Entry, .shape = top.shape, .object = top.object});
        else
          skipped_ = 1;
        return;
      case Role::Entry: return open_in_entry(name, attributes);
      case Role::Key:
      case Role::Scalar: return stop(fmt::format("{} inside of a value", name));
    }
  }

  void end() {
    if (stopped_) return;
    if (skipped_ > 0) {
      --skipped_;
      return;
    }
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.role == Role::Key) {
      frames_.back().text = std::move(frame.text);
      frames_.back().has_key = true;
    } else if (frame.role == Role::Scalar) {
      close_scalar(frame);
    }
  }

  void text(std::string_view part) {
    if (stopped_ || skipped_ > 0 || frames_.empty()) return;
    Frame& top = frames_.back();
    if (top.role == Role::Scalar || top.role == Role::Key) top.text += part;
  }

  void stop(std::string why) {
    problem = std::move(why);
    stopped_ = true;
    XML_StopParser(parser_, XML_FALSE);
  }

 private:
  enum class Role : std::uint8_t { Structure, List, Map, Entry, Key, Scalar };
  struct Frame {
    Role role = Role::Structure;
    const Shape* shape = nullptr;  // Entry: of the map
    void* object = nullptr;
    const Member* member = nullptr;  // of the structure below that this is
    std::string text = {};           // Entry: its key
    bool has_key = false;
  };

  static const Member* find(const Shape& shape, std::string_view name) {
    for (const auto& member : shape.members)
      if (member.location == Location::Body && !member.xml_attribute && local(member.wire_name) == name) return &member;
    return nullptr;
  }

  void open_member(const Member& member, void* structure, const XML_Char** attributes) {
    const Shape& shape = *member.shape;
    void* slot = member.slot(structure);
    if (member.is_flattened() && (shape.kind == Kind::List || shape.kind == Kind::Map)) {
      void* all = const_cast<void*>(member.ops->find(slot));
      if (all == nullptr) all = member.ops->emplace(slot);
      if (shape.kind == Kind::List) return open_value(*shape.element, shape.list->append(all), {}, attributes);
      frames_.push_back({.role = Role::Entry, .shape = &shape, .object = all});
      return;
    }
    if (member.ops->find(slot) != nullptr) return stop(fmt::format("{} occurs twice", member.wire_name));
    open_value(shape, member.ops->emplace(slot), &member, attributes);
  }

  void open_in_entry(std::string_view name, const XML_Char** attributes) {
    const Frame& top = frames_.back();
    const Shape& map = *top.shape;
    if (name == (map.key_name.empty() ? "key" : map.key_name)) {
      if (top.has_key) return stop("an entry has two keys");
      frames_.push_back({.role = Role::Key, .shape = map.key});
      return;
    }
    if (name != (map.value_name.empty() ? "value" : map.value_name)) {
      skipped_ = 1;
      return;
    }
    if (!top.has_key) return stop("a value without a key");
    void* slot = map.map->insert(top.object, top.text);
    if (slot == nullptr) return stop("a key occurs twice");
    open_value(*map.element, slot, nullptr, attributes);
  }

  void open_value(const Shape& shape, void* at, const Member* member, const XML_Char** attributes) {
    switch (shape.kind) {
      case Kind::Structure:
        frames_.push_back({.role = Role::Structure, .shape = &shape, .object = at, .member = member});
        return take_attributes(attributes);
      case Kind::List: frames_.push_back({.role = Role::List, .shape = &shape, .object = at, .member = member}); return;
      case Kind::Map: frames_.push_back({.role = Role::Map, .shape = &shape, .object = at, .member = member}); return;
      case Kind::Document:
      case Kind::Stream: skipped_ = 1; return;
      default: frames_.push_back({.role = Role::Scalar, .shape = &shape, .object = at, .member = member}); return;
    }
  }

  void take_attributes(const XML_Char** attributes) {
    const Frame& top = frames_.back();
    for (const auto& member : top.shape->members) {
      if (!member.xml_attribute) continue;
      for (const XML_Char** at = attributes; at[0] != nullptr; at += 2) {
        if (local(at[0]) != local(member.wire_name)) continue;
        void* slot = member.slot(top.object);
        const auto read = read_scalar(*member.shape, at[1], member.timestamp_format, TimestampFormat::Iso8601,
                                      member.ops->emplace(slot));
        if (read == ScalarRead::Malformed) return stop(fmt::format("the attribute {}", member.wire_name));
        if (read == ScalarRead::UnknownEnum) {
          member.ops->reset(slot);
          report(member_path(path(), member.name), *member.shape, at[1]);
        }
      }
    }
  }

  void close_scalar(const Frame& frame) {
    const Shape& shape = *frame.shape;
    const auto text = shape.kind == Kind::String ? std::string_view(frame.text) : trimmed(frame.text);
    const auto format = frame.member == nullptr ? TimestampFormat::Unset : frame.member->timestamp_format;
    switch (read_scalar(shape, text, format, TimestampFormat::Iso8601, frame.object)) {
      case ScalarRead::Ok: return;
      case ScalarRead::Malformed: return stop(fmt::format("{} is not {}", shown_value(text), scalar_name(shape.kind)));
      case ScalarRead::UnknownEnum: break;
    }
    Frame& below = frames_.back();
    std::string where = path();
    if (below.role == Role::Entry) {
      below.shape->map->erase(below.object, below.text);
    } else if (below.role == Role::List) {
      below.shape->list->drop_last(below.object);
    } else if (frame.member != nullptr) {
      frame.member->ops->reset(frame.member->slot(below.object));
      where = member_path(where, frame.member->name);
    } else {
      // An item of a flattened list.
      for (const auto& member : below.shape->members) {
        if (member.shape->kind != Kind::List || member.shape->element != &shape) continue;
        void* list = const_cast<void*>(member.find(below.object));
        if (list == nullptr || member.shape->list->size(list) == 0) continue;
        if (member.shape->list->at(list, member.shape->list->size(list) - 1) != frame.object) continue;
        member.shape->list->drop_last(list);
        where = member_path(where, member.name);
      }
    }
    report(where, shape, text);
  }

  void report(const std::string& where, const Shape& shape, std::string_view text) {
    constexpr std::size_t kMost = 10;  // as many as a message shows
    if (violations.size() < kMost)
      violations.push_back({where, shape.is_sensitive ? "" : shown_value(text),
                            enum_requirement({shape.enum_values.begin(), shape.enum_values.end()})});
  }

  std::string path() const {
    std::string out;
    for (const auto& frame : frames_)
      if (frame.member != nullptr) out = member_path(out, frame.member->name);
    return out;
  }

  const XML_Parser parser_;
  const Shape& root_;
  void* const structure_;
  const XmlReadOptions& options_;
  std::vector<Frame> frames_;
  std::size_t skipped_ = 0;  // depth below the first element that is skipped
  bool stopped_ = false;     // the parser still tells the end of an empty element
};

Handler& handler(void* data) { return *static_cast<Handler*>(data); }

}  // namespace

Result<std::vector<Violation>> read_xml(std::string_view text, const Shape& shape, void* structure,
                                        const XmlReadOptions& options) {
  constexpr std::string_view kMessage =
      "The XML you provided was not well-formed or did not validate against our published schema";
  const auto refuse = [&](std::string why) {
    return Failure(Error{"MalformedXML", std::string(kMessage), Error::Fault::Client, std::move(why)});
  };
  constexpr std::size_t kLargest = 256u << 20;
  if (text.size() > kLargest) return refuse("the document is too large");
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, void (*)(XML_Parser)> parser(XML_ParserCreate(nullptr),
                                                                                        XML_ParserFree);
  if (!parser) return server_error("InternalError", "There is no memory for an XML parser.");
  Handler handling(parser.get(), shape, structure, options);
  XML_SetUserData(parser.get(), &handling);
  XML_SetElementHandler(
      parser.get(),
      [](void* data, const XML_Char* name, const XML_Char** attributes) { handler(data).start(name, attributes); },
      [](void* data, const XML_Char*) { handler(data).end(); });
  XML_SetCharacterDataHandler(parser.get(), [](void* data, const XML_Char* part, int size) {
    handler(data).text({part, static_cast<std::size_t>(size)});
  });
  XML_SetStartDoctypeDeclHandler(parser.get(), [](void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    handler(data).stop("document types are not taken");
  });
  const auto status = XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
  if (!handling.problem.empty()) return refuse(std::move(handling.problem));
  if (status != XML_STATUS_OK)
    return refuse(fmt::format("{} in line {}", XML_ErrorString(XML_GetErrorCode(parser.get())),
                              XML_GetCurrentLineNumber(parser.get())));
  return std::move(handling.violations);
}

}  // namespace likeness::aws
