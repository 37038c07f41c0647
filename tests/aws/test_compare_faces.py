"""CompareFaces: the largest face of the source against all of the target."""

import pytest
from pictures import astronaut, grey, person, photo

MEMBERS = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}


def compare(rekognition, source, target, **options):
    return rekognition.compare_faces(SourceImage={"Bytes": source}, TargetImage={"Bytes": target}, **options)


def test_the_same_person_matches(rekognition):
    answer = compare(rekognition, photo("astronaut.png"), astronaut(mirrored=True, brightness=0.8))
    assert set(answer["SourceImageFace"]) == {"BoundingBox", "Confidence"}
    (match,) = answer["FaceMatches"]
    assert match["Similarity"] > 95
    assert set(match["Face"]) == MEMBERS
    assert answer["UnmatchedFaces"] == []


def test_others_are_unmatched(rekognition):
    answer = compare(rekognition, photo("astronaut.png"), photo("sample6.jpg"))
    assert answer["FaceMatches"] == []
    assert len(answer["UnmatchedFaces"]) == 4
    assert set(answer["UnmatchedFaces"][0]) == MEMBERS


def test_one_of_a_group_is_found(rekognition):
    for number in range(4):
        answer = compare(rekognition, person("sample6.jpg", number), photo("sample6.jpg"))
        assert len(answer["FaceMatches"]) == 1 and len(answer["UnmatchedFaces"]) == 3
        left = answer["FaceMatches"][0]["Face"]["BoundingBox"]["Left"]
        unmatched = [face["BoundingBox"]["Left"] for face in answer["UnmatchedFaces"]]
        assert sorted([*unmatched, left]).index(left) == number


def test_the_threshold_is_80_unless_given(rekognition):
    # Documented: "By default, only faces with a similarity score of greater than or equal to 80% are returned".
    source, target = photo("astronaut.png"), photo("sample6.jpg")
    everybody = compare(rekognition, source, target, SimilarityThreshold=0)
    assert len(everybody["FaceMatches"]) == 4 and everybody["UnmatchedFaces"] == []
    similarities = [match["Similarity"] for match in everybody["FaceMatches"]]
    assert similarities == sorted(similarities, reverse=True)
    assert all(similarity < 80 for similarity in similarities)
    same = compare(rekognition, source, astronaut())["FaceMatches"][0]["Similarity"]
    if same < 100:
        assert compare(rekognition, source, astronaut(), SimilarityThreshold=100)["FaceMatches"] == []


def test_a_side_without_a_face_is_refused(rekognition, refused):
    # Documented: "If no faces are detected in the source or target images, CompareFaces returns an
    # InvalidParameterException error"; the text is recorded.
    for source, target in ((grey(), photo("astronaut.png")), (photo("astronaut.png"), grey())):
        with refused("InvalidParameterException", "Request has invalid parameters"):
            compare(rekognition, source, target)


def test_the_filter_is_none_unless_given(rekognition):
    blurred = astronaut(blur=4.5)
    assert len(compare(rekognition, blurred, blurred)["FaceMatches"]) == 1


@pytest.mark.parametrize("filter", ["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"])
def test_a_good_photo_passes_every_filter(rekognition, filter):
    assert len(compare(rekognition, photo("astronaut.png"), astronaut(), QualityFilter=filter)["FaceMatches"]) == 1
