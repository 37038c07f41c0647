#include "app/messages_area.hpp"

#include <optional>
#include <utility>

#include "aws/gateway.hpp"
#include "config/settings.hpp"
#include "domain/queues/queues.hpp"
#include "domain/queues/upkeep.hpp"
#include "domain/topics/outbox.hpp"
#include "domain/topics/topics.hpp"
#include "net/smtp.hpp"
#include "services/sns/deliveries.hpp"
#include "services/sns/envelope.hpp"
#include "services/sns/provider.hpp"
#include "services/sns/publisher.hpp"
#include "services/sqs/provider.hpp"

namespace likeness::app {
namespace {

bool is_local(const net::Request& request) {
  const std::string_view from = request.remote_address;
  return from.starts_with("127.") || from == "::1" || from.starts_with("::ffff:127.");
}

}  // namespace

struct MessagesArea::Parts {
  // In the order of dependence, so that destruction goes backwards.
  std::unique_ptr<queues::Queues> queues;
  std::unique_ptr<aws::Service> sqs;
  std::unique_ptr<Upkeep> queue_upkeep;

  std::unique_ptr<topics::Topics> topics;
  std::unique_ptr<topics::Outbox> outbox;
  std::unique_ptr<sns::Signer> signer;
  std::unique_ptr<sns::Envelopes> envelopes;
  std::unique_ptr<sns::Deliveries> deliveries;
  std::unique_ptr<sns::Publisher> publisher;
  std::unique_ptr<aws::Service> sns;
  std::unique_ptr<sns::Pages> pages;
};

MessagesArea::MessagesArea(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
MessagesArea::~MessagesArea() { stop(); }

Result<void> MessagesArea::open_queues(Parts& parts, Wiring& wiring) {
  queues::QueuesOptions options;
  options.account = wiring.settings.account;
  options.region = wiring.settings.region;
  options.metrics = wiring.recorder;
  auto queues = queues::Queues::open(wiring.store, wiring.clock, options);
  if (!queues) return fail(queues);
  parts.queues = std::move(*queues);
  parts.sqs = sqs::make_sqs(*parts.queues, {.endpoint = [&address = wiring.address] { return address.get(); }});
  wiring.gateway.add(*parts.sqs);
  return {};
}

Result<void> MessagesArea::open_topics(Parts& parts, Wiring& wiring) {
  const auto& settings = wiring.settings;
  auto topics =
      topics::Topics::open(wiring.store, wiring.clock, {.account = settings.account, .region = settings.region});
  if (!topics) return fail(topics);
  parts.topics = std::move(*topics);
  auto outbox = topics::Outbox::open(wiring.store, wiring.clock, static_cast<std::size_t>(settings.outbox_limit));
  if (!outbox) return fail(outbox);
  parts.outbox = std::move(*outbox);
  auto signer = sns::Signer::open(wiring.store);
  if (!signer) return fail(signer);
  parts.signer = std::move(*signer);
  parts.envelopes = std::make_unique<sns::Envelopes>(*parts.signer, [&wiring] {
    return wiring.settings.public_url.empty() ? wiring.address.get() : wiring.settings.public_url;
  });

  sns::DeliveryOptions options;
  options.account = settings.account;
  options.mail_from = settings.smtp_from;
  options.private_targets = settings.http_private_targets;
  options.metrics = wiring.recorder;
  if (!settings.smtp.empty()) {
    auto smtp = net::SmtpServer::parse(settings.smtp);
    if (!smtp) return fail(smtp);
    options.smtp = std::move(*smtp);
  }
  parts.deliveries = std::make_unique<sns::Deliveries>(*parts.topics, *parts.envelopes, wiring.calls, *parts.outbox,
                                                       wiring.clock, std::move(options));
  auto publisher = sns::Publisher::open(wiring.store, wiring.clock, *parts.topics, *parts.deliveries, wiring.recorder);
  if (!publisher) return fail(publisher);
  parts.publisher = std::move(*publisher);
  parts.sns = sns::make_sns(*parts.topics, *parts.publisher);
  wiring.gateway.add(*parts.sns);

  parts.pages = std::make_unique<sns::Pages>(*parts.topics, *parts.outbox, *parts.signer);
  wiring.pages.push_back(
      {.name = "sns-link",
       .matches = sns::Pages::is_link,
       .answer = [&pages = *parts.pages](const net::Request& request) { return pages.answer_link(request); }});
  // Mails hold links that confirm, so they are not for everybody who can reach the server.
  wiring.pages.push_back(
      {.name = "outbox",
       .matches = sns::Pages::is_outbox,
       .answer = [&pages = *parts.pages, anywhere = settings.outbox_anywhere](const net::Request& request) {
         if (anywhere || is_local(request)) return pages.answer_outbox(request);
         return net::text_response(403, "text/plain; charset=utf-8",
                                   "The outbox is shown on the server's own machine only, unless "
                                   "outbox_anywhere is set.\n");
       }});
  return {};
}

Result<std::unique_ptr<Area>> MessagesArea::open(Wiring& wiring) {
  auto parts = std::make_unique<Parts>();
  if (auto opened = open_queues(*parts, wiring); !opened) return fail(opened);
  if (auto opened = open_topics(*parts, wiring); !opened) return fail(opened);
  return std::unique_ptr<Area>(new MessagesArea(std::move(parts)));
}

void MessagesArea::start() {
  parts_->queue_upkeep = std::make_unique<Upkeep>(queues::chores(*parts_->queues));
  parts_->publisher->start();
}

void MessagesArea::stop() {
  parts_->queues->stop();
  parts_->publisher->stop();
  parts_->queue_upkeep.reset();
}

}  // namespace likeness::app
