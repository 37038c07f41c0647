#include <CLI/CLI.hpp>
#include <memory>

#include "app/commands.hpp"
#include "app/serve.hpp"

namespace likeness::app {

void add_serve_command(CLI::App& root, int& exit_code) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = root.add_subcommand("serve", "Run the server until SIGTERM or Ctrl-C");
  command->add_option("--data", options->data, "folder of everything that is kept (made if missing)")->type_name("DIR");
  command->add_option("--listen", options->listen, "address to take requests on; port 0 picks one")
      ->type_name("HOST:PORT");
  command->add_option("--tls-listen", options->tls_listen, "address to take HTTPS requests on as well")
      ->type_name("HOST:PORT");
  command
      ->add_option("--tls-certificate", options->tls_certificate, "certificate for HTTPS, and its chain, in PEM form")
      ->type_name("FILE");
  command->add_option("--tls-key", options->tls_key, "private key of the certificate")->type_name("FILE");
  command->add_flag("--tls-self-signed", options->tls_self_signed,
                    "make a certificate and keep it in DIR/tls/certificate.pem, for clients to trust");
  command->add_option("--config", options->config_file, "settings in YAML")->type_name("FILE");
  command->add_option("--set", options->set, "one setting, over the file's and the environment's; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->callback([options, &exit_code] { exit_code = run_serve(*options); });
}

}  // namespace likeness::app
