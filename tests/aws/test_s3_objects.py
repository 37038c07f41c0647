"""Buckets and objects through the real SDK."""

import base64
import hashlib
import io
import os
import time
import urllib.parse
import zlib

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from s3_tools import body_of, send


# -- buckets


def test_a_bucket_is_there_from_its_making_to_its_removal(s3, refused):
    s3.create_bucket(Bucket="first-bucket")
    assert "first-bucket" in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    assert s3.head_bucket(Bucket="first-bucket")["BucketRegion"] == "us-east-1"
    assert s3.get_bucket_location(Bucket="first-bucket")["LocationConstraint"] is None
    s3.create_bucket(Bucket="first-bucket")  # us-east-1 takes it again
    s3.delete_bucket(Bucket="first-bucket")
    with refused("404", status=404):
        s3.head_bucket(Bucket="first-bucket")
    with refused("NoSuchBucket", "The specified bucket does not exist", status=404):
        s3.list_objects_v2(Bucket="first-bucket")


def test_names_of_buckets_have_rules(s3, refused):
    with refused("InvalidBucketName", "The specified bucket is not valid."):
        s3.create_bucket(Bucket="Not_A_Bucket")


def test_a_bucket_with_objects_stays(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    with refused("BucketNotEmpty", "The bucket you tried to delete is not empty", status=409):
        s3.delete_bucket(Bucket=bucket)


# -- objects


@pytest.mark.parametrize("size", [0, 1, 100_000, 131_072, 131_073, 3_000_000])
def test_what_is_put_comes_back(s3, bucket, size):
    data = os.urandom(size)
    put = s3.put_object(Bucket=bucket, Key="some/key ä+&?.bin", Body=data)
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="some/key ä+&?.bin")
    assert body_of(got) == data
    assert got["ContentLength"] == size
    assert got["ETag"] == put["ETag"]
    assert got["ContentType"] == "binary/octet-stream"
    assert got["AcceptRanges"] == "bytes"
    head = s3.head_object(Bucket=bucket, Key="some/key ä+&?.bin")
    assert head["ContentLength"] == size and head["ETag"] == put["ETag"]


def test_metadata_and_content_headers_stay_with_the_object(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a.txt", Body=b"text", ContentType="text/plain; charset=utf-8",
                  CacheControl="max-age=60", ContentDisposition='attachment; filename="a.txt"',
                  ContentEncoding="identity", ContentLanguage="de", Metadata={"Camera": "door 1", "empty": ""},
                  StorageClass="STANDARD_IA")
    head = s3.head_object(Bucket=bucket, Key="a.txt")
    assert head["ContentType"] == "text/plain; charset=utf-8"
    assert head["CacheControl"] == "max-age=60"
    assert head["ContentDisposition"] == 'attachment; filename="a.txt"'
    assert head["ContentEncoding"] == "identity"
    assert head["ContentLanguage"] == "de"
    assert head["Metadata"]["camera"] == "door 1"
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["ServerSideEncryption"] == "AES256"
    other = s3.get_object(Bucket=bucket, Key="a.txt", ResponseContentType="image/png", ResponseCacheControl="no-store")
    assert other["ContentType"] == "image/png" and other["CacheControl"] == "no-store"


def test_a_missing_object_is_404(s3, bucket, refused):
    with refused("NoSuchKey", "The specified key does not exist.", status=404):
        s3.get_object(Bucket=bucket, Key="nothing")
    with refused("404", status=404):
        s3.head_object(Bucket=bucket, Key="nothing")
    s3.delete_object(Bucket=bucket, Key="nothing")  # is no error


@pytest.mark.parametrize("asked, first, last", [("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=-5", 95, 99),
                                                ("bytes=90-", 90, 99), ("bytes=50-1000", 50, 99)])
def test_ranges(s3, bucket, asked, first, last):
    data = bytes(range(100))
    s3.put_object(Bucket=bucket, Key="a", Body=data)
    got = s3.get_object(Bucket=bucket, Key="a", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert body_of(got) == data[first:last + 1]
    assert got["ContentRange"] == f"bytes {first}-{last}/100"


def test_a_range_behind_the_end_is_416(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"0123456789")
    with refused("InvalidRange", status=416):
        s3.get_object(Bucket=bucket, Key="a", Range="bytes=10-")
    assert s3.get_object(Bucket=bucket, Key="a", Range="bytes=2-1")["ContentLength"] == 10


def test_conditions_of_reads(s3, bucket, refused):
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"text")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="a")["LastModified"]
    assert body_of(s3.get_object(Bucket=bucket, Key="a", IfMatch=etag, IfModifiedSince="2020-01-01")) == b"text"
    with refused("PreconditionFailed", status=412):
        s3.get_object(Bucket=bucket, Key="a", IfMatch='"other"')
    with refused("304", status=304):
        s3.get_object(Bucket=bucket, Key="a", IfNoneMatch=etag)
    with refused("304", status=304):
        s3.head_object(Bucket=bucket, Key="a", IfModifiedSince=modified)
    with refused("PreconditionFailed", status=412):
        s3.get_object(Bucket=bucket, Key="a", IfUnmodifiedSince="2020-01-01")


def test_conditions_of_writes(s3, bucket, refused):
    with refused("NoSuchKey", status=404):
        s3.put_object(Bucket=bucket, Key="a", Body=b"0", IfMatch='"x"')
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"1", IfNoneMatch="*")["ETag"]
    with refused("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", status=412):
        s3.put_object(Bucket=bucket, Key="a", Body=b"2", IfNoneMatch="*")
    s3.put_object(Bucket=bucket, Key="a", Body=b"3", IfMatch=etag)
    with refused("PreconditionFailed", status=412):
        s3.put_object(Bucket=bucket, Key="a", Body=b"4", IfMatch=etag)
    assert body_of(s3.get_object(Bucket=bucket, Key="a")) == b"3"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_checked_and_given_back(s3, bucket, algorithm, refused):
    data = b"some bytes"
    member = "Checksum" + algorithm
    value = base64.b64encode({"CRC32": lambda: zlib.crc32(data).to_bytes(4, "big"),
                              "SHA1": lambda: hashlib.sha1(data).digest(),
                              "SHA256": lambda: hashlib.sha256(data).digest()}[algorithm]()).decode()
    put = s3.put_object(Bucket=bucket, Key="a", Body=data, ChecksumAlgorithm=algorithm)
    assert put[member] == value
    head = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")
    assert head[member] == value and head["ChecksumType"] == "FULL_OBJECT"
    assert body_of(s3.get_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")) == data
    wrong = base64.b64encode(bytes(len(base64.b64decode(value)))).decode()
    with refused("BadDigest", f"The {algorithm} you specified did not match the calculated checksum."):
        s3.put_object(Bucket=bucket, Key="b", Body=data, **{member: wrong})
    with refused("NoSuchKey", status=404):
        s3.get_object(Bucket=bucket, Key="b")


def test_a_wrong_md5_is_refused(s3, bucket, refused):
    with refused("BadDigest", "The Content-MD5 you specified did not match what we received."):
        s3.put_object(Bucket=bucket, Key="a", Body=b"x", ContentMD5=base64.b64encode(bytes(16)).decode())
    with refused("InvalidDigest", "The Content-MD5 you specified was invalid."):
        s3.put_object(Bucket=bucket, Key="a", Body=b"x", ContentMD5="nonsense")


def test_many_objects_go_at_once(s3, bucket):
    for key in ("a", "b", "c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "not there"}]})
    assert sorted(d["Key"] for d in answer["Deleted"]) == ["a", "b", "not there"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["c"]
    assert "Deleted" not in s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "c"}], "Quiet": True})


def test_copies(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="from a", Body=b"text", ContentType="text/plain", Metadata={"who": "me"},
                  Tagging="k=v")
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from a"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(b"text").hexdigest()}"'
    head = s3.head_object(Bucket=bucket, Key="to")
    assert head["ContentType"] == "text/plain" and head["Metadata"] == {"who": "me"}
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "k", "Value": "v"}]
    s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from a", MetadataDirective="REPLACE",
                   Metadata={"new": "1"}, TaggingDirective="REPLACE", Tagging="")
    assert s3.head_object(Bucket=bucket, Key="to")["Metadata"] == {"new": "1"}
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == []
    with refused("InvalidRequest"):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/to")
    with refused("NoSuchKey", status=404):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/nothing")
    with refused("PreconditionFailed", status=412):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from a", CopySourceIfMatch="x")


# -- listings


def test_listings_with_prefix_and_delimiter(s3, bucket):
    for key in ("photos/2025/a", "photos/2026/b", "photos/c", "readme", "with space/ä"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    top = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [o["Key"] for o in top["Contents"]] == ["readme"]
    assert [p["Prefix"] for p in top["CommonPrefixes"]] == ["photos/", "with space/"]
    assert top["KeyCount"] == 3 and not top["IsTruncated"]
    photos = s3.list_objects(Bucket=bucket, Prefix="photos/", Delimiter="/")
    assert [o["Key"] for o in photos["Contents"]] == ["photos/c"]
    assert [p["Prefix"] for p in photos["CommonPrefixes"]] == ["photos/2025/", "photos/2026/"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, StartAfter="readme")["Contents"]] == ["with space/ä"]


@pytest.mark.parametrize("operation, member", [("list_objects", "Contents"), ("list_objects_v2", "Contents"),
                                               ("list_object_versions", "Versions")])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_pages(s3, bucket, operation, member, size):
    keys = sorted(f"{i % 3}/{i}" for i in range(10))
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": size})
    assert [entry["Key"] for page in pages for entry in page.get(member, [])] == keys
    folded = s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size})
    assert [p["Prefix"] for page in folded for p in page.get("CommonPrefixes", [])] == ["0/", "1/", "2/"]


# -- versions


def test_versions_and_delete_markers(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"null")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first = s3.put_object(Bucket=bucket, Key="a", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="a", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="a")
    assert marker["DeleteMarker"]
    with refused("NoSuchKey", status=404):
        s3.get_object(Bucket=bucket, Key="a")
    with refused("MethodNotAllowed", status=405):
        s3.get_object(Bucket=bucket, Key="a", VersionId=marker["VersionId"])
    assert body_of(s3.get_object(Bucket=bucket, Key="a", VersionId=first)) == b"1"
    assert body_of(s3.get_object(Bucket=bucket, Key="a", VersionId="null")) == b"null"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["VersionId"] for v in listed["Versions"]] == [second, first, "null"]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="a", VersionId=marker["VersionId"])
    assert body_of(s3.get_object(Bucket=bucket, Key="a")) == b"2"
    with refused("NoSuchVersion", status=404):
        s3.get_object(Bucket=bucket, Key="a", VersionId=marker["VersionId"])
    with refused("InvalidArgument", "Invalid version id specified"):
        s3.get_object(Bucket=bucket, Key="a", VersionId="nonsense")


# -- multipart uploads


PART = 5 << 20


def test_a_multipart_upload(s3, bucket, refused):
    parts = [os.urandom(PART), os.urandom(PART + 1), b"end"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ContentType="video/mp4")["UploadId"]
    etags = [s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=n, Body=data)["ETag"]
             for n, data in enumerate(parts, 1)]
    listed = s3.list_parts(Bucket=bucket, Key="big", UploadId=upload)["Parts"]
    assert [(p["PartNumber"], p["ETag"], p["Size"]) for p in listed] == [
        (n, etags[n - 1], len(parts[n - 1])) for n in (1, 2, 3)]
    assert [u["UploadId"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == [upload]
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="big", UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]})
    whole = b"".join(parts)
    digest = hashlib.md5(b"".join(hashlib.md5(p).digest() for p in parts)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    got = s3.get_object(Bucket=bucket, Key="big")
    assert body_of(got) == whole and got["ContentType"] == "video/mp4"
    second = s3.get_object(Bucket=bucket, Key="big", PartNumber=2)
    assert body_of(second) == parts[1] and second["PartsCount"] == 3
    edge = s3.get_object(Bucket=bucket, Key="big", Range=f"bytes={PART - 2}-{PART + 2}")
    assert body_of(edge) == whole[PART - 2:PART + 3]
    attributes = s3.get_object_attributes(Bucket=bucket, Key="big", ObjectAttributes=["ETag", "ObjectParts", "ObjectSize"])
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3 and attributes["ObjectSize"] == len(whole)
    with refused("NoSuchUpload", status=404):
        s3.list_parts(Bucket=bucket, Key="big", UploadId=upload)


def test_an_upload_with_what_does_not_fit_is_refused(s3, bucket, refused):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    where = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    etag = s3.upload_part(**where, PartNumber=1, Body=b"small")["ETag"]
    other = s3.upload_part(**where, PartNumber=2, Body=b"last")["ETag"]
    complete = lambda *parts: s3.complete_multipart_upload(  # noqa: E731
        **where, MultipartUpload={"Parts": [{"PartNumber": n, "ETag": e} for n, e in parts]})
    with refused("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size"):
        complete((1, etag), (2, other))
    with refused("InvalidPartOrder"):
        complete((2, other), (1, etag))
    with refused("InvalidPart"):
        complete((1, other))
    s3.abort_multipart_upload(**where)
    with refused("NoSuchUpload", status=404):
        s3.abort_multipart_upload(**where)


def test_a_part_may_be_copied(s3, bucket):
    data = os.urandom(PART + 100)
    s3.put_object(Bucket=bucket, Key="source", Body=data)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    first = s3.upload_part_copy(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, CopySource=f"{bucket}/source")
    second = s3.upload_part_copy(Bucket=bucket, Key="big", UploadId=upload, PartNumber=2, CopySource=f"{bucket}/source",
                                 CopySourceRange="bytes=10-19")
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": [
        {"PartNumber": 1, "ETag": first["CopyPartResult"]["ETag"]},
        {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}]})
    assert body_of(s3.get_object(Bucket=bucket, Key="big")) == data + data[10:20]


def test_the_transfer_manager_goes_both_ways(s3, bucket, tmp_path):
    data = os.urandom(20 << 20)
    s3.upload_fileobj(io.BytesIO(data), bucket, "file")
    s3.download_file(bucket, "file", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == data


# -- presigned URLs


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls(server, bucket, version):
    """Version 2 ("s3") is what boto3 signs URLs with in us-east-1 when it is not told otherwise."""
    s3 = server.client("s3", config=Config(signature_version=version))

    def ask(method, url, body=None, headers=None):
        parts = urllib.parse.urlsplit(url)
        return send(server, method, f"{parts.path}?{parts.query}", headers, body)

    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "a b", "ContentType": "text/plain"})
    assert ask("PUT", put, b"by url", {"Content-Type": "text/plain"})[0] == 200
    get = s3.generate_presigned_url("get_object", Params={
        "Bucket": bucket, "Key": "a b", "ResponseContentDisposition": 'attachment; filename="ä b"'})
    status, headers, body = ask("GET", get)
    assert (status, body, headers["Content-Type"]) == (200, b"by url", "text/plain")
    assert headers["Content-Disposition"].startswith("attachment")
    for method, url in (("GET", get.replace("a%20b", "other")), ("DELETE", get),
                        ("GET", get.replace("attachment", "inline"))):
        status, _, body = ask(method, url)
        assert status == 403 and b"<Code>SignatureDoesNotMatch</Code>" in body
    old = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b"}, ExpiresIn=-1 if version == "s3" else 1)
    if version == "s3v4":
        time.sleep(2.1)
    status, _, body = ask("GET", old)
    assert status == 403 and b"Request has expired" in body


# -- tags


def test_tags_of_objects_and_buckets(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=b"x", Tagging="one=1&two=2")
    assert s3.head_object(Bucket=bucket, Key="a")["TagCount"] == 2
    s3.put_object_tagging(Bucket=bucket, Key="a", Tagging={"TagSet": [{"Key": "three", "Value": "3"}]})
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == [{"Key": "three", "Value": "3"}]
    s3.delete_object_tagging(Bucket=bucket, Key="a")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == []
    with refused("BadRequest", "Object tags cannot be greater than 10"):
        s3.put_object_tagging(Bucket=bucket, Key="a",
                              Tagging={"TagSet": [{"Key": str(i), "Value": ""} for i in range(11)]})
    with refused("NoSuchTagSet", "The TagSet does not exist", status=404):
        s3.get_bucket_tagging(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "blue"}]


def test_everything_survives_kill_9(start_server):
    first = start_server()
    s3 = first.client("s3")
    s3.create_bucket(Bucket="kept")
    small, large = os.urandom(1000), os.urandom(1_000_000)
    s3.put_object(Bucket="kept", Key="small", Body=small)
    s3.put_object(Bucket="kept", Key="large", Body=large)
    first.kill()
    s3 = start_server(data=first.data).client("s3")
    assert body_of(s3.get_object(Bucket="kept", Key="small")) == small
    assert body_of(s3.get_object(Bucket="kept", Key="large")) == large


def test_rekognition_reads_images_from_buckets(server, s3, bucket, rekognition, refused):
    from pictures import astronaut

    s3.put_object(Bucket=bucket, Key="faces/a b.png", Body=astronaut())
    image = {"S3Object": {"Bucket": bucket, "Name": "faces/a b.png"}}
    (face,) = rekognition.detect_faces(Image=image)["FaceDetails"]
    assert face["Confidence"] > 90
    text = "Unable to get object metadata from S3. Check object key, region and/or access permissions."
    with refused("InvalidS3ObjectException", text):
        rekognition.detect_faces(Image={"S3Object": {"Bucket": bucket, "Name": "nothing"}})
    with refused("InvalidS3ObjectException", text):
        rekognition.detect_faces(Image={"S3Object": {"Bucket": "no-such-bucket", "Name": "nothing"}})


def test_an_error_names_what_it_is_about(s3, bucket):
    with pytest.raises(ClientError) as error:
        s3.get_object(Bucket=bucket, Key="missing")
    assert error.value.response["Error"]["Key"] == "missing"
