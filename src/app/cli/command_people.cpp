#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "app/cli/commands.hpp"
#include "app/cli/face_json.hpp"
#include "app/cli/inputs.hpp"

/// `likeness people`: the collections, and the persons in one of them (AWS calls them users).
namespace likeness::app {
namespace {

namespace json = boost::json;

int list_collections(FaceService& service, Console& console) {
  const auto collections = service.collections();
  if (!collections) return give_up(console, collections.error());
  if (console.json) {
    json::array out;
    for (const CollectionInfo& each : *collections)
      out.push_back({{"CollectionId", each.id},
                     {"FaceCount", each.faces},
                     {"UserCount", each.persons},
                     {"FaceModelVersion", each.face_model_version}});
    console.out << json::serialize(json::object{{"Collections", std::move(out)}}) << '\n';
    return kDone;
  }
  if (collections->empty()) {
    console.out << "no collections yet; `likeness index NAME PHOTOS...` makes one\n";
    return kDone;
  }
  Table table;
  table.header({"collection", "faces", "persons", "model"});
  for (const CollectionInfo& each : *collections)
    table.row({{printable(each.id), Style::Bold},
               {std::to_string(each.faces), Style::Plain, true},
               {std::to_string(each.persons), Style::Plain, true},
               {each.face_model_version, Style::Faint}});
  console.out << table.text(console.terminal);
  return kDone;
}

int list_people(const std::string& collection, FaceService& service, Console& console) {
  const auto people = service.people(collection);
  if (!people) return give_up(console, people.error());
  const auto faces = service.faces(collection, std::nullopt);
  if (!faces) return give_up(console, faces.error());
  const auto count_of = [&](const std::string& person) {
    return static_cast<std::size_t>(
        std::count_if(faces->begin(), faces->end(), [&](const StoredFace& face) { return face.user_id == person; }));
  };
  if (console.json) {
    json::array out;
    for (const PersonInfo& each : *people)
      out.push_back({{"UserId", each.id}, {"UserStatus", each.status}, {"FaceCount", count_of(each.id)}});
    console.out << json::serialize(json::object{{"Users", std::move(out)}, {"FacesOfNobody", count_of("")}}) << '\n';
    return kDone;
  }
  Table table;
  table.header({"person", "faces", "status"});
  for (const PersonInfo& each : *people)
    table.row({{printable(each.id), Style::Bold},
               {std::to_string(count_of(each.id)), Style::Plain, true},
               {each.status, Style::Faint}});
  if (!people->empty()) console.out << table.text(console.terminal);
  console.out << fmt::format("{} in {}; {} of no person\n", counted(people->size(), "person", "persons"),
                             printable(collection), counted(count_of(""), "face", "faces"));
  return kDone;
}

int create_person(const PeopleOptions& options, FaceService& service, Console& console) {
  const auto photos = find_photos(options.photos);
  if (!photos) return give_up(console, photos.error());
  if (auto found = service.describe_collection(*options.collection); !found) {
    if (found.error().code != "ResourceNotFoundException") return give_up(console, found.error());
    if (auto made = service.create_collection(*options.collection); !made) return give_up(console, made.error());
  }
  if (auto made = service.create_person(*options.collection, options.person);
      !made && made.error().code != "ConflictException")
    return give_up(console, made.error());
  std::vector<std::string> face_ids;
  const auto work = [&](std::size_t, const Photo& photo) -> Result<Indexed> {
    IndexRequest request;
    request.external_image_id = external_id_for(options.person);
    request.max_faces = 1;  // the photos are of that person; whoever stands behind is not taken for them
    return service.index(*options.collection, photo, request);
  };
  const auto show = [&](std::size_t i, const Indexed& indexed) {
    for (const Indexed::Record& record : indexed.records) face_ids.push_back(record.face.face_id);
    if (indexed.records.empty()) complain(console, fmt::format("{}: no face that is good enough", (*photos)[i]));
  };
  const Tally tally = over_photos(console, *photos, default_jobs(), work, show);
  if (tally.fatal) return kFailed;
  std::vector<std::string> refused;
  for (std::size_t first = 0; first < face_ids.size(); first += 100) {
    const auto last = std::min(face_ids.size(), first + 100);
    auto rest =
        service.add_faces(*options.collection, options.person,
                          {face_ids.begin() + static_cast<long>(first), face_ids.begin() + static_cast<long>(last)});
    if (!rest) return give_up(console, rest.error());
    refused.insert(refused.end(), rest->begin(), rest->end());
  }
  for (const std::string& why : refused) complain(console, why);
  const std::size_t added = face_ids.size() - refused.size();
  if (console.json) {
    console.out << json::serialize(json::object{{"UserId", options.person},
                                                {"AssociatedFaces", added},
                                                {"UnsuccessfulFaceAssociations", json::value_from(refused)}})
                << '\n';
  } else {
    console.out << fmt::format("{} has {} more in {}\n", printable(options.person), counted(added, "face", "faces"),
                               printable(*options.collection));
  }
  return tally.exit_code(added > 0 ? kDone : kNo);
}

int show_person(const PeopleOptions& options, FaceService& service, Console& console) {
  const auto faces = service.faces(*options.collection, options.person);
  if (!faces) return give_up(console, faces.error());
  if (console.json) {
    json::array out;
    for (const StoredFace& face : *faces) out.push_back(stored_face_json(face));
    console.out << json::serialize(json::object{{"UserId", options.person}, {"Faces", std::move(out)}}) << '\n';
    return kDone;
  }
  console.out << console.terminal.styled(printable(options.person), Style::Bold)
              << console.terminal.styled("  " + counted(faces->size(), "face", "faces"), Style::Faint) << '\n';
  Table table;
  table.header({"face", "indexed as", "sure %"});
  for (const StoredFace& face : *faces)
    table.row({{face.face_id},
               {printable(face.external_image_id)},
               {fmt::format("{:.1f}", face.confidence), Style::Plain, true}});
  if (!faces->empty()) console.out << table.text(console.terminal, "  ");
  return kDone;
}

int delete_person(const PeopleOptions& options, FaceService& service, Console& console) {
  std::vector<std::string> face_ids;
  if (options.with_faces) {
    const auto faces = service.faces(*options.collection, options.person);
    if (!faces) return give_up(console, faces.error());
    for (const StoredFace& face : *faces) face_ids.push_back(face.face_id);
  }
  if (auto gone = service.delete_person(*options.collection, options.person); !gone)
    return give_up(console, gone.error());
  if (!face_ids.empty())
    if (auto gone = service.delete_faces(*options.collection, face_ids); !gone) return give_up(console, gone.error());
  if (console.json)
    console.out << json::serialize(json::object{{"UserId", options.person}, {"DeletedFaces", face_ids.size()}}) << '\n';
  else
    console.out << fmt::format("deleted {}{}\n", printable(options.person),
                               options.with_faces ? " and " + counted(face_ids.size(), "face", "faces") : "");
  return kDone;
}

}  // namespace

int run_people(const PeopleOptions& options, FaceService& service, Console& console) {
  switch (options.action) {
    case PeopleOptions::Action::List:
      return options.collection ? list_people(*options.collection, service, console)
                                : list_collections(service, console);
    case PeopleOptions::Action::Create: return create_person(options, service, console);
    case PeopleOptions::Action::Show: return show_person(options, service, console);
    case PeopleOptions::Action::Delete:
      if (!options.person.empty()) return delete_person(options, service, console);
      if (auto gone = service.delete_collection(*options.collection); !gone) return give_up(console, gone.error());
      if (!console.json) console.out << fmt::format("deleted the collection {}\n", printable(*options.collection));
      return kDone;
  }
  return kUsage;
}

}  // namespace likeness::app
