"""Collections and their tags."""

import datetime

import pytest
from pictures import photo

GHOST = "The collection id: ghosts does not exist"


def test_create_answers_status_arn_and_model(rekognition, collection):
    rekognition.delete_collection(CollectionId=collection)
    answer = rekognition.create_collection(CollectionId=collection)
    assert answer["StatusCode"] == 200
    # The CLI reference and recorded CloudTrail events have no "arn:" in front here; DescribeCollection does.
    assert answer["CollectionArn"] == f"aws:rekognition:us-east-1:000000000000:collection/{collection}"
    assert answer["FaceModelVersion"]


def test_describe_tells_counts_and_time(rekognition, collection):
    answer = rekognition.describe_collection(CollectionId=collection)
    assert answer["CollectionARN"] == f"arn:aws:rekognition:us-east-1:000000000000:collection/{collection}"
    assert answer["FaceCount"] == 0 and answer["UserCount"] == 0
    age = datetime.datetime.now(datetime.timezone.utc) - answer["CreationTimestamp"]
    assert datetime.timedelta(seconds=-2) < age < datetime.timedelta(minutes=5)


def test_a_second_one_of_the_same_name_is_refused(rekognition, collection, refused):
    # Documented text.
    with refused("ResourceAlreadyExistsException", f"The collection id: {collection} already exists"):
        rekognition.create_collection(CollectionId=collection)


def test_names_are_case_sensitive(rekognition, collection):
    # Documented: "Collection names are case-sensitive."
    rekognition.create_collection(CollectionId=collection.upper())
    rekognition.delete_collection(CollectionId=collection.upper())
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 0


@pytest.mark.parametrize("call", [
    lambda r: r.describe_collection(CollectionId="ghosts"),
    lambda r: r.delete_collection(CollectionId="ghosts"),
    lambda r: r.list_faces(CollectionId="ghosts"),
    lambda r: r.index_faces(CollectionId="ghosts", Image={"Bytes": photo("astronaut.png")}),
    lambda r: r.search_faces_by_image(CollectionId="ghosts", Image={"Bytes": photo("astronaut.png")}),
    lambda r: r.search_users_by_image(CollectionId="ghosts", Image={"Bytes": photo("astronaut.png")}),
    lambda r: r.search_faces(CollectionId="ghosts", FaceId="0b683aed-a0f1-48b2-9b5e-139e9cc2a757"),
    lambda r: r.delete_faces(CollectionId="ghosts", FaceIds=["0b683aed-a0f1-48b2-9b5e-139e9cc2a757"]),
    lambda r: r.create_user(CollectionId="ghosts", UserId="ann"),
    lambda r: r.delete_user(CollectionId="ghosts", UserId="ann"),
    lambda r: r.list_users(CollectionId="ghosts"),
    lambda r: r.associate_faces(CollectionId="ghosts", UserId="a", FaceIds=["0b683aed-a0f1-48b2-9b5e-139e9cc2a757"]),
    lambda r: r.search_users(CollectionId="ghosts", UserId="ann"),
])
def test_an_unknown_collection_is_not_found(rekognition, refused, call):
    with refused("ResourceNotFoundException", GHOST):
        call(rekognition)


def test_a_deleted_collection_is_gone(rekognition, collection, refused):
    assert rekognition.delete_collection(CollectionId=collection)["StatusCode"] == 200
    with refused("ResourceNotFoundException"):
        rekognition.describe_collection(CollectionId=collection)
    assert collection not in rekognition.list_collections()["CollectionIds"]


def test_one_made_again_is_empty(rekognition, collection):
    rekognition.index_faces(CollectionId=collection, Image={"Bytes": photo("astronaut.png")})
    rekognition.delete_collection(CollectionId=collection)
    rekognition.create_collection(CollectionId=collection)
    assert rekognition.list_faces(CollectionId=collection)["Faces"] == []
    assert rekognition.search_faces_by_image(CollectionId=collection,
                                             Image={"Bytes": photo("astronaut.png")})["FaceMatches"] == []


def test_listing_goes_in_pages(start_server):
    rekognition = start_server().client()
    names = [f"c{number}" for number in range(7)]
    for name in names:
        rekognition.create_collection(CollectionId=name)
    pages = list(rekognition.get_paginator("list_collections").paginate(PaginationConfig={"PageSize": 3}))
    assert [len(page["CollectionIds"]) for page in pages] == [3, 3, 1]
    assert sorted(name for page in pages for name in page["CollectionIds"]) == names
    # Documented: FaceModelVersions[n] is the version of CollectionIds[n].
    assert all(len(page["FaceModelVersions"]) == len(page["CollectionIds"]) for page in pages)
    assert "NextToken" not in pages[-1]


def test_a_made_up_page_token_is_refused(rekognition, collection, refused):
    for token in ("abc", "bm90IGEgdG9rZW4=", "A" * 255):
        with refused("InvalidPaginationTokenException", "Invalid Pagination Token"):
            rekognition.list_collections(NextToken=token)
        with refused("InvalidPaginationTokenException"):
            rekognition.list_faces(CollectionId=collection, NextToken=token)


def test_the_server_is_in_one_region(server, refused):
    # As an endpoint of AWS is: a signature for another region is refused.
    with refused("InvalidSignatureException", "Credential should be scoped to a valid region, not 'eu-west-1'."):
        server.client(region_name="eu-west-1").list_collections()


def test_the_region_is_a_setting(start_server):
    client = start_server(set=["region=eu-west-1", "account=123456789012"]).client(region_name="eu-west-1")
    client.create_collection(CollectionId="c")
    assert client.describe_collection(CollectionId="c")["CollectionARN"] == \
        "arn:aws:rekognition:eu-west-1:123456789012:collection/c"


def test_tags_come_with_creation_and_are_changed(rekognition, collection, refused):
    rekognition.delete_collection(CollectionId=collection)
    rekognition.create_collection(CollectionId=collection, Tags={"team": "blue", "cost": "7"})
    arn = rekognition.describe_collection(CollectionId=collection)["CollectionARN"]
    assert rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "blue", "cost": "7"}
    rekognition.tag_resource(ResourceArn=arn, Tags={"team": "red", "new": ""})
    rekognition.untag_resource(ResourceArn=arn, TagKeys=["cost", "never there"])
    assert rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "red", "new": ""}


def test_tags_have_limits(rekognition, collection, refused):
    arn = rekognition.describe_collection(CollectionId=collection)["CollectionARN"]
    rekognition.tag_resource(ResourceArn=arn, Tags={f"key{number}": "v" for number in range(200)})
    with refused("ServiceQuotaExceededException"):
        rekognition.tag_resource(ResourceArn=arn, Tags={"one more": "v"})
    with refused("ValidationException"):  # the prefix is AWS's own
        rekognition.tag_resource(ResourceArn=arn, Tags={"aws:own": "v"})
    assert len(rekognition.list_tags_for_resource(ResourceArn=arn)["Tags"]) == 200


def test_tags_need_a_collection_that_is_there(rekognition, refused):
    with refused("ResourceNotFoundException"):
        rekognition.list_tags_for_resource(
            ResourceArn="arn:aws:rekognition:us-east-1:000000000000:collection/ghosts")
    with refused("InvalidParameterException"):
        rekognition.tag_resource(ResourceArn="arn:aws:s3:::some-bucket-of-mine", Tags={"a": "b"})
