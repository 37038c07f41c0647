"""Writers for every service that stores something, which keep account of what the server acknowledged, and checks that
compare all of it with what a server has."""

import base64
import contextlib
import datetime
import hashlib
import io
import json
import random
import threading
import time
import uuid
import zipfile

import boto3
import botocore.exceptions
import lambda_tools
import pytest
from pictures import astronaut

KIB = 1024


class Known:
    """What was written to each name, and when: value, begun, acknowledged. Each name has one writer."""

    def __init__(self):
        self.writes = {}
        self.acknowledged = 0
        self.refused = 0

    @contextlib.contextmanager
    def write(self, name, value):
        """A write of `value` (None: removed) is under way inside, and acknowledged at its end. An error that the server
        answers with means that nothing was done; any other, that nobody knows."""
        self.writes.setdefault(name, [(None, 0, 0)])
        under_way = (value, time.monotonic(), None)
        self.writes[name].append(under_way)
        try:
            yield
        except botocore.exceptions.ClientError:
            self.refused += 1
            self.writes[name].remove(under_way)
            raise
        self.writes[name][-1] = (value, under_way[1], time.monotonic())
        self.acknowledged += 1

    def possible(self, name, since, until):
        """What `name` may be at a moment between `since` and `until`."""
        writes = self.writes.get(name, [(None, 0, 0)])
        first = max(i for i, (_, _, done) in enumerate(writes) if done is not None and done <= since)
        return [value for value, begun, _ in writes[first:] if begun <= until]

    def check(self, there, since, until):
        """`there` is everything that is there, by name."""
        for name in {*self.writes, *there}:
            assert there.get(name) in self.possible(name, since, until), \
                f"{name} is neither what was acknowledged nor what was on its way"

    def newest(self, there):
        """When the latest write that shows in `there` had begun: no moment before that can be what is there."""
        return max((begun for name, value in there.items() for written, begun, _ in self.writes[name]
                    if written == value), default=0)

    def settle(self, there):
        """Nothing is under way any more: what is there is what counts from now on."""
        for name in self.writes:
            self.writes[name] = [(there.get(name), 0, 0)]


class Collections:
    """Collections made and deleted."""

    api, workers = "rekognition", 1

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        pass

    def write_one(self, client, worker, rng):
        name = f"c{worker}-{uuid.UUID(int=rng.getrandbits(128)).hex[:8]}"
        with self.known.write(name, "there"):
            client.create_collection(CollectionId=name)
        if rng.random() < 0.5:
            with self.known.write(name, None):
                client.delete_collection(CollectionId=name)

    def read(self, client):
        names = {name for page in client.get_paginator("list_collections").paginate() for name in page["CollectionIds"]}
        names.discard(Faces.COLLECTION)
        for name in names:
            assert client.describe_collection(CollectionId=name)["FaceCount"] == 0
        return dict.fromkeys(names, "there")


class Faces:
    """Faces indexed and deleted. A face is known by its external id; its own id only once it is acknowledged."""

    api, workers = "rekognition", 2
    COLLECTION = "mixed"

    def __init__(self):
        self.known = Known()
        self.ids = {}

    def prepare(self, client):
        client.create_collection(CollectionId=self.COLLECTION)

    def write_one(self, client, worker, rng):
        name = f"f{worker}-{uuid.UUID(int=rng.getrandbits(128)).hex[:8]}"
        with self.known.write(name, "there"):
            answer = client.index_faces(CollectionId=self.COLLECTION, Image={"Bytes": astronaut()}, ExternalImageId=name)
            self.ids[name] = answer["FaceRecords"][0]["Face"]["FaceId"]
        if rng.random() < 0.4:
            with self.known.write(name, None):
                client.delete_faces(CollectionId=self.COLLECTION, FaceIds=[self.ids[name]])

    def read(self, client):
        faces = [face for page in client.get_paginator("list_faces").paginate(CollectionId=self.COLLECTION)
                 for face in page["Faces"]]
        there = {face["ExternalImageId"]: face["FaceId"] for face in faces}
        assert len(there) == len(faces), "one image, one face"
        for face in faces:
            assert set(face) == {"FaceId", "BoundingBox", "ImageId", "ExternalImageId", "Confidence",
                                 "IndexFacesModelVersion"}
        for name, face_id in there.items():
            assert self.ids.setdefault(name, face_id) == face_id
        found = client.search_faces_by_image(CollectionId=self.COLLECTION, Image={"Bytes": astronaut()}, MaxFaces=4096,
                                             FaceMatchThreshold=0)["FaceMatches"] if faces else []
        assert {match["Face"]["FaceId"] for match in found} == set(there.values()), "the index agrees with the store"
        assert all(match["Similarity"] > 99 for match in found), "no vector is half"
        return dict.fromkeys(there, "there")


def content(seed, size):
    return random.Random(seed).randbytes(size)


class Objects:
    """Objects put, put over, uploaded in parts and deleted; sizes on both sides of where bytes get a file."""

    api, workers = "s3", 2
    SIZES = (0, 10, 3 * KIB, 100 * KIB, 128 * KIB, 129 * KIB, 700 * KIB)
    BUCKET = "mixed"

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        client.create_bucket(Bucket=self.BUCKET)

    def write_one(self, client, worker, rng):
        key = f"{worker}/{rng.randrange(12)}"
        seed, size, act = rng.randrange(1 << 30), rng.choice(self.SIZES), rng.random()
        if act < 0.6:
            with self.known.write(key, (seed, size)):
                client.put_object(Bucket=self.BUCKET, Key=key, Body=content(seed, size), Metadata={"is": f"{seed} {size}"})
        elif act < 0.7:
            size = 5 * KIB * KIB + 1000
            upload = {"Bucket": self.BUCKET, "Key": key}
            upload["UploadId"] = client.create_multipart_upload(**upload, Metadata={"is": f"{seed} {size}"})["UploadId"]
            body, parts = content(seed, size), []
            for number, part in enumerate((body[:5 * KIB * KIB], body[5 * KIB * KIB:]), 1):
                answer = client.upload_part(**upload, PartNumber=number, Body=part)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            with self.known.write(key, (seed, size)):
                client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        else:
            with self.known.write(key, None):
                client.delete_object(Bucket=self.BUCKET, Key=key)

    def read(self, client):
        there = {}
        listed = {entry["Key"]: entry for page in client.get_paginator("list_objects_v2").paginate(Bucket=self.BUCKET)
                  for entry in page.get("Contents", [])}
        for key, entry in listed.items():
            answer = client.get_object(Bucket=self.BUCKET, Key=key)
            seed, size = map(int, answer["Metadata"]["is"].split())
            assert answer["Body"].read() == content(seed, size), f"{key} has other bytes than its metadata says"
            assert (entry["Size"], entry["ETag"]) == (size, answer["ETag"]), "the listing agrees with the object"
            there[key] = seed, size
        for key in self.known.writes:
            if key not in listed:
                with pytest.raises(botocore.exceptions.ClientError) as gone:
                    client.head_object(Bucket=self.BUCKET, Key=key)
                assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        return there


class Items:
    """Items of a table with a global and a local index: put, deleted, and pairs written in transactions."""

    api, workers = "dynamodb", 2
    TABLE = "mixed"

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        text = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s", "group")]
        both = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
        every = {"ProjectionType": "ALL"}
        client.create_table(
            TableName=self.TABLE, AttributeDefinitions=text, KeySchema=both, BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[{"IndexName": "groups", "Projection": every, "KeySchema": [
                {"AttributeName": "group", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]}],
            LocalSecondaryIndexes=[{"IndexName": "local", "Projection": every, "KeySchema": [
                {"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "group", "KeyType": "RANGE"}]}])

    @staticmethod
    def item(p, s, number):
        return {"p": {"S": p}, "s": {"S": s}, "group": {"S": f"g{number % 5}"}, "number": {"N": str(number)},
                "filling": {"S": "x" * (number % 3000)}}

    def write_one(self, client, worker, rng):
        p = f"worker{worker}"
        s, number, act = str(rng.randrange(20)), rng.randrange(1 << 30), rng.random()
        if act < 0.5:
            with self.known.write((p, s), number):
                client.put_item(TableName=self.TABLE, Item=self.item(p, s, number))
        elif act < 0.75:
            with self.known.write((p, s), None):
                client.delete_item(TableName=self.TABLE, Key={"p": {"S": p}, "s": {"S": s}})
        else:
            # Two partitions; each pair has one number, so that a half of a transaction shows.
            one, other = (f"{p}-a", s), (f"{p}-b", s)
            with self.known.write(one, number), self.known.write(other, number):
                client.transact_write_items(TransactItems=[
                    {"Put": {"TableName": self.TABLE, "Item": self.item(*name, number)}} for name in (one, other)])

    def scan(self, client, **index):
        found = {}
        for page in client.get_paginator("scan").paginate(TableName=self.TABLE, **index):
            for item in page["Items"]:
                found[item["p"]["S"], item["s"]["S"]] = item
        return found

    def read(self, client):
        items = self.scan(client)
        there = {name: int(item["number"]["N"]) for name, item in items.items()}
        for name, item in items.items():
            assert item == self.item(*name, there[name]), f"{name} is there by half"
        for p, s in items:
            if p.endswith(("-a", "-b")):
                other = p[:-1] + ("b" if p.endswith("a") else "a")
                assert there.get((other, s)) == there[p, s], "a transaction is there by half"
        for index in ("groups", "local"):
            assert self.scan(client, IndexName=index) == items, f"the index {index} agrees with the table"
        return there


class Lines:
    """Batches of lines put into log streams. A batch is one call, so it is there whole or not at all."""

    api, workers = "logs", 2
    GROUP = "mixed"

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        client.create_log_group(logGroupName=self.GROUP)
        for worker in range(self.workers):
            client.create_log_stream(logGroupName=self.GROUP, logStreamName=str(worker))

    def write_one(self, client, worker, rng):
        name, count = uuid.UUID(int=rng.getrandbits(128)).hex[:12], rng.choice((1, 3, 200))
        now = int(time.time() * 1000)
        with self.known.write(name, count):
            client.put_log_events(logGroupName=self.GROUP, logStreamName=str(worker), logEvents=[
                {"timestamp": now + i, "message": f"{name} {i} " + "x" * (i * 37 % 500)} for i in range(count)])

    def read(self, client):
        lines = {}
        for worker in range(self.workers):
            token, times = {}, []
            while True:
                page = client.get_log_events(logGroupName=self.GROUP, logStreamName=str(worker), startFromHead=True, **token)
                if not page["events"]:
                    break
                token = {"nextToken": page["nextForwardToken"]}
                for event in page["events"]:
                    name, number, filling = event["message"].split(" ")
                    assert filling == "x" * (int(number) * 37 % 500), "a line is there by half"
                    lines.setdefault(name, []).append(int(number))
                    times.append(event["timestamp"])
            assert times == sorted(times)
        for name, numbers in lines.items():
            assert numbers == list(range(len(numbers))), f"a batch is there by half or twice: {name}"
        return {name: len(numbers) for name, numbers in lines.items()}


class Measurements:
    """Data of metrics, each of a metric of its own."""

    api, workers = "cloudwatch", 2
    NAMESPACE = "Mixed"

    def __init__(self):
        self.known = Known()
        self.begun = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=2)

    def prepare(self, client):
        pass

    def write_one(self, client, worker, rng):
        name, value = f"m{worker}-{uuid.UUID(int=rng.getrandbits(128)).hex[:8]}", rng.randrange(1 << 30)
        with self.known.write(name, value):
            client.put_metric_data(Namespace=self.NAMESPACE, MetricData=[{"MetricName": name, "Value": value}])

    def read(self, client):
        names = [metric["MetricName"] for page in client.get_paginator("list_metrics").paginate(Namespace=self.NAMESPACE)
                 for metric in page["Metrics"]]
        there = {}
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
        for first in range(0, len(names), 100):
            some = names[first:first + 100]
            answer = client.get_metric_data(StartTime=self.begun, EndTime=end, MetricDataQueries=[
                {"Id": f"q{i}", "MetricStat": {"Metric": {"Namespace": self.NAMESPACE, "MetricName": name}, "Period": 60, "Stat": "Sum"}}
                for i, name in enumerate(some)])
            for result in answer["MetricDataResults"]:
                assert len(result["Values"]) == 1, "a metric without its data, or with data twice"
                there[some[int(result["Id"][1:])]] = int(result["Values"][0])
        assert len(there) == len(names)
        return there


class Functions:
    """Functions: made, given new code, deleted. What one is shows in the digest of its code."""

    api, workers = "lambda", 1

    def __init__(self):
        self.known = Known()
        self.numbers = {}  # by digest
        self.role = None

    def prepare(self, client):
        credentials = client._request_signer._credentials
        iam = boto3.client("iam", region_name="us-east-1", endpoint_url=client.meta.endpoint_url,
                           aws_access_key_id=credentials.access_key, aws_secret_access_key=credentials.secret_key)
        self.role = iam.create_role(RoleName="mixed", AssumeRolePolicyDocument=json.dumps(lambda_tools.TRUST))["Role"]["Arn"]

    def package(self, number):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(zipfile.ZipInfo("index.py"), f"def handler(event, context): return {number}\n")
        self.numbers[base64.b64encode(hashlib.sha256(out.getvalue()).digest()).decode()] = number
        return out.getvalue()

    def write_one(self, client, worker, rng):
        name, number = f"f{worker}-{rng.randrange(10)}", rng.randrange(1 << 30)
        there = self.known.writes.get(name, [(None, 0, 0)])[-1][0] is not None
        if not there:
            with self.known.write(name, number):
                client.create_function(FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=self.role,
                                       Code={"ZipFile": self.package(number)})
        elif rng.random() < 0.7:
            with self.known.write(name, number):
                client.update_function_code(FunctionName=name, ZipFile=self.package(number), Publish=True)
        else:
            with self.known.write(name, None):
                client.delete_function(FunctionName=name)

    def read(self, client):
        there = {}
        for page in client.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                there[function["FunctionName"]] = self.numbers[function["CodeSha256"]]
        return there


class MixedWrites:
    """Everything at once. Its clients keep the address of `server`: start later ones with `listen=mixed.listen`."""

    def __init__(self, server):
        self.listen = f"{server.host}:{server.port}"
        self.services = [service() for service in (Collections, Faces, Objects, Items, Lines, Measurements, Functions)]
        self.clients = {service: [server.client(service.api) for _ in range(service.workers)]
                        for service in self.services}
        for service in self.services:
            service.prepare(self.clients[service][0])

    def start(self, rng, *, on_refusal=None):
        """Starts all writers. `on_refusal(error)` says whether an error of the server is one to bear."""
        self.stopping, self.failures = threading.Event(), []
        self.begun = {service: service.known.acknowledged for service in self.services}

        def work(service, worker, choices):
            try:
                while not self.stopping.is_set():
                    try:
                        service.write_one(self.clients[service][worker], worker, choices)
                    except botocore.exceptions.ClientError as error:
                        if on_refusal is None or not on_refusal(error):
                            raise
            except Exception as error:
                if not self.stopping.is_set():
                    self.failures.append(error)

        self.threads = [threading.Thread(target=work, args=(service, worker, random.Random(rng.random())))
                        for service in self.services for worker in range(service.workers)]
        for thread in self.threads:
            thread.start()

    def wait_for_all(self):
        """Until every service has acknowledged something."""
        until = time.monotonic() + 60
        while any(service.known.acknowledged == self.begun[service] for service in self.services):
            assert not self.failures, self.failures
            assert time.monotonic() < until, "the server stores nothing"
            time.sleep(0.005)

    def stop(self, kill=None):
        self.stopping.set()
        if kill:
            kill()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures

    def check(self):
        """Compares all that the server has with what it must have now that nothing is under way."""
        now = time.monotonic()
        for service in self.services:
            there = service.read(self.clients[service][0])
            service.known.check(there, now, now)
            service.known.settle(there)

    def check_moment(self, server, since, until):
        """All that `server` has must be everything as it was at one moment between `since` and `until`."""
        there = {service: service.read(server.client(service.api)) for service in self.services}
        since = max(since, *(service.known.newest(there[service]) for service in self.services))
        for service in self.services:
            service.known.check(there[service], since, until)
