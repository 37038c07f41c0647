#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "domain/topics/model.hpp"

namespace likeness::topics {

/// Whether a topic can deliver there; the texts are AWS's.
Result<void> check_endpoint(bool fifo_topic, const std::string& protocol, const std::string& endpoint);

/// E.164: "+15005550100".
bool is_phone_number(std::string_view text);

/// Message, subject, attributes, structure and FIFO's ids of what is published. `topic` is null for a phone number.
Result<void> check_publication(const Topic* topic, const Publication& publication);

/// Reads MessageStructure=json: an object with a text for "default" and others for protocols.
Result<void> read_structure(Publication& publication);

}  // namespace likeness::topics
