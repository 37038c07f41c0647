"""DetectFaces: which members for which Attributes, and what is found on real photos."""

import io

import pytest
from PIL import Image
from pictures import PEOPLE, astronaut, grey, jpeg, photo

DEFAULT = {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
SINGLE = {"AGE_RANGE": "AgeRange", "BEARD": "Beard", "EMOTIONS": "Emotions", "EYE_DIRECTION": "EyeDirection",
          "EYEGLASSES": "Eyeglasses", "EYES_OPEN": "EyesOpen", "GENDER": "Gender", "MOUTH_OPEN": "MouthOpen",
          "MUSTACHE": "Mustache", "FACE_OCCLUDED": "FaceOccluded", "SMILE": "Smile", "SUNGLASSES": "Sunglasses"}
FIVE = {"eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose"}


def detect(rekognition, image, *attributes):
    options = {"Attributes": list(attributes)} if attributes else {}
    return rekognition.detect_faces(Image={"Bytes": image}, **options)["FaceDetails"]


def test_default_is_five_members_and_five_landmarks(rekognition):
    # Documented: "BoundingBox, Confidence, Pose, Quality, and Landmarks - will always be returned".
    for attributes in ((), ("DEFAULT",)):
        (face,) = detect(rekognition, photo("astronaut.png"), *attributes)
        assert set(face) == DEFAULT
        assert {landmark["Type"] for landmark in face["Landmarks"]} == FIVE
        assert set(face["Pose"]) == {"Roll", "Yaw", "Pitch"}
        assert set(face["Quality"]) == {"Brightness", "Sharpness"}


def test_all_is_seventeen_members_and_thirty_landmarks(rekognition):
    (face,) = detect(rekognition, photo("astronaut.png"), "ALL")
    assert set(face) == DEFAULT | set(SINGLE.values())
    assert len({landmark["Type"] for landmark in face["Landmarks"]}) == 30
    # Emotions: all eight types, the surest first, summing to 100.
    emotions = [emotion["Confidence"] for emotion in face["Emotions"]]
    assert len({emotion["Type"] for emotion in face["Emotions"]}) == 8
    assert emotions == sorted(emotions, reverse=True)
    assert sum(emotions) == pytest.approx(100, abs=0.1)
    assert face["AgeRange"]["Low"] < face["AgeRange"]["High"]


@pytest.mark.parametrize("attribute,member", SINGLE.items())
def test_one_attribute_adds_one_member(rekognition, attribute, member):
    # Documented: 'using ["DEFAULT", "FACE_OCCLUDED"] or just ["FACE_OCCLUDED"]'.
    for attributes in ((attribute,), ("DEFAULT", attribute)):
        (face,) = detect(rekognition, photo("astronaut.png"), *attributes)
        assert set(face) == DEFAULT | {member}
        assert {landmark["Type"] for landmark in face["Landmarks"]} == FIVE


def test_all_with_default_is_all(rekognition):
    (face,) = detect(rekognition, photo("astronaut.png"), "ALL", "DEFAULT")
    assert set(face) == DEFAULT | set(SINGLE.values())


@pytest.mark.parametrize("name,people", PEOPLE.items())
def test_everybody_is_found_largest_first(rekognition, name, people):
    faces = detect(rekognition, photo(name))
    assert len(faces) == people
    areas = [face["BoundingBox"]["Width"] * face["BoundingBox"]["Height"] for face in faces]
    assert areas == sorted(areas, reverse=True)


def test_what_everybody_sees_on_the_astronaut(rekognition):
    (face,) = detect(rekognition, photo("astronaut.png"), "ALL")
    box = face["BoundingBox"]
    assert 0.3 < box["Left"] < 0.42 and 0.05 < box["Top"] < 0.2 and 0.12 < box["Width"] < 0.28
    assert face["Gender"]["Value"] == "Female"
    assert face["Smile"]["Value"] is True and face["Smile"]["Confidence"] > 80
    assert face["EyesOpen"]["Value"] is True
    for member in ("Sunglasses", "Beard", "Mustache", "FaceOccluded"):
        assert face[member]["Value"] is False, member
    assert face["Emotions"][0]["Type"] == "HAPPY"
    assert abs(face["Pose"]["Yaw"]) < 20 and abs(face["Pose"]["Roll"]) < 20
    points = {landmark["Type"]: (landmark["X"], landmark["Y"]) for landmark in face["Landmarks"]}
    # Left and right are the viewer's.
    assert points["eyeLeft"][0] < points["nose"][0] < points["eyeRight"][0]
    assert points["eyeLeft"][1] < points["nose"][1] < points["mouthLeft"][1]


def test_no_face_is_an_empty_list_and_no_error(rekognition):
    assert detect(rekognition, grey()) == []


def test_the_same_bytes_give_the_same_numbers(rekognition):
    first = detect(rekognition, photo("sample6.jpg"), "ALL")
    assert all(detect(rekognition, photo("sample6.jpg"), "ALL") == first for _ in range(3))


def test_exif_orientation_is_applied(rekognition):
    # Documented: boxes are those "after the orientation information in the Exif metadata is used", and
    # OrientationCorrection is always null.
    upright = Image.open(io.BytesIO(photo("astronaut.png"))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees to the right to see it upright
    lying = jpeg(upright.transpose(Image.Transpose.ROTATE_90), quality=95, exif=exif)
    answer = rekognition.detect_faces(Image={"Bytes": lying})
    (face,) = answer["FaceDetails"]
    (same,) = detect(rekognition, astronaut(quality=95))
    assert "OrientationCorrection" not in answer
    for side in ("Left", "Top", "Width", "Height"):
        assert face["BoundingBox"][side] == pytest.approx(same["BoundingBox"][side], abs=0.02)


def test_numbers_have_the_digits_of_float32(rekognition):
    # Recorded answers have numbers such as 0.3834420144557953: a float32 written as a double.
    import struct
    (face,) = detect(rekognition, photo("astronaut.png"))
    for number in face["BoundingBox"].values():
        assert struct.unpack("f", struct.pack("f", number))[0] == number


def test_an_image_of_the_least_size_is_taken(rekognition):
    assert detect(rekognition, grey(80, 80)) == []
