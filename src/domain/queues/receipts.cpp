#include "domain/queues/receipts.hpp"

#include <utility>

#include "domain/secret.hpp"

namespace likeness::queues {
namespace {

constexpr char kFormat = 1;
constexpr std::size_t kPayload = 25;  // format and three numbers
constexpr std::size_t kMac = 16;

}  // namespace

Result<Receipts> Receipts::open(storage::Store& store) {
  auto secret = domain::kept_secret(store, "receipt-handles");
  if (!secret) return fail(secret);
  return Receipts(std::move(*secret));
}

std::string Receipts::make(const Receipt& receipt) const {
  std::string payload(1, kFormat);
  append_number(payload, receipt.queue);
  append_number(payload, receipt.sequence);
  append_number(payload, receipt.nonce);
  const auto mac = hmac_sha256(secret_, as_bytes(payload));
  payload += as_text(mac).substr(0, kMac);
  return to_base64(as_bytes(payload));
}

std::optional<Receipt> Receipts::read(std::string_view handle) const {
  const auto bytes = from_base64(handle);
  if (!bytes || bytes->size() != kPayload + kMac || bytes->front() != kFormat) return std::nullopt;
  const auto all = as_text(*bytes);
  const auto payload = all.substr(0, kPayload);
  const auto mac = hmac_sha256(secret_, as_bytes(payload));
  if (!equal_in_constant_time(as_text(mac).substr(0, kMac), all.substr(kPayload))) return std::nullopt;
  return Receipt{read_number(payload.substr(1)), read_number(payload.substr(9)), read_number(payload.substr(17))};
}

}  // namespace likeness::queues
