"""PartiQL over DynamoDB: statements, batches and transactions."""

import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def table(dynamodb):
    name = f"partiql-{uuid.uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}, {"AttributeName": "year", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "artist", "AttributeType": "S"},
                              {"AttributeName": "year", "AttributeType": "N"},
                              {"AttributeName": "genre", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[{"IndexName": "byGenre", "Projection": {"ProjectionType": "KEYS_ONLY"},
                                 "KeySchema": [{"AttributeName": "genre", "KeyType": "HASH"}]}])
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def run(dynamodb, table):
    """run("SELECT ... FROM $", [parameters]) -> items; $ stands for the table."""
    def execute(statement, parameters=None, **options):
        if parameters is not None:
            options["Parameters"] = parameters
        return dynamodb.execute_statement(Statement=statement.replace("$", f'"{table}"'), **options)["Items"]
    return execute


@pytest.fixture
def songs(run):
    for artist, year, genre in [("Ann", 1999, "folk"), ("Ann", 2005, "rock"), ("Ann", 2010, "rock"), ("Bob", 2001, "folk")]:
        run("INSERT INTO $ VALUE {'artist': ?, 'year': ?, 'genre': ?, 'tags': ['a', {'deep': [7, 8]}]}",
            [{"S": artist}, {"N": str(year)}, {"S": genre}])


def years(items):
    return [int(item["year"]["N"]) for item in items]


def failure(call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_select_finds_items_by_key_condition_and_filter(run, songs):
    assert years(run("SELECT * FROM $ WHERE artist = 'Ann' AND year = 2005")) == [2005]
    assert years(run("SELECT * FROM $ WHERE artist = ?", [{"S": "Ann"}])) == [1999, 2005, 2010]
    assert years(run("SELECT * FROM $ WHERE artist = 'Ann' AND year BETWEEN 2000 AND 2010 ORDER BY year DESC")) == [2010, 2005]
    assert years(run("SELECT * FROM $ WHERE artist IN ['Bob', 'Ann'] AND genre = 'folk' ORDER BY artist")) == [1999, 2001]
    assert sorted(years(run("SELECT * FROM $ WHERE begins_with(genre, 'ro') AND size(tags) = 2"))) == [2005, 2010]
    assert run("SELECT * FROM $ WHERE genre IS MISSING") == []
    assert len(run("SELECT * FROM $ WHERE nosuch IS MISSING AND NOT artist = 'Bob'")) == 3
    assert years(run("SELECT * FROM $ WHERE attribute_type(genre, 'S') AND contains(artist, 'o')")) == [2001]


def test_select_shows_columns_and_nested_paths(run, songs):
    assert run("SELECT genre, tags[1].deep FROM $ WHERE artist = 'Bob'") == [
        {"genre": {"S": "folk"}, "tags[1]": {"M": {"deep": {"L": [{"N": "7"}, {"N": "8"}]}}}}]


def test_select_reads_indexes(run, songs, table, dynamodb):
    found = dynamodb.execute_statement(Statement=f'SELECT * FROM "{table}"."byGenre" WHERE genre = \'rock\'')["Items"]
    assert sorted(years(found)) == [2005, 2010]
    assert all(set(item) == {"artist", "year", "genre"} for item in found)
    code, message = failure(dynamodb.execute_statement, Statement=f'SELECT tags FROM "{table}"."byGenre" WHERE genre = \'rock\'')
    assert (code, message) == ("ValidationException", "One or more parameter values were invalid: Global secondary index "
                                                      "byGenre does not project [tags]")


@pytest.mark.parametrize("where", ["", " WHERE artist = 'Ann'", " WHERE artist IN ['Ann', 'Bob', 'Cid']",
                                   " WHERE artist = 'Ann' ORDER BY year DESC"])
def test_pages_of_a_select_give_what_one_page_gives(run, songs, table, dynamodb, where):
    statement = f'SELECT * FROM "{table}"{where}'
    whole = dynamodb.execute_statement(Statement=statement)["Items"]
    paged, token, pages = [], None, 0
    while pages < 20:
        answer = dynamodb.execute_statement(Statement=statement, Limit=1, **({"NextToken": token} if token else {}))
        paged += answer["Items"]
        pages += 1
        token = answer.get("NextToken")
        if not token:
            break
    assert paged == whole
    assert pages >= len(whole)


def test_a_token_of_another_statement_is_refused(run, songs, table, dynamodb):
    token = dynamodb.execute_statement(Statement=f'SELECT * FROM "{table}"', Limit=1)["NextToken"]
    for bad in (token, "nonsense", token[:-8]):
        code, _ = failure(dynamodb.execute_statement, Statement=f'SELECT artist FROM "{table}"', NextToken=bad)
        assert code == "ValidationException"


def test_insert_of_what_is_there_already_is_refused(run, songs):
    assert failure(run, "INSERT INTO $ VALUE {'artist': 'Ann', 'year': 1999}") == (
        "DuplicateItemException", "Duplicate primary key exists in table")
    assert run("SELECT genre FROM $ WHERE artist = 'Ann' AND year = 1999") == [{"genre": {"S": "folk"}}]


def test_update_sets_removes_and_returns(run, songs):
    assert run("UPDATE $ SET plays = 1, tags = list_append(tags, ['z']) SET who = <<'x'>> REMOVE genre "
               "WHERE artist = 'Bob' AND year = 2001 RETURNING MODIFIED NEW *")[0]["plays"] == {"N": "1"}
    new = run("UPDATE $ SET plays = plays + 2 SET who = set_add(who, <<'y'>>) WHERE artist = 'Bob' AND year = 2001 "
              "RETURNING ALL NEW *")[0]
    assert new["plays"] == {"N": "3"}
    assert sorted(new["who"]["SS"]) == ["x", "y"]
    assert "genre" not in new
    assert new["tags"]["L"][2] == {"S": "z"}
    old = run("UPDATE $ SET plays = 0 WHERE artist = 'Bob' AND year = 2001 RETURNING MODIFIED OLD *")
    assert old == [{"plays": {"N": "3"}}]


def test_update_of_nothing_fails_and_makes_nothing(run, songs):
    assert failure(run, "UPDATE $ SET v = 1 WHERE artist = 'Cid' AND year = 1")[0] == "ConditionalCheckFailedException"
    assert failure(run, "UPDATE $ SET v = 1 WHERE artist = 'Ann' AND year = 1999 AND genre = 'pop'")[0] == \
        "ConditionalCheckFailedException"
    assert run("SELECT * FROM $ WHERE v = 1") == []


def test_a_failed_condition_can_show_the_item(songs, table, dynamodb):
    with pytest.raises(ClientError) as caught:
        dynamodb.execute_statement(Statement=f'UPDATE "{table}" SET v = 1 WHERE artist = \'Bob\' AND year = 2001 AND v = 2',
                                   ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert caught.value.response["Item"]["genre"] == {"S": "folk"}


def test_delete_returns_what_was_there(run, songs):
    assert years(run("DELETE FROM $ WHERE artist = 'Bob' AND year = 2001 RETURNING ALL OLD *")) == [2001]
    assert run("DELETE FROM $ WHERE artist = 'Bob' AND year = 2001 RETURNING ALL OLD *") == []
    assert run("SELECT * FROM $ WHERE artist = 'Bob'") == []


@pytest.mark.parametrize("statement, code, message", [
    ("SELECT * FROM $ WHERE", "ValidationException", "Statement wasn't well formed, can't be processed: "),
    ("DROP TABLE $", "ValidationException", ""),
    ("SELECT * FROM \"not-there\"", "ResourceNotFoundException", ""),
    ("SELECT * FROM $ WHERE artist = ?", "ValidationException", "Number of parameters in request and statement don't match."),
    ("SELECT count(*) FROM $", "ValidationException", "Unexpected path component at 1:8:5"),
    ("UPDATE $ SET v = 1 WHERE artist = 'Ann'", "ValidationException",
     "Where clause does not contain a mandatory equality on all key attributes"),
    ("INSERT INTO $ VALUE {'artist': 1, 'year': 1}", "ValidationException",
     "Key attribute's data type should match its data type in table's schema: Key artist"),
    ("UPDATE $ SET year = 1 WHERE artist = 'Ann' AND year = 1999", "ValidationException",
     "One or more parameter values were invalid: Cannot update attribute year. This attribute is part of the key"),
    ("SELECT * FROM $ " + "x" * 9000, "ValidationException", ""),
])
def test_bad_statements_get_the_errors_of_aws_and_change_nothing(run, songs, statement, code, message):
    before = run("SELECT * FROM $")
    got = failure(run, statement)
    assert got[0] == code
    assert got[1].startswith(message)
    assert run("SELECT * FROM $") == before


def test_an_item_over_400_kb_is_refused(run, songs, table, dynamodb):
    code, message = failure(dynamodb.execute_statement, Statement=f"INSERT INTO \"{table}\" VALUE {{'artist': 'Ann', 'year': 1, 'v': ?}}",
                            Parameters=[{"S": "x" * (400 << 10)}])
    assert (code, message) == ("ValidationException", "Item size has exceeded the maximum allowed size")
    assert run("SELECT * FROM $ WHERE artist = 'Ann' AND year = 1") == []


def test_a_batch_answers_each_statement(songs, table, dynamodb):
    ask = lambda *statements: dynamodb.batch_execute_statement(
        Statements=[{"Statement": s.replace("$", f'"{table}"')} for s in statements])["Responses"]
    found = ask("SELECT genre FROM $ WHERE artist = 'Ann' AND year = 1999", "SELECT * FROM $ WHERE artist = 'Ann'",
                "SELECT * FROM $ WHERE artist = 'Ann' AND year = 1")
    assert found[0] == {"TableName": table, "Item": {"genre": {"S": "folk"}}}
    assert found[1]["Error"] == {"Code": "ValidationError", "Message": "Only single item select is supported"}
    assert found[2] == {"TableName": table}
    done = ask("INSERT INTO $ VALUE {'artist': 'Ann', 'year': 1999}", "INSERT INTO $ VALUE {'artist': 'New', 'year': 1}",
               "UPDATE $ SET v = 1 WHERE artist = 'Bob' AND year = 2001")
    assert done[0]["Error"]["Code"] == "DuplicateItem"
    assert "Error" not in done[1] and "Error" not in done[2]


def test_a_transaction_is_all_or_nothing(run, songs, table, dynamodb):
    def transact(*statements, **options):
        return dynamodb.execute_transaction(
            TransactStatements=[{"Statement": s.replace("$", f'"{table}"')} for s in statements], **options)
    with pytest.raises(ClientError) as caught:
        transact("INSERT INTO $ VALUE {'artist': 'New', 'year': 1}",
                 "UPDATE $ SET v = 1 WHERE artist = 'Ann' AND year = 1999 AND genre = 'pop'")
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert run("SELECT * FROM $ WHERE artist = 'New'") == []
    transact("EXISTS(SELECT * FROM $ WHERE artist = 'Ann' AND year = 1999 AND genre = 'folk')",
             "INSERT INTO $ VALUE {'artist': 'New', 'year': 1}", "DELETE FROM $ WHERE artist = 'Bob' AND year = 2001")
    found = transact("SELECT artist FROM $ WHERE artist = 'New' AND year = 1",
                     "SELECT * FROM $ WHERE artist = 'Bob' AND year = 2001")["Responses"]
    assert found == [{"Item": {"artist": {"S": "New"}}}, {}]


def test_a_transaction_with_a_token_is_done_once(run, songs, table, dynamodb):
    statement = f'UPDATE "{table}" SET plays = year + 1, year2 = year WHERE artist = \'Bob\' AND year = 2001'
    insert = f"INSERT INTO \"{table}\" VALUE {{'artist': 'Once', 'year': 1}}"
    for _ in range(2):
        dynamodb.execute_transaction(TransactStatements=[{"Statement": insert}], ClientRequestToken="token-1")
    code, _ = failure(dynamodb.execute_transaction, TransactStatements=[{"Statement": statement}],
                      ClientRequestToken="token-1")
    assert code == "IdempotentParameterMismatchException"
