"""What is wrong is refused with the modelled error, and changes nothing."""

import base64
import datetime
import http.client
import json
import zlib

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from pictures import astronaut, grey, photo

FORMAT = ("InvalidImageFormatException", "Request has invalid image format")


def broken_images():
    png, jpeg = photo("astronaut.png"), astronaut()
    return {
        "text": b"this is no image at all",
        "zeros": bytes(5000),
        "gif": b"GIF89a" + bytes(100),
        "webp": b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "pdf": b"%PDF-1.7\n" + bytes(100),
        "png, cut": png[:len(png) // 2],
        "png, only its head": png[:33],
        "png, damaged": png[:3000] + bytes(500) + png[3500:],
        "jpeg, cut": jpeg[:len(jpeg) // 2],
        "jpeg, only its head": jpeg[:20],
    }


@pytest.mark.parametrize("name", broken_images())
def test_what_is_no_image_has_an_invalid_format(rekognition, refused, name):
    with refused(*FORMAT):
        rekognition.detect_faces(Image={"Bytes": broken_images()[name]})


def test_a_broken_image_changes_nothing(rekognition, collection, refused):
    for operation in (rekognition.index_faces, rekognition.search_faces_by_image, rekognition.search_users_by_image):
        with refused(*FORMAT):
            operation(CollectionId=collection, Image={"Bytes": b"not an image"})
    for source, target in ((b"no image", astronaut()), (astronaut(), b"no image")):
        with refused(*FORMAT):
            rekognition.compare_faces(SourceImage={"Bytes": source}, TargetImage={"Bytes": target})
    assert rekognition.describe_collection(CollectionId=collection)["FaceCount"] == 0


def test_an_empty_image_breaks_the_model(unchecked, refused):
    # Recorded from AWS.
    with refused("ValidationException", "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' "
                 "at 'image.bytes' failed to satisfy constraint: Member must have length greater than or equal to 1"):
        unchecked.detect_faces(Image={"Bytes": b""})


def test_more_than_5_mb_of_bytes_break_the_model(unchecked, refused):
    # Recorded from AWS: the limit is 5242880 bytes, the error is the model's, not ImageTooLargeException.
    with refused("ValidationException",
                 "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=6291456 cap=6291456]' at "
                 "'image.bytes' failed to satisfy constraint: Member must have length less than or equal to 5242880"):
        unchecked.detect_faces(Image={"Bytes": photo("astronaut.png") + bytes(6 * 1024 * 1024 - len(photo("astronaut.png")))})


@pytest.mark.parametrize("width,height", [(1, 1), (79, 200), (200, 79)])
def test_an_image_under_80_pixels_is_an_invalid_parameter(rekognition, refused, width, height):
    # Recorded: a small image is answered with this, and not with a word about its size.
    with refused("InvalidParameterException", "Request has invalid parameters"):
        rekognition.detect_faces(Image={"Bytes": grey(width, height)})


@pytest.mark.parametrize("width,height", [(20000, 100), (100, 20000), (30000, 30000)])
def test_a_huge_image_is_too_large_and_takes_no_memory(server, rekognition, refused, width, height):
    # 30,000 x 30,000 grey pixels are 1 MB of PNG and 2.7 GB of RGB.
    image = grey(width, height) if width * height < 10**8 else png_bomb(width, height)
    before = resident_megabytes(server)
    with refused("ImageTooLargeException", "Image size is too large"):
        rekognition.detect_faces(Image={"Bytes": image})
    assert resident_megabytes(server) < before + 100


def png_bomb(width, height):
    """A PNG whose head promises many pixels."""
    import struct
    small = grey(100, 100)
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return small[:12] + head + struct.pack(">I", zlib.crc32(head)) + small[33:]


def resident_megabytes(server):
    for line in open(f"/proc/{server.process.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def test_bytes_and_object_together_or_neither(unchecked, refused):
    with refused("InvalidParameterException"):
        unchecked.detect_faces(Image={})
    with refused("InvalidParameterException"):
        unchecked.detect_faces(Image={"Bytes": astronaut(), "S3Object": {"Bucket": "bucket", "Name": "a.jpg"}})


def test_an_object_that_cannot_be_read(rekognition, refused):
    # Documented with a recorded answer.
    with refused("InvalidS3ObjectException",
                 "Unable to get object metadata from S3. Check object key, region and/or access permissions."):
        rekognition.detect_faces(Image={"S3Object": {"Bucket": "no-such-bucket", "Name": "a.jpg"}})


@pytest.mark.parametrize("members,path", [
    ({"CollectionId": "a b"}, "collectionId"), ({"CollectionId": ""}, "collectionId"),
    ({"CollectionId": "x" * 256}, "collectionId"), ({"CollectionId": "ü"}, "collectionId"), ({}, "collectionId"),
])
def test_a_bad_collection_id_breaks_the_model(unchecked, refused, members, path):
    with refused("ValidationException") as answer:
        unchecked.create_collection(**members)
    assert f"at '{path}'" in answer.message


@pytest.mark.parametrize("operation,members", [
    ("search_faces", {"FaceId": "not-a-uuid"}),
    ("search_faces", {"FaceId": "0B683AED-A0F1-48B2-9B5E-139E9CC2A757"}),
    ("search_faces", {"FaceId": "0b683aed-a0f1-48b2-9b5e-139e9cc2a757", "MaxFaces": 0}),
    ("search_faces", {"FaceId": "0b683aed-a0f1-48b2-9b5e-139e9cc2a757", "MaxFaces": 4097}),
    ("search_faces", {"FaceId": "0b683aed-a0f1-48b2-9b5e-139e9cc2a757", "FaceMatchThreshold": 100.5}),
    ("search_faces", {"FaceId": "0b683aed-a0f1-48b2-9b5e-139e9cc2a757", "FaceMatchThreshold": -1}),
    ("delete_faces", {"FaceIds": []}),
    ("delete_faces", {"FaceIds": ["nope"]}),
    ("delete_faces", {}),
    ("list_faces", {"MaxResults": 4097}),
    ("index_faces", {"Image": {"Bytes": grey()}, "MaxFaces": 0}),
    ("index_faces", {"Image": {"Bytes": grey()}, "QualityFilter": "BEST"}),
    ("index_faces", {"Image": {"Bytes": grey()}, "DetectionAttributes": ["EVERYTHING"]}),
    ("index_faces", {}),
])
def test_values_outside_the_model_are_refused(unchecked, collection, refused, operation, members):
    with refused("ValidationException"):
        getattr(unchecked, operation)(CollectionId=collection, **members)


# -- below the SDK: the raw request

class Raw:
    """Sends what it is told to, signed by botocore's own signer unless told otherwise."""

    def __init__(self, server):
        self.server = server
        self.key, self.secret = server.credentials

    def post(self, operation, body, *, key=None, secret=None, headers=None, at=None, change=None):
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        request = AWSRequest("POST", self.server.endpoint + "/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"RekognitionService.{operation}",
            "Host": f"{self.server.host}:{self.server.port}"} | (headers or {}))
        signer = SigV4Auth(Credentials(key or self.key, secret or self.secret), "rekognition", "us-east-1")
        if at is None:
            signer.add_auth(request)
        else:
            import unittest.mock
            with unittest.mock.patch("botocore.auth.get_current_datetime", return_value=at.replace(tzinfo=None)):
                signer.add_auth(request)
        sent = dict(request.headers)
        if change:
            body = change(sent, body) or body
        connection = http.client.HTTPConnection(self.server.host, self.server.port, timeout=30)
        connection.request("POST", "/", body, sent)
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}


@pytest.fixture(scope="module")
def raw(server):
    return Raw(server)


def code_of(answer):
    return answer[1]["__type"].split("#")[-1]


def test_the_error_has_the_form_of_the_guide(raw):
    # Documented: __type, Code, Logref and Message for modelled errors.
    status, body = raw.post("DescribeCollection", {"CollectionId": "ghosts"})
    assert status == 400
    assert body["__type"] == body["Code"] == "ResourceNotFoundException"
    assert body["Message"] == "The collection id: ghosts does not exist"


@pytest.mark.parametrize("body", [
    "", "{", "[]", "null", "42", '"text"', "{]", '{"CollectionId": }', "\xff", '{"CollectionId": "a"} x',
    '{"CollectionId": 7}', '{"CollectionId": ["a"]}', '{"CollectionId": {"a": 1}}', '{"Tags": "a"}',
    '{"CollectionId": "a", "CollectionId": "b"}', "[" * 100_000,
])
def test_json_that_is_not_the_input_is_refused(raw, body):
    status, answer = raw.post("CreateCollection", body.encode("latin-1"))
    assert status == 400
    assert answer["__type"] in ("SerializationException", "ValidationException"), answer


@pytest.mark.parametrize("encoded", ["not base64!", "QUJD=", "QU JD", "====", "QUJDR", 7, ["QUJD"]])
def test_wrong_base64_is_refused(raw, encoded):
    status, answer = raw.post("DetectFaces", {"Image": {"Bytes": encoded}})
    assert status == 400 and code_of((status, answer)) == "SerializationException", answer


def test_an_unknown_member_is_ignored(raw, collection):
    # As AWS does, so that newer SDKs work with older servers.
    assert raw.post("DescribeCollection", {"CollectionId": collection, "Later": {"a": [1]}})[0] == 200


def test_an_unknown_operation_is_named(raw):
    status, answer = raw.post("DetectEverything", {})
    assert status in (400, 404) and code_of((status, answer)) == "UnknownOperationException"


def test_an_operation_that_is_not_there_yet_is_named(rekognition, refused):
    with pytest.raises(Exception) as caught:
        rekognition.get_celebrity_info(Id="x")
    assert "GetCelebrityInfo" in str(caught.value)


def test_a_wrong_secret_is_refused(raw):
    # Recorded text of all JSON services.
    status, answer = raw.post("ListCollections", {}, secret="not-the-secret")
    assert status in (400, 403) and code_of((status, answer)) == "InvalidSignatureException"


def test_an_unknown_key_is_refused(raw):
    status, answer = raw.post("ListCollections", {}, key="AKIAIOSFODNN7EXAMPLE")
    assert status in (400, 403) and code_of((status, answer)) == "UnrecognizedClientException"


def test_no_signature_is_refused(raw):
    status, answer = raw.post("ListCollections", {}, change=lambda headers, body: headers.pop("Authorization") and None)
    assert status in (400, 403) and code_of((status, answer)) == "MissingAuthenticationTokenException"


def test_a_body_changed_on_the_way_is_refused(raw):
    status, answer = raw.post("CreateCollection", {"CollectionId": "mine"},
                              change=lambda headers, body: body.replace(b"mine", b"evil"))
    assert status in (400, 403) and code_of((status, answer)) == "InvalidSignatureException"
    assert raw.post("DescribeCollection", {"CollectionId": "evil"})[0] == 400


def test_a_changed_header_is_refused(raw):
    def change(headers, body):
        headers["X-Amz-Target"] = "RekognitionService.DeleteCollection"
    status, answer = raw.post("DescribeCollection", {"CollectionId": "x"}, change=change)
    assert status in (400, 403) and code_of((status, answer)) == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_20_minutes_off_is_refused(raw, minutes):
    # Documented for Signature Version 4: a signature is valid for five minutes with up to 15 minutes of skew.
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    status, answer = raw.post("ListCollections", {}, at=at)
    assert status in (400, 403) and code_of((status, answer)) == "InvalidSignatureException"
    assert "Signature" in (answer.get("message") or answer.get("Message"))


@pytest.mark.parametrize("minutes", [-4, 4])
def test_a_clock_4_minutes_off_is_fine(raw, minutes):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    assert raw.post("ListCollections", {}, at=at)[0] == 200


def test_the_server_lives_on(raw, rekognition):
    assert rekognition.list_collections()["ResponseMetadata"]["HTTPStatusCode"] == 200
    image = base64.b64encode(photo("astronaut.png")).decode()
    assert len(raw.post("DetectFaces", {"Image": {"Bytes": image}})[1]["FaceDetails"]) == 1
