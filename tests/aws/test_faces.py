"""IndexFaces, ListFaces, DeleteFaces, SearchFaces, SearchFacesByImage."""

import hashlib
import struct
import uuid

import pytest
from pictures import astronaut, grey, person, photo

NOWHERE = "0b683aed-a0f1-48b2-9b5e-139e9cc2a757"


def index(rekognition, collection, image, **options):
    return rekognition.index_faces(CollectionId=collection, Image={"Bytes": image}, **options)


def one_face(rekognition, collection, image, **options):
    (record,) = index(rekognition, collection, image, **options)["FaceRecords"]
    return record["Face"]["FaceId"]


def search(rekognition, collection, image, **options):
    return rekognition.search_faces_by_image(CollectionId=collection, Image={"Bytes": image}, **options)


def listed(rekognition, collection, **options):
    return rekognition.list_faces(CollectionId=collection, **options)["Faces"]


def test_an_indexed_face_is_answered_whole(rekognition, collection):
    answer = index(rekognition, collection, photo("astronaut.png"), ExternalImageId="badge:7.png")
    (record,) = answer["FaceRecords"]
    face = record["Face"]
    assert set(face) == {"FaceId", "BoundingBox", "ImageId", "ExternalImageId", "Confidence", "IndexFacesModelVersion"}
    assert face["ExternalImageId"] == "badge:7.png"
    assert uuid.UUID(face["FaceId"]).version == 4
    assert set(record["FaceDetail"]) == {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    assert answer["UnindexedFaces"] == []
    assert answer["FaceModelVersion"] == face["IndexFacesModelVersion"]
    # Documented: with newer models "the value of OrientationCorrection is always null".
    assert "OrientationCorrection" not in answer


def test_the_image_id_derives_from_the_image(rekognition, collection):
    # Observed in recorded answers: a UUID of version 3, the same for the same image.
    first = index(rekognition, collection, photo("astronaut.png"), ExternalImageId="a")["FaceRecords"][0]["Face"]
    second = index(rekognition, collection, photo("astronaut.png"), ExternalImageId="b")["FaceRecords"][0]["Face"]
    other = index(rekognition, collection, astronaut())["FaceRecords"][0]["Face"]
    assert first["ImageId"] == second["ImageId"] != other["ImageId"]
    assert first["FaceId"] != second["FaceId"]
    assert uuid.UUID(first["ImageId"]).version == 3
    digest = uuid.UUID(hashlib.md5(photo("astronaut.png")).hexdigest(), version=3)
    assert first["ImageId"] == str(digest)


def test_the_same_image_with_the_same_external_id_is_not_stored_twice(rekognition, collection):
    # Documented: "If you provide the same image, specify the same collection, and use the same external ID [...],
    # Amazon Rekognition doesn't save duplicate face metadata."
    first = index(rekognition, collection, photo("sample6.jpg"), ExternalImageId="a")["FaceRecords"]
    again = index(rekognition, collection, photo("sample6.jpg"), ExternalImageId="a")["FaceRecords"]
    assert [record["Face"]["FaceId"] for record in first] == [record["Face"]["FaceId"] for record in again]
    assert len(listed(rekognition, collection)) == 4
    index(rekognition, collection, photo("sample6.jpg"), ExternalImageId="b")
    assert len(listed(rekognition, collection)) == 8
    index(rekognition, collection, photo("sample6.jpg"))
    assert len(listed(rekognition, collection)) == 12


def test_stored_numbers_have_six_digits(rekognition, collection):
    # The guide lists a stored face with Height 0.06333330273628235: the float32 next to 0.0633333.
    detected = index(rekognition, collection, photo("astronaut.png"))["FaceRecords"][0]["Face"]
    (stored,) = listed(rekognition, collection)
    for side, number in stored["BoundingBox"].items():
        assert number == struct.unpack("f", struct.pack("f", float(f"{detected['BoundingBox'][side]:.6g}")))[0]
    assert stored["Confidence"] == pytest.approx(detected["Confidence"], abs=1e-3)


def test_all_attributes_come_when_asked_for(rekognition, collection):
    (record,) = index(rekognition, collection, photo("astronaut.png"), DetectionAttributes=["ALL"])["FaceRecords"]
    assert "Emotions" in record["FaceDetail"] and len(record["FaceDetail"]["Landmarks"]) == 30
    (record,) = index(rekognition, collection, astronaut(), DetectionAttributes=["SMILE"])["FaceRecords"]
    assert "Smile" in record["FaceDetail"] and "Emotions" not in record["FaceDetail"]


def test_faces_beyond_max_faces_are_told(rekognition, collection):
    answer = index(rekognition, collection, photo("sample6.jpg"), MaxFaces=1)
    assert len(answer["FaceRecords"]) == 1 and len(answer["UnindexedFaces"]) == 3
    area = lambda face: face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"]
    assert all(area(answer["FaceRecords"][0]["Face"]) >= area(face["FaceDetail"]) for face in answer["UnindexedFaces"])
    assert all(face["Reasons"] == ["EXCEEDS_MAX_FACES"] for face in answer["UnindexedFaces"])
    assert len(listed(rekognition, collection)) == 1


def test_more_max_faces_than_a_hundred_is_fine(rekognition, collection):
    # Documented: "IndexFaces returns no more than 100 detected faces in an image, even if you specify a larger value".
    assert len(index(rekognition, collection, photo("sample6.jpg"), MaxFaces=5000)["FaceRecords"]) == 4


def test_an_image_without_faces_is_no_error(rekognition, collection):
    answer = index(rekognition, collection, grey())
    assert answer["FaceRecords"] == [] and answer["UnindexedFaces"] == []


def test_a_bad_face_is_left_out_and_the_filter_is_auto_unless_given(rekognition, collection):
    # Documented: "The default value is AUTO." A tiny, blurred, dark face does not make a usable vector.
    bad = astronaut(width=120, blur=3, brightness=0.25)
    by_default = index(rekognition, collection, bad)
    assert by_default["FaceRecords"] == []
    everything = index(rekognition, collection, bad, QualityFilter="NONE")
    if everything["FaceRecords"]:
        reasons = {reason for face in by_default["UnindexedFaces"] for reason in face["Reasons"]}
        assert reasons and reasons <= {"LOW_SHARPNESS", "LOW_BRIGHTNESS", "SMALL_BOUNDING_BOX", "LOW_CONFIDENCE",
                                       "LOW_FACE_QUALITY", "EXTREME_POSE"}


@pytest.mark.parametrize("filter", ["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"])
def test_a_good_face_passes_every_filter(rekognition, collection, filter):
    assert len(index(rekognition, collection, photo("astronaut.png"), QualityFilter=filter)["FaceRecords"]) == 1


def test_search_finds_another_photo_of_the_person(rekognition, collection):
    face = one_face(rekognition, collection, photo("astronaut.png"), ExternalImageId="eileen")
    index(rekognition, collection, photo("sample6.jpg"))
    answer = search(rekognition, collection, astronaut(mirrored=True))
    (match,) = answer["FaceMatches"]
    assert match["Face"]["FaceId"] == face and match["Face"]["ExternalImageId"] == "eileen"
    assert match["Similarity"] > 95
    assert answer["SearchedFaceConfidence"] > 90
    assert set(answer["SearchedFaceBoundingBox"]) == {"Width", "Height", "Left", "Top"}


def test_search_finds_each_of_a_group(rekognition, collection):
    records = index(rekognition, collection, photo("sample6.jpg"))["FaceRecords"]
    from_left = sorted(records, key=lambda record: record["Face"]["BoundingBox"]["Left"])
    for number in range(4):
        (match,) = search(rekognition, collection, person("sample6.jpg", number))["FaceMatches"]
        assert match["Face"]["FaceId"] == from_left[number]["Face"]["FaceId"]


def test_search_uses_the_largest_face(rekognition, collection):
    records = index(rekognition, collection, photo("sample6.jpg"))["FaceRecords"]
    matches = search(rekognition, collection, photo("sample6.jpg"))["FaceMatches"]
    assert matches[0]["Face"]["FaceId"] == records[0]["Face"]["FaceId"]


def test_threshold_and_max_faces_limit_the_matches(rekognition, collection):
    index(rekognition, collection, photo("sample6.jpg"))
    for quality in (60, 70, 80):
        index(rekognition, collection, astronaut(quality=quality))
    find = lambda **options: search(rekognition, collection, photo("astronaut.png"), **options)["FaceMatches"]
    assert len(find()) == 3
    everybody = find(FaceMatchThreshold=0)
    assert len(everybody) == 7
    similarities = [match["Similarity"] for match in everybody]
    assert similarities == sorted(similarities, reverse=True)
    assert all(0 <= similarity <= 100 for similarity in similarities)
    # Documented: the default threshold is 80 %.
    assert sum(similarity >= 80 for similarity in similarities) == 3
    assert len(find(FaceMatchThreshold=0, MaxFaces=2)) == 2


def test_search_without_a_face_is_refused(rekognition, collection, refused):
    # Recorded many times.
    with refused("InvalidParameterException", "There are no faces in the image. Should be at least 1."):
        search(rekognition, collection, grey())


def test_search_faces_leaves_out_the_face_itself(rekognition, collection):
    first = one_face(rekognition, collection, photo("astronaut.png"))
    second = one_face(rekognition, collection, astronaut())
    index(rekognition, collection, photo("sample6.jpg"))
    answer = rekognition.search_faces(CollectionId=collection, FaceId=first)
    assert answer["SearchedFaceId"] == first
    assert [match["Face"]["FaceId"] for match in answer["FaceMatches"]] == [second]
    assert len(rekognition.search_faces(CollectionId=collection, FaceId=first,
                                        FaceMatchThreshold=0)["FaceMatches"]) == 5


def test_search_for_an_unknown_face_is_refused(rekognition, collection, refused):
    # Recorded.
    with refused("InvalidParameterException", "faceId was not found in the collection."):
        rekognition.search_faces(CollectionId=collection, FaceId=NOWHERE)


def test_listing_goes_in_pages(rekognition, collection):
    index(rekognition, collection, photo("sample5.jpg"))
    pages = list(rekognition.get_paginator("list_faces").paginate(CollectionId=collection,
                                                                  PaginationConfig={"PageSize": 2}))
    assert [len(page["Faces"]) for page in pages] == [2, 2, 1]
    assert len({face["FaceId"] for page in pages for face in page["Faces"]}) == 5
    assert "NextToken" not in pages[-1]


def test_a_page_token_of_another_collection_is_refused(rekognition, collection, refused):
    index(rekognition, collection, photo("sample6.jpg"))
    token = rekognition.list_faces(CollectionId=collection, MaxResults=2)["NextToken"]
    rekognition.create_collection(CollectionId=collection + "-other")
    with refused("InvalidPaginationTokenException"):
        rekognition.list_faces(CollectionId=collection + "-other", NextToken=token)
    rekognition.delete_collection(CollectionId=collection + "-other")
    changed = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]
    with refused("InvalidPaginationTokenException"):
        rekognition.list_faces(CollectionId=collection, NextToken=changed)


def test_listing_by_face_ids(rekognition, collection):
    faces = [record["Face"]["FaceId"] for record in index(rekognition, collection, photo("sample6.jpg"))["FaceRecords"]]
    found = listed(rekognition, collection, FaceIds=[faces[2], NOWHERE])
    assert [face["FaceId"] for face in found] == [faces[2]]


def test_a_deleted_face_is_gone(rekognition, collection):
    face = one_face(rekognition, collection, photo("astronaut.png"))
    answer = rekognition.delete_faces(CollectionId=collection, FaceIds=[face, NOWHERE])
    assert answer["DeletedFaces"] == [face]
    assert answer["UnsuccessfulFaceDeletions"] == [{"FaceId": NOWHERE, "Reasons": ["FACE_NOT_FOUND"]}]
    assert listed(rekognition, collection) == []
    assert search(rekognition, collection, photo("astronaut.png"))["FaceMatches"] == []
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 0
    assert one_face(rekognition, collection, photo("astronaut.png")) != face


@pytest.mark.parametrize("external_id", ["photos/a.jpg", "a b", "a(1)", "é", ""])
def test_an_external_image_id_of_other_characters_is_refused(rekognition, unchecked, collection, refused, external_id):
    # The model: [a-zA-Z0-9_.\-:]+. Object keys with a slash or a blank are none.
    with refused("ValidationException") as answer:
        index(unchecked, collection, photo("astronaut.png"), ExternalImageId=external_id)
    assert "externalImageId" in answer.message
    assert listed(rekognition, collection) == []

