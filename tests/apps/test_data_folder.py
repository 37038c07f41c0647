"""Functions run whatever form the name of the data folder has."""

from likeness_server import Server

from apps_tools import Account


def test_a_relative_data_folder_serves_functions_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = Server(tmp_path, data="data")
    try:
        account = Account(server)
        account.function("hello", "def lambda_handler(event, context):\n    return event['name']\n", account.role("hello", []))
        answer = account.lambda_.invoke(FunctionName="hello", Payload=b'{"name": "ann"}')
        assert answer["Payload"].read() == b'"ann"'
    finally:
        server.stop()
