#pragma once

#include <vector>

#include "domain/checks/rules.hpp"
#include "vision/face.hpp"

// NOLINTBEGIN(readability-identifier-naming): the library's names, declared so that its headers stay in .cpp files.
namespace boost::json {
class value;
class object;
class array;
}  // namespace boost::json
// NOLINTEND(readability-identifier-naming)

/// Findings in the member names of the AWS API, both ways: for answers of a server, and for who prints the same.
namespace likeness::apps {

boost::json::object box_json(const vision::Box& box);
/// A FaceDetail with what the face has.
boost::json::object face_detail_json(const vision::Face& face);
boost::json::array face_details_json(const std::vector<vision::Face>& faces);
/// "Rule", "Result", "Measured", "Wanted", "Margin", "Reason" (and "Hint") of each rule.
boost::json::array rules_json(const checks::RuleSet& rules, const checks::Verdict& verdict);

/// Members that are missing or of another type are left at their defaults: the server is newer or older than we are.
vision::Face face_of_json(const boost::json::value& detail);
vision::Box box_of_json(const boost::json::value& box);

}  // namespace likeness::apps
