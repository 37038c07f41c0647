"""kill -9 at random moments while clients write through every service that stores something: collections and faces,
objects in S3 of every kind of size, items and their indexes in DynamoDB. After each restart, what was acknowledged is
there as it was, what was not is there whole or not at all, and every index agrees with what it indexes. 10 rounds; 100
with LIKENESS_LONG=1. LIKENESS_SEED repeats the choices of a run."""

import os
import random
import threading
import time
import uuid

import botocore.exceptions
import pytest
from pictures import astronaut

ROUNDS = int(os.environ.get("LIKENESS_KILLS", "100" if os.environ.get("LIKENESS_LONG") else "10"))
KIB = 1024


class Known:
    """What the server has said of each name. A write under way may have happened or not: both values are possible until
    the next look."""

    def __init__(self):
        self.possible = {}
        self.acknowledged = 0

    def begin(self, name, value):
        self.possible.setdefault(name, [None]).append(value)

    def done(self, name, value):
        self.possible[name] = [value]
        self.acknowledged += 1

    def check(self, name, value):
        assert value in self.possible.get(name, [None]), f"{name} is neither what was acknowledged nor what was on its way"
        self.possible[name] = [value]  # now it is settled

    def missing(self, there):
        for name in self.possible:
            if name not in there:
                self.check(name, None)


class Collections:
    """Collections made and deleted."""

    api, workers = "rekognition", 1

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        pass

    def write(self, client, worker, stop, rng):
        while not stop.is_set():
            name = f"c{worker}-{uuid.uuid4().hex[:8]}"
            self.known.begin(name, "there")
            client.create_collection(CollectionId=name)
            self.known.done(name, "there")
            if rng.random() < 0.5:
                self.known.begin(name, None)
                client.delete_collection(CollectionId=name)
                self.known.done(name, None)

    def check(self, client):
        there = {name for page in client.get_paginator("list_collections").paginate() for name in page["CollectionIds"]}
        there.discard(Faces.COLLECTION)
        for name in there:
            assert client.describe_collection(CollectionId=name)["FaceCount"] == 0
            self.known.check(name, "there")
        self.known.missing(there)


class Faces:
    """Faces indexed and deleted. A face is known by its external id; its own id only once it is acknowledged."""

    api, workers = "rekognition", 2
    COLLECTION = "kill"

    def __init__(self):
        self.known = Known()
        self.ids = {}

    def prepare(self, client):
        client.create_collection(CollectionId=self.COLLECTION)

    def write(self, client, worker, stop, rng):
        image = {"Bytes": astronaut()}
        while not stop.is_set():
            name = f"f{worker}-{uuid.uuid4().hex[:8]}"
            self.known.begin(name, "there")
            answer = client.index_faces(CollectionId=self.COLLECTION, Image=image, ExternalImageId=name)
            self.ids[name] = answer["FaceRecords"][0]["Face"]["FaceId"]
            self.known.done(name, "there")
            if rng.random() < 0.4:
                self.known.begin(name, None)
                client.delete_faces(CollectionId=self.COLLECTION, FaceIds=[self.ids[name]])
                self.known.done(name, None)

    def check(self, client):
        faces = [face for page in client.get_paginator("list_faces").paginate(CollectionId=self.COLLECTION)
                 for face in page["Faces"]]
        there = {face["ExternalImageId"]: face["FaceId"] for face in faces}
        assert len(there) == len(faces), "one image, one face"
        for face in faces:
            assert set(face) == {"FaceId", "BoundingBox", "ImageId", "ExternalImageId", "Confidence",
                                 "IndexFacesModelVersion"}
        for name, face_id in there.items():
            assert self.ids.setdefault(name, face_id) == face_id
            self.known.check(name, "there")
        self.known.missing(there)
        found = client.search_faces_by_image(CollectionId=self.COLLECTION, Image={"Bytes": astronaut()}, MaxFaces=4096,
                                             FaceMatchThreshold=0)["FaceMatches"] if faces else []
        assert {match["Face"]["FaceId"] for match in found} == set(there.values()), "the index agrees with the store"
        assert all(match["Similarity"] > 99 for match in found), "no vector is half"


def content(seed, size):
    return random.Random(seed).randbytes(size)


class Objects:
    """Objects put, put over, uploaded in parts, copied and deleted; sizes on both sides of where bytes get a file."""

    api, workers = "s3", 2
    SIZES = (0, 10, 3 * KIB, 100 * KIB, 128 * KIB, 129 * KIB, 700 * KIB)

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        client.create_bucket(Bucket="kill")

    def write(self, client, worker, stop, rng):
        while not stop.is_set():
            key = f"{worker}/{rng.randrange(12)}"
            seed, size, act = rng.randrange(1 << 30), rng.choice(self.SIZES), rng.random()
            if act < 0.6:
                self.known.begin(key, (seed, size))
                client.put_object(Bucket="kill", Key=key, Body=content(seed, size), Metadata={"is": f"{seed} {size}"})
                self.known.done(key, (seed, size))
            elif act < 0.7:
                size = 5 * KIB * KIB + 1000
                upload = client.create_multipart_upload(Bucket="kill", Key=key, Metadata={"is": f"{seed} {size}"})["UploadId"]
                body, parts = content(seed, size), []
                for number, part in enumerate((body[:5 * KIB * KIB], body[5 * KIB * KIB:]), 1):
                    answer = client.upload_part(Bucket="kill", Key=key, UploadId=upload, PartNumber=number, Body=part)
                    parts.append({"PartNumber": number, "ETag": answer["ETag"]})
                self.known.begin(key, (seed, size))
                client.complete_multipart_upload(Bucket="kill", Key=key, UploadId=upload, MultipartUpload={"Parts": parts})
                self.known.done(key, (seed, size))
            else:
                self.known.begin(key, None)
                client.delete_object(Bucket="kill", Key=key)
                self.known.done(key, None)

    def check(self, client):
        listed = {entry["Key"]: entry for page in client.get_paginator("list_objects_v2").paginate(Bucket="kill")
                  for entry in page.get("Contents", [])}
        for key, entry in listed.items():
            answer = client.get_object(Bucket="kill", Key=key)
            seed, size = map(int, answer["Metadata"]["is"].split())
            body = answer["Body"].read()
            assert body == content(seed, size), f"{key} has other bytes than its metadata says"
            assert (entry["Size"], entry["ETag"]) == (size, answer["ETag"]), "the listing agrees with the object"
            self.known.check(key, (seed, size))
        for key in self.known.possible:
            if key not in listed:
                with pytest.raises(botocore.exceptions.ClientError) as gone:
                    client.head_object(Bucket="kill", Key=key)
                assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
        self.known.missing(listed)


class Items:
    """Items of a table with a global and a local index: put, updated, deleted, and pairs written in transactions."""

    api, workers = "dynamodb", 2

    def __init__(self):
        self.known = Known()

    def prepare(self, client):
        text = [{"AttributeName": name, "AttributeType": "S"} for name in ("p", "s", "group")]
        both = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
        every = {"ProjectionType": "ALL"}
        client.create_table(
            TableName="kill", AttributeDefinitions=text, KeySchema=both, BillingMode="PAY_PER_REQUEST",
            GlobalSecondaryIndexes=[{"IndexName": "groups", "Projection": every, "KeySchema": [
                {"AttributeName": "group", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]}],
            LocalSecondaryIndexes=[{"IndexName": "local", "Projection": every, "KeySchema": [
                {"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "group", "KeyType": "RANGE"}]}])

    @staticmethod
    def item(p, s, number):
        return {"p": {"S": p}, "s": {"S": s}, "group": {"S": f"g{number % 5}"}, "number": {"N": str(number)},
                "filling": {"S": "x" * (number % 3000)}}

    def write(self, client, worker, stop, rng):
        p = f"worker{worker}"
        while not stop.is_set():
            s, number, act = str(rng.randrange(20)), rng.randrange(1 << 30), rng.random()
            if act < 0.5:
                self.known.begin((p, s), number)
                client.put_item(TableName="kill", Item=self.item(p, s, number))
                self.known.done((p, s), number)
            elif act < 0.75:
                self.known.begin((p, s), None)
                client.delete_item(TableName="kill", Key={"p": {"S": p}, "s": {"S": s}})
                self.known.done((p, s), None)
            else:
                # Two partitions; each pair has one number, so a half of a transaction shows.
                pair = [(f"{p}-a", s), (f"{p}-b", s)]
                for name in pair:
                    self.known.begin(name, number)
                client.transact_write_items(TransactItems=[
                    {"Put": {"TableName": "kill", "Item": self.item(*name, number)}} for name in pair])
                for name in pair:
                    self.known.done(name, number)

    @staticmethod
    def scan(client, **index):
        found = {}
        for page in client.get_paginator("scan").paginate(TableName="kill", **index):
            for item in page["Items"]:
                found[item["p"]["S"], item["s"]["S"]] = item
        return found

    def check(self, client):
        items = self.scan(client)
        for name, item in items.items():
            number = int(item["number"]["N"])
            assert item == self.item(*name, number), f"{name} is there by half"
            self.known.check(name, number)
        self.known.missing(items)
        for p, s in items:
            if p.endswith(("-a", "-b")):
                other = items.get((p[:-1] + ("b" if p.endswith("a") else "a"), s))
                assert other and other["number"] == items[p, s]["number"], "a transaction is there by half"
        for index in ("groups", "local"):
            assert self.scan(client, IndexName=index) == items, f"the index {index} agrees with the table"


def has_service(server, name, operation):
    try:
        getattr(server.client(name), operation)()
        return True
    except botocore.exceptions.ClientError:
        return False


def test_kill_9_amid_writes_of_every_service(start_server):
    seed = int(os.environ.get("LIKENESS_SEED", "0")) or random.randrange(1 << 30)
    print("LIKENESS_SEED", seed)
    rng = random.Random(seed)
    running = start_server()
    again = {"data": running.data, "listen": f"{running.host}:{running.port}"}  # so the clients stay of use
    services = [Collections(), Faces()]
    if has_service(running, "s3", "list_buckets"):
        services.append(Objects())
    if has_service(running, "dynamodb", "list_tables"):
        services.append(Items())
    clients = {service: [running.client(service.api) for _ in range(service.workers)] for service in services}
    for service in services:
        service.prepare(clients[service][0])
    for _ in range(ROUNDS):
        stop, failures = threading.Event(), []

        def work(service, worker, choices):
            try:
                service.write(clients[service][worker], worker, stop, choices)
            except Exception as error:
                if not stop.is_set():
                    failures.append(error)

        threads = [threading.Thread(target=work, args=(service, worker, random.Random(rng.random())))
                   for service in services for worker in range(service.workers)]
        for thread in threads:
            thread.start()
        # Sometimes while the first requests arrive, mostly amid writes of all: faces begin when the models are loaded.
        if rng.random() < 0.7:
            before = {service: service.known.acknowledged for service in services}
            until = time.monotonic() + 60
            while any(service.known.acknowledged == before[service] for service in services) and not failures:
                assert time.monotonic() < until, "the server stores nothing"
                time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.7))
        stop.set()
        running.kill()
        for thread in threads:
            thread.join()
        assert not failures, failures
        running = start_server(**again)
        for service in services:
            service.check(clients[service][0])
    for service in services:
        assert service.known.acknowledged >= ROUNDS / 3, f"{type(service).__name__} worked while the server was killed"
