"""Users: several faces of one person, searched as one."""

import pytest
from pictures import astronaut, grey, person, photo

NOWHERE = "0b683aed-a0f1-48b2-9b5e-139e9cc2a757"


@pytest.fixture
def faces(rekognition, collection):
    """faces("astronaut", ...) indexes an image and gives the id of its one face."""
    def index(image):
        (record,) = rekognition.index_faces(CollectionId=collection, Image={"Bytes": image})["FaceRecords"]
        return record["Face"]["FaceId"]
    return index


@pytest.fixture
def eileen(rekognition, collection, faces):
    """A user with two photos of the astronaut; gives her face ids."""
    ids = [faces(astronaut()), faces(astronaut(mirrored=True))]
    rekognition.create_user(CollectionId=collection, UserId="eileen")
    rekognition.associate_faces(CollectionId=collection, UserId="eileen", FaceIds=ids)
    return ids


def by_image(rekognition, collection, image, **options):
    return rekognition.search_users_by_image(CollectionId=collection, Image={"Bytes": image}, **options)


def test_users_are_created_listed_and_deleted(rekognition, collection, refused):
    rekognition.create_user(CollectionId=collection, UserId="bob:1")
    rekognition.create_user(CollectionId=collection, UserId="ann")
    users = rekognition.list_users(CollectionId=collection)["Users"]
    # Documented: CREATED is a user with no faces.
    assert {(user["UserId"], user["UserStatus"]) for user in users} == {("ann", "CREATED"), ("bob:1", "CREATED")}
    assert rekognition.describe_collection(CollectionId=collection)["UserCount"] == 2
    rekognition.delete_user(CollectionId=collection, UserId="ann")
    assert [user["UserId"] for user in rekognition.list_users(CollectionId=collection)["Users"]] == ["bob:1"]
    # Documented: "If the specified Collection or UserID is already deleted or not found, a ResourceNotFoundException".
    with refused("ResourceNotFoundException"):
        rekognition.delete_user(CollectionId=collection, UserId="ann")


def test_a_second_user_of_the_same_id_is_a_conflict(rekognition, collection, refused):
    # Documented for ConflictException: "A User with the same Id already exists within the collection".
    rekognition.create_user(CollectionId=collection, UserId="ann")
    with refused("ConflictException"):
        rekognition.create_user(CollectionId=collection, UserId="ann")


def test_listing_goes_in_pages(rekognition, collection):
    for number in range(5):
        rekognition.create_user(CollectionId=collection, UserId=f"user{number}")
    pages = list(rekognition.get_paginator("list_users").paginate(CollectionId=collection,
                                                                  PaginationConfig={"PageSize": 2}))
    assert [len(page["Users"]) for page in pages] == [2, 2, 1]


def test_association_makes_a_user_findable(rekognition, collection, faces):
    face = faces(astronaut())
    rekognition.create_user(CollectionId=collection, UserId="eileen")
    answer = rekognition.associate_faces(CollectionId=collection, UserId="eileen", FaceIds=[face, NOWHERE])
    assert answer["AssociatedFaces"] == [{"FaceId": face}]
    assert answer["UnsuccessfulFaceAssociations"] == [{"FaceId": NOWHERE, "Reasons": ["FACE_NOT_FOUND"]}]
    assert answer["UserStatus"] == "ACTIVE"
    answer = by_image(rekognition, collection, photo("astronaut.png"))
    (match,) = answer["UserMatches"]
    assert match["User"] == {"UserId": "eileen", "UserStatus": "ACTIVE"}
    assert match["Similarity"] > 95
    assert answer["SearchedFace"]["FaceDetail"]["BoundingBox"]["Width"] > 0.1
    assert answer["UnsearchedFaces"] == [] and answer["FaceModelVersion"]


def test_an_associated_face_names_its_user(rekognition, collection, eileen):
    assert all(face["UserId"] == "eileen" for face in rekognition.list_faces(CollectionId=collection)["Faces"])
    found = rekognition.list_faces(CollectionId=collection, UserId="eileen")["Faces"]
    assert {face["FaceId"] for face in found} == set(eileen)
    match = rekognition.search_faces(CollectionId=collection, FaceId=eileen[0])["FaceMatches"][0]
    assert match["Face"]["UserId"] == "eileen"


def test_association_again_is_ignored(rekognition, collection, eileen):
    # Documented: "it will be ignored and will not be returned in the response".
    answer = rekognition.associate_faces(CollectionId=collection, UserId="eileen", FaceIds=eileen)
    assert answer["AssociatedFaces"] == [] and answer["UnsuccessfulFaceAssociations"] == []


def test_a_face_has_one_user(rekognition, collection, eileen):
    rekognition.create_user(CollectionId=collection, UserId="bob")
    answer = rekognition.associate_faces(CollectionId=collection, UserId="bob", FaceIds=eileen[:1])
    assert answer["UnsuccessfulFaceAssociations"] == [
        {"FaceId": eileen[0], "UserId": "eileen", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}]
    assert answer["UserStatus"] == "CREATED"


def test_a_face_of_somebody_else_does_not_fit(rekognition, collection, faces, eileen):
    # Documented: UserMatchThreshold has the default 75.
    other = faces(person("sample6.jpg", 0))
    answer = rekognition.associate_faces(CollectionId=collection, UserId="eileen", FaceIds=[other])
    (failed,) = answer["UnsuccessfulFaceAssociations"]
    assert failed["Reasons"] == ["LOW_MATCH_CONFIDENCE"] and failed["Confidence"] < 75
    answer = rekognition.associate_faces(CollectionId=collection, UserId="eileen", FaceIds=[other],
                                         UserMatchThreshold=0)
    assert answer["AssociatedFaces"] == [{"FaceId": other}]


def test_a_face_of_a_user_cannot_be_deleted(rekognition, collection, eileen):
    answer = rekognition.delete_faces(CollectionId=collection, FaceIds=eileen[:1])
    assert answer["DeletedFaces"] == []
    assert answer["UnsuccessfulFaceDeletions"] == [
        {"FaceId": eileen[0], "UserId": "eileen", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}]
    # Documented: faces of a deleted user are disassociated first; they stay in the collection.
    rekognition.delete_user(CollectionId=collection, UserId="eileen")
    assert rekognition.delete_faces(CollectionId=collection, FaceIds=eileen)["DeletedFaces"] == eileen


def test_disassociation(rekognition, collection, faces, eileen):
    rekognition.create_user(CollectionId=collection, UserId="bob")
    bobs, free = faces(person("sample6.jpg", 0)), faces(person("sample6.jpg", 1))
    rekognition.associate_faces(CollectionId=collection, UserId="bob", FaceIds=[bobs])
    answer = rekognition.disassociate_faces(CollectionId=collection, UserId="eileen",
                                            FaceIds=[eileen[0], bobs, NOWHERE, free])
    assert answer["DisassociatedFaces"] == [{"FaceId": eileen[0]}]
    assert {(face["FaceId"], *face["Reasons"]) for face in answer["UnsuccessfulFaceDisassociations"]} == {
        (bobs, "ASSOCIATED_TO_A_DIFFERENT_USER"), (NOWHERE, "FACE_NOT_FOUND")}
    assert answer["UserStatus"] == "ACTIVE"
    answer = rekognition.disassociate_faces(CollectionId=collection, UserId="eileen", FaceIds=[eileen[1]])
    assert answer["UserStatus"] == "CREATED"
    assert by_image(rekognition, collection, photo("astronaut.png"))["UserMatches"] == []


def test_search_by_face_and_by_user(rekognition, collection, faces, eileen, refused):
    rekognition.create_user(CollectionId=collection, UserId="twin")
    rekognition.associate_faces(CollectionId=collection, UserId="twin", FaceIds=[faces(astronaut(quality=60))])
    answer = rekognition.search_users(CollectionId=collection, FaceId=eileen[0])
    assert {match["User"]["UserId"] for match in answer["UserMatches"]} == {"eileen", "twin"}
    assert answer["SearchedFace"] == {"FaceId": eileen[0]} and "SearchedUser" not in answer
    answer = rekognition.search_users(CollectionId=collection, UserId="eileen")
    assert [match["User"]["UserId"] for match in answer["UserMatches"]] == ["twin"]
    assert answer["SearchedUser"] == {"UserId": "eileen"} and "SearchedFace" not in answer
    assert len(rekognition.search_users(CollectionId=collection, FaceId=eileen[0], MaxUsers=1)["UserMatches"]) == 1
    # Documented: "The request must be provided with either FaceId or UserId."
    for options in ({}, {"UserId": "eileen", "FaceId": eileen[0]}):
        with refused("InvalidParameterException"):
            rekognition.search_users(CollectionId=collection, **options)
    with refused("ResourceNotFoundException"):
        rekognition.search_users(CollectionId=collection, UserId="ghost")


def test_search_by_image_tells_what_it_did_not_search(rekognition, collection):
    answer = by_image(rekognition, collection, photo("sample6.jpg"))
    assert [face["Reasons"] for face in answer["UnsearchedFaces"]] == [["FACE_NOT_LARGEST"]] * 3
    assert answer["UserMatches"] == []


def test_search_by_image_without_a_face_is_no_error(rekognition, collection):
    # Documented, and unlike SearchFacesByImage: "If no valid face is detected in the image, the response will contain
    # an empty UserMatches list and no SearchedFace object."
    answer = by_image(rekognition, collection, grey())
    assert answer["UserMatches"] == [] and "SearchedFace" not in answer


def test_a_repeated_request_gets_the_same_answer(rekognition, collection, faces, refused):
    # Documented: "If you use the same token with multiple CreateUser requests, the same response is returned."
    for _ in range(2):
        rekognition.create_user(CollectionId=collection, UserId="ann", ClientRequestToken="token-1")
    with refused("IdempotentParameterMismatchException",
                 "The ClientRequestToken: token-1 you have supplied is already in use."):
        rekognition.create_user(CollectionId=collection, UserId="bob", ClientRequestToken="token-1")
    face = faces(astronaut())
    answers = [rekognition.associate_faces(CollectionId=collection, UserId="ann", FaceIds=[face],
                                           ClientRequestToken="token-2") for _ in range(2)]
    assert answers[0]["AssociatedFaces"] == answers[1]["AssociatedFaces"] == [{"FaceId": face}]


def test_limits_of_the_model(unchecked, collection, refused):
    with refused("ValidationException"):
        unchecked.associate_faces(CollectionId=collection, UserId="a", FaceIds=[NOWHERE] * 101)
    with refused("ValidationException"):
        unchecked.create_user(CollectionId=collection, UserId="a b")
    with refused("ValidationException"):
        unchecked.list_users(CollectionId=collection, MaxResults=501)
    with refused("ValidationException"):
        unchecked.create_user(CollectionId=collection, UserId="u" * 129)
